"""What a task is: a goal, a setup, a reference solution, and a check that says why."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Literal, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from env.allow import EVERYTHING, Allow
from env.base import Probe
from env.setup import SetupStep
from scenarios.schema import Strict
from tools.actions import BrowserAction, ComputerAction
from tools.geometry import Size

World = Literal["desktop", "browser"]
AnyWorld = Literal["desktop", "browser", "display"]
"""Where a task can be done; the person's own display is for goals only."""


class CheckResult(BaseModel):
    """A check's verdict: `score` from 0 to 1, and in one plain sentence what was expected and what was found."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    score: float = Field(ge=0, le=1)
    why: str
    evidence: dict[str, JsonValue] = Field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether everything that was asked for is there."""
        return self.score >= 1


class Check(Protocol):
    """Judges a world after a run.

    What is missing is a low score; an exception means that the check itself is at fault, and the runner names it so.
    """

    async def judge(self, probe: Probe, answer: str | None) -> CheckResult:
        """The verdict on the world as it is now, and on the answer that the model gave."""
        ...


@runtime_checkable
class Once(Protocol):
    """A check that acts on the world as it judges, so that it is asked once only."""

    @property
    def once(self) -> bool:
        """True."""
        ...


@dataclass(frozen=True, slots=True)
class Intent:
    """One action of an oracle, and its target in words."""

    action: ComputerAction | BrowserAction
    target: str


Oracle = Callable[[Probe, Random], AsyncIterator[Intent]]
"""A reference solution: yields one action at a time and looks at the world again before the next.

Raises ScenarioError when what it needs does not appear.
"""


class Episode(Protocol):
    """A world that draws its own goal when it is reset, and says itself when the task is over."""

    async def goal(self, probe: Probe) -> str:
        """What is to be done, as the world that was just reset says it."""
        ...

    async def over(self, probe: Probe) -> bool:
        """Whether the task has ended, well or badly: then nothing more is done."""
        ...


class Limits(Strict):
    """What a run may use up: steps, and seconds of wall time."""

    steps: int = Field(default=20, ge=1)
    seconds: float = Field(default=120, gt=0)


@dataclass(frozen=True, slots=True)
class Task:
    """A scenario at one seed: everything in it comes from the same draw, which `drawn` holds by name.

    A goal in plain words is one without a check. With `network` its world reaches the domains that `allow` names.
    Where there is an `episode`, `goal` only names the task until the world has said it. `assets` is the folder that the
    setup serves from, instead of scenarios/assets. `unproved` says why an oracle or a near miss is missing. A task
    that is not `feasible` cannot be done, and is passed by saying so (terminate with failure).
    """

    scenario: str
    seed: int
    world: AnyWorld
    goal: str
    check: Check | None
    size: Size
    limits: Limits
    setup: tuple[SetupStep, ...] = ()
    oracle: Oracle | None = None
    near_miss: Oracle | None = None
    drawn: Mapping[str, Any] = field(default_factory=dict)
    allow: Allow = EVERYTHING
    network: bool = False
    episode: Episode | None = None
    assets: Path | None = None
    unproved: str = ""
    feasible: bool = True


class Scenario(Protocol):
    """A task with its seed left open; a YAML file is one (scenarios.written), a suite brings others."""

    @property
    def id(self) -> str:
        """Its name, such as `web/login`."""
        ...

    @property
    def title(self) -> str:
        """A few words for people."""
        ...

    @property
    def world(self) -> World:
        """The kind of world it happens in."""
        ...

    @property
    def tags(self) -> tuple[str, ...]:
        """Words to filter by."""
        ...

    def at(self, seed: int) -> Task:
        """The task of this seed, always the same one. Raises ScenarioError when the scenario is at fault."""
        ...
