"""How much of an evaluation a model has seen before: episodes that began as one in its training did."""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from agent.prompt import messages
from agent.school import pack
from agent.school.lesson import Lesson, Picture
from agent.trace import Status
from agent.training.demonstrations import as_messages
from agent.training.episodes import Episode, LeftOut, episodes


class Overlap(NamedTuple):
    """Evaluation episodes, those seen in training, and how many of all and of the unseen passed."""

    episodes: int
    seen: int
    passed: int
    unseen_passed: int

    @property
    def share(self) -> float:
        """Of the episodes, those whose goal and first screen occur in training."""
        return self.seen / self.episodes if self.episodes else 0.0

    @property
    def score(self) -> float:
        """Of all episodes, those that passed."""
        return self.passed / self.episodes if self.episodes else 0.0

    @property
    def unseen_score(self) -> float | None:
        """Of the episodes that training does not have, those that passed; None where it has them all."""
        unseen = self.episodes - self.seen
        return self.unseen_passed / unseen if unseen else None


def overlap(lessons: Path, runs: Sequence[Path]) -> Overlap:
    """Compares runs with a file of lessons. Raises UserError: no runs; ValueError: no such file of lessons."""
    known = beginnings(pack.read(lessons))
    counted = [(_begun(one) in known, one.run.status is Status.PASSED) for one in episodes(runs, LeftOut(), every=True)]
    return Overlap(
        len(counted), sum(seen for seen, _ in counted), sum(passed for _, passed in counted),
        sum(passed for seen, passed in counted if not seen),
    )  # fmt: skip


def beginnings(lessons: Iterable[Lesson]) -> set[str]:
    """What identifies the beginnings of episodes: goal and first screen, by their hash."""
    return {_key(str(one.messages[0]["content"]), one.pictures[0]) for one in lessons if len(one.messages) == 1}


def _begun(episode: Episode) -> str:
    first = episode.steps[0].seen
    (told, *_), _ = as_messages(messages(episode.run.goal, (), first, None))
    with Image.open(first.path) as picture:
        return _key(str(told["content"]), np.array(picture.convert("RGB"), np.uint8))


def _key(words: str, picture: Picture) -> str:
    return hashlib.sha256(f"{words}{picture.shape}".encode() + picture.tobytes()).hexdigest()
