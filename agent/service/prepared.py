"""Runs that can begin: what a worker does them with, and what they tell it meanwhile."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from agent import runner
from agent.means import KeptWorld, MakeModel, MakeWorld, Means
from agent.rules import Rule
from agent.service.orders import StepView
from agent.trace import Leave, Question, Run, RunFolder, Step
from env.base import Environment
from scenarios.base import Task
from tools.errors import SurehandError, UserError

_log = logging.getLogger(__name__)


class Watch(Protocol):
    """Who looks after a run under way."""

    def begins(self, *, resumed: bool = False, after: int = 0, tokens: int = 0) -> None:
        """Hears that an attempt begins, or goes on behind so many steps and tokens."""
        ...

    def step(self, step: StepView, seconds: Mapping[str, float]) -> None:
        """Hears of a step, and of the seconds that its phases took."""
        ...

    async def ask(self, question: Question) -> Leave:
        """Asks a person; takes as long as they do."""
        ...

    def holds(self) -> bool:
        """Whether the run is to wait between two steps, for what `ask` answers to that."""
        ...

    def stops(self) -> bool:
        """Whether the run is to end."""
        ...


class Prepared(Protocol):
    """A run that can begin. Attempts leave a `run.json`, with a status once they have ended.

    One that was cut off (asyncio.CancelledError) leaves it without a status, and its world closed.
    """

    @property
    def goal(self) -> str:
        """What it is about, in words."""
        ...

    @property
    def model(self) -> str:
        """Who decides; empty where nobody has to."""
        ...

    async def start(self, folder: RunFolder, watch: Watch, order: Mapping[str, Any]) -> Run:
        """An attempt in a fresh world, to its end; `order` is kept on record. Raises UserError."""
        ...

    async def resume(self, folder: RunFolder, watch: Watch) -> Run:
        """Goes on with an attempt whose process died, to its end. Raises UserError.

        Returns the record as it stands where that cannot be.
        """
        ...


@dataclass(frozen=True, slots=True)
class PreparedTask:
    """A task for the loop. `make_model` is told how many replies were used by an earlier attempt."""

    task: Task
    settings: dict[str, Any]
    make_model: Callable[[int], MakeModel]
    make_world: Callable[[], MakeWorld]
    kept: Callable[[Run], KeptWorld]
    seen_as: Callable[[Environment], Environment] = lambda world: world
    approve: frozenset[str] = frozenset()
    rules: tuple[Rule, ...] = ()
    tokens: int | None = None

    @property
    def goal(self) -> str:
        """The task's."""
        return self.task.goal

    @property
    def model(self) -> str:
        """As the settings name it."""
        return str(self.settings["model"])

    async def start(self, folder: RunFolder, watch: Watch, order: Mapping[str, Any]) -> Run:
        """From a fresh world to the check."""
        make_model = await asyncio.to_thread(self.make_model, 0)
        watch.begins()
        return await runner.run(
            self.task, make_model, self.make_world(), folder.path, self._means(watch),
            settings=self.settings | {"order": order},
        )  # fmt: skip

    async def resume(self, folder: RunFolder, watch: Watch) -> Run:
        """From the last step, in the world that its keeper still keeps."""
        before, steps = folder.run(), list(folder.steps())
        try:
            kept = self.kept(before)
            make_model = await asyncio.to_thread(self.make_model, len(steps) + (folder.pending() is not None))
        except UserError as error:
            _log.info("this run cannot be gone on with: %s", error)
            await self._end_world(before)
            return before
        watch.begins(resumed=True, after=len(steps), tokens=sum(step.completion.tokens for step in steps))
        return await runner.resume(
            self.task, make_model, kept, folder.path, self._means(watch), seen_as=self.seen_as
        )  # fmt: skip

    def _means(self, watch: Watch) -> Means:
        def on_step(step: Step) -> None:
            watch.step(StepView.of(step), {**step.seconds, "model": step.completion.seconds})

        return Means(
            tokens=self.tokens, approve=self.approve, rules=self.rules, ask=watch.ask, hold=watch.holds, on_step=on_step
        )

    async def _end_world(self, run: Run) -> None:
        """Ends the world that an attempt left and nobody goes on with, if it still lives."""
        with contextlib.suppress(SurehandError):
            kept = self.kept(run)
            await kept.attach()
            await kept.close()
