"""A page of a browser that runs already, somebody else's test beside us in it: seen and worked as it is, and left open.

Nothing is started, set up or cleared, and nothing is kept apart: the browser reaches what it reaches.
"""

import contextlib
import errno
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from env.allow import Border
from env.base import Process
from env.folder import WorldFolder
from env.page import BrowserFacts, keyboard_of, spots_of
from env.sandbox import Sandbox
from env.settle import pause, settle
from env.setup import SetupStep
from env.site import Site
from env.vault import Place
from env.world import Look, WorldSpec
from tools.actions import BrowserAction, ComputerAction, Outcome, Wait
from tools.browser import BrowserEyes, BrowserHands
from tools.errors import EnvError, ScenarioError
from tools.geometry import Rect, Size
from tools.tabs import PageChanges, Tabs

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page, Playwright


class GivenPage:
    """The page with the id `target` in the browser at `endpoint`."""

    def __init__(self, spec: WorldSpec, folder: WorldFolder) -> None:
        self._spec, self._border = spec, Border(spec.allow)
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        self._tabs: Tabs | None = None
        self._hands: BrowserHands | None = None
        self._changes: PageChanges | None = None
        self._size = spec.size
        self._last_input = 0.0
        self.facts = GivenFacts(self._border, lambda: self._size, self._open_tabs)

    def describe(self) -> dict[str, str]:
        """That nothing is kept apart."""
        return {"kind": "page", "isolation": "none: this is a page of another browser"}

    async def reset(self, setup: Sequence[SetupStep], seed: int) -> None:
        """Takes the page as it is. Raises EnvError where it is gone."""
        from playwright.async_api import Error, async_playwright

        if setup:
            raise ScenarioError("nothing can be set up in a page of another browser")
        await self.close()
        self._border.clear()
        self._playwright = await async_playwright().start()
        try:
            self._browser = await self._playwright.chromium.connect_over_cdp(self._spec.endpoint)
            page = await self._target(self._browser)
        except Error as error:
            raise EnvError(f"the browser does not answer: {error.message.splitlines()[0]}") from None
        self._tabs = await Tabs.of(page.context)
        self._tabs.show(page)
        self._changes, self._hands = PageChanges(self._tabs), BrowserHands(self._tabs)
        self._size = (await BrowserEyes(self._tabs, self._changes).grab()).size
        self._last_input = time.monotonic()

    async def _target(self, browser: "Browser") -> "Page":
        for page in (page for context in browser.contexts for page in context.pages):
            wire = await page.context.new_cdp_session(page)
            about = await wire.send("Target.getTargetInfo")
            await wire.detach()
            if about["targetInfo"]["targetId"] == self._spec.target:
                return page
        raise EnvError("the page is gone: its browser has none with this id")

    async def look(self) -> Look:
        """Settles and grabs."""
        tabs = self._open_tabs()
        assert self._changes is not None
        rest = await settle(self._changes, self._last_input, quiet=self._spec.quiet, limit=self._spec.limit)
        frame = await BrowserEyes(tabs, self._changes).grab()
        self._size = frame.size
        return Look(frame, *rest, (await tabs.front()).page.url, self._border.told)

    async def act(self, action: ComputerAction | BrowserAction) -> Outcome:
        """Does one action, if it is allowed."""
        self._open_tabs()
        assert self._hands is not None
        if why := self._border.refusal(action):
            return Outcome(ok=False, note=why)
        if isinstance(action, Wait):
            await pause(action.time)
        outcome = await self._hands.do(action, self._size)
        self._last_input = time.monotonic()
        return outcome

    async def place(self) -> Place:
        """The page in front."""
        return await keyboard_of(self._open_tabs())

    async def typed(self, place: Place) -> None:
        """Nothing to be known: a page tells where texts stand."""

    async def spots(self, texts: Sequence[str]) -> tuple[Rect, ...]:
        """By the layout of the page in front."""
        return await spots_of(self._open_tabs(), texts, self._size)

    async def release(self) -> None:
        """Lets go of keys and buttons."""
        if self._hands is not None:
            await self._hands.release()

    async def close(self) -> None:
        """Hangs up, and leaves the page open with no key held down."""
        from playwright.async_api import Error

        with contextlib.suppress(EnvError):
            await self.release()
        if self._browser is not None:
            with contextlib.suppress(Error):
                await self._browser.close()
        if self._playwright is not None:
            await self._playwright.stop()
        self._playwright = self._browser = self._tabs = self._hands = self._changes = None

    def _open_tabs(self) -> Tabs:
        if self._tabs is None or self._browser is None:
            raise EnvError("the world is not open")
        if not self._browser.is_connected():
            raise EnvError("the browser is gone")
        return self._tabs


class GivenFacts(BrowserFacts):
    """Its elements and tabs. Files and processes of whoever runs the browser are their own."""

    def __init__(self, border: Border, size: Callable[[], Size], tabs: Callable[[], Tabs]) -> None:
        super().__init__(_no_sandbox, Site(assets=Path()), border, size(), tabs)
        self._now = size

    async def read(self, path: str) -> bytes:
        """Raises FileNotFoundError."""
        raise FileNotFoundError(errno.ENOENT, "no file of this machine is a fact", path)

    async def glob(self, pattern: str) -> tuple[str, ...]:
        """None."""
        return ()

    async def processes(self) -> tuple[Process, ...]:
        """None."""
        return ()

    async def size(self) -> Size:
        """That of the last picture."""
        return self._now()


def _no_sandbox() -> Sandbox:
    raise EnvError("a page of another browser has no sandbox")
