"""A page as a reference solution uses it: it reads elements, and acts on the places where they are."""

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from random import Random
from typing import Any

from env.base import Probe
from env.settle import until
from scenarios.base import Intent, Oracle
from scenarios.schema import shown
from scenarios.suites.miniwob.episode import PageEpisode
from tools.actions import (
    BrowserAction,
    ComputerAction,
    Key,
    LeftClick,
    LeftClickDrag,
    MouseMove,
    Scroll,
    TripleClick,
    Type,
    Wait,
)
from tools.dom import Element
from tools.errors import EnvError, ScenarioError
from tools.geometry import Box, GridPoint, Rect

_WAIT = 0.2
_WAITS = 25
_SCROLLS = 30
_MOVES = 10.0
_STILL = "!(window.jQuery && jQuery(':animated').length)"
"""Whether nothing opens or closes: on a busy machine its pictures come so seldom that the screen seems quiet."""
_SCROLLING = """
[...document.querySelectorAll('*')].map(e => {
  const root = e === document.scrollingElement, r = e.getBoundingClientRect(), style = getComputedStyle(e);
  const box = root ? [0, 0, innerWidth, innerHeight] : [r.left, r.top, r.right, r.bottom];
  const moves = e.scrollHeight > e.clientHeight + 1 && (root || /auto|scroll/.test(style.overflowY));
  return [moves && e.localName !== 'textarea', box.map(Math.round), e.scrollTop, e.scrollHeight - e.clientHeight];
}).filter(([moves, [left, top, right, bottom]]) => moves && right > left && bottom > top).map(([, ...rest]) => rest)
"""
"""What can be scrolled up and down: its rectangle, how far it is scrolled, and how far it can be."""

Solve = Callable[["Page"], Awaitable[None]]
"""A reference solution: a coroutine that acts on the page and looks at it again after each action."""


