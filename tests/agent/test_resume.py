"""Going on with a run whose process died: what is asked for again, what is skipped, and what cannot be gone on with."""

import asyncio
import fcntl
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from agent.model import ReplayModel, ScriptedModel
from agent.runner import resume, run
from agent.trace import Run, RunFolder, Status, Step, Stop
from env.base import Lasting
from env.described import DescribedEnvironment, View
from env.kept import KeptEnvironment
from env.scripted import ScriptedWorld, VirtualClock
from env.world import WorldSpec
from scenarios.base import Limits
from tests.agent.desk import (
    APP,
    CLICK_NOTE,
    CLICK_SAVE,
    DONE,
    SOLUTION,
    Crash,
    Listener,
    Waits,
    a_task,
    gives,
    oracle,
    record_of,
    says,
    scripted,
    steps_of,
    worlds,
)
from tools.actions import BrowserAction, ComputerAction, Outcome, Type
from tools.errors import EnvError, UserError


class Lasts(ScriptedWorld):
    """A world in memory that outlives its run, and counts what is done in it and how often somebody goes on with it."""

    def __init__(self, **trouble: Any) -> None:
        super().__init__(APP, **trouble)
        self.done: list[int] = []
        self.attached = 0

    @property
    def description(self) -> Mapping[str, str]:
        return {**super().description, "folder": "memory", "id": "1"}

    async def attach(self, description: Mapping[str, Any]) -> None:
        assert (description["folder"], description["id"]) == ("memory", "1")
        self.state()
        self.attached += 1

    async def execute(self, number: int, action: ComputerAction | BrowserAction) -> Outcome:
        last = self.state().last
        outcome = await super().execute(number, action)
        self.done += [number] * (self.state().last > last)
        return outcome

    async def close(self) -> None:
        """It outlives its run."""


async def left_behind(folder: Path, world: Lasts, *replies: str | ComputerAction, steps: int, intents: int) -> None:
    """A run folder as a killed process leaves it: so many whole steps, so many intents, and no end."""
    done = await run(a_task(), says(*replies), worlds(world), folder)
    for name, kept in (("steps.jsonl", steps), ("intents.jsonl", intents)):
        lines = (folder / name).read_bytes().splitlines(keepends=True)
        (folder / name).write_bytes(b"".join(lines[:kept]) + b'{"number": 9, "se')
    _cut(folder, done)


def _cut(folder: Path, done: Run) -> None:
    ends: dict[str, Any] = {"ended": None, "status": None, "stop": None, "final": None, "result": None}
    RunFolder(folder).save(done.model_copy(update=ends))


def test_worlds_that_last() -> None:
    assert isinstance(KeptEnvironment(WorldSpec(kind="desktop")), Lasting)
    assert isinstance(Lasts(), Lasting)
    assert not isinstance(ScriptedWorld(APP), Lasting)


