"""Ways back to a thing that was pointed at: by role and name, selector, text and a picture of it, each tried out.

A way counts only if it leads to just this thing now. A bare place on the screen is the last resort, and stands alone:
as one way among others it would be a guess.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any, NamedTuple

from env.base import Node, Probe
from env.patch import cut_patch, find_patch
from scenarios.locate import Locator, locate
from tools.dom import Element
from tools.geometry import Box, Point, Rect, Size

USED = "a, button, input, select, textarea, summary, label, option, [role], [tabindex], [contenteditable], [draggable]"
"""Selects what people click on and type into."""
_SHOWN = "li, td, th, h1, h2, h3, h4, h5, h6, p, img, span, strong, b, em, small, div"
_NAMING = ("data-testid", "data-test", "name", "aria-label", "placeholder", "title", "alt", "download")
_TELLING = ("password", "email", "tel", "search", "file")
"""Types of a field that say what belongs into it."""
_LONGEST = 60
_SHORTEST = 3
_LARGE = 0.05
"""Share of the screen from which on a thing is large."""
_NEAR = 10
_HOLDERS = {
    "frame", "window", "application", "panel", "filler", "scroll pane", "viewport", "layered pane", "dialog",
    "file chooser", "split pane", "tool bar", "menu bar", "table", "tree table", "list", "page tab list",
}  # fmt: skip
"""AT-SPI roles of what only holds other things."""

Way = dict[str, Any]
Keep = Callable[[bytes], str]


async def ways_to(point: Point, probe: Probe, keep: Keep | None = None, *, middle: bool = False) -> list[Way]:
    """Locators of what is at a pixel, the steadiest first, as they stand in YAML; never empty.

    With `keep`, which stores a PNG and returns its name in the test, a picture of the thing is one of them. With
    `middle` only those of a thing whose middle it is: where something is dropped the place in it matters.
    """
    aim = _Aim(point, await probe.size(), middle)
    target, candidates = await (_in_page if await probe.has_page() else _on_desktop)(aim, probe)
    found = [way async for way in _tried(target, candidates, probe)] if target else []
    if keep and (patch := await _patch(target or Rect(*point, *point), point, probe)):
        found.append({"picture": keep(patch)})
    if found:
        return found
    half = 8
    around = Rect(max(0, point.x - half), max(0, point.y - half), point.x + half, point.y + half)
    return [{"box": [int(value) for value in Box.from_rect(around, aim.size).model_dump()]}]


def as_locator(ways: list[Way]) -> Way:
    """Several ways as one locator: the first, and the others as its `or`."""
    first, *others = ways
    return first | ({"or": others} if others else {})


async def _patch(target: Rect, point: Point, probe: Probe) -> bytes | None:
    """A picture of the thing, if nothing else on the screen looks like it."""
    seen = (await probe.picture()).png
    patch = cut_patch(seen, target, point)
    found = await find_patch(seen, patch) if patch else None
    return patch if found and found.center == point else None


class _Aim(NamedTuple):
    """A pixel of a screen, and whether only the middle of a thing is meant by it."""

    point: Point
    size: Size
    middle: bool

    def hits(self, rect: Rect) -> bool:
        """Whether a click on the thing's middle is what was meant: in a large one (a sheet, a canvas) it is not."""
        large = self.middle or _area(rect) > _LARGE * self.size.width * self.size.height
        x, y = rect.center
        near = abs(x - self.point.x) <= _NEAR and abs(y - self.point.y) <= _NEAR
        return _holds(rect, self.point) and (near or not large)


async def _tried(target: Rect, candidates: Iterable[Way], probe: Probe) -> AsyncIterator[Way]:
    """The ways that lead to this thing, and to no other."""
    led = False
    for way in candidates:
        if "window" in way and led:  # titles change: a window is named only where it must be
            return
        if await _leads(way, target, probe):
            led = True
            yield way


async def _leads(way: Way, target: Rect, probe: Probe) -> bool:
    """Whether a way leads to the target only: another one that it leads to as well would be there as its second."""
    locator = Locator.model_validate(way)
    found = await locate(locator, probe, read=False)
    if found is None or not _same(found.rect, target):
        return False
    return await locate(locator.model_copy(update={"nth": 1}), probe, read=False) is None


def _same(rect: Rect, target: Rect) -> bool:
    """Whether a click on the one is a click on the other: a line of text may be a part of a button."""
    return _holds(target, rect.center)


async def _in_page(aim: _Aim, probe: Probe) -> tuple[Rect | None, list[Way]]:
    shown = [one for one in await probe.elements(css=_SHOWN) if one.visible]
    used = [one for one in await probe.elements(css=USED) if one.visible]
    for there in (used, shown):
        if hit := [one for one in there if aim.hits(one.rect)]:
            element = min(hit, key=lambda one: _area(one.rect))
            return element.rect, [*_of_element(element), *_of_title(element, shown)]
    return None, []


def _of_element(element: Element) -> Iterator[Way]:
    attributes = element.attributes
    if element.role and element.name and len(element.name) <= _LONGEST:
        yield {"role": element.role, "name": element.name, "exact": True}
    if identifier := attributes.get("id"):
        yield {"css": f"[id={_quoted(identifier)}]"}
    for name in _NAMING:
        if attributes.get(name):
            yield {"css": f"{element.tag}[{name}={_quoted(attributes[name])}]"}
    if element.tag == "input" and attributes.get("type") in _TELLING:
        yield {"css": f"input[type={_quoted(attributes['type'])}]"}
    if element.tag == "a" and not attributes.get("href", "blob:").startswith("blob:"):
        yield {"css": f"a[href={_quoted(attributes['href'])}]"}
    if element.text and len(element.text) <= _LONGEST:
        yield {"text": element.text, "exact": True}


def _of_title(element: Element, shown: list[Element]) -> Iterator[Way]:
    """The first line of a thing that says several: what follows it changes sooner, as a state or a count does."""
    inside = [one for one in shown if one.text in element.text and _holds(element.rect, one.rect.center)]
    title = next((one.text for one in inside if len(one.text) >= _SHORTEST and one.text != element.text), "")
    if title and len(title) <= _LONGEST:
        yield {"text": title, "exact": True}


def _quoted(text: str) -> str:
    """A string of CSS."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


async def _on_desktop(aim: _Aim, probe: Probe) -> tuple[Rect | None, list[Way]]:
    """The smallest thing of the accessibility tree, else a line that OCR reads; in its window where it must be."""
    point = aim.point
    nodes = [node for node in await probe.a11y() if "showing" in node.states and aim.hits(node.rect)]
    nodes = [node for node in nodes if node.role not in _HOLDERS]
    lines = [line for line in await probe.screen_text() if _holds(line.rect, point)]
    target = min((node.rect for node in nodes), key=_area, default=lines[0].rect if lines else None)
    ways: list[Way] = [_of_node(node) for node in nodes if node.rect == target]
    ways += [{"text": line.text, "exact": True} for line in lines]
    titles = [window.title for window in await probe.windows() if _holds(window.rect, point)]
    return target, ways + [way | {"window": title} for title in titles[-1:] for way in ways]


def _of_node(node: Node) -> Way:
    return {"role": node.role, "name": node.name, "exact": True} if node.name else {"role": node.role}


def _holds(rect: Rect, point: Point) -> bool:
    return rect.left <= point.x < rect.right and rect.top <= point.y < rect.bottom


def _area(rect: Rect) -> int:
    return (rect.right - rect.left) * (rect.bottom - rect.top)
