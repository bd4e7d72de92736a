"""How long the phases of steps take, counted in a worker and handed to the database now and then."""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import NamedTuple

BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, math.inf)
"""Upper bounds of the histogram's buckets, in seconds."""


class Count(NamedTuple):
    """Steps that took up to a bound in a phase, and more than the bound before."""

    phase: str
    bucket: int
    steps: int
    seconds: float


class Timings:
    """What was measured since it was last taken."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, int]] = Counter()
        self._seconds: defaultdict[tuple[str, int], float] = defaultdict(float)

    def add(self, seconds: Mapping[str, float]) -> None:
        """One step, by its phases."""
        for phase, took in seconds.items():
            at = phase, next(i for i, bound in enumerate(BOUNDS) if took <= bound)
            self._counts[at] += 1
            self._seconds[at] += took

    def take(self) -> tuple[Count, ...]:
        """All of it; from now on it is counted anew."""
        counts = tuple(Count(*at, count, self._seconds[at]) for at, count in self._counts.items())
        self._counts.clear()
        self._seconds.clear()
        return counts
