"""How a tuning goes: what ms-swift writes into logging.jsonl, a line for each look at the loss."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

LOG = "logging.jsonl"
_FEW = 3
"""Lines whose losses are taken together; a single row may be easy."""


class Point(NamedTuple):
    """The loss at a step; of validation rows where `validation`. `left` is the time to the end, as ms-swift says."""

    step: int
    steps: int
    loss: float
    validation: bool
    left: str


def read_points(folder: Path) -> list[Point]:
    """What is known so far, in order; a torn last line is left out. Of a step that came twice the last counts."""
    try:
        lines = (folder / LOG).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    found = {(point.validation, point.step): point for line in lines if (point := _point(line))}
    return sorted(found.values())


def fall(points: Sequence[Point]) -> tuple[float, float] | None:
    """The loss of the training rows at the beginning and at the end, a few lines each; None where there are too few."""
    losses = [point.loss for point in points if not point.validation]
    if len(losses) < 2:
        return None
    few = min(_FEW, len(losses) // 2)
    return sum(losses[:few]) / few, sum(losses[-few:]) / few


def _point(line: str) -> Point | None:
    try:
        said = json.loads(line)
        step, steps = (int(number) for number in said["global_step/max_steps"].split("/"))
        loss = said["loss"] if "loss" in said else said["eval_loss"]
        return Point(step, steps, float(loss), "loss" not in said, str(said["remaining_time"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None  # the line of the end, or one that is being written
