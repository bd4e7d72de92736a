"""A display seen and worked from outside: a process of its own, because pyautogui binds to one display for good."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from env.base import Deed, Window, Witnessed
from env.world import Look
from tools.actions import BrowserAction, ComputerAction, Outcome
from tools.base import Frame
from tools.errors import EnvError
from tools.geometry import Point, Rect, Size

_LONGEST_ANSWER = 60.0
_ROOT = Path(__file__).resolve().parent.parent
_KEEP = str(64 << 20)
_MEMORY = {"MALLOC_MMAP_THRESHOLD_": _KEEP, "MALLOC_TRIM_THRESHOLD_": _KEEP}
"""glibc (mallopt(3)) would give the 22 MB that a picture of 1920x1080 takes back to the kernel after each, which has
to clear them again for the next: 16 ms a picture instead of 6."""


class Display:
    """The keeper's end of a worker process (env/worker.py): one order at a time, answered in turn."""

    def __init__(self, process: asyncio.subprocess.Process, size: Size) -> None:
        self._process, self.size = process, size
        self._turn = asyncio.Lock()

    @classmethod
    async def launch(cls, size: Size) -> "Display":
        """Starts the worker before its display is there, so that it can load meanwhile; `open` must follow."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "env.worker", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            limit=1 << 26, env=worker_environment(), cwd=_ROOT,
        )  # fmt: skip
        return cls(process, size)

    async def open(self, display: Mapping[str, str]) -> None:
        """Binds the worker to a display given by DISPLAY and XAUTHORITY. Raises EnvError."""
        await self._order("open", environment=dict(display))

    async def look(self, quiet: float, limit: float, since: float = 0.0) -> Look:
        """Settles (seconds) and grabs. Raises EnvError.

        `since` is when somebody else gave the last input, by `time.monotonic`, which all processes of a machine share.
        """
        said, png = await self._order("look", quiet=quiet, limit=limit, since=since)
        return Look(Frame(png, Size(*said["size"])), said["settled"], said["waited"])

    async def act(self, action: ComputerAction | BrowserAction) -> Outcome:
        """Does one action. Raises EnvError."""
        said, _ = await self._order("act", action=action.model_dump(mode="json"), size=self.size)
        return Outcome.model_validate(said["outcome"])

    async def release(self) -> None:
        """Lets go of keys and buttons."""
        await self._order("release")

    async def windows(self) -> tuple[Window, ...]:
        """Top-level windows, the lowest first."""
        said, _ = await self._order("windows")
        return tuple(
            Window(title=w["title"], app=w["app"], rect=Rect(*w["rect"]), active=w["active"]) for w in said["windows"]
        )

    async def pointer(self) -> Point:
        """Where the mouse pointer is."""
        said, _ = await self._order("pointer")
        return Point(*said["pointer"])

    async def watch(self) -> None:
        """Begins to watch what a person does there. Raises EnvError where that cannot be seen."""
        await self._order("watch")

    async def deed(self, *, finish: bool) -> Witnessed:
        """What the person did next (env.watching). Raises EnvError."""
        said, png = await self._order("deed", finish=finish)
        return Witnessed(Deed.model_validate(said["deed"]) if said["deed"] else None, png, said["over"])

    @property
    def alive(self) -> bool:
        """Whether the worker runs."""
        return self._process.returncode is None

    async def close(self) -> None:
        """Ends the worker; may be called twice."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    async def _order(self, do: str, **words: Any) -> tuple[dict[str, Any], bytes]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        async with self._turn:
            try:
                async with asyncio.timeout(_LONGEST_ANSWER):
                    stdin.write(json.dumps({"do": do, **words}).encode() + b"\n")
                    await stdin.drain()
                    said = json.loads(await stdout.readline())
                    blob = await stdout.readexactly(said.pop("bytes", 0))
            except (OSError, ValueError, asyncio.IncompleteReadError, TimeoutError) as error:
                await self.close()
                raise EnvError(f"the display's worker is gone ({type(error).__name__} during {do})") from None
        if "error" in said:
            raise EnvError(said["error"])
        return said, blob


def worker_environment() -> dict[str, str]:
    """What a worker may inherit: nothing that names another display. It keeps its memory between pictures."""
    return {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "XAUTHORITY", "WAYLAND_DISPLAY")} | _MEMORY
