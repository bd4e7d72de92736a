"""What a bench came to, as one file that says everything that it depends on: `result.json`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from agent.bench.plan import Plan, Value, read, written
from agent.bench.rows import Row
from agent.bench.scores import Score, score

VERSION = 1
FILE = "result.json"


class Result(Value):
    """The plan as it was pinned, the scores of all players, and every run behind them.

    `revisions` are those of surehand's own code that the runs were made with; more than one, where it changed.
    """

    version: int = VERSION
    plan: Plan
    written: datetime
    revisions: tuple[str, ...]
    scores: tuple[Score, ...]
    rows: tuple[Row, ...]

    @property
    def main(self) -> Score:
        """Of the player that is measured."""
        return self.scores[0]

    @property
    def complete(self) -> bool:
        """Whether every run has been done, and has a score."""
        return not any(one.missing or one.errors for one in self.scores)


def result_of(plan: Plan, rows: Sequence[Row]) -> Result:
    """The result of these rows, in the order of the plan."""
    order = {(job.player, job.scenario, job.seed, job.repeat): number for number, job in enumerate(plan.jobs())}
    ordered = sorted(rows, key=lambda row: order[row.player, row.scenario, row.seed, row.repeat])
    return Result(
        plan=plan, written=datetime.now(UTC), revisions=tuple(sorted({row.revision for row in rows if row.revision})),
        scores=tuple(score(plan, player, ordered) for player in plan.players), rows=tuple(ordered),
    )  # fmt: skip


def write_result(folder: Path, result: Result) -> Path:
    """Writes result.json. Raises OSError."""
    written(folder / FILE, result)
    return folder / FILE


def read_result(path: Path) -> Result:
    """The result in a bench's folder, or in this file. Raises UserError: none there, of another version, damaged."""
    return read(path if path.suffix == ".json" else path / FILE, Result, VERSION, "result")
