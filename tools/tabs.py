"""The tabs of a Chromium that Playwright drives: which one is in front, and when its picture changes.

Works on an async `BrowserContext`, whoever launched the browser; pages need no cooperation. Everything here lives on
one event loop. Figures: medians on two shared cores, headless Chromium 156, 1280x720.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from tools.base import Changes
from tools.chooser import FileChooser, Files, NoFiles
from tools.errors import EnvError

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, CDPSession, Dialog, Error, Page, Request, ViewportSize

ANSWER_WITHIN = 20.0
"""Seconds that a page has to take an input, give a picture or be read; its own script may keep it busy."""

BUSY_FOR = 3.0
"""Seconds after which an open request is a stream or a long poll, and says nothing about the picture."""

OWN_FRAME_WITHIN = 1.0
"""Seconds after a screenshot's reply in which the frame that it drew may still come (0.05 on an idle machine)."""

_ASK_AGAIN = 0.02
_BETWEEN_DOCUMENTS = (
    "Not attached to an active page",
    "Unable to capture screenshot",
    "Execution context was destroyed",
    "Cannot find context with specified id",
)
"""What Chromium and Playwright say while a page goes from one document to the next."""

T = TypeVar("T")

STEADY = """
(() => {
  const picking = 'select:not([multiple], [size]):is(:active, :open:not(:focus-visible))';
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    :root { caret-animation: manual }
    ${picking}, ${picking}::picker(select) { appearance: base-select }
    :where(${picking}) { font: -webkit-small-control; padding: 0 3px; border-radius: 0; background: Field;
                         min-block-size: 0; min-inline-size: 0 }`);
  document.adoptedStyleSheets.push(sheet);
})()
"""
"""Makes a page fit to be seen and clicked through the DevTools protocol; runs in every document.

A text caret stands still, so that a picture is the same twice. A list that a click on a `<select>` opens is drawn in
the page: Chromium's own is a separate widget, which shows in a screenshot but lets every click through to the page
behind it. One that the keyboard opened stays Chromium's own: it obeys keys.
"""


class Front(NamedTuple):
    """The page that is seen and acted on, and a DevTools session with it."""

    page: "Page"
    session: "CDPSession"


