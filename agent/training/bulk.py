"""Many lessons from many worlds: each world gets the next task, lessons come in the order of the tasks."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from agent.means import MakeWorld
from agent.school.holdout import Part, require
from agent.school.lesson import Lesson
from env.base import Environment, Shots
from scenarios.base import Task
from tools.errors import EnvError, ScenarioError

_AHEAD = 4
"""Tasks for each world that may be done before it is their turn: their pictures lie in memory."""


class Told(NamedTuple):
    """The lessons of one task, or why there are none."""

    lessons: list[Lesson]
    why: str = ""


Tell = Callable[[Task, Environment, Shots], Awaitable[Told]]
"""Makes the lessons of a task in a world, which it resets first; pictures last until then.

Raises ScenarioError, EnvError.
"""


@dataclass(slots=True)
class Tally:
    """What became of tasks: how many gave lessons, how many lessons, and why others gave none, by scenario."""

    tasks: int = 0
    lessons: int = 0
    left_out: Counter[tuple[str, str]] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Bulk:
    """How lessons are made: the tasks of a part, their worlds, `parallel` of them at once, and what is told of each.

    `add` gets the lessons of each task, in order, in a thread of its own: packing them takes long.
    """

    make_task: Callable[[str, int], Task]
    make_world: MakeWorld
    tell: Tell
    part: Part
    parallel: int
    add: Callable[[Sequence[Lesson]], None]
    on_task: Callable[[Tally], None] = lambda tally: None

    async def run(self, scenarios: Sequence[str], seeds: Sequence[int]) -> Tally:
        """The lessons of every scenario at every seed.

        A task that cannot be told is left out, and so is one whose world broke twice. Raises HeldOutError before
        anything is begun, UserError.
        """
        for seed in seeds:
            require(seed, self.part)
        jobs = [(scenario, seed) for scenario in scenarios for seed in seeds]
        done: list[asyncio.Future[Told]] = [asyncio.Future() for _ in jobs]
        waiting, room = iter(enumerate(jobs)), asyncio.Semaphore(_AHEAD * self.parallel)
        workers = [_Worker(self.make_world, self.tell) for _ in range(self.parallel)]

        async def work(worker: _Worker) -> None:
            while await room.acquire() and (job := next(waiting, None)):
                number, (scenario, seed) = job
                with TemporaryDirectory(prefix="surehand-") as folder:
                    shots = Shots(Path(folder))
                    done[number].set_result(await worker.tell(self.make_task(scenario, seed), shots))

        tally = Tally()
        try:
            async with asyncio.TaskGroup() as group:
                for worker in workers:
                    group.create_task(work(worker))
                for number, (scenario, _) in enumerate(jobs):
                    await self._take(scenario, await done[number], tally)
                    done[number] = asyncio.Future()  # its pictures are not kept
                    room.release()
        finally:
            await asyncio.gather(*(worker.close() for worker in workers))
        return tally

    async def _take(self, scenario: str, told: Told, tally: Tally) -> None:
        if told.lessons:
            tally.tasks += 1
            tally.lessons += len(told.lessons)
            await asyncio.to_thread(self.add, told.lessons)
        else:
            tally.left_out[scenario, told.why] += 1
        self.on_task(tally)


class _Worker:
    """A world that stays open from one task to the next of its kind."""

    def __init__(self, make_world: MakeWorld, tell: Tell) -> None:
        self._make_world, self._tell = make_world, tell
        self._world: Environment | None = None
        self._kind: object = None

    async def tell(self, task: Task, shots: Shots) -> Told:
        """What is told of one task. A world that breaks is replaced, once."""
        for last in (False, True):
            try:
                return await self._tell(task, await self._open(task), shots)
            except ScenarioError as error:
                return Told([], str(error))
            except EnvError as error:
                await self.close()
                if last:
                    return Told([], f"the world broke: {error}")
        raise AssertionError("unreachable")

    async def _open(self, task: Task) -> Environment:
        kind = (task.world, task.size, task.assets, task.allow, task.network, task.episode is None)
        if self._world is None or kind != self._kind:
            await self.close()
            self._world, self._kind = self._make_world(task), kind
        return self._world

    async def close(self) -> None:
        """Ends its world."""
        world, self._world = self._world, None
        if world is not None:
            await world.close()
