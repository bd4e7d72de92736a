"""The display of the person who runs surehand as a world: seen and worked as it is, with nothing started or cleared.

Nobody can be kept out of it, so it watches for them: where the pointer is not where it was left, nothing is done, and
the next look says that a person is at work.
"""

import contextlib
import errno
import math
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from env.allow import Border
from env.base import Process, Window, Witnessed
from env.display import Display
from env.facts import SandboxFacts
from env.folder import WorldFolder
from env.hiding import hiding
from env.sandbox import Sandbox
from env.setup import SetupStep
from env.site import Site
from env.vault import Place
from env.world import Look, WorldSpec
from tools.actions import BrowserAction, ComputerAction, Outcome
from tools.errors import EnvError, ScenarioError
from tools.geometry import Point, Rect, Size

FAR = 4
"""Pixels that a pointer may have moved by itself: a table that is pushed, a click that snaps to something."""


class PresentDisplay:
    """The display that DISPLAY and XAUTHORITY name, whose size is its own. No setup step can be done there."""

    def __init__(self, spec: WorldSpec, folder: WorldFolder) -> None:
        self._spec, self._border = spec, Border(spec.allow)
        self._display: Display | None = None
        self._pointer: Point | None = None
        self._since = 0.0
        self._secretive: set[str] = set()
        self.facts = PresentFacts(self._open, self._border)

    def describe(self) -> dict[str, str]:
        """That nothing is kept apart."""
        return {"kind": "display", "isolation": "none: this is your own display", "display": os.environ["DISPLAY"]}

    async def reset(self, setup: Sequence[SetupStep], seed: int) -> None:
        """Takes the display as it is. Raises EnvError where there is none."""
        if setup:
            raise ScenarioError("nothing can be set up on a person's own display")
        if not os.environ.get("DISPLAY"):
            raise EnvError("no display: DISPLAY is not set")
        await self.close()
        self._border.clear()
        display = await Display.launch(self._spec.size)
        try:
            await display.open({name: os.environ[name] for name in ("DISPLAY", "XAUTHORITY") if name in os.environ})
            display.size = (await display.look(0.0, 0.0)).frame.size
            if self._spec.watched:
                await display.watch()
        except EnvError:
            await display.close()
            raise
        self._display, self._pointer, self._since = display, None, time.monotonic()

    async def look(self) -> Look:
        """Settles and grabs; says when somebody else moved the pointer since the last action or look."""
        display = self._open()
        moved = await self._moved()
        look = await display.look(self._spec.quiet, self._spec.limit, self._since)
        self._pointer = await display.pointer()
        return look._replace(person=moved)

    async def act(self, action: ComputerAction | BrowserAction) -> Outcome:
        """Does one action, if it is allowed and nobody else is at work."""
        display = self._open()
        if why := self._border.refusal(action):
            return Outcome(ok=False, note=why)
        if await self._moved():
            return Outcome(ok=False, note="nothing was done: the user moved the pointer and is at work")
        outcome = await display.act(action)
        self._pointer = await display.pointer()
        return outcome

    async def deed(self, *, finish: bool) -> Witnessed:
        """What the person did next."""
        return await self._open().deed(finish=finish)

    async def _moved(self) -> bool:
        if self._pointer is None:
            return False
        return math.dist(self._pointer, await self._open().pointer()) > FAR

    async def place(self) -> Place:
        """The program whose window is active."""
        return Place(app=next((w.app for w in await self._open().windows() if w.active), ""))

    async def typed(self, place: Place) -> None:
        """Remembers the program, whose windows are covered from then on."""
        self._secretive.add(place.app)

    async def spots(self, texts: Sequence[str]) -> tuple[Rect, ...]:
        """Every window of a program that was given a secret."""
        return hiding((), await self._open().windows(), self._secretive, texts)

    async def release(self) -> None:
        """Lets go of keys and buttons."""
        with contextlib.suppress(EnvError):
            await self._open().release()

    async def close(self) -> None:
        """Leaves the display as it is, with no key held down."""
        display, self._display = self._display, None
        if display is not None:
            with contextlib.suppress(EnvError):
                await display.release()
            await display.close()

    def _open(self) -> Display:
        if self._display is None:
            raise EnvError("the world is not open")
        return self._display


class PresentFacts(SandboxFacts):
    """Its windows. A person's files and processes are their own, and no fact for a check."""

    def __init__(self, display: Callable[[], Display], border: Border) -> None:
        super().__init__(_no_sandbox, Site(assets=Path()), border, Size(0, 0))
        self._display = display

    async def read(self, path: str) -> bytes:
        """Raises FileNotFoundError."""
        self._display()
        raise FileNotFoundError(errno.ENOENT, "no file of this display's is a fact", path)

    async def glob(self, pattern: str) -> tuple[str, ...]:
        """None."""
        return ()

    async def processes(self) -> tuple[Process, ...]:
        """None."""
        return ()

    async def windows(self) -> tuple[Window, ...]:
        """Windows by EWMH."""
        return await self._display().windows()

    async def size(self) -> Size:
        """The display's own size."""
        return self._display().size


def _no_sandbox() -> Sandbox:
    raise EnvError("a person's own display has no sandbox")