class Tabs:
    """The pages of a context, in the order in which they were opened, and which of them is in front.

    A page that a site opens comes to the front; when the front page closes, the one before it comes back. All take
    the viewport of the first, where that is set: the screen has one size, whatever a popup asks for.
    Dialogs block a page and do not show in its pictures, so they are accepted at once (a prompt with its default
    text), as a tester who goes on would; `take_notes` tells of them. A file chooser waits in `chooser` for a path.
    """

    def __init__(self, context: "BrowserContext", files: Files | None = None) -> None:
        self.context = context
        self.chooser = FileChooser(files or NoFiles())
        self.pages: list[Page] = []
        self._notes: list[str] = []
        self._recent: list[Page] = []  # the last is in front
        self._crashed: set[Page] = set()
        self._viewport: ViewportSize | None = None
        self._sessions: dict[Page, CDPSession] = {}
        self._watchers: list[Callable[[Page], Awaitable[None]]] = []
        self._one_by_one = asyncio.Lock()
        self._shown: asyncio.Task[CDPSession] | None = None
        self._persons = False
        context.on("page", self._opened)
        context.on("dialog", self._answer)

    @classmethod
    async def of(cls, context: "BrowserContext", files: Files | None = None) -> "Tabs":
        """The tabs of a context, those included that are already open. `files` can be chosen for uploads."""
        tabs = cls(context, files)
        await context.add_init_script(STEADY)
        for page in context.pages:
            for frame in page.frames:
                await quietly(frame.evaluate(STEADY))
            tabs._opened(page)
        return tabs

    async def front(self) -> Front:
        """The front page, ready to be seen. Raises EnvError when no page is left or the front one crashed."""
        from playwright.async_api import Error

        while self._recent and self._shown:
            page, shown = self._recent[-1], self._shown
            if page in self._crashed:
                raise EnvError(f"the page {page.url} crashed")
            try:
                session = await asyncio.shield(shown)
            except Error as error:
                if not page.is_closed():
                    raise EnvError(f"the page {page.url} does not answer: {reason(error)}") from error
                self._closed(page)
                continue
            if shown is self._shown:
                return Front(page, session)
        raise EnvError("no page is open: the browser is gone, or its last tab closed")

    @property
    def front_index(self) -> int:
        """The number of the front tab, counted from 0. Raises EnvError when no page is left."""
        if not self._recent:
            raise EnvError("no page is open: the browser is gone, or its last tab closed")
        return self.pages.index(self._recent[-1])

    def show(self, page: "Page") -> None:
        """Brings an open page to the front; `front` waits until it is there."""
        self._recent = [*(p for p in self._recent if p is not page), page]
        self._shown = asyncio.ensure_future(self._bring(page))
        self._shown.add_done_callback(lambda task: task.cancelled() or task.exception())  # front() raises it

    def leave_to_person(self, left: bool) -> None:
        """Lets a person choose what is in front, or takes it back: to bring a page there takes the keyboard to it."""
        self._persons = left
        if not left and self._recent:
            self.show(self._recent[-1])

    def take_notes(self) -> list[str]:
        """What a person would have seen of the browser itself since the last call; of many the first five."""
        notes, self._notes = self._notes, []
        return notes[:5] + ([f"and {len(notes) - 5} more"] if len(notes) > 5 else [])

    def note(self, text: str) -> None:
        """Keeps something for `take_notes`."""
        self._notes.append(text)

    def watch(self, watcher: Callable[["Page"], Awaitable[None]]) -> None:
        """Awaits `watcher` with each page that comes to the front, the present one included."""
        self._watchers.append(watcher)
        if self._recent:
            self.show(self._recent[-1])

    async def _bring(self, page: "Page") -> "CDPSession":
        async with self._one_by_one:
            session = self._sessions.get(page) or await self._connect(page)
            if not self._persons:
                await page.bring_to_front()
            for watcher in self._watchers:
                await watcher(page)
        return session

    async def _connect(self, page: "Page") -> "CDPSession":
        session = await self.context.new_cdp_session(page)
        session.on("Page.fileChooserOpened", lambda event: self.note(self.chooser.opened(session, event)))
        if (size := self._viewport) and page.viewport_size != size:
            await page.set_viewport_size(size)
        await session.send("Page.enable")
        await session.send("Page.setInterceptFileChooserDialog", {"enabled": True})
        self._sessions[page] = session
        return session

    def _opened(self, page: "Page") -> None:
        if page in self.pages:
            return
        self.pages.append(page)
        self._viewport = self._viewport or page.viewport_size
        page.on("close", self._closed)
        page.on("crash", lambda crashed: self._crashed.add(crashed))
        page.on("download", lambda file: self.note(f"a download began: {file.suggested_filename!r}"))
        self.show(page)

    def _closed(self, page: "Page") -> None:
        if page not in self.pages:
            return
        was_front = page is self._recent[-1]
        self.pages.remove(page)
        self._recent.remove(page)
        self._sessions.pop(page, None)
        if was_front and self._recent:
            self.show(self._recent[-1])

    async def _answer(self, dialog: "Dialog") -> None:
        text = dialog.default_value
        given = f" with {text!r}" if dialog.type == "prompt" else ""
        self.note(f"a dialog ({dialog.type}) said {dialog.message[:300]!r}: accepted{given}")
        await quietly(dialog.accept(text))


