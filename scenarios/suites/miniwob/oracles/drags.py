"""Things to drag: boxes, figures, lines of a list, a cube; and words to mark in an editor."""

import re

from PIL import ImageColor

from scenarios.suites.miniwob.page import Page, solves
from tools.geometry import Point, Rect

_WAYS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
_FIGURES = {"rectangles": "rect", "circles": "circle", "triangles": "polygon"}
_WORDS = """
(() => {
  const walk = document.createTreeWalker(document.querySelector('.ql-editor'), NodeFilter.SHOW_TEXT), words = [];
  while (walk.nextNode()) for (const found of walk.currentNode.data.matchAll(/\\S+/g)) {
    const range = document.createRange();
    range.setStart(walk.currentNode, found.index);
    range.setEnd(walk.currentNode, found.index + found[0].length);
    const {left, top, right, bottom} = range.getBoundingClientRect();
    words.push([found[0], left, (top + bottom) / 2, right]);
  }
  return words;
})()
"""
"""Each word of the editor: its left end, its height, its right end, in pixels."""


@solves("drag-box")
async def box(page: Page) -> None:
    """Into the middle of the larger one."""
    small, large = await page.one("#draggableSmall"), await page.one("#draggableLarge")
    await page.drag(small.rect.center, large.rect.center, "the small box into the large one")
    await page.submit()


@solves("drag-circle", "drag-single-shape")
async def figure(page: Page) -> None:
    """Some way in a direction."""
    way = page.told(r"(left|right|up|down)")
    dx, dy = _WAYS[way]
    x, y = (await page.one("#area svg > *")).rect.center
    await page.drag((x, y), (x + 20 * dx, y + 20 * dy), f"the figure {way}")
    await page.submit()


@solves("drag-shapes", "drag-shapes-2")
async def figures(page: Page) -> None:
    """Those that are named into the (left) box; where there are two, the others into the right one."""
    what = page.told(r"Drag all (\w+)")
    boxes = [box.rect for box in await page.all("#shape-container")]
    css = "#area_svg > :not(#shape-container)"
    for number, one in enumerate(await page.all(css)):
        named = one.tag == _FIGURES[what] if what in _FIGURES else one.attributes["fill"] == what
        if named or len(boxes) > 1:
            into = boxes[0 if named else 1]
            spot = (into.left + 20 + 8 * number % 40, (into.top + into.bottom) // 2)
            await page.drag(one.rect.center, spot, f"a figure into the {'right' if not named else 'named'} box")
    await page.submit()


def _beyond(line: Rect, *, down: bool) -> tuple[int, int]:
    """A place by which what is dragged has passed the middle of another line."""
    x, y = line.center
    return x, y + (4 if down else -4)


@solves("drag-items")
async def line(page: Page) -> None:
    """One line of a list, to a place told in one of several ways."""
    names = await page.texts("#sortable li")
    start = names.index(page.told(r"Drag (\S+) "))
    end = _line(page.goal, start, len(names))
    lines = [item.rect for item in await page.all("#sortable li")]
    await page.drag(lines[start].center, _beyond(lines[end], down=end > start), names[start])


def _line(goal: str, start: int, count: int) -> int:
    if found := re.search(r"to the (\d)\w\w position", goal):
        return int(found[1]) - 1
    return {"top": 0, "bottom": count - 1, "down": start + 1, "up": start - 1}[
        re.findall(r"(top|bottom|down|up)(?: by one position)?\.$", goal)[0]
    ]


@solves("drag-items-grid")
async def cell(page: Page) -> None:
    """One cell of nine."""
    names = await page.texts("#sortable li")
    start = names.index(page.told(r"Drag (\S+) "))
    end = _cell(page.goal, start)
    cells = [item.rect for item in await page.all("#sortable li")]
    await page.drag(cells[start].center, _drop(cells, start, end), names[start])


def _drop(cells: list[Rect], start: int, end: int) -> tuple[int, int]:
    """What comes from the left or from above is put behind the cell under the pointer, else before it."""
    across = end % 3 - start % 3
    behind = end > start or across > 0
    x, y = cells[end if end > start or not behind else end - 1].center
    return x + (10 if across > 0 or (behind and across == 0) else -10), y


def _cell(goal: str, start: int) -> int:
    if found := re.search(r"(up|down|left|right) by one", goal):
        dx, dy = _WAYS[found[1]]
        return start + dx + 3 * dy
    words = goal.rstrip(".").rpartition("to the ")[2].split()
    row = {"top": 0, "bottom": 2}.get(words[0], 1)
    column = {"left": 0, "right": 2}.get(words[-1], 1)
    return 3 * row + column


@solves("drag-sort-numbers")
async def sort(page: Page) -> None:
    """The smallest of the rest comes to its place, line by line."""
    for place in range(4):
        numbers = [int(text) for text in await page.texts("#sortable li div")]
        smallest = min(range(place, 4), key=lambda nth: numbers[nth])
        if smallest != place:
            lines = [item.rect for item in await page.all("#sortable li")]
            await page.drag(lines[smallest].center, _beyond(lines[place], down=False), str(numbers[smallest]))
    await page.submit()


@solves("drag-cube")
async def cube(page: Page) -> None:
    """Turns it, watching which side is in front; 1 and 6 are above and below."""
    wanted = page.quoted[0]
    middle = Point(80, 120)
    for turn in range(20):
        if await page.texts(".cube-image.active") == [wanted]:
            break
        upright = wanted in "16" or turn % 5 == 4
        dx, dy = (0, 40) if upright else (40, 0)
        await page.drag((middle.x - dx, middle.y - dy), (middle.x + dx, middle.y + dy), "the cube")
    await page.submit()


@solves("text-editor")
async def styled(page: Page) -> None:
    """Marks the word, or everything, and clicks the style."""
    if "everything" in page.goal:
        await page.click(".ql-editor p")
        await page.press("ctrl+a")
    else:
        word = page.told(r"give the text (\S+) the")
        left, height, right = next(rest for said, *rest in await page.script(_WORDS) if said == word)
        await page.drag((left, height), (right, height), word)
    if found := re.search(r"(?:the color|everything the color) (\w+)", page.goal):
        await page.click(".ql-color .ql-picker-label")
        await page.click(f'.ql-color [data-value="{_nearest(found[1], await _palette(page))}"]')
    else:
        style = page.told(r"style (bold|italics|underlined)")
        await page.click(f".ql-{ {'bold': 'bold', 'italics': 'italic', 'underlined': 'underline'}[style] }")
    await page.submit()


async def _palette(page: Page) -> list[str]:
    given = [item.attributes.get("data-value") for item in await page.all(".ql-color .ql-picker-item")]
    return [value for value in given if value]


def _nearest(name: str, palette: list[str]) -> str:
    wanted = ImageColor.getrgb(name)
    return min(palette, key=lambda one: sum((a - b) ** 2 for a, b in zip(ImageColor.getrgb(one), wanted, strict=True)))
