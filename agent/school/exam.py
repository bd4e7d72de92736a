"""What a model can do, asked of screens that it never learned from: read, find, act."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import torch

from agent.school.batches import Seen, Teller, Told, hidden
from agent.school.lesson import Lesson

_BOX = re.compile(r"\[(\d+), (\d+), (\d+), (\d+)\]")
_LONGEST = 200
"""Tokens of an answer."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A lesson and what the model wrote to it."""

    lesson: Lesson
    text: str

    @property
    def exact(self) -> bool:
        """Whether it is the answer, letter for letter."""
        return self.text == self.lesson.completion

    @property
    def letters(self) -> float:
        """The share of the answer's letters that are right: 1 less the edits between both, for each letter of it."""
        right, given = _said(self.lesson.completion), _said(self.text)
        return max(0.0, 1 - _edits(right, given) / max(1, len(right)))

    @property
    def hit(self) -> bool | None:
        """Whether the middle of the first box lies in the right one; None where a box was not asked for."""
        right, given = _BOX.search(self.lesson.completion), _BOX.search(self.text)
        if right is None:
            return None
        if given is None:
            return False
        (x1, y1, x2, y2), (a, b, c, d) = (tuple(map(int, found.groups())) for found in (right, given))
        return 2 * x1 <= a + c <= 2 * x2 and 2 * y1 <= b + d <= 2 * y2


def examine(model: Any, teller: Teller, lessons: Iterable[Lesson], *, size: int = 32) -> dict[str, float]:
    """Marks from 0 to 1: for each kind `KIND exact`, and `KIND hit` where it has boxes, else `KIND letters`."""
    marks: dict[str, list[float]] = defaultdict(list)
    for one in answers(model, teller, lessons, size=size):
        kind, hit = one.lesson.kind, one.hit
        marks[f"{kind} exact"].append(one.exact)
        if hit is None:
            marks[f"{kind} letters"].append(one.letters)
        else:
            marks[f"{kind} hit"].append(hit)
    return {name: sum(values) / len(values) for name, values in sorted(marks.items())}


def answers(model: Any, teller: Teller, lessons: Iterable[Lesson], *, size: int = 32) -> Iterator[Answered]:
    """The model's likeliest answer to each lesson; lessons whose prompts are equally long are answered together."""
    waiting: dict[tuple[Any, ...], list[Told]] = defaultdict(list)
    for lesson in lessons:
        told = teller.tell(lesson)
        key = (len(told.prompt), *(picture.shape for picture in lesson.pictures))
        waiting[key].append(told)
    model.eval()
    for group in waiting.values():
        ahead = iter(group)
        while some := list(islice(ahead, size)):
            with torch.no_grad():
                written = _written(model, teller, some)
            for told, tokens in zip(some, written, strict=True):
                yield Answered(told.lesson, teller.tokenizer.decode(tokens))


def _written(model: Any, teller: Teller, told: Sequence[Told]) -> list[list[int]]:
    """The likeliest token after the other, until the end token."""
    from transformers import DynamicCache

    device = model.lm_head.weight.device
    cache = DynamicCache(config=model.config.text_config)
    asked = teller.batch([Told(one.lesson, one.prompt, ()) for one in told]).to(device)
    written: list[list[int]] = [[] for _ in told]
    state = hidden(model, asked, Seen(model, asked) if len(asked.pictures) else None, cache)
    place, going = asked.places[:, :, -1:], torch.ones(len(told), dtype=torch.bool)
    for _ in range(_LONGEST):
        token = model.lm_head(state[:, -1:]).argmax(-1)
        for number, one in enumerate(token[:, 0].tolist()):
            going[number] &= one != teller.end
            if going[number]:
                written[number].append(one)
        if not going.any():
            break
        place = place + 1
        state = hidden(model, replace(asked, tokens=token, places=place), None, cache)
    return written


def _said(text: str) -> str:
    """What comes after the thought."""
    return text.rpartition("</think>")[2].strip()


def _edits(one: str, other: str) -> int:
    """The fewest letters to change, add or leave out between two texts."""
    row = list(range(len(other) + 1))
    for number, letter in enumerate(one, start=1):
        corner, row[0] = row[0], number
        for column, against in enumerate(other, start=1):
            corner, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, corner + (letter != against))
    return row[-1]