class PageChanges(Changes):
    """Notices changes of the front tab's picture, and loading.

    The clock is a screencast of 64 pixels' width, thrown away: Chromium sends a frame when it has drawn one, and none
    while nothing changes. A key press shows after 13 ms; any animation keeps it going. Observers inside the page
    would miss what scripts do not see (hover, scrolling, canvas, video, other frames). A screenshot draws a frame
    too, which BrowserEyes announces by `own_frame`.
    """

    def __init__(self, tabs: Tabs, busy_for: float = BUSY_FOR) -> None:
        self._busy_for = busy_for
        self._last = time.monotonic()
        self._own: dict[object, float] = {}  # screenshots whose frame did not come yet, and until when it may
        self._open: dict[object, float] = {}  # requests and ids of loading frames, and since when
        self._page: Page | None = None
        self._session: CDPSession | None = None  # its own: a session has one screencast
        self._acks: set[asyncio.Task[None]] = set()
        self._handlers: dict[str, Callable[[dict[str, Any]], None]] = {
            "Page.screencastFrame": self._frame,
            "Page.frameStartedLoading": lambda event: self._begin(event["frameId"]),
            "Page.frameStoppedLoading": lambda event: self._end(event["frameId"]),
        }
        tabs.watch(self._follow)
        tabs.context.on("request", self._request)
        tabs.context.on("requestfinished", self._end)
        tabs.context.on("requestfailed", self._end)

    def last(self) -> float:
        """`time.monotonic()` of the last frame that Chromium drew for a change."""
        return self._last

    def busy(self) -> bool:
        """Whether a page or a part of it is loading, and has been for less than `busy_for` seconds."""
        horizon = time.monotonic() - self._busy_for
        return any(since > horizon for since in self._open.values())

    @contextmanager
    def own_frame(self) -> Iterator[None]:
        """Inside, a screenshot is taken: the one frame that it draws, before or soon after its reply, is no change."""
        grab = object()
        self._own[grab] = math.inf
        try:
            yield
        finally:
            if grab in self._own:
                self._own[grab] = time.monotonic() + OWN_FRAME_WITHIN

    async def _follow(self, page: "Page") -> None:
        if page is self._page:
            return
        if self._session:
            await quietly(self._session.detach())
        self._page, self._session = page, await page.context.new_cdp_session(page)
        for event, handler in self._handlers.items():
            self._session.on(event, handler)
        await self._session.send("Page.enable")
        cast = {"format": "jpeg", "quality": 1, "maxWidth": 64, "maxHeight": 64, "everyNthFrame": 1}
        await self._session.send("Page.startScreencast", cast)

    def _frame(self, event: dict[str, Any]) -> None:
        now = time.monotonic()
        self._own = {grab: until for grab, until in self._own.items() if until > now}
        if self._own:
            del self._own[next(iter(self._own))]
        else:
            self._last = now
        if self._session:
            ack = self._session.send("Page.screencastFrameAck", {"sessionId": event["sessionId"]})
            task = asyncio.ensure_future(quietly(ack))
            self._acks.add(task)  # a task without a reference may vanish
            task.add_done_callback(self._acks.discard)

    def _request(self, request: "Request") -> None:
        if request.resource_type not in {"websocket", "eventsource", "ping"}:
            self._begin(request)

    def _begin(self, what: object) -> None:
        now = time.monotonic()
        self._open = {k: since for k, since in self._open.items() if since > now - self._busy_for} | {what: now}

    def _end(self, what: object) -> None:
        self._open.pop(what, None)


async def steadily(ask: Callable[[], Awaitable[T]]) -> T:
    """What a page answers, asked again as long as Chromium refuses because one document takes the place of another.

    For questions only, since they may be asked more than once. It never gives up: the caller sets the limit.
    """
    from playwright.async_api import Error

    while True:
        try:
            return await ask()
        except Error as error:
            if not any(words in error.message for words in _BETWEEN_DOCUMENTS):
                raise
        await asyncio.sleep(_ASK_AGAIN)  # nothing tells when the next document is there to be asked


async def quietly(awaitable: Awaitable[Any]) -> None:
    """Awaits something that no longer matters once the page is gone."""
    from playwright.async_api import Error

    with suppress(Error):
        await awaitable


def reason(error: "Error") -> str:
    """What Playwright says, less the name of the call and its log."""
    return error.message.split("\n")[0].partition(": ")[2] or error.message
