"""What a run leaves behind: `run.json`, `steps.jsonl` (one line a step) and `shots/`; append-only and versioned.

`steps.jsonl` is the truth: report, replay, training export, API and resume read these files and nothing else. An action
stands in `intents.jsonl` before it is done, so that no crash can leave one behind that nobody knows of.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from env.base import Effect, Observation, Picture, Shots
from scenarios.base import CheckResult
from tools.actions import Action, Outcome
from tools.errors import UserError

VERSION = 1
"""Of the run folder's layout; readers accept this and every older one."""
GOAL = "goal"
"""What a run of a goal is called, where one of a scenario has the scenario's id."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Call(_Value):
    """A call that the server read out of a reply; arguments are JSON as text, or what a server made of that."""

    name: str
    arguments: str | dict[str, Any] = ""


class Completion(_Value):
    """One reply of a model, as it came. Tokens are None where the server did not count them.

    `model` is what the server calls itself; `cached_tokens` are those of the prompt that it did not compute again.
    """

    text: str
    reasoning: str | None = None
    calls: tuple[Call, ...] = ()
    finish: str = "stop"
    model: str = ""
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    completion_tokens: int | None = None
    seconds: float = 0.0
    unread: "Completion | None" = None
    """The reply before this one, which could not be read; this one mends it (agent.ask)."""

    @property
    def tokens(self) -> int:
        """Prompt and reply together, those of the unread reply included; 0 where nobody counted."""
        before = self.unread.tokens if self.unread else 0
        return before + (self.prompt_tokens or 0) + (self.completion_tokens or 0)


class Decision(_Value):
    """What a reply says: the thought, the sentence for people, the one action."""

    kind: Literal["decision"] = "decision"
    thought: str
    say: str
    action: Action


class Unreadable(_Value):
    """A reply that holds no action that could be done; `why` is told to the model."""

    kind: Literal["unreadable"] = "unreadable"
    why: str
    raw: str


class Question(_Value):
    """What a person is asked: whether an action may be done, or whether the run may go on.

    It waits because they moved the pointer of their own `display`, or because they asked for a `pause`. `why` is what a
    rule says of its reason.
    """

    kind: Literal["action", "display", "pause"]
    number: int
    say: str = ""
    action: Action | None = None
    why: str = ""


class Leave(_Value):
    """A person's answer; the reason is told to the model. In a pause it may be an `action` of their own to be done."""

    answer: Literal["allow", "deny", "stop"]
    reason: str = ""
    action: Action | None = None


class Step(_Value):
    """One turn of the loop: what was seen, what the model said, what was done, what became of it.

    `seconds` are the phases: observe, decide, act. The effect of an action is judged from the next picture, and
    therefore stands in the step after it as `effect_before`, as does the `notice` that told the model of a circle.
    `leave` is what a person said to the action; `outcome` is None where nothing was done in the world.
    """

    number: int
    seen: Observation
    effect_before: Effect | None = None
    notice: str = ""
    completion: Completion
    reply: Decision | Unreadable = Field(discriminator="kind")
    leave: Leave | None = None
    outcome: Outcome | None = None
    seconds: dict[str, float] = Field(default_factory=dict)


class Status(StrEnum):
    """How a run ended; the architecture's table of failures, by name."""

    PASSED = "passed"
    FAILED = "failed"
    LIMIT = "limit"
    UNREADABLE = "unreadable"
    UNCHECKED = "unchecked"
    STOPPED = "stopped"
    ERROR_MODEL = "error:model"
    ERROR_ENV = "error:env"
    ERROR_SCENARIO = "error:scenario"

    @property
    def scored(self) -> bool:
        """Whether the run counts in a score: an infrastructure failure never does, nor what nobody checked."""
        return not (self.value.startswith("error:") or self in (Status.UNCHECKED, Status.STOPPED))


class Stop(_Value):
    """Why the loop ended: the model, a person or the task itself (`over`) said so, or a limit was reached."""

    reason: Literal["terminate", "answer", "over", "steps", "time", "tokens", "stuck", "unreadable", "person"]
    status: Literal["success", "failure"] | None = None
    answer: str | None = None
    limit: float | None = None


class Failure(_Value):
    """An error that ended a run: where, what, and the traceback for the one who mends it."""

    where: str
    kind: str
    message: str
    traceback: str = ""


