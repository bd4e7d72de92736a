"""A web browser as a world: Chromium in a sandbox, driven by Playwright, one fresh profile per reset.

Headless it is seen through its debugging protocol; as a kiosk it fills a private display and is seen through X.
"""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from env import prepare
from env.allow import Border
from env.base import Witnessed
from env.chromium import PROFILE, Chromium, View
from env.display import Display
from env.files import HomeFiles
from env.folder import WorldFolder, empty
from env.guest import Guest
from env.page import BrowserFacts, blaming, keyboard_of, spots_of
from env.proxy import Proxy
from env.sandbox import Sandbox
from env.session import Session
from env.settle import pause, settle
from env.setup import Launch, OpenUrl, Osworld, PutFile, Run, Script, Serve, SetupStep
from env.site import HOST, PORT, Site
from env.vault import Place
from env.watching import PageWatch
from env.world import Kind, Look, WorldSpec, find_chromium
from tools.actions import BrowserAction, ComputerAction, MouseMove, Outcome, Wait
from tools.browser import BrowserEyes, BrowserHands
from tools.errors import EnvError, ScenarioError
from tools.geometry import Point, Rect, to_grid
from tools.tabs import PageChanges, Tabs, steadily

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Page, Request

_LOAD_LIMIT = 20.0
_PAINTED = """
async ([known, patience, still]) => {
  if (performance.timeOrigin !== known && !performance.getEntriesByName('first-contentful-paint').length)
    await new Promise(done => {
      new PerformanceObserver(list => list.getEntriesByName('first-contentful-paint').length && done())
        .observe({type: 'paint', buffered: true});
      setTimeout(done, patience);
    });
  const runs = animation => animation.playState === 'running';
  const moves = () => window.jQuery?.timers?.length || document.getAnimations().some(runs);
  for (let looks = 0; still && looks < 30 && moves(); looks++) await new Promise(done => setTimeout(done, still));
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  return performance.timeOrigin;
}
"""
"""Two frames, and for a new document its first contents on the display: Chromium reports that paint when it has been
presented, while a frame callback may run long before on a busy machine. A page without text or pictures has none.
With `still`, milliseconds between looks, animations are waited for, too."""
_FIRST_PAINT_WITHIN = 1000  # milliseconds
_VIEWS: dict[Kind, View] = {"browser": "headless", "kiosk": "kiosk", "window": "window"}


