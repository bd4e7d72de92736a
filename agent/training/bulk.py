"""Many demonstrations: worlds beside each other, one scenario after the other, lessons in the order of seeds."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from agent.means import MakeWorld
from agent.prompt import Style
from agent.school.holdout import Part, require
from agent.school.lesson import Lesson
from agent.training.demonstrations import Demonstration, demonstrate, taught
from env.base import Environment, Shots
from scenarios.base import Task
from tools.errors import EnvError, ScenarioError

_AT_ONCE = 200
"""Episodes whose pictures are kept before they are made lessons: 200 are some 100 MB of files."""


@dataclass(slots=True)
class Tally:
    """What became of episodes: those taught, their steps, and why others are not, by scenario and reason."""

    episodes: int = 0
    steps: int = 0
    left_out: Counter[tuple[str, str]] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Bulk:
    """How demonstrations are made: the tasks, their worlds, `parallel` of them at once, and how prompts are told."""

    make_task: Callable[[str, int], Task]
    make_world: MakeWorld
    style: Style
    parallel: int
    part: Part = "training"
    on_step: Callable[[Tally], None] = lambda tally: None

    async def lessons(
        self, scenarios: Sequence[str], seeds: Sequence[int], tally: Tally
    ) -> AsyncIterator[list[Lesson]]:
        """The lessons of every scenario at every seed, some episodes at a time.

        An episode whose solution or check fails is left out, and so is one whose world broke twice. Raises
        HeldOutError before anything is begun, UserError.
        """
        for seed in seeds:
            require(seed, self.part)
        workers = [_Worker(self.make_world) for _ in range(self.parallel)]
        try:
            for scenario in scenarios:
                for first in range(0, len(seeds), _AT_ONCE):
                    tasks = [self.make_task(scenario, seed) for seed in seeds[first : first + _AT_ONCE]]
                    with TemporaryDirectory(prefix="surehand-") as folder:
                        yield list(self._told(await self._shown(workers, tasks, Shots(Path(folder))), tally))
        finally:
            await asyncio.gather(*(worker.close() for worker in workers))

    async def _shown(self, workers: Sequence["_Worker"], tasks: Sequence[Task], shots: Shots) -> list[Demonstration]:
        """What became of each task, in order."""
        found: dict[int, Demonstration] = {}
        waiting = iter(enumerate(tasks))

        async def work(worker: _Worker) -> None:
            for number, task in waiting:
                found[number] = await worker.show(task, shots, self.part)

        async with asyncio.TaskGroup() as group:
            for worker in workers:
                group.create_task(work(worker))
        return [found[number] for number in range(len(tasks))]

    def _told(self, shown: Sequence[Demonstration], tally: Tally) -> Iterator[Lesson]:
        for one in shown:
            if not one.passed:
                tally.left_out[one.task.scenario, one.why] += 1
                continue
            tally.episodes += 1
            tally.steps += len(one.steps)
            self.on_step(tally)
            yield from taught(one, self.style)


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
