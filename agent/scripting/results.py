"""What a test leaves behind: its result as a value, and a folder with `result.json` and the pictures of `shots/`."""

import contextlib
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from env.base import Observation
from tools.errors import EnvError
from tools.geometry import Point, Rect

ANOTHER_WAY = "found another way: "
"""How `why` begins where a thing was not found by its first locator: the screen has changed since it was written."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


TRACE = "trace.zip"
"""In a test's folder, what Playwright noted of its browser."""


class Ending(StrEnum):
    """How a test ended. An error is a fault of the machinery or of the test's own setup, never of what was tested."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"


class Played(_Value):
    """One step as it was played: its words with every variable filled in, its line, what came of it.

    `why` explains a failure, or tells what is worth knowing of a success: which locator held, what was extracted.
    `target` and `point` are in pixels of the picture `seen`. `part` is setup, steps or teardown; `run` the folder of
    the model's own run, for a step that it did.
    """

    words: str
    line: int
    part: str
    ok: bool
    why: str = ""
    seconds: float = 0.0
    target: Rect | None = None
    point: Point | None = None
    seen: Observation | None = None
    run: Path | None = None


class Mended(_Value):
    """A thing that a model found again: where its locator stands in the file, what it was, and what it is now."""

    loc: tuple[str | int, ...]
    was: str
    now: dict[str, Any]


class Result(_Value):
    """A test and how it ended. `file` and `line` say where `why` comes from; `final` is the last look at the screen.

    `mended` is what a model found again; a test that did not pass mends nothing. `fault` is the kind of an error that
    ended it: the name of its class in tools.errors.
    """

    name: str
    title: str
    file: Path
    world: str
    started: datetime
    seconds: float
    ending: Ending
    fault: str = ""
    why: str = ""
    line: int = 0
    steps: tuple[Played, ...] = ()
    final: Observation | None = None
    mended: tuple[Mended, ...] = ()
    folder: Path

    @property
    def broken(self) -> Played | None:
        """The step that did not come off."""
        return next((step for step in self.steps if not step.ok), None)

    @property
    def astray(self) -> int:
        """How many steps found their thing another way."""
        return sum(step.ok and step.why.startswith(ANOTHER_WAY) for step in self.steps)

    def picture(self) -> Path | None:
        """The last picture of the screen, where there is one."""
        seen = self.final or next((step.seen for step in reversed(self.steps) if step.seen), None)
        path = seen and self.folder / "shots" / f"{seen.sha256}.png"
        return path if path and path.is_file() else None

    def lines(self) -> list[str]:
        """For people who read text: where it stopped and why, after the steps that came off."""
        told = [f"  {'ok' if step.ok else '->'}  {step.line}: {step.words}" for step in self.steps]
        where = f"{self.file}:{self.line}: " if self.line else f"{self.file}: "
        return [*told, f"{where}{self.why}"]


def keep_trace(folder: Path, trace: bytes) -> None:
    """Stores a trace of Playwright's, where there is one, in a test's folder. Raises EnvError."""
    if not trace:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / TRACE).write_bytes(trace)
    except OSError as error:
        raise EnvError(f"cannot write {str(folder / TRACE)!r}: {error.strerror or error}") from None


def save(result: Result) -> None:
    """Writes result.json into the test's folder. Raises OSError."""
    result.folder.mkdir(parents=True, exist_ok=True)
    (result.folder / "result.json").write_text(result.model_dump_json(indent=2) + "\n", encoding="utf-8")


def load_results(folder: Path) -> list[Result]:
    """The results below a folder, in the order in which the tests began; a damaged one is left out of a page."""
    found = []
    for file in folder.glob("*/result.json"):
        with contextlib.suppress(ValidationError):
            found.append(Result.model_validate_json(file.read_bytes()))
    return sorted(found, key=lambda result: result.started)


def exit_status(results: Sequence[Result]) -> int:
    """As pytest's: 0 all passed, 1 some did not, 5 there were none."""
    if not results:
        return 5
    return 0 if all(result.ending is Ending.PASSED for result in results) else 1
