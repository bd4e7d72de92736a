"""A bench in the terminal: the table while it runs, with its expected end, and the table at its end."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from agent.bench.plan import Job, Plan, ranges
from agent.bench.result import Result
from agent.bench.rows import Row
from agent.bench.scores import Rate, has_infeasible
from agent.bench.words import counts, interval, remarks, share
from agent.commands.live import signed
from agent.trace import Status
from agent.words import seconds_words

_TOLD_EVERY = 10
"""Where nobody watches, a line is written for so many percent."""
_MOST_SHOWN = 8


@dataclass(slots=True)
class _Tally:
    planned: int = 0
    done: int = 0
    passed: int = 0
    scored: int = 0
    seconds: float = 0.0

    def add(self, row: Row) -> None:
        self.done += 1
        self.scored += row.status.scored
        self.passed += row.status is Status.PASSED
        self.seconds += row.seconds


class Board:
    """Hears of a bench (agent.batch.Watch), keeps its rows, and shows how far it is."""

    def __init__(self, out: Console, plan: Plan, parallel: int, folder: Path) -> None:
        self.rows: list[Row] = []
        self._out, self._plan, self._parallel, self._folder = out, plan, parallel, folder
        self._tallies: dict[str, _Tally] = defaultdict(_Tally)
        for job in plan.jobs():
            self._tallies[job.player].planned += 1
        self._planned = sum(tally.planned for tally in self._tallies.values())
        self._running: list[Job] = []
        self._told = 0
        self._live = Live(
            get_renderable=self._shown, console=out, refresh_per_second=2, transient=True, redirect_stdout=False
        )  # Ray writes there

    def __enter__(self) -> Self:
        plan = self._plan
        many = f"{len(plan.entries)} task{'s' if len(plan.entries) != 1 else ''}"
        repeated = f", {plan.repeat} times" if plan.repeat > 1 else ""
        told = f": {many} at seeds {ranges(plan.seeds)}{repeated}, by {', '.join(plan.players.values())}"
        self._out.print(Text.assemble((plan.suite, "bold"), f"{told}; {self._planned} runs"), soft_wrap=True)
        if self._out.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()
        if kind is not None:
            self._out.print(signed("warn", f"{len(self.rows)} of {self._planned} runs are done; the same command with "
                                   f"--out {self._folder} goes on with the rest"), soft_wrap=True)  # fmt: skip

    def started(self, job: Job) -> None:
        """A run has begun."""
        self._running.append(job)

    def ended(self, job: Job, row: Row) -> None:
        """A run is done."""
        self._forget(job)
        self.rows.append(row)
        self._tallies[job.player].add(row)
        percent = 100 * len(self.rows) // self._planned
        if not self._out.is_terminal and percent >= self._told + _TOLD_EVERY and len(self.rows) < self._planned:
            self._told = percent - percent % _TOLD_EVERY
            self._out.print(self._progress(), soft_wrap=True)

    def lost(self, job: Job, why: str) -> None:
        """A worker died."""
        self._forget(job)
        self._out.print(signed("warn", f"{job.words}: {why}"), soft_wrap=True)

    def _forget(self, job: Job) -> None:
        if job in self._running:
            self._running.remove(job)

    def _progress(self) -> Text:
        done, left = len(self.rows), self._left()
        ends = ""
        if left is not None:
            at = datetime.now() + timedelta(seconds=left)
            many = f"{max(1, round(left))} s" if left < 60 else seconds_words(left)
            ends = f", about {many} to go, until {at:%H:%M:%S}"
        return Text(f"{done} of {self._planned} runs{ends}")

    def _left(self) -> float | None:
        """Seconds to the end, if each player goes on as it did; None before anything is known."""
        done = sum(tally.done for tally in self._tallies.values())
        if not done:
            return None
        mean = sum(tally.seconds for tally in self._tallies.values()) / done
        work = sum(
            (tally.planned - tally.done) * (tally.seconds / tally.done if tally.done else mean)
            for tally in self._tallies.values()
        )
        return work / self._parallel

    def _shown(self) -> RenderableType:
        table = _table(("", "runs", "success", "95 %", "no score", "per run"))
        for player, tally in self._tallies.items():
            rate = Rate.of_counts(tally.passed, tally.scored)
            errors = tally.done - tally.scored
            mean = seconds_words(tally.seconds / tally.done) if tally.done else ""
            table.add_row(player, f"{tally.done}/{tally.planned}", share(rate), interval(rate), str(errors or ""), mean)
        bar = Table.grid(padding=(0, 2, 0, 0))
        bar.add_row(ProgressBar(total=self._planned, completed=len(self.rows), width=40), self._progress())
        running = [Text(f"  {job.words}", style="dim") for job in self._running[:_MOST_SHOWN]]
        return Group(table, bar, *running)


def say_result(out: Console, result: Result) -> None:
    """The table of scores, and what has none."""
    apart = has_infeasible(result.plan.entries)
    heads = ("", "passed", "success", "95 %", *(("feasible", "infeasible") if apart else ()), "tasks ≥ 95 %",
             "no score", "steps", "tokens", "seconds")  # fmt: skip
    table = _table(heads)
    for one in result.scores:
        cost = one.per_success
        table.add_row(
            one.player, counts(one.success), share(one.success), interval(one.success),
            *((share(one.feasible), share(one.infeasible)) if apart else ()),
            f"{one.solved} of {one.tasks}", str(sum(one.errors.values()) or "–"),
            *((f"{cost.steps:.1f}", f"{cost.tokens:.0f}", f"{cost.seconds:.1f}") if cost else ("–", "–", "–")),
        )  # fmt: skip
    out.print(table)
    out.print(Text("steps, tokens and seconds for each success, failed runs included", style="dim"), soft_wrap=True)
    for line in remarks(result.scores):
        out.print(signed("warn", line), soft_wrap=True)
    if told := result.plan.deviations:
        out.print(
            Text("\n  - ".join(("otherwise than in the own runs of this suite:", *told)), style="dim"), soft_wrap=True
        )


def _table(heads: Sequence[str]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for head in heads:
        table.add_column(head, justify="right" if head else "left", no_wrap=True)
    return table
