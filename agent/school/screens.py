"""Screens to learn from: drawn from a seed, with everything that is on them known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Literal

from agent.school import words
from agent.school.fonts import Family, families, write
from agent.school.holdout import Part, require
from agent.school.lesson import Letter, Picture
from agent.school.panels import PANELS, dialog, menu_bar, opened, soft
from agent.school.sheet import Area, Element, Sheet, Theme, broken
from agent.school.themes import pick_family, plain, readable, styled, tinted
from agent.school.widgets import WIDGETS, Widget

Level = Literal["print", "prints", "word", "words", "few", "task", "page"]


@dataclass(frozen=True, slots=True)
class Screen:
    """A picture and what is on it, in reading order. Not `whole` is one where something lies over other texts."""

    picture: Picture
    elements: tuple[Element, ...]
    whole: bool = True
    letters: tuple[Letter, ...] = ()


def draw(seed: int, level: Level, again: int = 0, part: Part = "training") -> Screen:
    """The screen of a seed; `again` counts further ones of the same seed. Raises HeldOutError.

    The same arguments make the same picture wherever the same fonts are installed.
    """
    rng = Random(f"{level} {require(seed, part)} {again}")
    while not (sheet := LEVELS[level](rng)).elements:
        pass
    return Screen(sheet.picture(), tuple(sheet.elements), not sheet.hidden, tuple(sheet.letters))


def _print(rng: Random) -> Sheet:
    """Lines of words in one font at one size, black on white, as many as there is room for."""
    return _lines(rng, 128, 64, 13, few=1, coloured=False)


def _prints(rng: Random) -> Sheet:
    """The same in all fonts, sizes and colours."""
    return _lines(rng, 128, 64, rng.randint(10, 18), few=rng.choice((3, None)), coloured=rng.random() < 0.5)


def _lines(rng: Random, width: int, height: int, size: int, few: int | None, *, coloured: bool) -> Sheet:
    """A picture full of words."""
    ground, ink = _pair(rng) if coloured else ((255, 255, 255), (0, 0, 0))
    sheet = Sheet(width, height, ground)
    family, bold = pick_family(rng, few), few != 1 and rng.random() < 0.25
    y = rng.randint(0, 6)
    while True:
        told = ""
        while (longer := write(f"{told} {words.word(rng)}".strip(), family, size, bold)).width <= width - 2:
            told = longer.text
        writing = write(told, family, size, bold)
        if y + writing.height > height:
            return sheet
        if told:
            stands = sheet.write(rng.randint(0, width - writing.width), y, writing, ink)
            sheet.add("text", told, stands, told, stands)
        y += writing.height + rng.randint(0, 3)


def _word(rng: Random) -> Sheet:
    """A word on a strip, in any font and colour."""
    while not 1 <= len(text := words.word(rng)) <= 12:
        pass
    ground, ink = _pair(rng) if rng.random() < 0.6 else ((255, 255, 255), (0, 0, 0))
    sheet = Sheet(128, 32, ground)
    family, size, bold = pick_family(rng), rng.randint(10, 24), rng.random() < 0.25
    while (writing := write(text, family, size, bold)).width > sheet.width - 2 and size > 8:
        size -= 1
    x, y = (rng.randint(0, max(room, 0)) for room in (sheet.width - writing.width, sheet.height - writing.height))
    stands = sheet.write(x, y, writing, ink)
    sheet.add("text", text, stands, text, stands)
    return sheet


def _pair(rng: Random) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """A ground, and an ink that is seen on it."""
    if rng.random() < 0.7:
        return tinted(rng, 225, 255), tinted(rng, 0, 90)
    ground = tinted(rng, 0, 110)
    return ground, readable(ground)


def _words(rng: Random) -> Sheet:
    """One to three texts on a small picture, none on another."""
    ground, ink = _pair(rng) if rng.random() < 0.4 else ((255, 255, 255), (0, 0, 0))
    sheet = Sheet(128, 64, ground)
    family, bold = pick_family(rng), rng.random() < 0.25
    taken: list[Area] = []
    for _ in range(rng.randint(1, 3)):
        text, size = words.word(rng), rng.randint(10, 18)
        writing = write(text, family, size, bold)
        if writing.width > 124:
            continue
        x, y = rng.randint(0, 128 - writing.width), rng.randint(0, 64 - writing.height)
        spot = Area(x, y, x + writing.width, y + writing.height)
        if any(spot.meets(other) for other in taken):
            continue
        taken.append(spot)
        sheet.write(x, y, writing, ink)
        sheet.add("text", text, spot, text, spot)
    sheet.elements.sort(key=lambda one: (one.box.top, one.box.left))
    sheet.letters.sort(key=lambda one: (one.top, one.left))
    return sheet


def _few(rng: Random) -> Sheet:
    """A small page of some widgets."""
    theme = plain(rng, rng.randint(10, 14), few=3) if rng.random() < 0.5 else styled(rng, 10, 15)
    sheet = Sheet(192, 128, theme.ground)
    fill(sheet, (theme,), rng, sheet.area.inset(theme.gap, theme.gap))
    return sheet


_TASK, _QUERY, _BESIDE = Area(0, 0, 160, 210), Area(0, 0, 160, 50), (85, 85, 85)
"""Of a page in MiniWoB++: what is used, the bar that says what is to be done, and the grey beside it."""


def _task(rng: Random) -> Sheet:
    """A page of the size and in the manner of MiniWoB++: a yellow bar with words, and some widgets below it."""
    theme = plain(rng, 10, few=3 if rng.random() < 0.3 else 1)
    sheet = Sheet(332, 214, _BESIDE)
    sheet.box(_TASK, theme.ground)
    _ask(sheet, theme.family, words.sentence(rng, 3, 12))
    big = replace(theme, size=13)
    _mixed(sheet, (theme, theme, big), rng, Area(2 + rng.randint(0, 8), 52 + rng.randint(0, 6), 158, 208))
    _over(sheet, big, rng, Area(2, 54, 300, 212), 0.12)
    return sheet


def _ask(sheet: Sheet, family: Family, goal: str) -> None:
    """Writes into the bar what is to be done."""
    sheet.box(_QUERY, (255, 255, 0))
    y = 2
    for line in broken(goal, 154, family, 10)[:4]:
        stands = sheet.write(3, y, write(line, family, 10), (0, 0, 0))
        sheet.add("text", line, stands, line, stands)
        y += stands.height - 1


def asking(screen: Screen, goal: str) -> Screen:
    """A task with this goal in its bar."""
    sheet = Sheet(_QUERY.right, _QUERY.bottom, (255, 255, 0))
    _ask(sheet, families()[0], goal)
    picture = screen.picture.copy()
    picture[: _QUERY.bottom, : _QUERY.right] = sheet.picture()
    below = tuple(one for one in screen.elements if not one.box.meets(_QUERY))
    letters = tuple(one for one in screen.letters if not Area(*one[1:]).meets(_QUERY))
    return Screen(picture, (*sheet.elements, *below), screen.whole, (*sheet.letters, *letters))


_SIZES = ((332, 214), (332, 214), (480, 320), (640, 480), (800, 600), (1024, 768), (1280, 720))


def _page(rng: Random) -> Sheet:
    """A page of any size and looks, in one to three columns."""
    width, height = rng.choice(_SIZES)
    theme = styled(rng, 10, 14 if width < 500 else 18)
    sheet = Sheet(width, height, theme.ground)
    room, columns = sheet.area, 1 if width < 480 else rng.randint(1, 3)
    if rng.random() < 0.4:
        room = room._replace(top=menu_bar(sheet, theme, rng, room))
    wide = room.width // columns
    for column in range(columns):
        left = column * wide
        part = Area(left, room.top, left + wide, room.bottom)
        if columns > 1 and rng.random() < 0.3:
            sheet.box(part, soft(theme))
        _mixed(sheet, (theme,), rng, part.inset(theme.gap, theme.gap))
    _over(sheet, theme, rng, sheet.area, 0.2)
    return sheet


def _over(sheet: Sheet, theme: Theme, rng: Random, room: Area, share: float) -> None:
    """Now and then something lies over the page."""
    if rng.random() < share:
        rng.choice((opened, dialog))(sheet, theme, rng, room)


def _mixed(sheet: Sheet, themes: Sequence[Theme], rng: Random, room: Area) -> None:
    """Fills a room with widgets and panels from above."""
    fill(sheet, themes, rng, room, WIDGETS + PANELS)


def fill(sheet: Sheet, themes: Sequence[Theme], rng: Random, room: Area, widgets: Sequence[Widget] = WIDGETS) -> None:
    """Fills a room with widgets from above, each in one of some looks."""
    y, misses, most = room.top, 0, rng.choice((2, 3, 5, 99))
    while misses < 3 and most:
        theme = rng.choice(themes)
        left = room.left + (rng.randint(0, max(room.width // 3, 0)) if rng.random() < 0.2 else 0)
        took = rng.choice(widgets)(sheet, theme, rng, Area(left, y, room.right, room.bottom))
        misses, most = (0, most - 1) if took else (misses + 1, most)
        y += took + theme.gap if took else 0


LEVELS: dict[Level, Callable[[Random], Sheet]] = {
    "print": _print, "prints": _prints, "word": _word, "words": _words,
    "few": _few, "task": _task, "page": _page,
}  # fmt: skip
"""How pictures grow."""