@pytest.mark.parametrize(("steps", "intents"), [(0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (2, 3), (3, 3), (4, 3)])
async def test_wherever_it_died_it_ends_the_same(tmp_path: Path, steps: int, intents: int) -> None:
    world = Lasts()
    await left_behind(tmp_path, world, *SOLUTION, steps=steps, intents=intents)
    fresh = Lasts()
    await fresh.reset((), 0)
    for number, action in enumerate(SOLUTION[:intents], start=1):  # what that process had begun
        await fresh.execute(number, action)
    done = await resume(a_task(), says(*SOLUTION), worlds(fresh), tmp_path)
    assert (done.status, done.stop) == (Status.PASSED, Stop(reason="terminate", status="success"))
    assert done.failure is None
    assert (fresh.attached, fresh.done) == (1, [1, 2, 3])
    found = steps_of(tmp_path)
    assert [step.number for step in found] == [1, 2, 3, 4]
    assert [step.reply.action for step in found if step.reply.kind == "decision"] == list(SOLUTION)
    assert record_of(tmp_path) == done


async def test_an_action_that_nobody_did_is_done_once(tmp_path: Path) -> None:
    await left_behind(tmp_path, Lasts(), *SOLUTION, steps=1, intents=2)
    world = Lasts()
    await world.reset((), 0)
    await world.execute(1, CLICK_NOTE)
    seen: list[Step] = []
    done = await resume(a_task(), says(*SOLUTION), worlds(world), tmp_path, on_step=seen.append)
    assert (done.status, world.done) == (Status.PASSED, [1, 2, 3])
    assert seen == steps_of(tmp_path)[1:]


async def test_an_outcome_that_nobody_knows_is_told_to_the_model(tmp_path: Path) -> None:
    await left_behind(tmp_path, Lasts(), *SOLUTION, steps=1, intents=2)
    world = Lasts()
    await world.reset((), 0)
    await world.execute(5, Type(text="later"))  # so number 2 was begun, and has no outcome on record
    model = Listener(ScriptedModel(DONE))
    await resume(a_task(), gives(model), worlds(world), tmp_path)
    assert steps_of(tmp_path)[1].outcome == Outcome(ok=False, note="unknown: interrupted")
    assert "unknown: interrupted" in str(model.heard[0][-1])
    assert 2 not in world.done


async def test_a_recording_goes_on_where_it_was(tmp_path: Path) -> None:
    await run(a_task(), says(*SOLUTION), worlds(Lasts()), tmp_path / "first")
    await left_behind(tmp_path / "second", Lasts(), *SOLUTION, steps=2, intents=2)
    world = Lasts()
    await world.reset((), 0)
    await world.execute(1, CLICK_NOTE)
    await world.execute(2, Type(text="milk"))
    replayed = gives(ReplayModel(tmp_path / "first"))
    done = await resume(a_task(), replayed, worlds(world), tmp_path / "second")
    assert (done.status, world.done) == (Status.PASSED, [1, 2, 3])


async def test_limits_count_what_was_used_before(tmp_path: Path) -> None:
    await left_behind(tmp_path, Lasts(), CLICK_NOTE, CLICK_SAVE, DONE, steps=2, intents=2)
    world, clock = Lasts(), VirtualClock()
    await world.reset((), 0)
    task = a_task(limits=Limits(steps=2, seconds=60))
    done = await resume(task, says(*SOLUTION), worlds(world), tmp_path, clock=clock)
    assert (done.status, done.stop) == (Status.LIMIT, Stop(reason="steps", limit=2))
    assert len(steps_of(tmp_path)) == 2


async def test_a_check_that_was_cut_off_is_done_again(tmp_path: Path) -> None:
    world = Lasts()
    done = await run(a_task(), says(*SOLUTION), worlds(world), tmp_path)
    RunFolder(tmp_path).save(done.model_copy(update={"ended": None, "status": None, "result": None}))
    again = await resume(a_task(), says("nobody asks"), worlds(world), tmp_path)
    assert (again.status, again.stop, again.final) == (Status.PASSED, done.stop, done.final)
    assert len(steps_of(tmp_path)) == 4


async def test_a_world_that_died_is_an_error_of_the_world(tmp_path: Path) -> None:
    await left_behind(tmp_path, Lasts(), *SOLUTION, steps=2, intents=3)
    done = await resume(a_task(), says(*SOLUTION), worlds(Lasts()), tmp_path)
    assert done.status is Status.ERROR_ENV
    assert done.failure
    assert done.failure.where == "resume"
    assert [step.number for step in steps_of(tmp_path)] == [1, 2]
    with pytest.raises(UserError, match="is finished: it ended as error:env"):
        await resume(a_task(), says(*SOLUTION), worlds(Lasts()), tmp_path)


async def test_a_world_that_dies_of_what_was_begun(tmp_path: Path) -> None:
    await left_behind(tmp_path, Lasts(), *SOLUTION, steps=1, intents=2)
    world = Lasts(fail_at=2)
    await world.reset((), 0)
    done = await resume(a_task(), says(*SOLUTION), worlds(world), tmp_path)
    assert (done.status, done.failure and done.failure.where) == (Status.ERROR_ENV, "act")


async def test_a_world_that_ends_with_its_run(tmp_path: Path) -> None:
    await left_behind(tmp_path, Lasts(), *SOLUTION, steps=1, intents=1)
    described = DescribedEnvironment(ScriptedWorld(APP), View.TREE)
    done = await resume(a_task(), says(*SOLUTION), worlds(described), tmp_path)
    assert done.status is Status.ERROR_ENV
    assert done.failure
    assert done.failure.message == "this kind of world ends with the run that uses it"


async def test_what_is_seen_in_words_lasts_as_its_world_does(tmp_path: Path) -> None:
    await left_behind(tmp_path, Lasts(), *SOLUTION, steps=0, intents=0)
    world = Lasts()
    await world.reset((), 0)
    done = await resume(a_task(), says(*SOLUTION), worlds(DescribedEnvironment(world, View.TREE)), tmp_path)
    assert (done.status, world.attached) == (Status.PASSED, 1), done.result


async def test_a_finished_run_is_left_as_it_is(tmp_path: Path) -> None:
    done = await run(a_task(), oracle, scripted, tmp_path)
    with pytest.raises(UserError, match=r"is finished: it ended as passed; `surehand report` shows it"):
        await resume(a_task(), oracle, scripted, tmp_path)
    assert record_of(tmp_path) == done


async def test_a_run_that_was_given_up(tmp_path: Path) -> None:
    model = Waits()
    running = asyncio.create_task(run(a_task(), gives(model), scripted, tmp_path))
    await model.asked.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    with pytest.raises(UserError, match="was given up: CancelledError ended it, and its world with it"):
        await resume(a_task(), gives(model), scripted, tmp_path)


async def test_a_run_that_had_not_begun(tmp_path: Path) -> None:
    done = await run(a_task(check=Crash(EnvError("gone"))), oracle, scripted, tmp_path)
    RunFolder(tmp_path).save(done.model_copy(update={"status": None, "failure": None, "world": {}}))
    with pytest.raises(UserError, match="had not begun: it died while its world was made"):
        await resume(a_task(), oracle, scripted, tmp_path)


async def test_an_oracle_cannot_go_on(tmp_path: Path) -> None:
    world = Lasts()
    _cut(tmp_path, await run(a_task(), oracle, worlds(world), tmp_path))
    with pytest.raises(UserError, match="cannot be gone on with: an oracle knows its place from what it did itself"):
        await resume(a_task(), oracle, worlds(world), tmp_path)
    assert world.attached == 0


async def test_a_run_that_goes_on_is_left_alone(tmp_path: Path) -> None:
    await left_behind(tmp_path, Lasts(), *SOLUTION, steps=1, intents=1)
    lock = os.open(tmp_path / "lock", os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for again in (resume, run):
            with pytest.raises(UserError, match="is going on; wait for its end"):
                await again(a_task(), says(*SOLUTION), scripted, tmp_path)
    finally:
        os.close(lock)
