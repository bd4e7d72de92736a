"""What is asked about a screen, and the right answer. Boxes are on the grid from 0 to 1000."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple, TypeVar

from agent.school.screens import Screen
from agent.school.sheet import Area, Element

READ = "Read all texts."
READ_BOXES = "Read all texts. Report their bbox coordinates in JSON format."
_T = TypeVar("_T")
_MANY = 12
"""Texts of a screen that are asked for at once; their boxes half as many."""
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")


class NoQuestionError(ValueError):
    """What cannot be asked about a screen."""


class Asked(NamedTuple):
    """A question and its answer."""

    question: str
    answer: str


def grid(screen: Screen, area: Area) -> list[int]:
    """An area in pixels as a box on the grid, rounded to whole units, [x1, y1, x2, y2]."""
    height, width = screen.picture.shape[:2]
    sides = ((area.left, width), (area.top, height), (area.right, width), (area.bottom, height))
    return [min(max(round(value / length * 1000), 0), 1000) for value, length in sides]


def locating(target: str) -> str:
    """The words that ask where a thing is; `surehand ground` asks in the same."""
    return f"Locate {target}. Report its bbox coordinates in JSON format."


def called(one: Element, screen: Screen) -> str:
    """What to call an element, its role with it where its name alone is not enough. Raises NoQuestionError."""
    same = [other for other in screen.elements if other.name == one.name]
    if len(same) == 1:
        return f'"{one.name}"'
    if [other.role for other in same].count(one.role) == 1:
        return f'the {one.role} "{one.name}"'
    raise NoQuestionError


def transcribe(rng: Random, screen: Screen) -> Asked:
    """All texts, a line each, in reading order."""
    return Asked(READ, "\n".join(one.text for one in _texts(screen, _MANY)))


def read_with_boxes(rng: Random, screen: Screen) -> Asked:
    """All texts with where they stand."""
    told = [{"bbox_2d": grid(screen, one.words), "label": one.text} for one in _texts(screen, _MANY // 2) if one.words]
    return Asked(READ_BOXES, json.dumps(told, ensure_ascii=False))


def find(rng: Random, screen: Screen) -> Asked:
    """Where a thing is."""
    one = _any(rng, screen.elements)
    return _where(screen, called(one, screen), one)


def name(rng: Random, screen: Screen) -> Asked:
    """What stands at a place, or which icon it is."""
    one = _any(rng, [one for one in screen.elements if one.text or one.role == "icon"])
    return Asked(f"What is at {grid(screen, one.words or one.box)}?", one.text or one.name)


def role(rng: Random, screen: Screen) -> Asked:
    """What kind of thing something is."""
    one = _any(rng, screen.elements)
    if rng.random() < 0.5:
        return Asked(f"What kind of element is at {grid(screen, one.box)}?", one.role)
    if [other.name for other in screen.elements].count(one.name) > 1:
        raise NoQuestionError
    return Asked(f'What kind of element is "{one.name}"?', one.role)


def state(rng: Random, screen: Screen) -> Asked:
    """How a thing stands, such as checked; or everything that stands so."""
    one = _any(rng, [one for one in screen.elements if one.state])
    if rng.random() < 0.5:
        return Asked(f"What is the state of {called(one, screen)}?", one.state)
    those = [other.name for other in screen.elements if other.state == one.state]
    return Asked(f"What is {one.state} here?", "\n".join(those))


def order(rng: Random, screen: Screen) -> Asked:
    """The second button and the like; how many there are."""
    counted = Counter(one.role for one in screen.elements)
    kind = _any(rng, [kind for kind, count in counted.items() if count > 1])
    those = [one for one in screen.elements if one.role == kind]
    if rng.random() < 0.25:
        return Asked(f"How many elements of kind {kind} are there?", str(len(those)))
    number = rng.randrange(min(len(those), len(_ORDINALS)))
    word = "last" if number == len(those) - 1 and rng.random() < 0.5 else _ORDINALS[number]
    if rng.random() < 0.5:
        return _where(screen, f"the {word} {kind}", those[number])
    return Asked(f"What is the {word} {kind}?", those[number].name)


def relation(rng: Random, screen: Screen) -> Asked:
    """What is the next thing below another, or right of it and so on."""
    one = _any(rng, screen.elements)
    way = rng.choice(tuple(_WAYS))
    other = _next(one, screen.elements, way)
    words = f"{way} {called(one, screen)}"
    if rng.random() < 0.5 or not other.name:
        return _where(screen, f"the element {words}", other)
    return Asked(f"What is {words}?", other.name)


KINDS: dict[str, Callable[[Random, Screen], Asked]] = {
    "transcribe": transcribe, "read-with-boxes": read_with_boxes, "find": find, "name": name, "role": role,
    "state": state, "order": order, "relation": relation,
}  # fmt: skip
"""Questions by their kind. Each raises NoQuestionError where it cannot be asked."""


_WAYS = {"below": (0, 1), "above": (0, -1), "right of": (1, 0), "left of": (-1, 0)}


def _next(one: Element, elements: Sequence[Element], way: str) -> Element:
    """The nearest element that lies straight in this direction. Raises NoQuestionError: none, or two as near."""
    x, y = _WAYS[way]
    found = []
    for other in elements:
        a, b = one.box, other.box
        if x:
            straight, gap = a.top < b.bottom and b.top < a.bottom, b.left - a.right if x > 0 else a.left - b.right
        else:
            straight, gap = a.left < b.right and b.left < a.right, b.top - a.bottom if y > 0 else a.top - b.bottom
        if straight and gap >= 0:
            found.append((gap, other))
    found.sort(key=lambda pair: pair[0])
    if not found or (len(found) > 1 and found[1][0] - found[0][0] < 3):
        raise NoQuestionError
    return found[0][1]


def _where(screen: Screen, target: str, one: Element) -> Asked:
    return Asked(locating(target), json.dumps([{"bbox_2d": grid(screen, one.box)}]))


def _texts(screen: Screen, most: int) -> list[Element]:
    """Every text there is. Raises NoQuestionError: none, too many, or some of them half covered."""
    told = [one for one in screen.elements if one.text]
    if not 0 < len(told) <= most or not screen.whole:
        raise NoQuestionError
    return told


def _any(rng: Random, choices: Sequence[_T]) -> _T:
    if not choices:
        raise NoQuestionError
    return rng.choice(choices)
