"""Finds a phrase in a text that OCR may have read: case and spaces do not count, and one slip may be forgiven."""

from enum import IntEnum
from itertools import takewhile
from typing import NamedTuple

_SHORTEST_FORGIVEN = 6
"""Letters a phrase needs before one wrong, missing or extra letter is forgiven."""


class Closeness(IntEnum):
    """How well a phrase was found, the best first."""

    WHOLE = 0
    WORDS = 1
    INSIDE = 2
    NEARLY = 3


class Match(NamedTuple):
    """A phrase at `text[start:end]`."""

    closeness: Closeness
    start: int
    end: int


def places(phrase: str, text: str, *, exact: bool = False) -> list[Match]:
    """Where the phrase stands in the text: every place that is as close as the best; `exact` wants the whole text."""
    wanted, _ = _squeezed(phrase)
    letters, where = _squeezed(text)
    if not wanted or not letters:
        return []
    if wanted == letters:
        return [Match(Closeness.WHOLE, where[0], where[-1] + 1)]
    if exact:
        return []
    found = _inside(wanted, letters, text, where) or _nearly(wanted, letters, where)
    return [place for place in found if place.closeness == min(found).closeness]


def _squeezed(text: str) -> tuple[str, list[int]]:
    """The letters without spaces, in one case, and where in the text each stands."""
    letters = [(c, i) for i, char in enumerate(text) if not char.isspace() for c in char.casefold()]
    return "".join(c for c, _ in letters), [i for _, i in letters]


def _inside(wanted: str, letters: str, text: str, where: list[int]) -> list[Match]:
    found, at = [], letters.find(wanted)
    while at >= 0:
        start, end = where[at], where[at + len(wanted) - 1] + 1
        apart = not (text[start - 1 : start].isalnum() or text[end : end + 1].isalnum())
        found.append(Match(Closeness.WORDS if apart else Closeness.INSIDE, start, end))
        at = letters.find(wanted, at + 1)
    return found


def _nearly(wanted: str, letters: str, where: list[int]) -> list[Match]:
    if len(wanted) < _SHORTEST_FORGIVEN:
        return []
    for length in (len(wanted), len(wanted) - 1, len(wanted) + 1):
        for at in range(len(letters) - length + 1):
            if _one_slip(wanted, letters[at : at + length]):
                return [Match(Closeness.NEARLY, where[at], where[at + length - 1] + 1)]
    return []


def _one_slip(a: str, b: str) -> bool:
    """Whether one letter differs, is missing or is too many; a digit is never taken for another, nor dropped."""
    head = _shared(a, b)
    tail = _shared(a[head:][::-1], b[head:][::-1])
    slips = a[head : len(a) - tail], b[head : len(b) - tail]
    return max(map(len, slips)) == 1 and not "".join(slips).isdigit()


def _shared(a: str, b: str) -> int:
    """How many letters two texts share from the beginning."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(a, b, strict=False)))
