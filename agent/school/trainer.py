"""Training in slices of minutes: plain torch, from new weights or those of a slice before.

A slice reads new lessons until its minutes are over, looks at lessons that it did not read every so often, and leaves
weights, a line for each look in `curve.jsonl`, and the curves as a picture. The state of the optimizer is not kept: the
next slice warms up shortly. Lessons follow from the seed and from how many were read before.
"""

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from agent.school.batches import Batch, Seen, Teller, batched, loss_of
from agent.school.gaze import Gaze
from agent.school.lesson import Lesson
from agent.school.sight import layer
from agent.school.spelling import Spelling

_CURVE = "curve.jsonl"
_PEAKS = {"H100": 989e12, "H200": 989e12, "A100": 312e12, "L40S": 362e12, "L4": 121e12, "RTX 4090": 165e12}
"""Operations a second with dense bfloat16 matrices, as the makers of these chips state them."""

Lessons = Callable[[int], Lesson]
"""The lesson of a number; a slice reads them in order."""


@dataclass(frozen=True, slots=True)
class Slice:
    """What one slice does. `first` is the number of its first lesson, `workers` the processes that draw pictures.

    The learning rate rises over `warmup` steps and falls to `last` of its height as a cosine over `minutes`. With
    `steps` a slice ends after so many, and the cosine is over them: then it depends on nothing but its seed.
    """

    minutes: float
    stage: str = ""
    """What its lessons are called."""
    batch: int = 32
    learning_rate: float = 1e-3
    warmup: int = 100
    last: float = 0.1
    decay: float = 0.05
    clip: float = 1.0
    spelling: float = 1.0
    """What the loss of the letters weighs; that of the answers weighs 1."""
    gaze: float = 1.0
    """What the loss of where tokens look weighs."""
    first: int = 0
    seed: int = 0
    workers: int = 0
    threads: int | None = None
    device: str = "cpu"
    steps: int | None = None
    compiled: bool = False
    """Whether the tower is compiled, by the size of pictures: on a processor it takes a minute or two for each."""
    only_letters: bool = False
    """Whether only the tower learns, by its letters: the first thing, and far quicker without answers."""
    look: float = 1.0
    """Minutes between looks at unread lessons, and more where a look takes long: at most a fifth of the time."""


@dataclass(frozen=True, slots=True)
class Look:
    """How far a slice of a stage is. `loss` is of lessons as they were read, `unread` of those that are never read."""

    stage: str
    minutes: float
    lessons: int
    loss: float
    unread: float
    pictures_per_second: float
    used: float | None
    """Share of the chip's limit in use; None where the limit is not known."""
    exam: dict[str, float]


def train(
    model: Any, spelling: Spelling, teller: Teller, lessons: Lessons, unread: list[Lesson], this: Slice, folder: Path,
    *,
    examine: Callable[[Any], dict[str, float]] | None = None, say: Callable[[Look], None] = lambda _: None,
) -> list[Look]:  # fmt: skip
    """Trains the model and its spelling head in place, and adds to the curve of the folder.

    The last look says which lesson comes next.

    Raises FloatingPointError when the loss is no number any more.
    """
    torch.manual_seed(this.seed)
    if this.threads:
        torch.set_num_threads(this.threads)
    device = torch.device(this.device)
    learner = nn.ModuleList([model, spelling.layer]).to(device).train()
    optimizer = _optimizer(learner, this)
    through = torch.compile(layer) if this.compiled else layer
    looks, progress = [], _Progress(model, this)
    with Gaze(model) as gaze:
        for batch in _batches(lessons, teller, this):
            rate = this.learning_rate * share(this, progress.steps, progress.minutes)
            for group in optimizer.param_groups:
                group["lr"] = rate
            loss, spelled, looked = _losses(model, spelling, gaze, batch.to(device), this.only_letters, through)
            (loss + this.spelling * spelled + this.gaze * looked).backward()
            nn.utils.clip_grad_norm_(learner.parameters(), this.clip)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            progress.note(batch, loss)
            if progress.due or progress.over:
                began = progress.minutes
                learner.eval()
                with torch.no_grad():
                    unread_loss, marks = _unread(model, spelling, gaze, teller, unread, device)
                asked = examine(model) if examine and not this.only_letters else {}
                look = progress.look(unread_loss, marks | asked, began)
                learner.train()
                looks.append(look)
                _write(folder, look)
                say(look)
            if progress.over:
                break
    return looks


def share(this: Slice, steps: int, minutes: float) -> float:
    """What part of the learning rate holds after so many steps and minutes."""
    done = min(1.0, steps / this.steps if this.steps else minutes / this.minutes)
    cosine = this.last + (1 - this.last) * (1 + math.cos(math.pi * done)) / 2
    return min(1.0, (steps + 1) / max(1, this.warmup)) * cosine


