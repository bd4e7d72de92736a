"""The things that screens are made of. Each draws itself into a room and says what it took.

A widget gets a sheet, the looks, chance, and a room; it draws at the room's top left corner and gives the height that
it used, or 0 where it found no place and drew nothing.
"""

from collections.abc import Callable
from random import Random

from agent.school import words
from agent.school.fonts import Writing, write
from agent.school.icons import ICONS, draw_icon
from agent.school.sheet import Area, Sheet, State, Theme, broken
from agent.school.themes import shifted

Widget = Callable[[Sheet, Theme, Random, Area], int]
_TRIES = 6


def fitting(
    rng: Random, make: Callable[[Random], str], theme: Theme, width: int, size: int = 0, bold: bool = False
) -> tuple[str, Writing] | None:
    """A text that is at most `width` pixels wide as it is written, if chance finds one soon."""
    for _ in range(_TRIES):
        text = make(rng)
        writing = write(text, theme.family, size or theme.size, bold)
        if writing.width <= width:
            return text, writing
    return None


def heading(sheet: Sheet, theme: Theme, rng: Random, room: Area) -> int:
    """A line in large or bold letters."""
    size = theme.size + rng.randint(1, 8)
    found = fitting(rng, lambda r: words.phrase(r, 1, 4), theme, room.width, size, bold=True)
    if not found or found[1].height > room.height:
        return 0
    text, writing = found
    stands = sheet.write(room.left, room.top, writing, theme.ink)
    sheet.add("heading", text, stands, text, stands)
    return writing.height


def paragraph(sheet: Sheet, theme: Theme, rng: Random, room: Area) -> int:
    """Sentences in lines."""
    text = words.sentence(rng, 3, 14)
    told = broken(text, room.width, theme.family, theme.size)
    writings = [write(line, theme.family, theme.size) for line in told]
    if max(one.width for one in writings) > room.width or _tall(writings) > room.height:
        return 0
    y = room.top
    for line, writing in zip(told, writings, strict=True):
        stands = sheet.write(room.left, y, writing, theme.ink)
        sheet.add("text", line, stands, line, stands)
        y += writing.height
    return y - room.top


def link(sheet: Sheet, theme: Theme, rng: Random, room: Area) -> int:
    """Some links in a row, underlined more often than not."""
    x, tall, under = room.left, 0, rng.random() < 0.7
    for _ in range(rng.randint(1, 4)):
        found = fitting(rng, lambda r: words.phrase(r, 1, 2), theme, room.right - x)
        if not found or found[1].height > room.height:
            break
        text, writing = found
        stands = sheet.write(x, room.top, writing, theme.link)
        if under:
            y = stands.bottom - max(1, writing.height // 7)
            sheet.draw.line((stands.left, y, stands.right - 1, y), fill=theme.link)
        sheet.add("link", text, stands, text, stands)
        x, tall = stands.right + theme.gap + 4, writing.height
    return tall


def buttons(sheet: Sheet, theme: Theme, rng: Random, room: Area) -> int:
    """Some buttons in a row; now and then one that is greyed out."""
    x, tall = room.left, 0
    across, down = theme.pad * 2 + rng.randint(0, 16), theme.pad + rng.randint(0, 3)
    for number in range(rng.choice((1, 1, 2, 2, 3, 4))):
        found = fitting(rng, lambda r: words.phrase(r, 1, 2), theme, room.right - x - 2 * across)
        if not found or found[1].height + 2 * down > room.height:
            break
        text, writing = found
        box = Area(x, room.top, x + writing.width + 2 * across, room.top + writing.height + 2 * down)
        button(sheet, theme, box, text, main=number == 0, off=rng.random() < 0.06)
        x, tall = box.right + theme.gap, box.height
    return tall


def button(sheet: Sheet, theme: Theme, box: Area, text: str, *, main: bool = True, off: bool = False) -> None:
    """One button."""
    face, ink = (theme.face, theme.face_ink) if main else (theme.field, theme.ink)
    writing = write(text, theme.family, theme.size)
    if off:
        face, ink = shifted(theme.ground, -15 if theme.ground[0] > 100 else 15), theme.line
    sheet.box(box, face, theme.line, theme.radius)
    x, y = (box.left + box.right - writing.width) // 2, (box.top + box.bottom - writing.height) // 2
    sheet.add("button", text, box, text, sheet.write(x, y, writing, ink), "disabled" if off else "")


def field(sheet: Sheet, theme: Theme, rng: Random, room: Area) -> int:
    """A field with a label above or before it, empty, filled or with the keyboard in it."""
    beside = rng.random() < 0.35 and room.width > 150
    found = fitting(rng, lambda r: words.phrase(r, 1, 2), theme, room.width // (3 if beside else 1), bold=True)
    if not found:
        return 0
    text, label = found
    down = rng.randint(2, max(2, theme.pad))
    left = room.left + label.width + theme.gap if beside else room.left
    top = room.top if beside else room.top + label.height + 2
    wide = min(room.right - left, rng.randint(60, 260))
    box = Area(left, top, left + wide, top + label.height + 2 * down)
    if box.bottom > room.bottom or wide < 40:
        return 0
    stands = sheet.write(room.left, room.top + (down if beside else 0), label, theme.ink)
    sheet.add("text", text, stands, text, stands)
    _filled(sheet, theme, rng, box, text)
    return box.bottom - room.top


def _filled(sheet: Sheet, theme: Theme, rng: Random, box: Area, name: str) -> None:
    """The box of a field, and what stands in it."""
    focused = rng.random() < 0.3
    sheet.box(box, theme.field, theme.accent if focused else theme.line, min(theme.radius, 3), 2 if focused else 1)
    inner = box.inset(4, 1)
    found = fitting(rng, words.text, theme, inner.width) if rng.random() < 0.45 else None
    state: State = "focused" if focused else ""
    if found is None:
        if focused:
            sheet.draw.line((inner.left, box.top + 3, inner.left, box.bottom - 4), fill=theme.ink)
        sheet.add("input", name, box, state=state)
        return
    text, writing = found
    y = (box.top + box.bottom - writing.height) // 2
    sheet.add("input", name, box, text, sheet.write(inner.left, y, writing, theme.ink), state)


def checks(sheet: Sheet, theme: Theme, rng: Random, room: Area) -> int:
    """Checkboxes, one below the other."""
    return _choices(sheet, theme, rng, room, round_=False)


def radios(sheet: Sheet, theme: Theme, rng: Random, room: Area) -> int:
    """Radio buttons, one below the other, or in a row."""
    return _choices(sheet, theme, rng, room, round_=True)


def _choices(sheet: Sheet, theme: Theme, rng: Random, room: Area, *, round_: bool) -> int:
    count, side, gap = rng.randint(2, 6), max(9, theme.size - rng.randint(0, 2)), rng.randint(1, theme.gap)
    on = {rng.randrange(count)} if round_ else {number for number in range(count) if rng.random() < 0.35}
    y = room.top
    for number in range(count):
        found = fitting(rng, lambda r: words.phrase(r, 1, 2), theme, room.width - side - 6)
        if not found or y + max(side, found[1].height) > room.bottom:
            break
        choice(sheet, theme, (room.left, y), found[0], side, round_=round_, on=number in on)
        y += max(side, found[1].height) + gap
    return max(y - gap - room.top, 0)


def choice(
    sheet: Sheet, theme: Theme, corner: tuple[int, int], text: str, side: int, *, round_: bool, on: bool
) -> None:
    """A checkbox or a radio button `side` pixels wide, with its label behind it."""
    x, y = corner
    writing = write(text, theme.family, theme.size)
    tall = max(side, writing.height)
    top = y + (tall - side) // 2
    box = Area(x, top, x + side, top + side)
    if round_:
        sheet.box(box, theme.field, theme.accent if on else theme.line, side // 2)
        if on:
            sheet.box(box.inset(side // 4, side // 4), theme.accent, None, max(1, side // 4))
    else:
        sheet.box(box, theme.accent if on else theme.field, theme.accent if on else theme.line, min(theme.radius, 2))
        if on:
            ticks = [
                (x + side * 0.22, top + side * 0.5),
                (x + side * 0.42, top + side * 0.72),
                (x + side * 0.8, top + side * 0.26),
            ]
            sheet.draw.line(ticks, fill=theme.accent_ink, width=max(1, side // 7))
    stands = sheet.write(x + side + 5, y + (tall - writing.height) // 2, writing, theme.ink)
    sheet.add("radio button" if round_ else "checkbox", text, box, text, stands, "checked" if on else "unchecked")


def dropdown(sheet: Sheet, theme: Theme, rng: Random, room: Area) -> int:
    """A closed dropdown that shows its choice; its name is what it shows."""
    found = fitting(rng, words.text, theme, min(room.width, 220) - 24)
    if not found:
        return 0
    text, writing = found
    wide = min(room.width, writing.width + rng.randint(24, 80))
    box = Area(room.left, room.top, room.left + wide, room.top + writing.height + rng.randint(2, 6))
    if box.bottom > room.bottom:
        return 0
    sheet.box(box, theme.field, theme.line, min(theme.radius, 3))
    middle, right = (box.top + box.bottom) // 2, box.right - 6
    sheet.draw.line([(right - 8, middle - 2), (right - 4, middle + 2), (right, middle - 2)], fill=theme.ink, width=2)
    y = (box.top + box.bottom - writing.height) // 2
    sheet.add("dropdown", text, box, text, sheet.write(box.left + 4, y, writing, theme.ink))
    return box.height


def icons(sheet: Sheet, theme: Theme, rng: Random, room: Area) -> int:
    """Icons in a row, with frames around them or not."""
    side, framed, x = rng.randint(12, 28), rng.random() < 0.5, room.left
    if side > room.height:
        return 0
    for kind in rng.sample(ICONS, rng.randint(1, 5)):
        box = Area(x, room.top, x + side, room.top + side)
        if box.right > room.right:
            break
        if framed:
            sheet.box(box, theme.face, theme.line, theme.radius)
        draw_icon(sheet.draw, kind, box.inset(side // 5, side // 5) if framed else box,
                  theme.face_ink if framed else theme.ink)  # fmt: skip
        sheet.add("icon", kind, box)
        x = box.right + theme.gap
    return side


def _tall(writings: list[Writing]) -> int:
    return sum(one.height for one in writings)


WIDGETS: tuple[Widget, ...] = (heading, paragraph, link, buttons, field, checks, radios, dropdown, icons)
