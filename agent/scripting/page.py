"""The tests of a session on one HTML page: the verdicts, every step with its line, the last pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from agent.report import Marks, Picture, pages, relative, write_page
from agent.scripting.results import TRACE, Ending, Played, Result
from agent.words import Tone, Verdict

_VERDICTS: dict[Ending, tuple[str, Tone]] = {
    Ending.PASSED: ("Passed", "good"),
    Ending.FAILED: ("Failed", "bad"),
    Ending.ERROR: ("Error", "muted"),
}


class Row(NamedTuple):
    """One step as the page shows it; `href` leads to the model's own run, where it did the step."""

    step: Played
    picture: Picture | None
    marks: Marks
    href: str | None


class Panel(NamedTuple):
    """One test as the page shows it; `trace` leads to what Playwright noted."""

    result: Result
    verdict: Verdict
    rows: tuple[Row, ...]
    final: Picture | None
    number: int
    trace: str | None


def verdict(result: Result) -> Verdict:
    """How a test ended, in a word and a sentence."""
    word, tone = _VERDICTS[result.ending]
    return Verdict(word, tone, result.why)


def write_session(folder: Path, results: Sequence[Result]) -> Path:
    """Writes index.html into the session's folder and returns its path. Raises UserError."""
    panels = [_panel(number, result, folder) for number, result in enumerate(results, start=1)]
    counts = [(word, tone, sum(one.ending is ending for one in results)) for ending, (word, tone) in _VERDICTS.items()]
    page = pages().get_template("session.html.j2").render(
        panels=panels, counts=[(word.lower(), tone, count) for word, tone, count in counts if count],
        seconds=sum(one.seconds for one in results), started=min(one.started for one in results) if results else None,
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    return write_page(folder / "index.html", page)


def _panel(number: int, result: Result, folder: Path) -> Panel:
    rows = tuple(_row(step, result, folder) for step in result.steps)
    trace = result.folder / TRACE
    href = relative(trace, folder) if trace.is_file() else None
    return Panel(result, verdict(result), rows, _final(result, folder), number, href)


def _row(step: Played, result: Result, folder: Path) -> Row:
    picture = None
    if step.seen is not None:
        path = result.folder / "shots" / f"{step.seen.sha256}.png"
        href = relative(path, folder) if path.is_file() else None
        picture = Picture(href, step.seen.size, "The screen before this step")
    run = relative(step.run / "report.html", folder) if step.run else None
    point = step.point or (step.target.center if step.target else None)
    return Row(step, picture, Marks(step.target, point), run)


def _final(result: Result, folder: Path) -> Picture | None:
    path = result.picture()
    if path is None:
        return None
    size = result.final.size if result.final else next(s.seen.size for s in reversed(result.steps) if s.seen)
    return Picture(relative(path, folder), size, "The screen at the end")