class Page:
    """One episode. Methods that act return when the action was done and the world is ready for the next.

    Elements are told by CSS and, where given, by their whole text; `nth` counts from 0 in the order of the document.
    With `misspell` a letter too many is typed, as in a near miss.
    """

    def __init__(self, probe: Probe, random: Random, goal: str, *, misspell: bool = False) -> None:
        self.probe, self.random, self.goal, self._misspell = probe, random, goal, misspell
        self._intents: asyncio.Queue[Intent | None] = asyncio.Queue()
        self._done: asyncio.Queue[None] = asyncio.Queue()

    @property
    def quoted(self) -> list[str]:
        """The texts in quotation marks in the goal."""
        return re.findall(r'"([^"]*)"', self.goal)

    def told(self, pattern: str) -> str:
        """What the pattern's group holds in the goal. Raises ScenarioError when the goal is another."""
        if (found := re.search(pattern, self.goal)) is None:
            raise ScenarioError(f"the goal {self.goal!r} does not match {pattern!r}")
        return found[1]

    async def all(self, css: str, text: str | None = None) -> list[Element]:
        """Every such element, whether to be seen or not."""
        found = await self.probe.elements(css=css)
        return [element for element in found if text is None or text.strip() == element.text]

    async def texts(self, css: str) -> list[str]:
        """The texts of such elements."""
        return [element.text for element in await self.all(css)]

    async def one(self, css: str, text: str | None = None, nth: int = 0) -> Element:
        """An element that is in the page, perhaps after a while. Raises ScenarioError when it does not come."""
        for _ in range(_WAITS):
            if len(found := await self.all(css, text)) > nth:
                return found[nth]
            await self.wait(_WAIT)
        raise ScenarioError(f"there is no {_label(css, text)} number {nth + 1} in the page")

    async def script(self, expression: str) -> Any:
        """The JSON value of a JavaScript expression."""
        return await self.probe.script(expression)

    async def sees(self, css: str, text: str | None = None) -> bool:
        """Whether such an element can be clicked now."""
        return any(element.visible for element in await self.all(css, text))

    async def until(self, expression: str, seconds: float) -> None:
        """Watches the page, without an action, until an expression holds. Raises ScenarioError when it does not."""

        async def holds() -> bool | None:
            return await self.script(expression) or None

        try:
            await until(holds, seconds, expression)
        except EnvError as error:
            raise ScenarioError(str(error)) from None

    async def show(self, css: str, text: str | None = None, nth: int = 0) -> Element:
        """An element that can be clicked and stands still, after waiting or scrolling. Raises ScenarioError."""
        waits = scrolls = 0
        await self.until(_STILL, _MOVES)
        while not (element := await self.one(css, text, nth)).visible:
            if element.rendered and scrolls < _SCROLLS and await self._scroll_on(scrolls, element):
                scrolls += 1
            elif waits < _WAITS:
                waits += 1
                await self.wait(_WAIT)
            else:
                raise ScenarioError(f"{_label(css, text)} number {nth + 1} cannot be seen")
        return element

    async def _scroll_on(self, times: int, element: Element) -> bool:
        """Scrolls what can be scrolled, first down to its end, then from its top; whether there is such a thing."""
        if not (scrolling := await self.script(_SCROLLING)):
            return False
        (left, top, right, bottom), done, most = scrolling[0]
        turn = -0.8 * (bottom - top) if done < most - 1 and times != _SCROLLS // 2 else most
        visible = Rect(max(left, 0), max(top, 0), right, bottom)
        await self.do(Scroll(coordinate=await self.place(visible.center), pixels=turn), element.text)
        return True

    async def click(self, css: str, text: str | None = None, nth: int = 0) -> None:
        """Clicks an element, once it can be."""
        element = await self.show(css, text, nth)
        await self.click_on(element.rect, element.name or element.text or _label(css, text))

    async def click_on(self, rect: Rect, target: str) -> None:
        """Clicks the middle of a rectangle of the screen."""
        await self.do(LeftClick(bbox_2d=Box.from_rect(rect, await self.probe.size())), target)

    async def click_at(self, point: tuple[float, float], target: str) -> None:
        """Clicks a pixel."""
        await self.do(LeftClick(coordinate=await self.place(point)), target)

    async def triple_click(self, css: str, nth: int = 0) -> None:
        """Clicks an element three times."""
        element = await self.show(css, nth=nth)
        await self.do(TripleClick(bbox_2d=Box.from_rect(element.rect, await self.probe.size())), element.text)

    async def move(self, point: tuple[float, float], target: str) -> None:
        """Moves the pointer to a pixel."""
        await self.do(MouseMove(coordinate=await self.place(point)), target)

    async def hover(self, css: str, text: str | None = None, nth: int = 0) -> None:
        """Moves the pointer onto an element."""
        element = await self.show(css, text, nth)
        await self.move(element.rect.center, element.text)

    async def drag(self, start: tuple[float, float], end: tuple[float, float], target: str) -> None:
        """Drags from one pixel to another."""
        start_, end_ = await self.place(start), await self.place(end)
        await self.do(LeftClickDrag(coordinate=start_, coordinate2=end_), target)

    async def scroll(self, css: str, pixels: float) -> None:
        """Turns the wheel over an element: positive pixels up."""
        element = await self.one(css)
        await self.do(Scroll(coordinate=await self.place(element.rect.center), pixels=pixels), _label(css))

    async def type(self, text: str) -> None:
        """Types into what has the keyboard."""
        await self.do(Type(text=text + "x" if self._misspell else text), shown(text))

    async def press(self, keys: str) -> None:
        """Presses keys together: `ctrl+a`."""
        await self.do(Key(keys=(keys,)), keys)

    async def fill(self, css: str, text: str, nth: int = 0) -> None:
        """Clicks a field, and types in place of what it holds."""
        await self.click(css, nth=nth)
        if (await self.one(css, nth=nth)).value:
            await self.press("ctrl+a")
        await self.type(text)

    async def submit(self, text: str = "Submit") -> None:
        """Clicks the button with this text."""
        await self.click("button", text)

    async def wait(self, seconds: float) -> None:
        """Lets the page go on."""
        await self.do(Wait(time=seconds), "the page")

    async def place(self, point: tuple[float, float]) -> GridPoint:
        """A pixel on the grid of actions, exactly."""
        width, height = await self.probe.size()
        x, y = (min(max(value, 0), most - 1) for value, most in zip(point, (width, height), strict=True))
        return GridPoint(x / width * 1000, y / height * 1000)

    async def do(self, action: ComputerAction | BrowserAction, target: str) -> None:
        """Hands an action out, and goes on when the next one is asked for."""
        self._intents.put_nowait(Intent(action, target))
        await self._done.get()

    async def played(self, solve: Solve) -> AsyncGenerator[Intent, None]:
        """The actions of a solution, one at a time. Raises what it raises."""
        going = asyncio.create_task(self._whole(solve))
        try:
            while (intent := await self._intents.get()) is not None:
                yield intent
                self._done.put_nowait(None)
            await going
        finally:
            if not going.done():
                going.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await going

    async def _whole(self, solve: Solve) -> None:
        try:
            await solve(self)
        finally:
            self._intents.put_nowait(None)


ORACLES: dict[str, Solve] = {}
"""The solution of each page that has one, by the page's name; the modules below `oracles` fill it."""


def solves(*pages: str) -> Callable[[Solve], Solve]:
    """Registers a solution of these pages."""

    def register(solve: Solve) -> Solve:
        ORACLES.update(dict.fromkeys(pages, solve))
        return solve

    return register


def play(solve: Solve, *, misspell: bool = False) -> Oracle:
    """A solution as an oracle."""

    async def oracle(probe: Probe, random: Random) -> AsyncIterator[Intent]:
        page = Page(probe, random, await PageEpisode().goal(probe), misspell=misspell)
        async with contextlib.aclosing(page.played(solve)) as intents:
            async for intent in intents:
                yield intent

    return oracle


def _label(css: str, text: str | None = None) -> str:
    return shown(text) if text else css
