"""Lessons as tensors: what a model reads, and what it is to write after that."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch
from torch.nn import functional

from agent.school.lesson import Lesson
from agent.school.looks import Look, Text, looks
from agent.school.shape import CELL, MERGE
from agent.school.sight import Sizes, layer, patches, see
from agent.school.spelling import signs
from agent.school.tokens import END, PICTURE

_IGNORED = -100


@dataclass(frozen=True, slots=True)
class Told:
    """A lesson as tokens: the prompt up to the generation prompt, and the answer with its end token.

    `looks` say where they look, in tokens of the row and of the last picture.
    """

    lesson: Lesson
    prompt: tuple[int, ...]
    answer: tuple[int, ...]
    looks: tuple[Look, ...] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """Lessons whose pictures have one size, filled up at the right.

    `tokens` and `labels` (lessons, length), `places` (3, lessons, length): the axes of Qwen3-VL's rotary positions.
    `pictures` (all of them, height, width, 3) as bytes, in the order of the lessons; `signs` (pictures, patches) what
    letter stands where, as `agent.school.spelling` counts them; `looks` (count, 4) where tokens look, as
    `agent.school.looks` counts them; `grid` is the rows and columns of their patches.
    """

    tokens: torch.Tensor
    labels: torch.Tensor
    places: torch.Tensor
    pictures: torch.Tensor
    signs: torch.Tensor
    looks: torch.Tensor
    grid: tuple[int, int]

    def to(self, device: torch.device) -> "Batch":
        """The same on a device."""

        def moved(part: torch.Tensor) -> torch.Tensor:
            return part.to(device, non_blocking=True)

        return Batch(
            moved(self.tokens), moved(self.labels), moved(self.places), moved(self.pictures), moved(self.signs),
            moved(self.looks), self.grid,
        )  # fmt: skip


class Teller:
    """Makes tokens of lessons, by the chat template that serves the model later."""

    def __init__(self, tokenizer: Any, sizes: Sizes) -> None:
        self.tokenizer, self.sizes = tokenizer, sizes
        self.picture, self.end = (tokenizer.convert_tokens_to_ids(token) for token in (PICTURE, END))

    def tell(self, lesson: Lesson) -> Told:
        """Tokens, with one for each place of a picture. Raises ValueError when pictures and messages do not fit."""
        text = self.tokenizer.apply_chat_template(list(lesson.messages), tokenize=False, add_generation_prompt=True)
        pieces = text.split(PICTURE)
        if len(pieces) != len(lesson.pictures) + 1:
            raise ValueError(
                f"{len(lesson.pictures)} pictures for {len(pieces) - 1} places in a {lesson.kind!r} lesson"
            )
        areas = [self._tokens_of(*picture.shape[:2]) for picture in lesson.pictures]
        filled = "".join(piece + PICTURE * area for piece, area in zip(pieces, [*areas, 0], strict=True))
        prompt, before = self._read(filled, 0)
        answer, after = self._read(lesson.completion, len(prompt))
        seen: tuple[Look, ...] = ()
        if lesson.pictures:
            size = lesson.pictures[-1].shape
            seen = tuple(looks(before, after, lesson.letters, size, self.sizes.grid(*size[:2])))
        return Told(lesson, prompt, (*answer, self.end), seen)

    def _read(self, text: str, first: int) -> tuple[tuple[int, ...], Text]:
        read = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        return tuple(read["input_ids"]), Text(text, read["offset_mapping"], first)

    def batch(self, told: Sequence[Told]) -> Batch:
        """Lessons of one size of picture as a batch."""
        rows = [(*one.prompt, *one.answer) for one in told]
        tokens = _filled(rows, self.end)
        labels = torch.full_like(tokens, _IGNORED)
        places = torch.zeros((3, *tokens.shape), dtype=torch.long)
        for number, (one, row) in enumerate(zip(told, rows, strict=True)):
            labels[number, len(one.prompt) : len(row)] = torch.tensor(one.answer)
            places[:, number, : len(row)] = self.places(one, row)
        shown = [torch.from_numpy(picture) for one in told for picture in one.lesson.pictures]
        if not shown:
            nothing = torch.zeros((0, CELL, CELL, 3)), torch.zeros((0, MERGE**2))
            return Batch(tokens, labels, places, *nothing, torch.zeros((0, 4), dtype=torch.long), (MERGE, MERGE))
        letters = [spelt for one in told for spelt in self._spelt(one.lesson)]
        grid = self.sizes.grid(*shown[0].shape[:2])
        seen = torch.tensor([look for number, one in enumerate(told) for look in self._looks(number, one)])
        return Batch(tokens, labels, places, torch.stack(shown), torch.stack(letters), seen.view(-1, 4), grid)

    def places(self, told: Told, row: Sequence[int]) -> torch.Tensor:
        """Rotary positions (3, tokens) of a row: a picture's tokens have its rows and columns after its start."""
        sizes = iter(told.lesson.pictures)
        parts, start = [], 0
        for shows, run in groupby(row, lambda token: token == self.picture):
            length = len(list(run))
            if shows:
                rows, columns = (side // MERGE for side in self.sizes.grid(*next(sizes).shape[:2]))
                down, along = torch.arange(rows).repeat_interleave(columns), torch.arange(columns).repeat(rows)
                parts.append(start + torch.stack([torch.zeros_like(down), down, along]))
                start += max(rows, columns)
            else:
                parts.append(start + torch.arange(length).expand(3, length))
                start += length
        return torch.cat(parts, dim=1)

    def _looks(self, number: int, told: Told) -> Iterator[tuple[int, int, int, int]]:
        last = len(told.prompt) - told.prompt[::-1].index(self.picture)
        start = last - self._tokens_of(*told.lesson.pictures[-1].shape[:2])
        for look in told.looks:
            yield int(look.ahead), number, look.place, start + look.cell

    def _spelt(self, lesson: Lesson) -> Iterator[torch.Tensor]:
        """The signs of each picture of a lesson; letters are told of the last one."""
        for picture in lesson.pictures:
            letters = lesson.letters if picture is lesson.pictures[-1] else ()
            yield signs(letters, picture.shape[:2], self.sizes.grid(*picture.shape[:2]))

    def _tokens_of(self, height: int, width: int) -> int:
        rows, columns = self.sizes.grid(height, width)
        return rows * columns // MERGE**2


def batched(lessons: Iterable[Lesson], teller: Teller, size: int) -> Iterator[Batch]:
    """Batches of so many lessons, each with pictures of one size; what is left at the end is given as it is."""
    waiting: dict[tuple[int, ...], list[Told]] = defaultdict(list)
    for lesson in lessons:
        key = lesson.pictures[0].shape if lesson.pictures else ()
        waiting[key].append(teller.tell(lesson))
        if len(waiting[key]) == size:
            yield teller.batch(waiting.pop(key))
    for told in waiting.values():
        yield teller.batch(told)


class Seen:
    """What the tower sees in the pictures of a batch, in the form in which transformers hands it on."""

    def __init__(self, model: Any, batch: Batch, through: Callable[..., torch.Tensor] = layer) -> None:
        self.tokens, deeper = see(model.model.visual, patches(batch.pictures, *batch.grid), *batch.grid, through)
        self.pooler_output = (self.tokens,)
        self.deepstack_features = [(level,) for level in deeper]


def hidden(model: Any, batch: Batch, seen: Seen | None, cache: Any = None) -> torch.Tensor:
    """The language model's last layer (lessons, length, width) for a batch; with a `cache`, which it fills."""
    return model.model(
        input_ids=batch.tokens, position_ids=batch.places, mm_encoder_outputs={"image": seen} if seen else None,
        past_key_values=cache, use_cache=cache is not None,
    )[0]  # fmt: skip


def loss_of(model: Any, batch: Batch, seen: Seen | None) -> torch.Tensor:
    """Mean cross-entropy of the answers' tokens."""
    asked = batch.labels[:, 1:] != _IGNORED
    logits = model.lm_head(hidden(model, batch, seen)[:, :-1][asked])
    return functional.cross_entropy(logits.float(), batch.labels[:, 1:][asked])


def _filled(rows: Sequence[Sequence[int]], end: int) -> torch.Tensor:
    """Rows of one length; more ends follow the end."""
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[end] * (longest - len(row))] for row in rows])
