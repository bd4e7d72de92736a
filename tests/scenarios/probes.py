"""A world that is nothing but facts, for checks, locators and oracles."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from env.allow import Refused
from env.base import Line, Node, Posted, Process, Visit, Window
from tools.base import Frame
from tools.dom import Element, PageState, TabState
from tools.geometry import Rect, Size

SCREEN = Size(1000, 500)


@dataclass
class CannedProbe:
    """A Probe of facts given beforehand; `looks` counts how often the screen was looked at."""

    files: dict[str, bytes] = field(default_factory=dict)
    open_windows: tuple[Window, ...] = ()
    running: tuple[Process, ...] = ()
    dom: Mapping[str, tuple[Element, ...]] = field(default_factory=dict)
    front: PageState | None = None
    scripts: dict[str, Any] = field(default_factory=dict)
    tree: tuple[Node, ...] = ()
    copied: str = ""
    lines: tuple[Line, ...] = ()
    sent: tuple[Posted, ...] = ()
    visits: tuple[Visit, ...] = ()
    refusals: tuple[Refused, ...] = ()
    screen: Size = SCREEN
    shot: bytes = b""
    looks: int = 0

    async def read(self, path: str) -> bytes:
        if path not in self.files:
            raise FileNotFoundError(path)
        return self.files[path]

    async def glob(self, pattern: str) -> tuple[str, ...]:
        return tuple(sorted(path for path in self.files if _fits(PurePosixPath(path), pattern)))

    async def windows(self) -> tuple[Window, ...]:
        return self.open_windows

    async def processes(self) -> tuple[Process, ...]:
        return self.running

    async def elements(
        self, *, css: str | None = None, role: str | None = None, name: str | None = None, text: str | None = None
    ) -> tuple[Element, ...]:
        self.looks += 1
        return self.dom.get(css or role or text or "", ())

    async def page(self) -> PageState | None:
        return self.front

    async def has_page(self) -> bool:
        return self.front is not None

    async def script(self, expression: str) -> Any:
        return self.scripts.get(expression)

    async def a11y(self) -> tuple[Node, ...]:
        return self.tree

    async def clipboard(self) -> str:
        return self.copied

    async def screen_text(self) -> tuple[Line, ...]:
        self.looks += 1
        return self.lines

    async def picture(self) -> Frame:
        return Frame(self.shot, self.screen)

    async def posted(self) -> tuple[Posted, ...]:
        return self.sent

    async def visited(self) -> tuple[Visit, ...]:
        return self.visits

    async def refused(self) -> tuple[Refused, ...]:
        return self.refusals

    async def size(self) -> Size:
        return self.screen


def _fits(path: PurePosixPath, pattern: str) -> bool:
    return len(path.parts) == len(PurePosixPath(pattern).parts) and path.match(pattern)


def line(text: str, left: int = 0, top: int = 0, right: int | None = None, bottom: int | None = None) -> Line:
    """A line of text, ten pixels a letter and twenty high unless told otherwise."""
    return Line(text=text, rect=Rect(left, top, right or left + 10 * len(text), bottom or top + 20), score=0.9)


def node(role: str, name: str, rect: Rect, text: str = "", *, showing: bool = True, window: str = "") -> Node:
    states = frozenset({"showing"} if showing else ())
    return Node(role=role, name=name, text=text, rect=rect, app="", states=states, window=window)


def element(
    name: str, rect: Rect, *, visible: bool = True, value: str | None = None, checked: bool | None = None
) -> Element:
    return Element(
        tag="button", role="button", name=name, text=name, value=value, rect=rect, visible=visible, enabled=True,
        checked=checked, attributes={},
    )  # fmt: skip


def front(url: str = "http://site.test/") -> PageState:
    return PageState(url=url, title="", tabs=(TabState(url=url, title=""),), front=0)
