"""Does one job after another in this process, and keeps its worlds open between them: resetting one is cheap."""

import asyncio
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent import runner
from agent.bench.plan import Job
from agent.bench.rows import record_failure
from agent.means import MakeModel, MakeWorld, Means
from agent.report import write_report
from agent.trace import RunFolder, Status
from env.base import Environment
from env.held import Held
from scenarios.base import Task
from tools.errors import ModelError, ScenarioError, UserError

_AT_THE_MODEL = ("model", "decide")
"""Parts of a run in which the model is waited for."""


@dataclass
class Station:
    """What a job needs: its task, its model, its world. Where no step is done for `stall` seconds, a run is given up.

    `settings` go into the record of each run, `tokens` limits it, `approve` are verbs that nobody is there to allow.
    """

    make_task: Callable[[Job], Task]
    make_model: Callable[[Job, Task], MakeModel]
    make_world: MakeWorld
    settings: dict[str, Any] = field(default_factory=dict)
    tokens: int | None = None
    approve: frozenset[str] = frozenset()
    stall: float = 900.0
    _worlds: dict[str, tuple[Hashable, Environment]] = field(default_factory=dict)
    _spent: list[Environment] = field(default_factory=list)

    async def play(self, job: Job, folder: Path) -> None:
        """Does a job once, and records it in `folder`; one that did not pass gets its report.

        Raises UserError when the folder cannot be written.
        """
        try:
            task = self.make_task(job)
        except ScenarioError as error:
            record_failure(folder, job, Status.ERROR_SCENARIO, "setup", str(error))
        else:
            await self._play(job, task, folder)
        if RunFolder(folder).run().status is not Status.PASSED:
            await asyncio.to_thread(write_report, folder)

    async def _play(self, job: Job, task: Task, folder: Path) -> None:
        try:  # some models start a server, and wait for it
            make_model = await asyncio.to_thread(self.make_model, job, task)
        except (UserError, ModelError) as error:  # it was there when the bench began
            record_failure(folder, job, Status.ERROR_MODEL, "model", str(error))
            return
        try:
            async with asyncio.timeout(self.stall) as waiting:
                means = Means(tokens=self.tokens, approve=self.approve, on_step=lambda _: self._alive(waiting))
                settings = self.settings | {"model": job.model, "repeat": job.repeat}
                done = await runner.run(task, make_model, self._lending(), folder, means, settings=settings)
        except TimeoutError:
            self._stalled(job, folder)
            await self.close()
        else:
            if done.status in (Status.ERROR_ENV, Status.ERROR_SCENARIO):
                await self.close()
        await self._end_spent()

    def _alive(self, waiting: asyncio.Timeout) -> None:
        waiting.reschedule(asyncio.get_running_loop().time() + self.stall)

    def _stalled(self, job: Job, folder: Path) -> None:
        failure = RunFolder(folder).run().failure
        where = failure.where if failure else "setup"
        status = Status.ERROR_MODEL if where in _AT_THE_MODEL else Status.ERROR_ENV
        record_failure(folder, job, status, where, f"nothing happened for {self.stall:g} s, and the run was given up")

    def _lending(self) -> MakeWorld:
        """Makes worlds for one run: the one that is open, and if that could not be reset a new one."""
        asked = 0

        def lend(task: Task) -> Environment:
            nonlocal asked
            asked += 1
            return Held(self._world(task, fresh=asked > 1))

        return lend

    def _world(self, task: Task, *, fresh: bool) -> Environment:
        """One world of each kind is kept: the open one, if it is as the task wants it."""
        wanted = (task.size, task.allow, task.network, task.assets)
        known, world = self._worlds.get(task.world, (None, None))
        if world is not None and (known != wanted or fresh):
            self._spent.append(world)
            world = None
        world = world or self.make_world(task)
        self._worlds[task.world] = wanted, world
        return world

    async def _end_spent(self) -> None:
        while self._spent:
            await self._spent.pop().close()

    async def close(self) -> None:
        """Ends every world; the next job gets a new one."""
        self._spent += [world for _, world in self._worlds.values()]
        self._worlds.clear()
        await self._end_spent()