def _optimizer(model: Any, this: Slice) -> torch.optim.Optimizer:
    """AdamW, which leaves alone what is no matrix."""
    matrices = [weight for weight in model.parameters() if weight.ndim > 1]
    others = [weight for weight in model.parameters() if weight.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": this.decay}, {"params": others, "weight_decay": 0.0}]
    fused = this.device != "cpu"
    return torch.optim.AdamW(groups, lr=this.learning_rate, betas=(0.9, 0.98), fused=fused)


def _losses(
    model: Any, spelling: Spelling, gaze: Gaze, batch: Batch, only_letters: bool, through: Callable[..., torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Of answers, letters, and where tokens look, with matrices in bfloat16 and weights in float32."""
    with torch.autocast(batch.tokens.device.type, torch.bfloat16):
        seen = Seen(model, batch, through)
        letters = spelling.loss(seen.tokens, batch.signs)
        if only_letters:
            return torch.zeros_like(letters), letters, torch.zeros_like(letters)
        return loss_of(model, batch, seen), letters, gaze.loss(batch.looks)


def _unread(
    model: Any, spelling: Spelling, gaze: Gaze, teller: Teller, unread: list[Lesson], device: torch.device
) -> tuple[float, dict[str, float]]:
    """Mean loss of answers to unread lessons, the letters seen right, how much of a look falls where it belongs."""
    losses: list[float] = []
    marks: dict[str, list[float]] = {"letters seen": [], "looks right": []}
    for batch in batched(unread, teller, 32):
        here = batch.to(device)
        seen = Seen(model, here)
        losses.append(float(loss_of(model, here, seen)))
        marks["letters seen"].append(spelling.read(seen.tokens, here.signs))
        marks["looks right"].append(gaze.right(here.looks))
    return _mean(losses), {name: _mean(found) for name, found in marks.items()}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / max(1, len(values))


class _Drawn(IterableDataset):  # type: ignore[misc]  # torch is not there when types are checked
    """Batches without end; each of several processes makes every so-manieth lesson."""

    def __init__(self, lessons: Lessons, teller: Teller, this: Slice) -> None:
        self._lessons, self._teller, self._this = lessons, teller, this

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        start, stride = (worker.id, worker.num_workers) if worker else (0, 1)
        return batched(self._from(self._this.first + start, stride), self._teller, self._this.batch)

    def _from(self, number: int, stride: int) -> Iterator[Lesson]:
        while True:
            yield self._lessons(number)
            number += stride


def _batches(lessons: Lessons, teller: Teller, this: Slice) -> Iterator[Batch]:
    drawn = _Drawn(lessons, teller, this)
    if not this.workers:
        return iter(drawn)
    return iter(DataLoader(drawn, batch_size=None, num_workers=this.workers, pin_memory=this.device != "cpu"))


class _Progress:
    """Counts what a slice has done."""

    def __init__(self, model: Any, this: Slice) -> None:
        self._this, self._began = this, time.monotonic()
        self._looked = self._looking = 0.0
        self._see = sum(weight.numel() for weight in model.model.visual.parameters())
        self._say = sum(weight.numel() for weight in model.model.language_model.parameters())
        self._peak = _peak(this.device)
        self.steps = self._lessons = self._pictures = self._work = 0
        self._losses: list[torch.Tensor] = []

    @property
    def minutes(self) -> float:
        """Since it began."""
        return (time.monotonic() - self._began) / 60

    @property
    def over(self) -> bool:
        """Whether the slice is done."""
        return self.steps >= self._this.steps if self._this.steps else self.minutes >= self._this.minutes

    @property
    def due(self) -> bool:
        """Whether it is time for a look."""
        return self.minutes - self._looked >= max(self._this.look, 4 * self._looking)

    def note(self, batch: Batch, loss: torch.Tensor) -> None:
        """Counts a step."""
        self.steps += 1
        self._lessons += len(batch.tokens)
        self._pictures += len(batch.pictures)
        rows, columns = batch.grid
        self._work += 6 * self._see * len(batch.pictures) * rows * columns  # a forward and a backward pass
        self._work += 0 if self._this.only_letters else 6 * self._say * batch.tokens.numel()
        self._losses.append(loss.detach())

    def look(self, unread: float, exam: dict[str, float], began: float) -> Look:
        """How far it is after a look that began at this minute; raises FloatingPointError."""
        minutes = self.minutes
        loss = float(torch.stack(self._losses).float().mean())
        if not math.isfinite(loss):
            raise FloatingPointError(f"the loss is {loss} after {self.steps} steps; take a lower learning rate")
        look = Look(
            stage=self._this.stage, minutes=round(minutes, 3), lessons=self._this.first + self._lessons,
            loss=loss, unread=unread,
            pictures_per_second=round(self._pictures / (minutes * 60), 1),
            used=self._work / (minutes * 60) / self._peak if self._peak else None, exam=exam,
        )  # fmt: skip
        self._looked, self._looking, self._losses = self.minutes, self.minutes - began, []
        return look


def _peak(device: str) -> float | None:
    """Operations a second that the chip can do; of a processor, what a product of matrices in bfloat16 just reached."""
    if device == "cpu":
        one = torch.randn(1024, 1024, dtype=torch.bfloat16)
        one @ one
        began = time.perf_counter()
        for _ in range(4):
            one @ one
        return 4 * 2 * 1024**3 / (time.perf_counter() - began)
    name = torch.cuda.get_device_name(device)
    return next((peak for chip, peak in _PEAKS.items() if chip in name), None)


def _write(folder: Path, look: Look) -> None:
    """Adds a line to the curve, and draws it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _CURVE).open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(look)) + "\n")
    from agent.school.curves import draw_curves

    draw_curves(read_curve(folder), folder / "curve.png")


def read_curve(folder: Path) -> list[dict[str, Any]]:
    """Looks of all slices so far, the oldest first; none where there is no curve."""
    file = folder / _CURVE
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []
