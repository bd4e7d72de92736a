"""The page in front of a browser: facts about it, what in it has the keyboard, and where texts stand."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from env.allow import Border
from env.facts import SandboxFacts
from env.sandbox import Sandbox
from env.site import Site
from env.vault import Place
from tools.dom import Element, PageState, find_elements, page_state
from tools.errors import EnvError, ScenarioError, SurehandError
from tools.geometry import Rect, Size
from tools.spots import spots
from tools.tabs import ANSWER_WITHIN, Tabs, steadily

if TYPE_CHECKING:
    from playwright.async_api import Frame


@contextlib.contextmanager
def blaming(fault: type[SurehandError], what: str) -> Iterator[None]:
    """Raises Playwright's errors as another, in a line that begins with what was tried."""
    from playwright.async_api import Error

    try:
        yield
    except Error as error:
        raise fault(f"{what}: {error.message.splitlines()[0]}") from None


class BrowserFacts(SandboxFacts):
    """A browser has a page in front, with elements and scripts."""

    def __init__(
        self, sandbox: Callable[[], Sandbox], site: Site, border: Border, size: Size, tabs: Callable[[], Tabs]
    ) -> None:
        super().__init__(sandbox, site, border, size)
        self._tabs = tabs

    async def elements(
        self, *, css: str | None = None, role: str | None = None, name: str | None = None, text: str | None = None
    ) -> tuple[Element, ...]:
        """Elements of the page in front."""
        page, _ = await self._tabs().front()
        return tuple(await find_elements(page, css=css, role=role, name=name, text=text))

    async def page(self) -> PageState | None:
        """Tabs, address and title."""
        return await page_state(self._tabs())

    async def script(self, expression: str) -> Any:
        """The JSON value of an expression. Raises ScenarioError when it throws, EnvError when the page hangs."""
        page, _ = await self._tabs().front()
        try:
            with blaming(ScenarioError, f"script {expression[:80]!r}"):
                async with asyncio.timeout(ANSWER_WITHIN):
                    return await steadily(lambda: page.evaluate(expression))
        except TimeoutError:
            raise EnvError(f"the page did not answer within {ANSWER_WITHIN:g} s") from None


async def keyboard_of(tabs: Tabs) -> Place:
    """The page in front, and the frames in it down to the one that has the keyboard. Raises EnvError."""
    from playwright.async_api import Error

    page, _ = await tabs.front()
    frames: list[Frame | None] = [page.main_frame]
    try:
        async with asyncio.timeout(ANSWER_WITHIN):
            while inner := frames[-1]:
                focused = (await inner.evaluate_handle("document.activeElement")).as_element()
                frames.append(await focused.content_frame() if focused else None)
    except (Error, TimeoutError):
        raise EnvError(f"{page.url} does not say what has the keyboard") from None
    return Place(urls=tuple(frame.url for frame in frames if frame))


async def spots_of(tabs: Tabs, texts: Sequence[str], size: Size) -> tuple[Rect, ...]:
    """Where texts may be seen in the page in front. Raises EnvError."""
    from playwright.async_api import Error

    try:
        async with asyncio.timeout(ANSWER_WITHIN):
            _, session = await tabs.front()
            return await spots(session, texts, size)
    except (Error, TimeoutError):
        raise EnvError("the page does not say where secrets stand, so no picture of it is given") from None
