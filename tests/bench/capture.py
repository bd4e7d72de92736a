"""Grab + lossless PNG + base64 of a private desktop, beside the floor and beside the usual ways, in the same run."""

import asyncio
import base64
import io
import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from rich.table import Table

from env.folder import WorldFolder
from env.sandbox import Sandbox
from env.session import Session
from tests.bench.timing import milliseconds, p50, sample, table
from tools.base import Frame
from tools.geometry import Size
from tools.screen import Screen

if TYPE_CHECKING:
    from mss import MSS

_TIMES = 40
_SIZE = Size(1280, 720)


async def captures() -> Table:
    """Ours against: the floor (shared-memory grab and ISA-L deflate, nothing else), mss + Pillow, mss's own PNG."""
    folder = WorldFolder.take()
    sandbox = await Sandbox.start(folder)
    session = None
    try:
        session = await Session.start(sandbox, _SIZE, desktop=True)
        await sandbox.spawn(["mousepad"], session.environment)
        await sandbox.spawn(["pcmanfm", "/home/user"], session.environment)
        await asyncio.sleep(0.4 * 5)
        os.environ.update(session.outside)
        return await _compare(session.display)
    finally:
        await sandbox.close()
        if session is not None:
            session.close()
        folder.remove()


async def _compare(display: str) -> Table:
    import mss

    screen = Screen(display)
    raw = mss.MSS(display=display)
    rivals: dict[str, Callable[[], Awaitable[bytes]]] = {
        "floor: XShm grab, ISA-L deflate, base64": lambda: _floor(raw),
        "surehand: tools.screen, base64": lambda: _ours(screen),
        "mss.tools.to_png, base64": lambda: _mss_png(raw),
        "mss, Pillow PNG (as most agents do), base64": lambda: _pillow(raw),
    }
    found: dict[str, float] = {}
    sizes: dict[str, int] = {}
    for name, call in rivals.items():
        sizes[name] = len(await call())
        found[name] = p50(await sample(call, _TIMES))
    screen.close()
    raw.close()
    floor = min(found.values())
    made = table(
        f"Capture at 1280x720, median of {_TIMES} (ms; target: within 3x of the floor)", "way", "ms", "kB", "x floor"
    )
    for name, seconds in found.items():
        made.add_row(name, milliseconds(seconds), f"{sizes[name] / 1000:.0f}", f"{seconds / floor:.1f}")
    return made


async def _ours(screen: Screen) -> bytes:
    frame: Frame = await screen.grab()
    return base64.b64encode(frame.png)


async def _floor(raw: "MSS") -> bytes:
    """No filter, no pointer, no thread: what no lossless PNG can be faster than here."""
    from isal import isal_zlib

    shot = raw.grab(raw.monitors[0])
    return base64.b64encode(isal_zlib.compress(shot.raw, 1))


async def _mss_png(raw: "MSS") -> bytes:
    import mss.tools

    shot = raw.grab(raw.monitors[0])
    return base64.b64encode(mss.tools.to_png(shot.rgb, shot.size) or b"")


async def _pillow(raw: "MSS") -> bytes:
    from PIL import Image

    shot = raw.grab(raw.monitors[0])
    file = io.BytesIO()
    Image.frombytes("RGB", shot.size, shot.rgb).save(file, "PNG")
    return base64.b64encode(file.getvalue())
