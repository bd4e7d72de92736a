"""The letters on a page, by its own text: what a model that learns to read is told of a real screen."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np

from agent.school.lesson import Letter, Picture
from env.base import Probe

_FAINT = 60
"""Of 765, between a letter's lightest pixel and its darkest."""


async def letters_on(probe: Probe) -> tuple[Letter, ...]:
    """Those of the page in front that can be seen, in its order; none of what is typed, or drawn as a picture.

    Raises ScenarioError, EnvError.
    """
    return tuple(Letter(*letter) for letter in await probe.script(_script()) or ())


def inked(letters: Iterable[Letter], picture: Picture) -> tuple[Letter, ...]:
    """Those that the picture shows: some are as pale as what is behind them."""
    return tuple(one for one in letters if _contrast(picture[one.top : one.bottom, one.left : one.right]) > _FAINT)


def _contrast(piece: Picture) -> int:
    return int(np.ptp(piece.sum(2, dtype=np.int64))) if piece.size else 0


@cache
def _script() -> str:
    return Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
