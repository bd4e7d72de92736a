"""One run: setup, the loop, the check, teardown. Every failure gets its name here, and only here."""

import asyncio
import errno
import sqlite3
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.types import Command
from langsmith import tracing_context

from agent.graph import Context, Start, State, checkpoints, ending, loop
from agent.means import ALONE, KeptWorld, MakeModel, MakeWorld, Means
from agent.model import Model, OracleModel, Served
from agent.provenance import revision, versions
from agent.trace import Decision, Failure, Leave, Question, Run, RunFolder, Status, Step, Stop
from env.base import Environment, Probe
from env.settle import pause
from scenarios.base import Check, CheckResult, Once, Task
from tools.errors import EnvError, ModelError, ScenarioError, UserError

LOOKS_AGAIN = (0.2, 0.3, 0.5)
"""Seconds that programs get to finish what the last action began, such as writing a file, before a fail is final."""
_MOST_NODES = 1_000_000  # a run has its own limits, and a person may pause it for long
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}
_NAMED = {EnvError: Status.ERROR_ENV, ModelError: Status.ERROR_MODEL, ScenarioError: Status.ERROR_SCENARIO}
_CALLED = {
    "setup": Status.ERROR_ENV,
    "model": Status.ERROR_MODEL,
    "observe": Status.ERROR_ENV,
    "decide": Status.ERROR_MODEL,
    "act": Status.ERROR_ENV,
    "check": Status.ERROR_SCENARIO,
}
"""Whose fault an error without a name is: of the part that was being called."""


async def run(
    task: Task, make_model: MakeModel, make_world: MakeWorld, folder: Path, means: Means = ALONE, *,
    settings: dict[str, Any] | None = None,
) -> Run:  # fmt: skip
    """Does one task once and records it in `folder`, which must hold no run yet. The world is closed in any case.

    What goes wrong in the world, the model or the scenario becomes the run's status. Raises UserError when the folder
    cannot be written (a full disk) and when a part of the run raises one, and lets cancellation through: what was
    written stays readable, and the record says by what the run was cut off.
    """
    attempt = _Attempt(task, make_model, RunFolder(folder), means)
    return await attempt.go(lambda: attempt.fresh(settings or {}), lambda: attempt.set_up(make_world))


async def resume(
    task: Task, make_model: MakeModel, kept: KeptWorld, folder: Path, means: Means = ALONE, *,
    seen_as: Callable[[Environment], Environment] = lambda world: world,
) -> Run:  # fmt: skip
    """Goes on with a run whose process died, in the world that its keeper still keeps, and ends it as `run` does.

    An action that was begun is not done again: its outcome is asked for. `seen_as` wraps the world as it was before.
    Raises UserError for a run that has ended or still goes on; a world that is gone ends it as `error:env`.
    """
    attempt = _Attempt(task, make_model, RunFolder(folder), means)
    return await attempt.go(attempt.reopen, lambda: attempt.take_up(kept, seen_as))


def unended(folder: RunFolder) -> Run:
    """The record of a run that has not ended; one with a status has, though its process died as it tidied up.

    Raises UserError.
    """
    run = folder.run()
    if run.ended is not None or run.status is not None:
        how = run.status or (run.failure and f"cut off: {run.failure.message}")
        raise UserError(f"the run in {str(folder.path)!r} has ended", cause=how or "", remedy="start a new one")
    return run


def verdict(stop: Stop, result: CheckResult | None, *, feasible: bool = True) -> Status:
    """How a run ended that nothing disturbed. A model that gives up has failed, whatever the check finds.

    Where the task cannot be done, giving up is what passes.
    """
    if stop.reason == "person":
        return Status.STOPPED
    if stop.reason == "unreadable":
        return Status.UNREADABLE
    if stop.reason not in ("terminate", "answer", "over"):
        return Status.LIMIT
    if not feasible:
        return Status.PASSED if stop.status == "failure" else Status.FAILED
    if result is None:
        return Status.UNCHECKED
    return Status.PASSED if result.passed and stop.status != "failure" else Status.FAILED


async def judged(check: Check, probe: Probe, answer: str | None) -> CheckResult:
    """A check's result. A screen that is quiet may stand before a file still being written: a fail is looked at again.

    Raises what the check raises.
    """
    result = await check.judge(probe, answer)
    for wait in LOOKS_AGAIN:
        if result.passed or isinstance(check, Once):
            break
        await pause(wait)
        result = await check.judge(probe, answer)
    return result


