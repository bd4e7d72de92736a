"""The process that works one display: hands by pyautogui, eyes by mss. Obeys its keeper over stdin and stdout.

An order is one JSON line; the answer is one JSON line and, where it says `bytes`, that many bytes of PNG.
"""

import asyncio
import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any, BinaryIO

from env.settle import pause, settle
from tools.actions import ACTION, Wait
from tools.errors import EnvError
from tools.geometry import Size

if TYPE_CHECKING:
    from env.watching import Watcher


class Worker:
    """Eyes, hands and the clock of changes of one display."""

    def __init__(self, environment: dict[str, str]) -> None:
        os.environ.update(environment)
        from env.windows import Windows
        from tools.desktop import Desktop
        from tools.screen import DamageClock, Screen

        display = environment["DISPLAY"]
        self._eyes, self._changes, self._hands = Screen(display), DamageClock(display), Desktop()
        self._windows, self._display = Windows(display), display
        self._last_input = 0.0
        self._watcher: Watcher | None = None

    async def look(self, order: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """Settles and grabs."""
        since = max(self._last_input, order["since"])
        rest = await settle(self._changes, since, quiet=order["quiet"], limit=order["limit"])
        frame = await self._eyes.grab()
        return {"size": frame.size, **rest._asdict()}, frame.png

    async def act(self, order: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """Does one action."""
        action = ACTION.validate_python(order["action"])
        if isinstance(action, Wait):
            await pause(action.time)
        outcome = await self._hands.do(action, Size(*order["size"]))
        self._last_input = time.monotonic()
        return {"outcome": outcome.model_dump(mode="json")}, b""

    async def release(self, order: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """Lets go of keys and buttons."""
        await self._hands.release()
        return {}, b""

    async def windows(self, order: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """Lists the windows."""
        return {"windows": self._windows.list()}, b""

    async def pointer(self, order: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """Tells where the pointer is."""
        return {"pointer": self._windows.pointer()}, b""

    async def watch(self, order: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """Begins to watch what a person does; the pointer is left out of those pictures: it would tell the target."""
        from env.watching import Watcher
        from env.windows import Windows
        from tools.screen import Screen
        from tools.witness_x11 import XWitness

        loop = asyncio.get_running_loop()
        watcher = self._watcher = Watcher(Screen(self._display, pointer=False), self._changes, terminal=True)
        await watcher.open()
        self._witness = XWitness(
            self._display, lambda event: loop.call_soon_threadsafe(watcher.take, event),
            lambda: loop.call_soon_threadsafe(watcher.end), Windows(self._display).about,
        )  # fmt: skip
        return {}, b""

    async def deed(self, order: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """Tells what the person did next."""
        if self._watcher is None:
            raise EnvError("nobody watches this display")
        deed, png, over = await self._watcher.next(finish=order["finish"])
        return {"deed": deed and deed.model_dump(mode="json"), "over": over}, png


async def obey(orders: BinaryIO, answers: BinaryIO) -> None:
    """Until stdin ends."""
    worker: Worker | None = None
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, orders.readline):
        order = json.loads(line)
        said: dict[str, Any] = {}
        blob = b""
        try:
            if order["do"] == "open":
                worker = Worker(order["environment"])
            else:
                said, blob = await getattr(worker, order["do"])(order)
        except EnvError as error:
            said = {"error": str(error)}
        answers.write(json.dumps({**said, "bytes": len(blob)}).encode() + b"\n" + blob)
        answers.flush()


def main() -> None:
    """Keeps stdout for answers alone: whatever a library prints goes to stderr."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    import PIL.Image  # noqa: F401  loaded while the display starts

    asyncio.run(obey(sys.stdin.buffer, answers))


if __name__ == "__main__":
    main()
