"""What one run of a bench came to, read from its folder; a folder whose run did not end counts as nothing."""

import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path

from agent.bench.plan import Job, Value
from agent.provenance import revision, versions
from agent.trace import Completion, Failure, Run, RunFolder, Status
from agent.words import verdict
from tools.errors import UserError

_LONGEST = 300


class Row(Value):
    """A run that ended. `score` is its check's, 0 to 1; `seconds` are from its beginning to its end.

    `aside` counts the attempts before it that were cut off, or done again because the machinery had failed.
    """

    player: str
    scenario: str
    seed: int
    repeat: int = 0
    status: Status
    score: float | None = None
    why: str = ""
    steps: int = 0
    tokens: int = 0
    seconds: float = 0.0
    model: str = ""
    revision: str = ""
    folder: str
    aside: int = 0


def row_of(bench: Path, job: Job) -> Row | None:
    """The row of a job whose run has ended; None when it has not been done, or was cut off."""
    folder = bench / job.folder
    with contextlib.suppress(UserError):
        run = RunFolder(folder).run()
        if run.status is not None:
            steps, tokens, spent = _used(folder / "steps.jsonl")
            seconds = (run.ended - run.started).total_seconds() if run.ended else spent
            return Row(
                player=job.player, scenario=job.scenario, seed=job.seed, repeat=job.repeat, status=run.status,
                score=run.result.score if run.result and run.status.scored else None, why=verdict(run).why[:_LONGEST],
                steps=steps, tokens=tokens, seconds=round(seconds, 3), model=run.model, revision=run.revision,
                folder=job.folder.as_posix(), aside=len(_asides(folder)),
            )  # fmt: skip
    return None


def _used(file: Path) -> tuple[int, int, float]:
    """Steps, tokens and seconds of a run; a torn last line is none."""
    steps, tokens, seconds = 0, 0, 0.0
    if file.exists():
        for line in file.read_bytes().split(b"\n")[:-1]:
            step = json.loads(line)
            steps += 1
            tokens += Completion.model_validate(step["completion"]).tokens
            seconds += sum(step["seconds"].values())
    return steps, tokens, seconds


def _asides(folder: Path) -> list[Path]:
    return list(folder.parent.glob(f"{folder.name}.aside-*"))


def set_aside(bench: Path, job: Job) -> None:
    """Moves what is left of an attempt out of the way, where it stays and is not counted. Raises OSError."""
    folder = bench / job.folder
    if folder.exists():
        folder.rename(folder.with_name(f"{folder.name}.aside-{len(_asides(folder)) + 1}"))


def record_failure(folder: Path, job: Job, status: Status, where: str, why: str) -> None:
    """Ends a run that could not end by itself, or not even begin, as an error. Raises OSError."""
    record = RunFolder(folder)
    now = datetime.now(UTC)
    try:
        run = record.run()
    except UserError:
        run = Run(id=folder.name, scenario=job.scenario, seed=job.seed, goal="", model=job.model, started=now,
                  versions=versions(), revision=revision())  # fmt: skip
    told = run.failure.traceback if run.failure else ""
    failure = Failure(where=where, kind="BenchError", message=why, traceback=told)
    record.save(run.model_copy(update={"status": status, "failure": failure, "ended": run.ended or now}))