class _Attempt:
    """One run under way. `where` names the part that is being called."""

    def __init__(self, task: Task, make_model: MakeModel, folder: RunFolder, means: Means) -> None:
        self.task, self.make_model, self.folder, self.means = task, make_model, folder, means
        self.where = "setup"
        self.waited = 0.0
        self.world: Environment | None = None
        self.model: Model | None = None
        self.steps: list[Step] = []
        self.record = Run(id=folder.path.name, scenario=task.scenario, seed=task.seed, goal=task.goal, model="",
                          started=datetime.now(UTC), versions=versions(), revision=revision())  # fmt: skip

    def fresh(self, settings: dict[str, Any]) -> None:
        """Begins the record. Raises UserError where there is a run already."""
        if (self.folder.path / "run.json").exists():
            raise UserError(f"there is a run in {str(self.folder.path)!r} already", remedy="choose another folder")
        self._note(settings=settings)

    def reopen(self) -> None:
        """Takes the record up again. Raises UserError for a run that has ended."""
        self.record = unended(self.folder)
        self.steps = list(self.folder.steps())

    async def go(
        self, begin: Callable[[], None], prepare: Callable[[], Awaitable[tuple[Environment, Model]]]
    ) -> Run:  # fmt: skip
        """The whole run, whatever happens, in a folder that nobody else writes to."""
        try:
            with self.folder.locked():
                begin()
                await self._go(prepare)
        except OSError as error:
            raise self._unkept(error) from error
        return self.record

    async def _go(self, prepare: Callable[[], Awaitable[tuple[Environment, Model]]]) -> None:
        try:
            world, model = await prepare()
            stop = ending(self.steps[-1].reply, self.steps[-1].leave) if self.steps else None
            await self._judge(world, stop or await self._loop(world, model))
        except (asyncio.CancelledError, KeyboardInterrupt, UserError) as error:
            self._blame(error, None)
            raise
        except Exception as error:
            if self._folder_fails(error):
                self._blame(error, None)
                raise self._unkept(error) from error
            self._blame(error, self._status(error))
        finally:
            try:
                await self._close_world()
            finally:
                await self._close_model()
                self._note(ended=datetime.now(UTC))

    async def take_up(
        self, kept: KeptWorld, seen_as: Callable[[Environment], Environment]
    ) -> tuple[Environment, Model]:
        """The world as the last process left it, what was begun there closed, and the model that is to go on."""
        self.world = world = seen_as(kept)
        await kept.attach()
        begun = self.folder.pending()
        if begun and isinstance(begun.reply, Decision):
            outcome = await world.execute(begun.number, begun.reply.action)
            step = begun.model_copy(update={"outcome": outcome})
            self.folder.append(step)
            self.steps.append(step)
            self.means.on_step(step)
        await kept.release()
        self.where = "model"
        self.task = replace(self.task, goal=self.record.goal)
        self.model = self.make_model(self.task, world.probe())
        self._note(model=self.model.name, world=self.record.world | {"resumed at step": len(self.steps) + 1})
        return world, self.model

    async def set_up(self, make_world: MakeWorld) -> tuple[Environment, Model]:
        """A world that is ready, at the second try if need be, and the model that is to work in it."""
        try:
            world = await self._fresh_world(make_world)
        except EnvError as error:
            self._note(world={"retried": str(error)})
            await self._close_world()
            world = await self._fresh_world(make_world)
        if self.task.episode:
            self.task = replace(self.task, goal=await self.task.episode.goal(world.probe()))
            self._note(goal=self.task.goal)
        self.where = "model"
        self.model = self.make_model(self.task, world.probe())
        about = {"kind": self.task.world, "size": list(self.task.size), **world.description}
        self._note(model=self.model.name, world=self.record.world | about)
        return world, self.model

    async def _fresh_world(self, make_world: MakeWorld) -> Environment:
        self.world = make_world(self.task)
        await self.world.reset(self.task.setup, self.task.seed)
        return self.world

    async def _loop(self, world: Environment, model: Model) -> Stop:
        self.where = "loop"
        first = len(self.steps) + 1
        context = Context(
            goal=self.task.goal, env=world, model=model, folder=self.folder, limits=self.task.limits,
            tokens=self.means.tokens, approve=self.means.approve, rules=self.means.rules,
            patient=self.means.patient,            hold=self.means.hold, steps=self.steps,
            clock=self._clock, began=self._clock() - sum(sum(step.seconds.values()) for step in self.steps),
            on_step=self.means.on_step, over=self._over if self.task.episode else None,
        )  # fmt: skip
        config: RunnableConfig = {"configurable": {"thread_id": f"{self.record.id}/{first}"},
                                  "recursion_limit": _MOST_NODES}  # fmt: skip
        async with checkpoints(self.folder.path / "checkpoint.sqlite") as saver:
            graph = loop().compile(checkpointer=saver)
            given: Start | Command[Any] = Start(number=first)
            try:
                with tracing_context(enabled=False):  # what a screen shows goes to no tracing service, whatever is set
                    while True:
                        ended = await graph.ainvoke(given, config, context=context, durability="sync")
                        if not (waiting := ended.get("__interrupt__")):
                            break
                        given = Command(resume=await self._asked(waiting[0].value))
            except BaseException:
                reached = await graph.aget_state(config)
                self.where = next((node for node in reached.next if node in _CALLED), self.where)
                raise
        state = cast(State, ended)
        stop = state["stop"]
        assert stop is not None, "the loop ends with a reason"
        self._note(stop=stop, final=state["seen"])
        return stop

    async def _over(self) -> bool:
        """Whether the task says that it has ended."""
        assert self.task.episode is not None
        assert self.world is not None
        return await self.task.episode.over(self.world.probe())

    def _clock(self) -> float:
        """Time that passes for the run; while a person is asked, none does."""
        return self.means.clock() - self.waited

    async def _asked(self, question: Question) -> Leave:
        began = self.means.clock()
        leave = await self.means.ask(question)
        self.waited += self.means.clock() - began
        return leave

    async def _judge(self, world: Environment, stop: Stop) -> None:
        self.where = "check"
        check = self.task.check if stop.reason != "person" else None
        result = await judged(check, world.probe(), stop.answer) if check else None
        final = self.record.final or (self.steps[-1].seen if self.steps else None)
        self._note(stop=stop, final=final, result=result, status=verdict(stop, result, feasible=self.task.feasible))

    async def _close_model(self) -> None:
        """Lets go of a server or an oracle, and keeps how the server was asked: only now is known what it refused."""
        if isinstance(self.model, Served):
            self.record = self.record.model_copy(update={"asked": self.model.about})
        if isinstance(self.model, Served | OracleModel):
            await self.model.close()

    async def _close_world(self) -> None:
        """Ends the world; trouble with that is noted and spoils no result."""
        world, self.world = self.world, None
        if world is None:
            return
        try:
            await world.close()
        except Exception as error:  # noqa: BLE001 (the run is over, and its result stands)
            self.where = "close"
            self._blame(error, self.record.status)

    def _status(self, error: Exception) -> Status:
        if named := next((status for cls, status in _NAMED.items() if isinstance(error, cls)), None):
            return named
        if self.where == "decide" and isinstance(self.model, OracleModel):
            return Status.ERROR_SCENARIO
        return _CALLED.get(self.where, Status.ERROR_ENV)

    def _blame(self, error: BaseException, status: Status | None) -> None:
        """Puts the error on record, unless an earlier one stands there."""
        if self.record.failure is None:
            told = "".join(traceback.format_exception(error))
            message = str(error) or "cut off before its end"
            failure = Failure(where=self.where, kind=type(error).__name__, message=message, traceback=told)
            self.record = self.record.model_copy(update={"failure": failure, "status": status})

    def _note(self, **facts: Any) -> None:
        """Puts facts on record. Raises UserError when the folder cannot be written."""
        self.record = self.record.model_copy(update=facts)
        try:
            self.folder.save(self.record)
        except OSError as error:
            raise self._unkept(error) from error

    def _folder_fails(self, error: Exception) -> bool:
        """Whether the run's own folder is what cannot be used: its disk is full, or part of it gone."""
        if self.where == "check":  # whatever a check writes or reads is its own affair
            return False
        if isinstance(error, OSError):
            inside = Path(str(error.filename)).is_relative_to(self.folder.path)
            return inside or error.errno in _DISK_FULL
        return isinstance(error, sqlite3.Error)

    def _unkept(self, error: Exception) -> UserError:
        cause = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return UserError(
            f"cannot keep the run in {str(self.folder.path)!r}",
            cause=cause,
            remedy="make room or choose another folder; what was written before stays",
        )
