"""What rows are worth: success with an interval, what it cost, and what has no score. Pure.

The interval is Wilson's (E. B. Wilson, Journal of the American Statistical Association 22, 1927, p. 209-212), which
stays between 0 and 1 and is right for few runs, too. It takes runs as independent draws.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from math import sqrt
from statistics import NormalDist

from agent.bench.plan import Entry, Plan, Value
from agent.bench.rows import Row
from agent.trace import Status

CONFIDENCE = 0.95
_Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
SOLVED = 0.95
"""The share of a task's runs that must pass before the task counts as solved."""


def wilson(passed: int, of: int) -> tuple[float, float]:
    """The ends of the interval for a share, each from 0 to 1; all there is where nothing was counted."""
    if of == 0:
        return 0.0, 1.0
    share, z2 = passed / of, _Z * _Z
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = _Z * sqrt(share * (1 - share) / of + z2 / (4 * of * of)) / (1 + z2 / of)
    return (0.0 if passed == 0 else middle - half), (1.0 if passed == of else middle + half)


class Rate(Value):
    """How many passed of those that have a score, and the interval of their share; `share` is None where none has."""

    passed: int
    of: int
    share: float | None
    low: float
    high: float

    @classmethod
    def of_runs(cls, rows: Iterable[Row]) -> "Rate":
        """Of those rows that have a score."""
        scored = [row for row in rows if row.status.scored]
        passed = sum(row.status is Status.PASSED for row in scored)
        return cls.of_counts(passed, len(scored))

    @classmethod
    def of_counts(cls, passed: int, of: int) -> "Rate":
        """Of so many."""
        low, high = wilson(passed, of)
        return cls(passed=passed, of=of, share=passed / of if of else None, low=low, high=high)


class Cost(Value):
    """Everything that was used in runs with a score, failed ones included, divided by the successes."""

    steps: float
    tokens: float
    seconds: float


class Score(Value):
    """One player's score. `errors` are runs without a score by their status: they are in no rate.

    `planned` are all runs of this player; `missing` those not done yet, `without` tasks that it cannot play (an oracle
    that is not there); `solved` counts tasks of whose runs at least 95 % passed, `tasks` those with any score.
    """

    player: str
    model: str
    planned: int
    missing: int
    without: int = 0
    success: Rate
    feasible: Rate
    infeasible: Rate
    errors: dict[str, int]
    aside: int
    tasks: int
    solved: int
    per_success: Cost | None


def score(plan: Plan, player: str, rows: Iterable[Row]) -> Score:
    """The score of a player, from the rows of everybody."""
    mine = [row for row in rows if row.player == player]
    feasible = {entry.id: entry.feasible for entry in plan.entries}
    success = Rate.of_runs(mine)
    tasks = [rate for rate in by_task(mine).values() if rate.share is not None]
    planned = sum(job.player == player for job in plan.jobs())
    without = sum(not entry.oracle for entry in plan.entries) if plan.players[player] == "oracle" else 0
    return Score(
        player=player, model=next((row.model for row in mine if row.model), plan.players[player]), planned=planned,
        missing=planned - len(mine), without=without, success=success,
        feasible=Rate.of_runs(row for row in mine if feasible[row.scenario]),
        infeasible=Rate.of_runs(row for row in mine if not feasible[row.scenario]),
        errors=dict(sorted(Counter(str(row.status) for row in mine if not row.status.scored).items())),
        aside=sum(row.aside for row in mine), tasks=len(tasks),
        solved=sum(rate.share is not None and rate.share >= SOLVED for rate in tasks),
        per_success=_cost(mine, success.passed),
    )  # fmt: skip


def _cost(rows: Iterable[Row], successes: int) -> Cost | None:
    scored = [row for row in rows if row.status.scored]
    if not successes:
        return None
    return Cost(
        steps=sum(row.steps for row in scored) / successes, tokens=sum(row.tokens for row in scored) / successes,
        seconds=sum(row.seconds for row in scored) / successes,
    )  # fmt: skip


def by_task(rows: Iterable[Row]) -> Mapping[str, Rate]:
    """The rate of each task, in the order of the rows."""
    tasks: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        tasks[row.scenario].append(row)
    return {task: Rate.of_runs(mine) for task, mine in tasks.items()}


def has_infeasible(entries: Iterable[Entry]) -> bool:
    """Whether feasible and infeasible tasks are to be told apart."""
    return any(not entry.feasible for entry in entries)
