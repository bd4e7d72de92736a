"""Many demonstrations: worlds beside each other, each with the next episode, lessons in the order of the episodes."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from agent.means import MakeWorld
from agent.prompt import Style
from agent.school.holdout import Part, require
from agent.school.lesson import Lesson
from agent.training.demonstrations import Demonstration, demonstrate, taught
from env.base import Environment, Shots
from scenarios.base import Task
from tools.errors import EnvError, ScenarioError

_AHEAD = 4
"""Episodes for each world that may be done before it is their turn: their pictures lie in memory."""


@dataclass(slots=True)
class Tally:
    """What became of episodes: those taught, their steps, and why others are not, by scenario and reason."""

    episodes: int = 0
    steps: int = 0
    left_out: Counter[tuple[str, str]] = field(default_factory=Counter)


class _Told(NamedTuple):
    """One episode: its lessons, none where it was left out for the reason `why`."""

    scenario: str
    lessons: list[Lesson]
    why: str


@dataclass(frozen=True, slots=True)
class Bulk:
    """How demonstrations are made: the tasks, their worlds, `parallel` of them at once, and how prompts are told.

    `add` gets the lessons of each episode, in order, in a thread of its own: packing them takes long.
    """

    make_task: Callable[[str, int], Task]
    make_world: MakeWorld
    style: Style
    parallel: int
    add: Callable[[Sequence[Lesson]], None]
    part: Part = "training"
    on_episode: Callable[[Tally], None] = lambda tally: None

    async def run(self, scenarios: Sequence[str], seeds: Sequence[int]) -> Tally:
        """The lessons of every scenario at every seed.

        An episode whose solution or check fails is left out, and so is one whose world broke twice. Raises
        HeldOutError before anything is begun, UserError.
        """
        for seed in seeds:
            require(seed, self.part)
        jobs = [(scenario, seed) for scenario in scenarios for seed in seeds]
        done = [asyncio.get_running_loop().create_future() for _ in jobs]
        waiting, room = iter(enumerate(jobs)), asyncio.Semaphore(_AHEAD * self.parallel)
        workers = [_Worker(self.make_world) for _ in range(self.parallel)]

        async def work(worker: _Worker) -> None:
            while await room.acquire() and (job := next(waiting, None)):
                number, (scenario, seed) = job
                done[number].set_result(await self._told(worker, self.make_task(scenario, seed)))

        tally = Tally()
        try:
            async with asyncio.TaskGroup() as group:
                for worker in workers:
                    group.create_task(work(worker))
                for number in range(len(jobs)):
                    await self._take(await done[number], tally)
                    done[number] = asyncio.Future()  # its pictures are not kept
                    room.release()
        finally:
            await asyncio.gather(*(worker.close() for worker in workers))
        return tally

    async def _told(self, worker: "_Worker", task: Task) -> _Told:
        with TemporaryDirectory(prefix="surehand-") as folder:
            shown = await worker.show(task, Shots(Path(folder)), self.part)
            return _Told(task.scenario, list(taught(shown, self.style)) if shown.passed else [], shown.why)

    async def _take(self, told: _Told, tally: Tally) -> None:
        if told.lessons:
            tally.episodes += 1
            tally.steps += len(told.lessons)
            await asyncio.to_thread(self.add, told.lessons)
        else:
            tally.left_out[told.scenario, told.why] += 1
        self.on_episode(tally)


class _Worker:
    """A world that stays open from one task to the next of its kind."""

    def __init__(self, make_world: MakeWorld) -> None:
        self._make_world = make_world
        self._world: Environment | None = None
        self._kind: object = None

    async def show(self, task: Task, shots: Shots, part: Part) -> Demonstration:
        """One episode. A world that breaks is replaced, once."""
        for last in (False, True):
            try:
                return await demonstrate(task, await self._open(task), shots, part)
            except ScenarioError as error:
                return Demonstration(task, (), False, str(error))
            except EnvError as error:
                await self.close()
                if last:
                    return Demonstration(task, (), False, f"the world broke: {error}")
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