class Run(_Value):
    """`run.json`: everything about a run but its steps.

    `status` is None while the run goes on, and stays None when it was cut off (`failure` says by what): such a run has
    no result. `final` is the last look at the screen; `world` says how the world was kept apart.
    """

    version: int = VERSION
    id: str
    scenario: str
    seed: int
    goal: str
    model: str
    started: datetime
    ended: datetime | None = None
    status: Status | None = None
    stop: Stop | None = None
    final: Observation | None = None
    result: CheckResult | None = None
    failure: Failure | None = None
    settings: dict[str, Any] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)
    revision: str = ""
    world: dict[str, Any] = Field(default_factory=dict)
    asked: dict[str, Any] = Field(default_factory=dict)
    """How the model was asked (agent.model.Served.about), where it has a server."""


class RunFolder:
    """A run on disk, for its one writer and any number of readers."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.shots = Shots(path / "shots")

    @property
    def steps_file(self) -> Path:
        """One JSON line a step."""
        return self.path / "steps.jsonl"

    @property
    def intents_file(self) -> Path:
        """One JSON line an action, written before it is done."""
        return self.path / "intents.jsonl"

    def picture(self, taken: Observation | Picture) -> Path:
        """Where a picture lies, also after the folder was moved."""
        return self.shots.folder / f"{taken.sha256}.png"

    def save(self, run: Run) -> None:
        """Writes run.json whole or not at all. Raises OSError."""
        self.path.mkdir(parents=True, exist_ok=True)
        part = self.path / "run.json.part"
        try:
            part.write_text(run.model_dump_json(indent=2) + "\n", encoding="utf-8")
            part.replace(self.path / "run.json")
        except OSError:
            part.unlink(missing_ok=True)
            raise

    def intend(self, step: Step) -> None:
        """Appends a step whose action is about to be done and waits until it is on the disk. Raises OSError."""
        _append(self.intents_file, step)

    def append(self, step: Step) -> None:
        """Appends one step and waits until it is on the disk. Raises OSError."""
        _append(self.steps_file, step)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Inside, nobody else writes this run. Raises UserError while somebody does, OSError."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / "lock").open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UserError(f"the run in {str(self.path)!r} is still going on", remedy="wait for its end") from None
            yield

    def pending(self) -> Step | None:
        """The step whose action was begun and whose outcome was never written, if any. Raises UserError on damage."""
        last = max((step.number for step in self.steps()), default=0)
        return next((step for step in _lines(self.intents_file) if step.number > last), None)

    def run(self) -> Run:
        """Raises UserError when the folder is not a run, or a damaged or newer one."""
        file = self.path / "run.json"
        try:
            data = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise UserError(
                f"no run in {str(self.path)!r}", cause="it has no run.json", remedy="see `surehand report --list`"
            ) from None
        except (OSError, ValueError) as error:
            raise UserError(f"damaged run {str(file)!r}", cause=str(error)) from None
        version = data.get("version") if isinstance(data, dict) else None
        if isinstance(version, int) and version > VERSION:
            raise UserError(
                f"run {str(self.path)!r} has version {version}", cause=f"this surehand reads up to {VERSION}",
                remedy="update surehand",
            )  # fmt: skip
        try:
            return Run.model_validate(data)
        except ValidationError as error:
            raise UserError(f"damaged run {str(file)!r}", cause=_first(error)) from None

    def steps(self) -> Iterator[Step]:
        """Every whole step; a torn last line (the writer was killed) is dropped. Raises UserError on other damage."""
        return _lines(self.steps_file)


def _append(file: Path, step: Step) -> None:
    with file.open("a+b") as lines:
        _drop_torn_line(lines)
        lines.write(step.model_dump_json().encode() + b"\n")
        lines.flush()
        os.fsync(lines.fileno())


def _drop_torn_line(lines: BinaryIO) -> None:
    """What a killed writer left without an end would spoil the next line."""
    if (end := lines.seek(0, os.SEEK_END)) == 0:
        return
    lines.seek(end - 1)
    if lines.read(1) != b"\n":
        lines.seek(0)
        lines.truncate(lines.read().rfind(b"\n") + 1)


def _lines(file: Path) -> Iterator[Step]:
    if not file.exists():
        return
    lines = file.read_bytes().split(b"\n")
    for number, line in enumerate(lines[:-1], start=1):
        try:
            yield Step.model_validate_json(line)
        except ValidationError as error:
            raise UserError(f"damaged run {str(file)!r}", cause=f"line {number}: {_first(error)}") from None


def _first(error: ValidationError) -> str:
    detail = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}"
