"""What an attempt left, whether the loop did it or the runner of tests: its steps for people, its page.

A test has `played.jsonl`, a line for each step as it was played, and `result.json` once it has ended.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from agent.report import write_report
from agent.scripting.page import write_session
from agent.scripting.results import Ending, Played, Result
from agent.service.orders import StepView
from agent.trace import RunFolder
from agent.words import verdict
from tools.errors import UserError

PAGE = "report.html"


def played_file(folder: RunFolder) -> Path:
    """The steps of a test; there is none where the loop worked."""
    return folder.path / "played.jsonl"


def keep_played(folder: RunFolder, step: Played) -> None:
    """Appends a step of a test. Raises OSError."""
    with played_file(folder).open("a", encoding="utf-8") as lines:
        lines.write(step.model_dump_json() + "\n")


def steps_of(folder: RunFolder) -> Iterator[StepView]:
    """The steps of an attempt so far. Raises UserError for a damaged one."""
    if played_file(folder).exists():
        return (view_of(step, number) for number, step in enumerate(_played(folder), start=1))
    return map(StepView.of, folder.steps())


def view_of(step: Played, number: int) -> StepView:
    """A step of a test for those who follow the run."""
    runs = RunFolder(step.run).steps() if step.run else ()
    return StepView(
        number=number, screenshot=step.seen.sha256 if step.seen else "", say=step.words, ok=step.ok, note=step.why,
        tokens=sum(turn.completion.tokens for turn in runs), seconds=step.seconds,
    )  # fmt: skip


def write_page_of(folder: RunFolder) -> Path:
    """Writes the page of an attempt, as it is by now, and returns its path. Raises UserError."""
    if not played_file(folder).exists():
        return write_report(folder.path)
    return write_session(folder.path, [_result(folder)]).replace(folder.path / PAGE)


def _played(folder: RunFolder) -> Iterator[Played]:
    """Every whole line; what a killed writer left of another is dropped."""
    for line in played_file(folder).read_bytes().split(b"\n")[:-1]:
        try:
            yield Played.model_validate_json(line)
        except ValidationError as error:
            raise UserError(f"damaged test {str(played_file(folder))!r}", cause=str(error)) from None


def _result(folder: RunFolder) -> Result:
    """What came of a test; one that was cut off has no result of its own."""
    file = folder.path / "result.json"
    if file.exists():
        try:
            return Result.model_validate_json(file.read_bytes()).model_copy(update={"folder": folder.path})
        except ValidationError as error:
            raise UserError(f"damaged test {str(file)!r}", cause=str(error)) from None
    run, steps = folder.run(), tuple(_played(folder))
    return Result(
        name=run.scenario, title=run.goal, file=Path(run.scenario), world=str(run.world.get("kind", "")),
        started=run.started, seconds=((run.ended or datetime.now(UTC)) - run.started).total_seconds(),
        ending=Ending.ERROR, why=verdict(run).why, steps=steps, folder=folder.path,
    )  # fmt: skip
