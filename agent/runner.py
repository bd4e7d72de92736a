"""One run: setup, the loop, the check, teardown. Every failure gets its name here, and only here."""

import asyncio
import contextlib
import errno
import sqlite3
import time
import traceback
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from langsmith import tracing_context

from agent.graph import Context, Start, State, checkpoints, ending, loop
from agent.model import Model, OracleModel, Recited, Served
from agent.provenance import revision, versions
from agent.trace import Decision, Failure, Run, RunFolder, Status, Step, Stop
from env.base import Environment, Lasting, Probe
from env.settle import pause
from scenarios.base import CheckResult, Task
from tools.errors import EnvError, ModelError, ScenarioError, UserError

MakeWorld = Callable[[Task], Environment]
"""Makes a world of the task's kind and size, not yet reset."""

MakeModel = Callable[[Task, Probe], Model]
"""Makes or hands out the model of a run; only an oracle may use the probe."""

LOOKS_AGAIN = (0.2, 0.3, 0.5)
"""Seconds that programs get to finish what the last action began, such as writing a file, before a fail is final."""
_NODES = 3
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}
_NAMED = {EnvError: Status.ERROR_ENV, ModelError: Status.ERROR_MODEL, ScenarioError: Status.ERROR_SCENARIO}
_CALLED = {
    "setup": Status.ERROR_ENV,
    "resume": Status.ERROR_ENV,
    "model": Status.ERROR_MODEL,
    "observe": Status.ERROR_ENV,
    "decide": Status.ERROR_MODEL,
    "act": Status.ERROR_ENV,
    "check": Status.ERROR_SCENARIO,
}
"""Whose fault an error without a name is: of the part that was being called."""


async def run(
    task: Task, make_model: MakeModel, make_world: MakeWorld, folder: Path, *, tokens: int | None = None,
    settings: dict[str, Any] | None = None, on_step: Callable[[Step], None] = lambda step: None,
    clock: Callable[[], float] = time.monotonic,
) -> Run:  # fmt: skip
    """Does one task once and records it in `folder`, which must hold no run yet. The world is closed in any case.

    What goes wrong in the world, the model or the scenario becomes the run's status. Raises UserError when the folder
    cannot be written (a full disk) and when a part of the run raises one, and lets cancellation through: what was
    written stays readable, and the record says by what the run was cut off.
    """
    attempt = _Attempt(task, make_model, make_world, RunFolder(folder), on_step, clock)
    return await attempt.go(tokens, settings or {})


async def resume(
    task: Task, make_model: MakeModel, make_world: MakeWorld, folder: Path, *, tokens: int | None = None,
    on_step: Callable[[Step], None] = lambda step: None, clock: Callable[[], float] = time.monotonic,
) -> Run:  # fmt: skip
    """Goes on with the run in `folder`, whose process died, in the world that it left. It ends as any run does.

    An action that was begun is asked for again by its number: the world does it once, or says what became of it.
    Raises UserError, and touches nothing, where the run cannot be gone on with; else as `run`.
    """
    kept = RunFolder(folder)
    if kept.unfinished().model == OracleModel.name:
        raise UserError(
            f"the run in {str(folder)!r} cannot be gone on with",
            cause="an oracle knows its place from what it did itself, and that died with it",
            remedy="do it again in another folder",
        )
    return await _Attempt(task, make_model, make_world, kept, on_step, clock).go_on(tokens)


def verdict(stop: Stop, result: CheckResult | None) -> Status:
    """How a run ended that nothing disturbed. A model that gives up has failed, whatever the check finds."""
    if stop.reason == "unreadable":
        return Status.UNREADABLE
    if stop.reason not in ("terminate", "answer"):
        return Status.LIMIT
    if stop.status == "failure" or (result and not result.passed):
        return Status.FAILED
    return Status.PASSED if result else Status.DONE


