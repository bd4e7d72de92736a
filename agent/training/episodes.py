"""Recorded runs that are worth learning from: found, read, and the others counted with the reason."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from agent.trace import GOAL, Run, RunFolder, Status, Step
from env.base import Observation
from tools.errors import UserError
from tools.png import size_of

LeftOut = Counter[tuple[str, str]]
"""How many of what (a noun) were left out, and why (the rest of a sentence about it)."""
_WHY = {
    Status.UNCHECKED: "that nobody checked",
    Status.STOPPED: "that a person stopped",
}


class Episode(NamedTuple):
    """One run: its record, and its steps with pictures by the paths where they lie now."""

    run: Run
    steps: tuple[Step, ...]

    @property
    def task(self) -> str:
        """What was to be done: runs of one scenario at one seed have the same. A goal is told by its words."""
        return f"{self.run.scenario} {self.run.goal if self.run.scenario == GOAL else self.run.seed}"

    @property
    def browser(self) -> bool:
        """Whether a model in this world is offered the tool for addresses and tabs."""
        return self.run.world.get("kind") in ("browser", "kiosk")


def episodes(paths: Sequence[Path], left_out: LeftOut, *, every: bool = False) -> Iterator[Episode]:
    """The runs below these folders that passed; with `every` also those that did not, or that nobody checked.

    What is not over, or was broken off by a failure of the machinery, never counts. Raises UserError: no run there, or
    one that was named is damaged.
    """
    for folder in _folders(paths):
        try:
            found = _read(folder, every)
        except UserError:
            if folder in paths:
                raise
            found = "with a damaged record"
        if isinstance(found, str):
            left_out["run", found] += 1
        else:
            yield found


def _folders(paths: Sequence[Path]) -> Iterator[Path]:
    """The folders of runs, each once."""
    seen: set[Path] = set()
    for path in paths:
        if not path.is_dir():
            raise UserError(f"no folder {str(path)!r}", remedy="name folders of runs, or one that holds them")
        inside = [path] if (path / "run.json").exists() else sorted(file.parent for file in path.rglob("run.json"))
        if not inside:
            raise UserError(f"no run in {str(path)!r}", cause="there is no run.json in it or below it",
                            remedy="`surehand report --list` lists the runs")  # fmt: skip
        for folder in inside:
            if (place := folder.resolve()) not in seen:
                seen.add(place)
                yield folder


def _read(folder: Path, every: bool) -> Episode | str:
    """The run, or why it is left out."""
    record = RunFolder(folder)
    run = record.run()
    if why := _why_not(run, every):
        return why
    steps = tuple(step.model_copy(update={"seen": _placed(record, step.seen)}) for step in record.steps())
    pictures = [picture for step in steps for picture in (step.seen, step.seen.marked) if picture]
    if not all(_whole(picture.path) for picture in pictures):
        return "whose screenshots are gone or damaged"
    return Episode(run, steps) if steps else "without a step"


def _whole(picture: Path) -> bool:
    try:
        with picture.open("rb") as file:
            size_of(file.read(64))
    except (OSError, ValueError):
        return False
    return True


def _why_not(run: Run, every: bool) -> str:
    if run.status is None:
        return "without an end"
    if run.status.value.startswith("error:"):
        return "that a failure of the machinery broke off"
    if every or run.status is Status.PASSED:
        return ""
    return _WHY.get(run.status, "that did not pass")


def _placed(record: RunFolder, seen: Observation) -> Observation:
    """The same look, with paths as they are now: a run's folder may have been moved."""
    marked = seen.marked and seen.marked.model_copy(update={"path": record.picture(seen.marked)})
    return seen.model_copy(update={"path": record.picture(seen), "marked": marked})
