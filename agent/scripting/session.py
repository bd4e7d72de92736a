"""Tests of a session, several at once, each in a fresh world; what goes wrong has a name and stops no other test."""

import asyncio
import re
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from agent.scripting.cache import Cache
from agent.scripting.heal import ModelHealer
from agent.scripting.minds import Mind
from agent.scripting.play import Player, Stage
from agent.scripting.results import Ending, Played, Result, keep_trace, save
from agent.scripting.written import Case
from env.base import Environment, Observation, Shots, Traced
from tools.errors import EnvError, SurehandError, UserError

MakeWorld = Callable[[Case], Environment]
MakeMind = Callable[[Case, Path], Mind | None]
"""Makes what does words in a test, with a folder for its runs; None where no model may be asked."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a session needs: its folder, its worlds and its mind, how many tests at once, and whom to tell.

    With `heals` the mind is asked for things that none of their ways lead to; with `caches` it is not asked again for
    steps in words that it has done before.
    """

    folder: Path
    make_world: MakeWorld
    make_mind: MakeMind
    parallel: int = 1
    pictures: bool = False
    heals: bool = False
    caches: bool = False
    on_start: Callable[[Case], None] = lambda case: None
    on_step: Callable[[Case, Played], None] = lambda case, step: None
    on_end: Callable[[Case, Result], None] = lambda case, result: None


async def run_tests(cases: Sequence[Case], means: Means) -> list[Result]:
    """Plays every test, and writes the result of each. Raises UserError when the folder cannot be written."""
    waiting = list(enumerate(cases))[::-1]
    results: dict[int, Result] = {}

    async def work() -> None:
        lane = Lane(means)
        try:
            while waiting:
                number, case = waiting.pop()
                results[number] = await lane.play(case, means.folder / folder_name(number, case))
        finally:
            await lane.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(min(means.parallel, len(cases))):
            group.create_task(work())
    return [results[number] for number in sorted(results)]


def folder_name(number: int, case: Case) -> str:
    """A name for the folder of a session's test, fit for any disk: `03-sign-in-ada`."""
    name = re.sub(r"[^a-z0-9]+", "-", case.name.lower().replace(".yaml", "")).strip("-")
    return f"{number + 1:02}-{name[-60:].strip('-')}"


class Lane:
    """Plays one test after another, in one world as long as the tests ask for the same kind: resetting is cheap."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._world: Environment | None = None
        self._kind: Hashable = None

    async def play(self, case: Case, folder: Path) -> Result:
        """One test, from a fresh world to its record."""
        self._means.on_start(case)
        result = await _Trial(case, folder, self._means).run(self)
        if result.ending is Ending.ERROR:
            await self.close()
        try:
            await asyncio.to_thread(save, result)
        except OSError as error:
            raise UserError(f"cannot write into {str(folder)!r}", cause=error.strerror or str(error)) from None
        self._means.on_end(case, result)
        return result

    async def reset(self, case: Case) -> Environment:
        """A fresh world for a test that is played from elsewhere, at the second try if need be. Raises EnvError."""
        world = await self._opened(case)
        try:
            await world.reset(case.prepared, 0)
        except EnvError:
            await self.close()
            world = await self._opened(case)
            await world.reset(case.prepared, 0)
        return world

    async def _opened(self, case: Case) -> Environment:
        kind = (case.file.world, case.file.size, case.assets)
        if self._world is None or self._kind != kind:
            await self.close()
            self._world, self._kind = self._means.make_world(case), kind
        return self._world

    async def close(self) -> None:
        """Ends the world."""
        world, self._world = self._world, None
        if world is not None:
            await world.close()


class _Trial:
    """One test under way."""

    def __init__(self, case: Case, folder: Path, means: Means) -> None:
        self._case, self._folder, self._means = case, folder, means
        self._shots = Shots(folder / "shots")
        self._done: list[Played] = []
        self._final: Observation | None = None
        self._mind = means.make_mind(case, folder)
        self._healer = ModelHealer(self._mind) if means.heals and self._mind else None
        self._cache = Cache(case.path.parent, case.file.world) if means.caches and self._mind else None
        self._began, self._started = time.monotonic(), datetime.now(UTC)

    async def run(self, lane: Lane) -> Result:
        """Prepares, plays, tears down; what breaks meanwhile ends the test as an error."""
        ending, fault, why = Ending.ERROR, "", ""
        try:
            ending = await self._play(await lane.reset(self._case))
        except SurehandError as error:
            ending, fault = Ending.ERROR, type(error).__name__
            why = f"{_WHOSE.get(fault, 'error')}: {error}"
        if self._cache and ending is not Ending.ERROR:
            self._cache.close(passed=ending is Ending.PASSED)
        broken = next((step for step in self._done if not step.ok), None)
        return Result(
            name=self._case.name, title=self._case.file.title, file=self._case.path, world=self._case.file.world,
            started=self._started, seconds=round(time.monotonic() - self._began, 3), ending=ending,
            fault=fault, why=why or (broken.why if broken else ""), line=broken.line if broken else 0,
            steps=tuple(self._done), final=self._final,
            mended=tuple(self._healer.mended) if self._healer else (), folder=self._folder,
        )  # fmt: skip

    async def _play(self, world: Environment) -> Ending:
        file = self._case.file
        stage = Stage(
            world=world, shots=self._shots, names=dict(self._case.names), patience=file.wait, where=self._case.line,
            mind=self._mind, healer=self._healer, cache=self._cache, settles=file.world == "desktop",
            pictures=self._means.pictures, on_step=lambda step: self._means.on_step(self._case, step), done=self._done,
            folder=self._case.path.parent,
        )  # fmt: skip
        player = Player(stage)
        ending = Ending.ERROR
        try:
            async with asyncio.timeout(file.limit):
                if await player.play(self._case.played, ("setup",), len(self._case.prepared)):
                    ending = Ending.FAILED
                    if await player.play(file.steps, ("steps",)):
                        ending = Ending.PASSED
        except TimeoutError:
            ending = Ending.FAILED
            late = f"the test was not done within its limit of {file.limit:g} s"
            self._done.append(Played(words="…", line=self._case.line(("limit",)), part="steps", ok=False, why=late))
        self._final = await world.observe(self._shots)
        if self._means.pictures and isinstance(world, Traced):
            await asyncio.to_thread(keep_trace, self._folder, await world.trace())
        if not await player.play(file.teardown, ("teardown",)) and ending is Ending.PASSED:
            ending = Ending.FAILED
        return ending


_WHOSE = {"EnvError": "the world broke", "ScenarioError": "the test cannot work", "ModelError": "the model broke"}
