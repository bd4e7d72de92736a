"""Eyes and hands on the tabs of a Chromium that Playwright drives."""

import asyncio
import base64
import re
import struct
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Literal

from tools.actions import (
    Back,
    BrowserAction,
    Click,
    ComputerAction,
    DoubleClick,
    Goto,
    HScroll,
    Key,
    LeftClick,
    LeftClickDrag,
    MiddleClick,
    MouseMove,
    NewTab,
    Outcome,
    RightClick,
    Scroll,
    SwitchTab,
    TripleClick,
    Type,
)
from tools.base import Eyes, Frame, Hands
from tools.errors import EnvError
from tools.geometry import Point, Size, to_pixel
from tools.keys import UnknownKey, to_playwright
from tools.tabs import ANSWER_WITHIN, Front, PageChanges, Tabs, quietly, reason, steadily

if TYPE_CHECKING:
    from playwright.async_api import CDPSession, Page

LOAD_WITHIN = 15.0
"""Seconds that a server has to begin its answer to `goto` and `back`."""

Pointing = Click | MouseMove | LeftClickDrag | Scroll | HScroll

CLICKS: dict[type, tuple[Literal["left", "middle", "right"], int]] = {
    LeftClick: ("left", 1),
    RightClick: ("right", 1),
    MiddleClick: ("middle", 1),
    DoubleClick: ("left", 2),
    TripleClick: ("left", 3),
}


class BrowserEyes(Eyes):
    """Sees the front tab.

    One `Page.captureScreenshot` with `optimizeForSpeed`: 35 ms at 1280x720, against 50 ms for `page.screenshot`.
    The picture is larger than the viewport where the browser runs at a higher device scale; a scale that Playwright
    emulates does not show in it. A page has no pointer to draw.
    """

    def __init__(self, tabs: Tabs, changes: PageChanges | None = None, patience: float = ANSWER_WITHIN) -> None:
        self._tabs = tabs
        self._changes = changes
        self._patience = patience

    async def grab(self) -> Frame:
        """One picture of the front tab's viewport. Raises EnvError when the page is gone or gives no picture."""
        from playwright.async_api import Error

        while True:
            try:
                async with asyncio.timeout(self._patience):
                    page, session = await self._tabs.front()
                    return await self._capture(session)
            except TimeoutError:
                raise EnvError(f"the page gave no picture within {self._patience:g} s") from None
            except Error as error:
                if not page.is_closed():  # else the tab behind it is seen
                    raise EnvError(f"no picture of {page.url}: {reason(error)}") from error

    async def _capture(self, session: "CDPSession") -> Frame:
        with self._changes.own_frame() if self._changes else nullcontext():
            form = {"format": "png", "optimizeForSpeed": True}
            reply = await steadily(lambda: session.send("Page.captureScreenshot", form))
        png = base64.b64decode(reply["data"])
        return Frame(png, Size(*struct.unpack(">II", png[16:24])))  # width and height stand in the IHDR chunk


