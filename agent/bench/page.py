"""A bench's result → one `index.html`: scores, plots, and every run that did not pass one click from its report."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from agent.bench.plan import ranges
from agent.bench.result import Result
from agent.bench.rows import Row
from agent.bench.scores import Rate, by_task, has_infeasible
from agent.bench.words import remarks, share
from agent.report import pages, write_page, write_report
from agent.trace import Status
from agent.words import Tone, seconds_words

_TONES: dict[Status, Tone] = {Status.PASSED: "good", Status.FAILED: "bad", Status.LIMIT: "warn",
                              Status.UNREADABLE: "warn"}  # fmt: skip
_MOST_BARS = 20
_MOST_LISTED = 40


class Cell(NamedTuple):
    """A run in the grid of tasks and seeds; `href` leads to the report of one that did not pass."""

    tone: Tone
    title: str
    href: str | None


class Bar(NamedTuple):
    """A bar of a histogram: its share of the tallest, that of the passed runs in it, and what it stands for."""

    height: float
    passed: float
    title: str


@dataclass(frozen=True, slots=True)
class TaskLine:
    """A task with a cell for each of its runs, None where there is none; `short` is its name without the suite's."""

    name: str
    short: str
    rate: Rate
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many runs took so much; `low` and `high` are the ends of its axis in words."""

    title: str
    bars: tuple[Bar, ...]
    low: str
    high: str


def write_bench_page(folder: Path, result: Result) -> Path:
    """Writes index.html into the bench's folder, and the reports that it leads to where they are missing.

    Returns its path. Raises UserError.
    """
    for row in result.rows:
        run = folder / row.folder
        if row.status is not Status.PASSED and (run / "run.json").exists() and not (run / "report.html").exists():
            write_report(run)
    plan, main = result.plan, result.main
    mine = [row for row in result.rows if row.player == main.player]
    failed = [_listed(row) for row in mine if row.status.scored and row.status is not Status.PASSED]
    page = pages().get_template("bench.html.j2").render(
        result=result, plan=plan, main=main, seeds=ranges(plan.seeds), apart=has_infeasible(plan.entries),
        remarks=remarks(result.scores), share=share, histograms=[*_histograms(mine)],
        players=[(one, _grid(result, one.player)) for one in result.scores],
        failed=failed[:_MOST_LISTED], more=len(failed[_MOST_LISTED:]),
        broken=[_listed(row) for row in result.rows if not row.status.scored][:_MOST_LISTED],
        facts=dict(_facts(result)),
    )  # fmt: skip
    return write_page(folder / "index.html", page)


def _grid(result: Result, player: str) -> list[TaskLine]:
    """A player's tasks, the worst first; a column for every seed and repetition."""
    plan = result.plan
    repeats = plan.repeat if player == plan.main else 1
    columns = [(seed, repeat) for seed in plan.seeds for repeat in range(repeats)]
    mine = [row for row in result.rows if row.player == player]
    found = {(row.scenario, row.seed, row.repeat): row for row in mine}
    lines = [
        TaskLine(
            task,
            task.removeprefix(f"{plan.suite}/"),
            rate,
            tuple(_cell(found.get((task, *column))) for column in columns),
        )
        for task, rate in by_task(mine).items()
    ]
    return sorted(lines, key=lambda line: (1.0 if line.rate.share is None else line.rate.share, line.name))


def _cell(row: Row | None) -> Cell | None:
    if row is None:
        return None
    about = f"seed {row.seed}" + (f" ({row.repeat + 1})" if row.repeat else "") + f": {row.status}"
    return Cell(_TONES.get(row.status, "muted"), f"{about}. {row.why}" if row.why else about, _report(row))


def _report(row: Row) -> str | None:
    return None if row.status is Status.PASSED else quote(f"{row.folder}/report.html")


class Listed(NamedTuple):
    """A run in a list."""

    row: Row
    tone: Tone
    href: str | None


def _listed(row: Row) -> Listed:
    return Listed(row, _TONES.get(row.status, "muted"), _report(row))


def _histogram(
    title: str, rows: Sequence[Row], of: Callable[[Row], float], width: float, words: Callable[[float], str]
) -> Histogram:
    """How many runs lie in parts of this width, from 0 to the largest."""
    count = int(max(of(row) for row in rows) / width) + 1
    every = Counter(int(of(row) / width) for row in rows)
    passed = Counter(int(of(row) / width) for row in rows if row.status is Status.PASSED)
    tallest = max(every.values())
    bars = tuple(
        Bar(every[n] / tallest, passed[n] / tallest, f"{words(n * width)}: {passed[n]} of {every[n]} runs passed")
        for n in range(count)
    )
    return Histogram(title, bars, words(0), words((count - 1) * width))


def _histograms(rows: Iterable[Row]) -> Iterable[Histogram]:
    """Of runs with a score; none of fewer than two."""
    scored = [row for row in rows if row.status.scored]
    if len(scored) < 2:
        return
    most = max(row.steps for row in scored)
    yield _histogram("Steps", scored, lambda row: row.steps, most // _MOST_BARS + 1, lambda steps: f"{steps:g}")
    longest = max(row.seconds for row in scored) or 1.0
    yield _histogram("Seconds", scored, lambda row: row.seconds, longest / (_MOST_BARS - 1), seconds_words)


def _facts(result: Result) -> Iterable[tuple[str, dict[str, object]]]:
    """What the result depends on, in groups."""
    plan = result.plan
    yield "Bench", {
        "suite": plan.suite, "hash of the tasks": plan.digest, "tasks": len(plan.entries), "seeds": ranges(plan.seeds),
        "repeated": plan.repeat, "begun": f"{plan.started:%Y-%m-%d %H:%M:%S %Z}",
        "written": f"{result.written:%Y-%m-%d %H:%M:%S %Z}", "revision": ", ".join(result.revisions) or "unknown",
    }  # fmt: skip
    yield "Settings", {name: value for name, value in plan.settings.items() if value not in (None, "", [], {})}
    yield "Versions", dict(plan.versions)
