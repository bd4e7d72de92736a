"""What a run is given besides its task: its world, its model, and whom it may ask.

Apart from the runner, so that what only names these need not load LangGraph, which takes a second.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import Protocol

from agent.model import Model, OracleModel
from agent.rules import Rule
from agent.trace import Leave, Question, Step
from env.base import Environment, Probe
from scenarios.base import Oracle, Task

MakeWorld = Callable[[Task], Environment]
"""Makes a world of the task's kind and size, not yet reset."""


class KeptWorld(Environment, Protocol):
    """A world that outlives the process that uses it."""

    async def attach(self) -> None:
        """Goes on with it. Raises EnvError when it is gone."""
        ...

    async def release(self) -> None:
        """Lets go of keys and buttons."""
        ...


MakeModel = Callable[[Task, Probe], Model]
"""Makes or hands out the model of a run; only an oracle may use the probe."""

Ask = Callable[[Question], Awaitable[Leave]]
"""Asks a person; takes as long as they do."""


async def nobody(question: Question) -> Leave:
    """The answer where no person is there to be asked."""
    return Leave(answer="stop" if question.kind == "display" else "deny", reason="nobody is there to be asked")


@dataclass(frozen=True, slots=True)
class Means:
    """`tokens` limits prompts and replies together; `approve` holds verbs that need the leave of whom `ask` asks.

    `rules` say more of that. With `patient` there are no limits: a person takes as long as they do. While `hold` says
    so the run waits between two steps, for what `ask` answers to that.
    """

    tokens: int | None = None
    approve: frozenset[str] = frozenset()
    rules: tuple[Rule, ...] = ()
    ask: Ask = nobody
    patient: bool = False
    hold: Callable[[], bool] = lambda: False
    on_step: Callable[[Step], None] = lambda step: None
    clock: Callable[[], float] = time.monotonic


ALONE = Means()


def as_model(oracle: Oracle) -> MakeModel:
    """A reference solution as what the runner makes a model from; the task's seed draws for it."""

    def make(task: Task, probe: Probe) -> Model:
        return OracleModel(oracle, probe, Random(task.seed))

    return make