class BrowserHands(Hands):
    """Acts on the front tab through Playwright's mouse and keyboard, whose events are trusted as a person's are.

    Points are pixels of a picture of the given size, whatever the device's scale. What the browser itself did
    meanwhile (a dialog, a file chooser, a download) is told in the note of the next outcome. While a file chooser is
    open, a typed text is the path of the file to choose.
    """

    def __init__(self, tabs: Tabs, patience: float = ANSWER_WITHIN) -> None:
        self._tabs = tabs
        self._patience = patience
        self._pointer: Point | None = None
        self._held: list[Callable[[], Awaitable[None]]] = []  # how to let go of each

    async def do(self, action: ComputerAction | BrowserAction, size: Size) -> Outcome:
        """Does one action on a screen of `size` pixels, and returns when the page took it.

        An unknown key, a failed load, a tab that is not there, a page that takes no input: `Outcome(ok=False)`.
        Raises EnvError when the page crashed or no page is left.
        """
        from playwright.async_api import Error

        refused = ""
        try:
            async with asyncio.timeout(self._patience):
                front = await self._tabs.front()
                await self.release()  # what an action that was cut off still holds
                refused = await self._act(front, action, size)
        except UnknownKey as error:
            refused = str(error)
        except TimeoutError:
            refused = f"the page did not answer within {self._patience:g} s"
        except Error as error:
            if not front.page.is_closed():
                raise EnvError(f"{front.page.url} took no {action.action}: {reason(error)}") from error
            await self._tabs.front()  # raises when it was the last
            self._tabs.note("the tab closed")
        notes = [refused or "ok", *self._tabs.take_notes()]
        point = action.point(size) if isinstance(action, Pointing) else None
        return Outcome(ok=not refused, note="; ".join(notes), point=point)

    async def release(self) -> None:
        """Lets go of every key and button that is held down, the last first. Raises EnvError when the page hangs."""
        try:
            async with asyncio.timeout(self._patience):
                while self._held:
                    await quietly(self._held.pop()())
        except TimeoutError:
            raise EnvError("the page does not answer, and keeps keys or buttons held down") from None

    async def _act(self, front: Front, action: ComputerAction | BrowserAction, size: Size) -> str:
        """Does it, and returns why it could not be done, or nothing."""
        chooser = self._tabs.chooser
        if closed := chooser.closed_by(action):
            self._tabs.note(closed)
        match action:
            case Type(text=path) if chooser.is_open:
                return await chooser.choose(path)
            case Key(keys=names):
                await self._chord(front.page, [to_playwright(name) for name in names])
            case Type(text=text):
                await _type(front.page, text)
            case Goto() | Back() | NewTab() | SwitchTab():
                return await self._browse(front, action)
            case _ if isinstance(action, Pointing):
                await self._point(front, action, size)
            case _:  # wait, terminate and answer touch nothing
                return ""
        # One round trip more through the page: what the input set off in the browser is known after it.
        await quietly(front.session.send("Runtime.evaluate", {"expression": "0"}))
        return ""

    async def _chord(self, page: "Page", keys: list[str]) -> None:
        for key in keys:
            self._held.append(partial(page.keyboard.up, key))
            await page.keyboard.down(key)
        await self.release()

    async def _point(self, front: Front, action: Pointing, size: Size) -> None:
        reply = await steadily(lambda: front.session.send("Runtime.evaluate", {"expression": "innerWidth"}))
        scale = size.width / reply["result"]["value"]  # devicePixelRatio may be emulated, and differ from the picture
        rest = self._pointer or Point(size.width // 2, size.height // 2)
        target = action.point(size) or rest
        x, y = target.x / scale, target.y / scale
        mouse, self._pointer = front.page.mouse, target
        match action:
            case LeftClickDrag(coordinate2=place):
                start, end = (target, to_pixel(place, size)) if place else (rest, target)
                self._pointer = end
                await self._drag(front.page, (start.x / scale, start.y / scale), (end.x / scale, end.y / scale))
            case Scroll(pixels=up):
                await mouse.move(x, y)
                await mouse.wheel(0, -up / scale)
            case HScroll(pixels=right):
                await mouse.move(x, y)
                await mouse.wheel(right / scale, 0)
            case MouseMove():
                await mouse.move(x, y)
            case _:
                button, count = CLICKS[type(action)]
                await mouse.click(x, y, button=button, click_count=count)

    async def _drag(self, page: "Page", start: tuple[float, float], end: tuple[float, float]) -> None:
        mouse = page.mouse
        await mouse.move(*start)
        self._held.append(mouse.up)
        await mouse.down()
        await mouse.move(*end, steps=10)  # a drag of HTML5 begins after a few pixels,
        await mouse.move(*end)  # and a drop needs a dragover on the target itself
        await self.release()

    async def _browse(self, front: Front, action: BrowserAction) -> str:
        match action:
            case Goto(url=url):
                return await _load(front.page, url)
            case NewTab(url=url):
                page = await self._tabs.context.new_page()
                return await _load(page, url) if url else ""
            case SwitchTab(tab=number) if number < len(self._tabs.pages):
                self._tabs.show(self._tabs.pages[number])
                await self._tabs.front()
                return ""
            case SwitchTab(tab=number):
                return f"there is no tab {number}: the last is {len(self._tabs.pages) - 1}"
            case Back():
                return await _back(front)


async def _type(page: "Page", text: str) -> None:
    """Types printable ASCII as key presses, as autocompletion and games expect, and inserts the rest.

    The presses are sent without waiting for each other (300 characters: 0.6 s instead of 1.1); they arrive in order.
    """
    keyboard = page.keyboard
    for run in re.findall(r"[ -~\n\t]{1,100}|[^ -~\n\t]+", text.replace("\r\n", "\n").replace("\r", "\n")):
        if re.match(r"[ -~\n\t]", run):
            keys = [{"\n": "Enter", "\t": "Tab"}.get(character, character) for character in run]
            await asyncio.gather(*(step(key) for key in keys for step in (keyboard.down, keyboard.up)))
        else:
            await keyboard.insert_text(run)


async def _load(page: "Page", url: str) -> str:
    """Loads an address until its answer begins; returns why it could not be loaded, or nothing."""
    from playwright.async_api import Error

    if re.match(r"[\w.-]+(:\d+)?([/?#]|$)", url):  # as written into an address bar
        url = f"http://{url}"
    if not re.match(r"https?://|about:blank$", url):
        return f"{url!r} cannot be opened: only http, https and about:blank"
    try:
        await page.goto(url, wait_until="commit", timeout=LOAD_WITHIN * 1000)
    except Error as error:
        if page.is_closed():
            raise
        return f"{url} did not load: {reason(error)}"
    return ""


async def _back(front: Front) -> str:
    """Goes back one page; returns why it could not, or nothing."""
    from playwright.async_api import Error

    history = await steadily(lambda: front.session.send("Page.getNavigationHistory"))
    if history["currentIndex"] == 0:
        return "there is no page to go back to"
    try:
        await front.page.go_back(wait_until="commit", timeout=LOAD_WITHIN * 1000)
    except Error as error:
        if front.page.is_closed():
            raise
        return f"going back failed: {reason(error)}"
    return ""