class _Attempt:
    """One run under way. `where` names the part that is being called."""

    def __init__(
        self, task: Task, make_model: MakeModel, make_world: MakeWorld, folder: RunFolder,
        on_step: Callable[[Step], None], clock: Callable[[], float],
    ) -> None:  # fmt: skip
        self.task, self.make_model, self.make_world, self.folder = task, make_model, make_world, folder
        self.on_step, self.clock = on_step, clock
        self.where = "setup"
        self.world: Environment | None = None
        self.model: Model | None = None
        self.steps: list[Step] = []
        self.record = Run(id=folder.path.name, scenario=task.scenario, seed=task.seed, goal=task.goal, model="",
                          started=datetime.now(UTC), versions=versions(), revision=revision())  # fmt: skip

    async def go(self, tokens: int | None, settings: dict[str, Any]) -> Run:
        """The whole run, whatever happens."""
        with self._held():
            if (self.folder.path / "run.json").exists():
                raise UserError(f"there is a run in {str(self.folder.path)!r} already", remedy="choose another folder")
            self._note(settings=settings)
            return await self._through(self._setup, tokens)

    async def go_on(self, tokens: int | None) -> Run:
        """The rest of a run, whatever happens."""
        with self._held():
            self.record = self.folder.unfinished()
            self.steps = list(self.folder.steps())
            return await self._through(self._again, tokens)

    @contextlib.contextmanager
    def _held(self) -> Iterator[None]:
        """Keeps the folder for this run. Raises UserError: somebody else has it, or it cannot be made."""
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(self.folder.held())
            except OSError as error:
                raise self._unkept(error) from error
            yield

    async def _through(self, begin: Callable[[], Awaitable[tuple[Environment, Model]]], tokens: int | None) -> Run:
        try:
            world, model = await begin()
            stop = self.record.stop or await self._loop(world, model, tokens)
            await self._judge(world, stop)
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
                await self._close_model()
                await self._close_world()
            finally:
                self._note(ended=datetime.now(UTC))
        return self.record

    async def _setup(self) -> tuple[Environment, Model]:
        """A world that is ready, at the second try if need be, and the model that is to work in it."""
        try:
            world = await self._fresh_world()
        except EnvError as error:
            self._note(world={"retried": str(error)})
            await self._close_world()
            world = await self._fresh_world()
        self.where = "model"
        self.model = self.make_model(self.task, world.probe())
        about = {"kind": self.task.world, "size": list(self.task.size), **world.description}
        self._note(model=self.model.name, world=self.record.world | about)
        return world, self.model

    async def _again(self) -> tuple[Environment, Model]:
        """The world as it was left, with what was begun brought to its end, and the model as far as it had come."""
        self.where = "resume"
        world = self.world = self.make_world(self.task)
        if not isinstance(world, Lasting):
            raise EnvError("this kind of world ends with the run that uses it")
        await world.attach(self.record.world)
        begun = self.folder.pending()
        if begun is not None and isinstance(begun.reply, Decision):
            self.where = "act"
            outcome = await world.execute(begun.number, begun.reply.action)
            step = begun.model_copy(update={"outcome": outcome})
            self.folder.append(step)
            self.steps.append(step)
            self.on_step(step)
        self.where = "model"
        self.model = self.make_model(self.task, world.probe())
        if isinstance(self.model, Recited):
            self.model.skip(len(self.steps))
        return world, self.model

    async def _fresh_world(self) -> Environment:
        self.world = self.make_world(self.task)
        await self.world.reset(self.task.setup, self.task.seed)
        return self.world

    async def _loop(self, world: Environment, model: Model, tokens: int | None) -> Stop:
        self.where = "loop"
        if self.steps and (said := ending(self.steps[-1].reply)):
            self._note(stop=said, final=self.steps[-1].seen)
            return said
        spent = sum(sum(step.seconds.values()) for step in self.steps)
        context = Context(
            goal=self.task.goal, env=world, model=model, folder=self.folder, limits=self.task.limits, tokens=tokens,
            clock=self.clock, began=self.clock() - spent, steps=self.steps, on_step=self.on_step,
        )  # fmt: skip
        number = len(self.steps) + 1
        thread = {"thread_id": uuid4().hex}  # of this process: what another one left in its thread does not count
        most = _NODES * (self.task.limits.steps + 2)
        async with checkpoints(self.folder.path / "checkpoint.sqlite") as saver:
            graph = loop().compile(checkpointer=saver)
            try:
                with tracing_context(enabled=False):  # what a screen shows goes to no tracing service, whatever is set
                    ended = await graph.ainvoke(
                        Start(number=number), {"configurable": thread, "recursion_limit": most}, context=context,
                        durability="sync",
                    )  # fmt: skip
            except BaseException:
                reached = await graph.aget_state({"configurable": thread})
                self.where = next((node for node in reached.next if node in _CALLED), self.where)
                raise
        state = cast(State, ended)
        stop = state["stop"]
        assert stop is not None, "the loop ends with a reason"
        self._note(stop=stop, final=state["seen"])
        return stop

    async def _judge(self, world: Environment, stop: Stop) -> None:
        """A screen that is quiet may stand before a file that is still being written: a fail is looked at again."""
        self.where = "check"
        result = None
        if self.task.check is not None:
            for wait in (0.0, *LOOKS_AGAIN):
                await pause(wait)
                result = await self.task.check.judge(world.probe(), stop.answer)
                if result.passed:
                    break
        self._note(result=result, status=verdict(stop, result))

    async def _close_model(self) -> None:
        """Lets go of a server, and keeps how it was asked; only now is known what it did not take."""
        if isinstance(self.model, Served):
            self.record = self.record.model_copy(update={"asked": self.model.about})
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
