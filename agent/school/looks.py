"""Where the tokens of a lesson look on its picture: letters of a name at themselves, numbers at their box."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from agent.school.lesson import Letter
from agent.school.shape import MERGE

_BOX = re.compile(r"\[(\d+), (\d+), (\d+), (\d+)\]")
_PICTURE_END = "<|vision_end|>"
_SHORT = 3
"""Names of fewer letters are looked for only behind a quotation mark: they occur by chance."""
_INNER = 0.2
"""What is left out at each side of a letter: there is mostly the space around it."""


class Look(NamedTuple):
    """Where a token looks: `ahead` for what comes after it, else for itself; `cell` is a token of the last picture."""

    ahead: bool
    place: int
    cell: int


class Spread(NamedTuple):
    """A rectangle as shares of a picture's width and height, 0–1."""

    left: float
    top: float
    right: float
    bottom: float

    def cells(self, rows: int, columns: int) -> Iterator[int]:
        """The tokens of a picture of so many rows and columns that it covers a part of, at least one."""
        for row in _covered(self.top, self.bottom, rows):
            for column in _covered(self.left, self.right, columns):
                yield row * columns + column


def _covered(begin: float, end: float, count: int) -> range:
    first = min(max(int(begin * count), 0), count - 1)
    return range(first, max(first + 1, min(count, -int(-end * count // 1))))


@dataclass(frozen=True, slots=True)
class Text:
    """A text as tokens: each token's first and last character, and the place of the first token in its row."""

    text: str
    spans: Sequence[tuple[int, int]]
    first: int

    def tokens(self, start: int, stop: int) -> Iterator[int]:
        """The places in the row of the tokens that hold some of these characters."""
        for number, (begin, end) in enumerate(self.spans):
            if begin < stop and start < end:
                yield self.first + number


def looks(
    prompt: Text, answer: Text, letters: Sequence[Letter], size: tuple[int, ...], grid: tuple[int, int]
) -> Iterator[Look]:
    """Where the tokens of a lesson look on its last picture of `size`, height and width, in pixels.

    `prompt` is all text before the answer. Boxes in either, relative to 0–1000, say where a name may stand; where there
    is none, the answer is what all letters say.
    """
    find = _Finder(letters, size, (grid[0] // MERGE, grid[1] // MERGE))
    asked = prompt.text.rfind(_PICTURE_END)  # what is before it cannot look at it
    boxes = [found for found in _BOX.finditer(prompt.text) if found.start() > asked]
    for box in boxes:
        yield from find.numbers(prompt, box, ahead=False)
        yield from find.name(answer, find.within(box), 0, len(answer.text))
    given = list(_BOX.finditer(answer.text))
    for number, box in enumerate(given):
        yield from find.numbers(answer, box, ahead=True)
        inside = find.within(box)
        if len(given) == 1:
            yield from find.name(prompt, inside, max(asked, 0), len(prompt.text), ahead=False)
            yield from find.name(answer, inside, 0, len(answer.text))
        else:
            after = given[number + 1].start() if number + 1 < len(given) else len(answer.text)
            yield from find.name(answer, inside, box.end(), after)
    if not given and not boxes:
        yield from find.all(answer)


class _Finder:
    """Finds letters of a picture again in a text."""

    def __init__(self, letters: Sequence[Letter], size: tuple[int, ...], cells: tuple[int, int]) -> None:
        self._letters = [letter for letter in letters if not letter.sign.isspace()]
        self._height, self._width = size[:2]
        self._cells = cells

    def within(self, box: re.Match[str]) -> list[Letter]:
        """The letters whose middle lies in a box."""
        x1, y1, x2, y2 = (int(side) / 1000 for side in box.groups())
        return [
            letter for letter in self._letters
            if x1 <= (letter.left + letter.right) / 2 / self._width <= x2
            and y1 <= (letter.top + letter.bottom) / 2 / self._height <= y2
        ]  # fmt: skip

    def numbers(self, text: Text, box: re.Match[str], *, ahead: bool) -> Iterator[Look]:
        """From the numbers of a box, or with `ahead` from what stands before each, at the box."""
        x1, y1, x2, y2 = (int(side) / 1000 for side in box.groups())
        cells = list(Spread(x1, y1, x2, y2).cells(*self._cells))
        for group in range(1, 5):
            for place in text.tokens(*box.span(group)):
                yield from (Look(ahead, place - ahead, cell) for cell in cells)

    def all(self, answer: Text) -> Iterator[Look]:
        """From an answer that is exactly what all letters of the picture say."""
        begin = answer.text.rfind("</think>") + len("</think>")
        if _packed(answer.text[begin:]) == "".join(letter.sign for letter in self._letters):
            yield from self._along(answer, begin, self._letters, ahead=True)

    def name(
        self, text: Text, letters: Sequence[Letter], start: int, stop: int, *, ahead: bool = True
    ) -> Iterator[Look]:
        """From every place of a text, in this part of it, where just these letters follow each other.

        With `ahead` also from what stands before each.
        """
        if not letters:
            return
        pattern = r"\s*".join(re.escape(letter.sign) for letter in letters)
        for found in re.compile(pattern).finditer(text.text, start, stop):
            if len(letters) >= _SHORT or text.text[found.start() - 1] == '"':
                yield from self._along(text, found.start(), letters, ahead)

    def _along(self, text: Text, at: int, letters: Sequence[Letter], ahead: bool) -> Iterator[Look]:
        for letter in letters:
            at = text.text.index(letter.sign, at)
            wide, tall = letter.right - letter.left, letter.bottom - letter.top
            stands = Spread(
                (letter.left + _INNER * wide) / self._width, (letter.top + _INNER * tall) / self._height,
                (letter.right - _INNER * wide) / self._width, (letter.bottom - _INNER * tall) / self._height,
            )  # fmt: skip
            for place in text.tokens(at, at + 1):
                for cell in stands.cells(*self._cells):
                    yield Look(False, place, cell)
                    if ahead:
                        yield Look(True, place - 1, cell)
            at += 1


def _packed(text: str) -> str:
    return "".join(text.split())
