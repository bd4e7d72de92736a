"""Where something is on the screen, told by its text, its role and name, a CSS selector, a picture of it, or a box."""

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, Self

from pydantic import Field, model_validator

from env.base import Node, Probe
from env.patch import find_patch
from scenarios.matching import Closeness, places
from scenarios.schema import Strict, Text, shown
from tools.dom import Element
from tools.errors import ScenarioError
from tools.geometry import Box, Rect, Size

_ATSPI_ROLES = {
    "button": ("push button", "toggle button"),
    "textbox": ("text", "entry", "password text"),
    "checkbox": ("check box",),
    "radio": ("radio button",),
    "menuitem": ("menu item", "check menu item", "radio menu item", "menu"),
    "combobox": ("combo box",),
    "tab": ("page tab",),
    "listitem": ("list item",),
    "option": ("list item", "menu item"),
    "cell": ("table cell",),
    "img": ("image", "icon"),
    "dialog": ("alert", "file chooser"),
}
"""ARIA roles, which browsers and people use, as AT-SPI calls them."""


class Locator(Strict):
    """One thing on the screen, by exactly one of `text`, `role` (with `name`), `css`, `picture`, `box` (0–1000).

    A `picture` is a PNG file beside the test; the one place that looks like it is meant. Where several match equally
    well the first in reading order is meant, or the one with number `nth` (from 0). `exact` wants the whole text or
    name. `window` looks only inside the desktop window whose title contains it. `or` gives other ways to the same
    thing, tried in order when this one fails. Then each of them, this one included, counts only where it leads to one
    thing (or says which, by `nth`), for another would be a guess. `describe` says what the thing is; alone, without any
    of these, it is for a model to find it.
    """

    text: Text | None = None
    role: str | None = None
    name: Text | None = None
    css: str | None = None
    picture: Text | None = None
    box: Box | None = None
    nth: int = Field(default=0, ge=0)
    exact: bool = False
    window: Text | None = None
    describe: Text | None = None
    others: tuple["Locator", ...] = Field(default=(), alias="or")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = sum(way is not None for way in (self.text, self.role, self.css, self.picture, self.box))
        if ways != 1 and not (ways == 0 and self.describe and not self.others):
            raise ValueError("give exactly one of text, role, css, picture, box, or describe alone")
        if self.name is not None and self.role is None:
            raise ValueError("a name belongs to a role: give both, or text alone")
        return self

    @property
    def only_described(self) -> bool:
        """Whether it takes a model to find it."""
        return self.describe is not None and not (self.text or self.role or self.css or self.picture or self.box)

    @property
    def label(self) -> str:
        """Words that name the target."""
        if self.describe:
            return self.describe
        if self.role:
            return f"the {self.role} {shown(self.name)}" if self.name else f"the {self.role}"
        if self.picture:
            return f"what {self.picture} shows"
        return shown(self.text) if self.text else self.css or "the place"

    @property
    def phrase(self) -> str | None:
        """What the thing's text or name must hold."""
        return self.text if self.text is not None else self.name


class Found(NamedTuple):
    """A thing's rectangle in screen pixels, the words that name it, and which of its locators held (0: the first)."""

    rect: Rect
    label: str
    way: int = 0


class _Candidate(NamedTuple):
    """Something that may be meant. `spread`: its text fills its rectangle, so a part of one is a part of the other."""

    text: str
    rect: Rect
    spread: bool = False

    def part(self, start: int, end: int) -> Rect:
        """The rectangle of a part of the text."""
        if not self.spread:
            return self.rect
        left, top, right, bottom = self.rect
        width = (right - left) / len(self.text)
        return Rect(left + round(start * width), top, left + round(end * width), bottom)


async def locate(locator: Locator, probe: Probe, *, read: bool = True, folder: Path = Path()) -> Found | None:
    """The thing that is meant where it can be seen, or None while it cannot.

    Without `read` a page's text is not looked for by OCR, which is slow and only needed for text that is painted, nor
    other ways' pictures; these lie in `folder`. Raises ScenarioError for a picture that cannot be read.
    """
    size = await probe.size()
    for number, way in enumerate((locator, *locator.others)):
        if way.picture is not None:
            rects = await _pictured(folder / way.picture, probe) if read or not number else []
        elif way.box is not None:
            rects = [way.box.to_rect(size)]
        else:
            rects = await _rects(way, probe, size, read=read)
        sure = len(rects) == 1 or (number == 0 and ("nth" in way.model_fields_set or not locator.others))
        if sure and way.nth < len(rects):
            return Found(rects[way.nth], locator.label, number)
    return None


async def _rects(locator: Locator, probe: Probe, size: Size, *, read: bool) -> list[Rect]:
    """Every place that fits a locator equally well, in reading order."""
    frame = await _frame(locator, probe, size)
    if frame is None:
        return []
    in_page = await probe.has_page()
    rects = _best(await (_in_page if in_page else _on_desktop)(locator, probe), locator, frame)
    if not rects and read and in_page and locator.text is not None:
        rects = _best(await _read(probe), locator, frame)
    return rects


async def _pictured(file: Path, probe: Probe) -> list[Rect]:
    """The place that looks like a picture."""
    try:
        found = await find_patch((await probe.picture()).png, file)
    except OSError as error:
        raise ScenarioError(f"cannot read the picture {str(file)!r}: {error.strerror or error}") from None
    return [found] if found else []