class BrowserWorld:
    """The sandbox and the browser stay; each reset closes the old profile and opens a new one."""

    def __init__(self, spec: WorldSpec, folder: WorldFolder) -> None:
        self._spec, self._folder = spec, folder
        self._program = find_chromium(spec.chromium, headless=spec.kind == "browser")
        self._site = Site(spec.assets)
        self._border = Border(spec.allow)
        self._proxy: Proxy | None = None
        self._document = 0.0  # the time origin of the one that was shown last
        self._sandbox: Sandbox | None = None
        self._session: Session | None = None
        self._display: Display | None = None
        self._chromium: Chromium | None = None
        self._context: BrowserContext | None = None
        self._tabs: Tabs | None = None
        self._hands: BrowserHands | None = None
        self._changes: PageChanges | None = None
        self._watched: PageWatch | None = None
        self._last_input = 0.0
        self.facts = BrowserFacts(self._open_sandbox, self._site, self._border, spec.size, self._open_tabs)

    def describe(self) -> dict[str, str]:
        """How it is kept apart, and what was started."""
        isolation = str(self._open_sandbox().isolation)
        return {"kind": self._spec.kind, "isolation": isolation, "browser": str(self._program)}

    async def reset(self, setup: Sequence[SetupStep], seed: int) -> None:
        """A new profile; a browser or sandbox that died is replaced first."""
        self._border.clear()
        if self._chromium is not None and self._chromium.alive:
            self._site.clear()
            if not await self._cleaned():
                await self._close_context()
            empty(self._open_sandbox().home, (PROFILE,))
        else:
            await self.close()
            await self._start()
        if self._context is None:
            await self._open_context()
        await self._show_pointer(Point(self._spec.size.width - 1, self._spec.size.height - 1))
        for step in setup:
            await self._prepare(step)
        self._last_input = time.monotonic()
        if self._watched:
            await self._watched.begin()

    async def _cleaned(self) -> bool:
        """Whether the page that is open can serve as a new one: alone, its site's storage empty, no pointer over it."""
        tabs = self._tabs
        if not self._spec.same_page or tabs is None or len(tabs.pages) != 1 or tabs.chooser.is_open:
            return False
        page, session = await tabs.front()
        await page.mouse.move(-1, -1)
        await session.send("Storage.clearDataForOrigin", {"origin": f"http://{HOST}", "storageTypes": "all"})
        tabs.take_notes()
        self._hands = BrowserHands(tabs)
        return True

    async def _open_context(self) -> None:
        """A new profile."""
        assert self._chromium is not None
        self._context, _ = await self._chromium.open_context()
        self._context.on("request", self._watch)
        if self._spec.trace:
            await self._context.tracing.start(screenshots=True, snapshots=True)
        sandbox = self._open_sandbox()
        self._tabs = await Tabs.of(self._context, HomeFiles(sandbox.home, sandbox.home_inside))
        self._changes = None if self._spec.same_page else PageChanges(self._tabs)
        self._hands = BrowserHands(self._tabs)
        if self._spec.watched:
            assert self._changes is not None
            self._watched = await PageWatch.prepare(self._tabs, self._changes, private=self._spec.network)

    async def _start(self) -> None:
        if self._spec.kind == "kiosk":
            self._display = await Display.launch(self._spec.size)
        guest = Guest.find() if self._spec.kind == "window" else None
        seen = [guest.socket] if guest else []
        self._sandbox = await Sandbox.start(self._folder, [*outside_usr(self._program), *seen])
        display = guest.environment(self._sandbox) if guest else {}
        if self._display is not None:
            self._session = await Session.start(self._sandbox, self._spec.size, desktop=False)
            await self._display.open(self._session.outside)
            display = self._session.environment
        self._proxy = Proxy(self._sandbox, self._border, network=self._spec.network, private=self._spec.private)
        await self._proxy.open()
        self._chromium = Chromium(self._sandbox, _VIEWS[self._spec.kind], display, self._spec.size)
        await self._chromium.start(self._program)
        await self._site.open(await self._sandbox.listen(PORT))

    async def _prepare(self, step: SetupStep) -> None:
        sandbox = self._open_sandbox()
        match step:
            case PutFile():
                await prepare.put_file(step, sandbox)
            case Serve():
                self._site.show(step.folder, step.data)
            case Run():
                await prepare.run(step, sandbox, {})
            case OpenUrl():
                await self._open_url(step.url)
            case Launch() | Osworld():
                raise ScenarioError("launch and osworld need a desktop world; in a browser use open_url")
            case Script():
                await self._script(step)

    async def _open_url(self, url: str) -> None:
        page, _ = await self._open_tabs().front()
        fault = EnvError if self._spec.network else ScenarioError  # what is outside is no part of a scenario
        with blaming(fault, f"open_url {url!r}"):
            await page.goto(url, wait_until="load", timeout=_LOAD_LIMIT * 1000)

    async def _script(self, step: Script) -> None:
        page, _ = await self._open_tabs().front()
        try:
            with blaming(ScenarioError, "script"):
                async with asyncio.timeout(step.timeout):
                    await page.evaluate(step.function, step.argument)
        except TimeoutError:
            raise ScenarioError(f"script: not done within {step.timeout:g} s") from None

    async def deed(self, *, finish: bool) -> Witnessed:
        """What the person in front of the window did next."""
        if self._watched is None:
            raise EnvError("nobody is watched in this browser")
        return await self._watched.next(finish=finish)

    async def look(self) -> Look:
        """Settles and grabs, through X where there is a display."""
        page = (await self._open_tabs().front()).page
        await self._stay(page)
        url = page.url
        if self._changes is None:
            rest = await settle(_NONE, self._last_input, quiet=self._spec.quiet, limit=self._spec.limit)
            await self._painted(page)
            return Look(await BrowserEyes(self._open_tabs()).grab(), *rest, url, self._border.told)
        if self._display is None:
            await self._painted(page)
            rest = await settle(self._changes, self._last_input, quiet=self._spec.quiet, limit=self._spec.limit)
            frame = await BrowserEyes(self._open_tabs(), self._changes).grab()
            return Look(frame, *rest, url, self._border.told)
        loaded = await settle(_Loading(self._changes), self._last_input, quiet=0.0, limit=self._spec.limit)
        await self._painted(page)
        look = await self._display.look(self._spec.quiet, self._spec.limit, time.monotonic())
        return Look(look.frame, look.settled and loaded.settled, look.waited + loaded.waited, url, self._border.told)

    async def _painted(self, page: "Page") -> None:
        """Waits until the page has drawn what the last input led to; a page too busy for it is left to settling.

        A display gets a new document's first frame some time after it was drawn, which is waited for, too.
        """
        from playwright.async_api import Error

        still = 0 if self._changes else self._spec.quiet * 1000
        known = [self._document, _FIRST_PAINT_WITHIN if self._display else 0, still]
        with contextlib.suppress(Error, TimeoutError):
            async with asyncio.timeout(self._spec.limit):
                self._document = await steadily(lambda: page.evaluate(_PAINTED, known))

    async def act(self, action: ComputerAction | BrowserAction) -> Outcome:
        """Does one action, if it is allowed."""
        if self._hands is None:
            raise EnvError("the world is not open")
        if why := self._border.refusal(action):
            return Outcome(ok=False, note=why)
        if isinstance(action, Wait):
            await pause(action.time)
        outcome = await self._hands.do(action, self._spec.size)
        if self._display is not None and outcome.point is not None:
            await self._show_pointer(outcome.point)
        self._last_input = time.monotonic()
        return outcome

    async def _show_pointer(self, point: Point) -> None:
        """Playwright's pointer is the page's own; the display's is led after it, so that pictures show it."""
        if self._display is not None:
            await self._display.act(MouseMove(coordinate=to_grid(point, self._spec.size)))

    async def place(self) -> Place:
        """The page in front."""
        return await keyboard_of(self._open_tabs())

    async def typed(self, place: Place) -> None:
        """Nothing to be known: a page tells where texts stand."""

    async def spots(self, texts: Sequence[str]) -> tuple[Rect, ...]:
        """By the layout of the page in front."""
        return await spots_of(self._open_tabs(), texts, self._spec.size)

    def _watch(self, request: "Request") -> None:
        """Tells of a page that wants to leave the allowed domains; that it cannot, the proxy sees to."""
        if request.is_navigation_request() and _is_of_a_tab(request):
            self._border.stray(request.url)

    async def _stay(self, page: "Page") -> None:
        """Leaves the browser's own page about a site that was refused."""
        from playwright.async_api import Error

        if self._border.told and page.url.startswith("chrome-error:"):
            with contextlib.suppress(Error):
                await page.go_back(wait_until="commit", timeout=_LOAD_LIMIT * 1000)

    async def trace(self) -> bytes:
        """What Playwright noted since the reset; its viewer shows that."""
        self._open_tabs()
        if self._context is None or not self._spec.trace:
            return b""
        path = self._folder.path / "trace.zip"
        with blaming(EnvError, "no trace of the browser"):
            await self._context.tracing.stop(path=path)
        content = path.read_bytes()
        path.unlink()
        return content

    async def release(self) -> None:
        """Lets go of keys and buttons."""
        if self._hands is not None:
            await self._hands.release()

    async def close(self) -> None:
        """Ends everything inside and removes its files."""
        await self._site.close()
        self._site.clear()
        await self._unwatch()
        self._context = self._tabs = self._hands = self._changes = None
        if self._chromium is not None:
            await self._chromium.close()
        if self._display is not None:
            await self._display.close()
        if self._proxy is not None:
            await self._proxy.close()
        if self._sandbox is not None:
            await self._sandbox.close()
        if self._session is not None:
            self._session.close()
        self._chromium = self._display = self._proxy = self._sandbox = self._session = None
        await asyncio.to_thread(self._folder.clear)

    async def _unwatch(self) -> None:
        watched, self._watched = self._watched, None
        if watched:
            await watched.close()

    async def _close_context(self) -> None:
        from playwright.async_api import Error

        await self._unwatch()
        context, self._context, self._tabs = self._context, None, None
        if context is not None:
            with contextlib.suppress(Error):
                await context.close()

    def _open_sandbox(self) -> Sandbox:
        if self._sandbox is None or self._sandbox.gone.done():
            raise EnvError("the world is not open" if self._sandbox is None else "the world's sandbox is gone")
        return self._sandbox

    def _open_tabs(self) -> Tabs:
        if self._tabs is None or self._chromium is None:
            raise EnvError("the world is not open")
        if not self._chromium.alive:
            raise EnvError("the browser is gone")
        return self._tabs


class _Loading(NamedTuple):
    """Only what the page announces, or nothing; what it draws is seen on the display, or asked of it."""

    changes: PageChanges | None

    def last(self) -> float:
        return 0.0

    def busy(self) -> bool:
        return self.changes is not None and self.changes.busy()


_NONE = _Loading(None)


def _is_of_a_tab(request: "Request") -> bool:
    """Whether a navigation is that of a tab, not of a frame in it."""
    from playwright.async_api import Error

    try:
        return request.frame.parent_frame is None
    except Error:  # a tab that is just being opened has no frame yet
        return True


def outside_usr(program: Path) -> list[Path]:
    """The folder of a browser that is not the system's must be seen inside, too."""
    folder = program.resolve().parent
    return [] if folder.is_relative_to("/usr") else [folder]
