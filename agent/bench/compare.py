"""Two results side by side: the same tasks at the same seeds, what flipped, and whether that may be chance. Pure.

The test is the exact one on pairs that differ, two-sided: McNemar's (Q. McNemar, Psychometrika 12, 1947, p. 153-157),
which for whole tasks is the sign test. Runs of one task are like each other, so the verdict on the whole is by tasks;
that on single tasks stands after Holm's correction (S. Holm, Scandinavian Journal of Statistics 6, 1979, p. 65-70).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import comb

from agent.bench.result import Result
from agent.bench.rows import Row
from agent.bench.scores import CONFIDENCE, Rate
from agent.trace import Status
from tools.errors import UserError

_ALPHA = 1 - CONFIDENCE
Key = tuple[str, int, int]


def exact_sign(one: int, other: int) -> float:
    """How likely a split at least as uneven as this is, if each of them were a toss of a coin; 1 for none."""
    tosses = one + other
    tail = sum(comb(tosses, k) for k in range(min(one, other) + 1))
    return min(1.0, 2 * tail / (1 << tosses))


@dataclass(frozen=True, slots=True)
class Flips:
    """A task whose runs differ: the seeds at which only the first, and only the second result passed.

    `p` is of this task alone; `certain` whether it stands among all of them (Holm).
    """

    task: str
    pairs: int
    lost: tuple[Key, ...]
    gained: tuple[Key, ...]
    p: float
    certain: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """Pairs of runs that both have a score. `unpaired` counts runs of either result without one on the other side.

    `better` and `worse` count tasks; `p` is of these, `p_runs` of the single runs.
    """

    first: Rate
    second: Rate
    pairs: int
    unpaired: int
    flips: tuple[Flips, ...]
    better: int
    worse: int
    p: float
    p_runs: float

    @property
    def lost(self) -> int:
        """Runs that only the first passed."""
        return sum(len(task.lost) for task in self.flips)

    @property
    def gained(self) -> int:
        """Runs that only the second passed."""
        return sum(len(task.gained) for task in self.flips)

    @property
    def certain(self) -> bool:
        """Whether the difference is more than chance, at 95 %: over all tasks, or in one that stands by itself."""
        return self.p < _ALPHA or any(task.certain for task in self.flips)


def compare(first: Result, second: Result) -> Comparison:
    """The measured players of two results. Raises UserError where they have no task and seed in common."""
    if changed := sorted(_changed(first, second)):
        raise UserError(f"the task {changed[0]!r} is not the same in both results", cause="it was changed in between",
                        remedy="run the older one again")  # fmt: skip
    one, other = _scored(first), _scored(second)
    both = [key for key in one if key in other]
    if not both:
        raise UserError("the two results have no run in common", cause="their tasks or seeds differ, or have no score")
    tasks: dict[str, list[Key]] = defaultdict(list)
    for key in both:
        tasks[key[0]].append(key)
    flips = _corrected([_flips(task, keys, one, other) for task, keys in tasks.items()])
    better = sum(len(task.gained) > len(task.lost) for task in flips)
    worse = sum(len(task.gained) < len(task.lost) for task in flips)
    return Comparison(
        first=Rate.of_runs(one[key] for key in both), second=Rate.of_runs(other[key] for key in both), pairs=len(both),
        unpaired=len(one) + len(other) - 2 * len(both), flips=flips, better=better, worse=worse,
        p=exact_sign(better, worse),
        p_runs=exact_sign(sum(len(task.lost) for task in flips), sum(len(task.gained) for task in flips)),
    )  # fmt: skip


def _changed(first: Result, second: Result) -> Iterator[str]:
    """Tasks that ask for something else; the hash is over all seeds, and tells nothing where these differ."""
    if first.plan.seeds == second.plan.seeds:
        theirs = {entry.id: entry.digest for entry in second.plan.entries}
        yield from (e.id for e in first.plan.entries if theirs.get(e.id, e.digest) != e.digest)


def _scored(result: Result) -> dict[Key, Row]:
    mine = (row for row in result.rows if row.player == result.main.player and row.status.scored)
    return {(row.scenario, row.seed, row.repeat): row for row in mine}


def _flips(task: str, keys: Iterable[Key], one: dict[Key, Row], other: dict[Key, Row]) -> Flips:
    def passed(rows: dict[Key, Row], key: Key) -> bool:
        return rows[key].status is Status.PASSED

    keys = tuple(keys)
    lost = tuple(key for key in keys if passed(one, key) and not passed(other, key))
    gained = tuple(key for key in keys if passed(other, key) and not passed(one, key))
    return Flips(task, len(keys), lost, gained, exact_sign(len(lost), len(gained)))


def _corrected(tasks: Sequence[Flips]) -> tuple[Flips, ...]:
    """Those that differ, the surest first; Holm's correction is for all tasks that were looked at."""
    found, certain = [], True
    for rank, task in enumerate(sorted(tasks, key=lambda task: (task.p, task.task))):
        certain = certain and task.p < _ALPHA / (len(tasks) - rank)
        if task.lost or task.gained:
            found.append(Flips(task.task, task.pairs, task.lost, task.gained, task.p, certain))
    return tuple(found)