async def texts(locator: Locator, probe: Probe) -> list[str]:
    """What everything that fits a locator says, whether in view or to be scrolled to: values of fields, else texts."""
    if not await probe.has_page():
        frame = await _frame(locator, probe, await probe.size())
        there = await _on_desktop(locator, probe) if frame else []
        fits = [candidate for candidate in there if frame and _best([candidate], locator, frame)]
        return _closest_first([(candidate.text, candidate.text) for candidate in fits], locator)
    shown_ = [element for element in await _elements(locator, probe) if element.rendered]
    return _closest_first([(_name(e, locator), e.text if e.value is None else e.value) for e in shown_], locator)


def _closest_first(said: Sequence[tuple[str, str]], locator: Locator) -> list[str]:
    """Of names and what stands there, what stands under those names that match best."""
    if locator.phrase is None:
        return [text for _, text in said]
    ranked = [(min(found).closeness, text) for name, text in said
              if (found := places(locator.phrase, name, exact=locator.exact))]  # fmt: skip
    best = min((closeness for closeness, _ in ranked), default=None)
    return [text for closeness, text in ranked if closeness == best]


async def is_further_down(locator: Locator, probe: Probe) -> bool:
    """Whether the thing is in the page, but unseen, and the page can be scrolled down."""
    if not await probe.has_page() or not await _elements(locator, probe):
        return False
    if await _rects(locator, probe, await probe.size(), read=False):  # in view, only more than once
        return False
    return await probe.script("document.scrollingElement.scrollHeight > scrollY + innerHeight + 1") is True


async def closest(locator: Locator, probe: Probe, count: int = 5) -> list[str]:
    """Texts or names that are there, those most like the wanted one first; for an error message."""
    in_page = await probe.has_page()
    role = locator.model_copy(update={"name": None})
    there = await (_in_page if in_page else _on_desktop)(role, probe)
    if locator.text is not None:
        there = [*there, *await _read(probe)]
    said = list(dict.fromkeys(text for candidate in there if (text := " ".join(candidate.text.split()))))
    near = difflib.get_close_matches(locator.phrase or "", said, n=count, cutoff=0.4)
    return (near + [text for text in said if text not in near])[:count]


async def _frame(locator: Locator, probe: Probe, size: Size) -> Rect | None:
    """The part of the screen to look in: all of it, or a window; None while that window is not open."""
    if locator.window is None:
        return Rect(0, 0, *size)
    windows = [w.rect for w in await probe.windows() if locator.window.casefold() in w.title.casefold()]
    return windows[-1] if windows else None


async def _in_page(locator: Locator, probe: Probe) -> list[_Candidate]:
    return [
        _Candidate(_name(element, locator), element.rect)
        for element in await _elements(locator, probe)
        if element.visible
    ]


def _name(element: Element, locator: Locator) -> str:
    """The words by which a locator knows an element."""
    return element.name if locator.role else element.text or element.name


async def _elements(locator: Locator, probe: Probe) -> tuple[Element, ...]:
    if locator.css is not None:
        return await probe.elements(css=locator.css)
    if locator.role is not None:
        return await probe.elements(role=locator.role, name=locator.name)
    return await probe.elements(text=locator.text) if locator.text is not None else ()


async def _on_desktop(locator: Locator, probe: Probe) -> list[_Candidate]:
    if locator.role is None:
        return await _read(probe) if locator.text is not None else []
    roles = {locator.role, locator.role.replace("_", " "), *_ATSPI_ROLES.get(locator.role, ())}
    nodes = _of_window(locator, await probe.a11y())
    seen = [node for node in nodes if node.role in roles and "showing" in node.states]
    return [_Candidate(node.name or node.text, node.rect) for node in seen]


def _of_window(locator: Locator, nodes: Sequence[Node]) -> Sequence[Node]:
    """The nodes of the window that is meant, so that nothing behind it is found; all where none bears its title."""
    title = (locator.window or "").casefold()
    return [node for node in nodes if title in node.window.casefold()] or nodes


async def _read(probe: Probe) -> list[_Candidate]:
    return [_Candidate(line.text, line.rect, spread=True) for line in await probe.screen_text()]


def _best(candidates: Iterable[_Candidate], locator: Locator, frame: Rect) -> list[Rect]:
    """Those in the frame that match best, in reading order."""
    best: dict[Closeness, list[Rect]] = {}
    for candidate in candidates:
        for closeness, rect in _matches(candidate, locator):
            if _within(rect, frame):
                best.setdefault(closeness, []).append(rect)
    return reading_order(best[min(best)]) if best else []


def _matches(candidate: _Candidate, locator: Locator) -> list[tuple[Closeness, Rect]]:
    if locator.phrase is None:
        return [(Closeness.WHOLE, candidate.rect)]
    found = places(locator.phrase, candidate.text, exact=locator.exact)
    return [(place.closeness, candidate.part(place.start, place.end)) for place in found]


def _within(rect: Rect, frame: Rect) -> bool:
    """Whether a rectangle is not empty and has its centre in the frame."""
    x, y = rect.center
    inside = frame.left <= x < frame.right and frame.top <= y < frame.bottom
    return inside and rect.left < rect.right and rect.top < rect.bottom


def reading_order(rects: Sequence[Rect]) -> list[Rect]:
    """Top to bottom, and left to right among those on one line."""
    rows: list[list[Rect]] = []
    for rect in sorted(rects, key=lambda r: (r.center.y, r.left)):
        if rows and _on_one_line(rows[-1][0], rect):
            rows[-1].append(rect)
        else:
            rows.append([rect])
    return [rect for row in rows for rect in sorted(row, key=lambda r: r.left)]


def _on_one_line(a: Rect, b: Rect) -> bool:
    return 2 * abs(a.center.y - b.center.y) < min(a.bottom - a.top, b.bottom - b.top)
