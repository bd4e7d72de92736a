"""Going on with a run whose process died: what is asked for again, what is skipped, and what cannot be gone on with."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from agent.means import Means
from agent.model import ReplayModel, ScriptedModel
from agent.runner import resume, run
from agent.trace import RunFolder, Status, Step, Stop
from env.base import Shots
from env.kept import KeptEnvironment
from env.scripted import ScriptedWorld
from env.settle import until
from scenarios.base import Limits
from tests.agent.desk import (
    APP,
    CLICK_NOTE,
    CLICK_SAVE,
    DONE,
    SOLUTION,
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
from tests.env.worlds import SETUPS, make
from tools.actions import BrowserAction, ComputerAction, LeftClick, Outcome, Type
from tools.errors import EnvError, UserError
from tools.geometry import Box


class Lasts(ScriptedWorld):
    """A world in memory that outlives its run; it counts what is done in it, and how often somebody goes on with it."""

    def __init__(self, **trouble: Any) -> None:
        super().__init__(APP, **trouble)
        self.done: list[int] = []
        self.attached = self.released = 0

    async def attach(self) -> None:
        self.state()
        self.attached += 1

    async def release(self) -> None:
        self.released += 1

    async def execute(self, number: int, action: ComputerAction | BrowserAction) -> Outcome:
        last = self.state().last
        outcome = await super().execute(number, action)
        self.done += [number] * (self.state().last > last)
        return outcome

    async def close(self) -> None:
        """It outlives its run."""


async def lasting(*done: ComputerAction, **trouble: Any) -> Lasts:
    """A world in which these actions were done."""
    world = Lasts(**trouble)
    await world.reset((), 0)
    for number, action in enumerate(done, start=1):
        await world.execute(number, action)
    return world


async def left_behind(folder: Path, *replies: ComputerAction, steps: int, intents: int) -> None:
    """A run folder as a killed process leaves it: so many whole steps and intents, a torn line, and no end."""
    done = await run(a_task(), says(*replies), scripted, folder)
    for name, kept in (("steps.jsonl", steps), ("intents.jsonl", intents)):
        lines = (folder / name).read_bytes().splitlines(keepends=True)
        (folder / name).write_bytes(b"".join(lines[:kept]) + b'{"number": 9, "se')
    ends = {"ended": None, "status": None, "stop": None, "final": None, "result": None}
    RunFolder(folder).save(done.model_copy(update=ends))


@pytest.mark.parametrize(("steps", "intents"), [(0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (2, 3), (3, 3), (4, 3)])
async def test_wherever_it_died_it_ends_the_same(tmp_path: Path, steps: int, intents: int) -> None:
    await left_behind(tmp_path, *SOLUTION, steps=steps, intents=intents)
    world, used = await lasting(*SOLUTION[:intents]), max(steps, intents)
    done = await resume(a_task(), says(*SOLUTION[used:]), world, tmp_path)
    assert (done.status, done.stop) == (Status.PASSED, Stop(reason="terminate", status="success"))
    assert done.failure is None
    assert (world.attached, world.released, world.done) == (1, 1, [1, 2, 3])
    found = steps_of(tmp_path)
    assert [step.number for step in found] == [1, 2, 3, 4]
    assert [step.reply.action for step in found if step.reply.kind == "decision"] == list(SOLUTION)
    assert record_of(tmp_path) == done


async def test_an_action_that_nobody_did_is_done_once_and_shown(tmp_path: Path) -> None:
    await left_behind(tmp_path, *SOLUTION, steps=1, intents=2)
    world, seen = await lasting(CLICK_NOTE), list[Step]()
    done = await resume(a_task(), says(*SOLUTION[2:]), world, tmp_path, Means(on_step=seen.append))
    assert (done.status, world.done) == (Status.PASSED, [1, 2, 3])
    assert seen == steps_of(tmp_path)[1:]


async def test_an_outcome_that_nobody_knows_is_told_to_the_model(tmp_path: Path) -> None:
    await left_behind(tmp_path, *SOLUTION, steps=1, intents=2)
    world = await lasting()
    await world.execute(5, Type(text="later"))  # so number 2 was begun, and has no outcome on record
    model = Listener(ScriptedModel(DONE))
    await resume(a_task(), gives(model), world, tmp_path)
    assert steps_of(tmp_path)[1].outcome == Outcome(ok=False, note="unknown: interrupted")
    assert "unknown: interrupted" in str(model.heard[0][-1])
    assert world.done == [5]


async def test_a_recording_goes_on_where_it_was(tmp_path: Path) -> None:
    await run(a_task(), says(*SOLUTION), scripted, tmp_path / "first")
    await left_behind(tmp_path / "second", *SOLUTION, steps=2, intents=2)
    world = await lasting(*SOLUTION[:2])
    done = await resume(a_task(), gives(ReplayModel(tmp_path / "first", 2)), world, tmp_path / "second")
    assert (done.status, world.done) == (Status.PASSED, [1, 2, 3])


async def test_limits_count_what_was_used_before(tmp_path: Path) -> None:
    await left_behind(tmp_path, CLICK_NOTE, CLICK_SAVE, DONE, steps=2, intents=2)
    task = a_task(limits=Limits(steps=2, seconds=60))
    done = await resume(task, says(*SOLUTION), await lasting(), tmp_path)
    assert (done.status, done.stop) == (Status.LIMIT, Stop(reason="steps", limit=2))
    assert len(steps_of(tmp_path)) == 2


async def test_a_check_that_was_cut_off_is_done_again(tmp_path: Path) -> None:
    done = await run(a_task(), says(*SOLUTION), scripted, tmp_path)
    RunFolder(tmp_path).save(done.model_copy(update={"ended": None, "status": None, "result": None}))
    again = await resume(a_task(), says("nobody asks"), await lasting(*SOLUTION[:3]), tmp_path)
    assert (again.status, again.stop, again.final) == (Status.PASSED, done.stop, done.final)
    assert len(steps_of(tmp_path)) == 4


async def test_a_world_that_died_is_an_error_of_the_world(tmp_path: Path) -> None:
    await left_behind(tmp_path, *SOLUTION, steps=2, intents=3)
    done = await resume(a_task(), says(*SOLUTION), Lasts(), tmp_path)
    assert done.status is Status.ERROR_ENV
    assert [step.number for step in steps_of(tmp_path)] == [1, 2]
    with pytest.raises(UserError, match="has ended: error:env; start a new one"):
        await resume(a_task(), says(*SOLUTION), Lasts(), tmp_path)


async def test_a_world_that_dies_of_what_was_begun(tmp_path: Path) -> None:
    await left_behind(tmp_path, *SOLUTION, steps=1, intents=2)
    done = await resume(a_task(), says(*SOLUTION), await lasting(fail_at=2), tmp_path)
    assert done.status is Status.ERROR_ENV
    assert len(steps_of(tmp_path)) == 1


@pytest.mark.parametrize("cut", ["nowhere", "while its world was closed"])
async def test_a_run_with_a_result_keeps_it(tmp_path: Path, cut: str) -> None:
    done = await run(a_task(), oracle, scripted, tmp_path)
    if cut != "nowhere":
        done = done.model_copy(update={"ended": None})
        RunFolder(tmp_path).save(done)
    with pytest.raises(UserError, match="has ended: passed; start a new one"):
        await resume(a_task(), oracle, Lasts(), tmp_path)
    assert record_of(tmp_path) == done


async def test_a_run_that_was_given_up_has_ended(tmp_path: Path) -> None:
    model = Waits()
    running = asyncio.create_task(run(a_task(), gives(model), scripted, tmp_path))
    await model.asked.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    with pytest.raises(UserError, match="has ended: cut off: "):
        await resume(a_task(), gives(model), Lasts(), tmp_path)


async def test_a_folder_has_one_writer(tmp_path: Path) -> None:
    await left_behind(tmp_path, *SOLUTION, steps=1, intents=1)
    before, world = record_of(tmp_path), await lasting(CLICK_NOTE)
    with RunFolder(tmp_path).locked():
        with pytest.raises(UserError, match="is still going on; wait for its end"):
            await resume(a_task(), says(*SOLUTION), world, tmp_path)
        (tmp_path / "run.json").rename(tmp_path / "aside.json")
        with pytest.raises(UserError, match="is still going on; wait for its end"):
            await run(a_task(), says(*SOLUTION), worlds(world), tmp_path)
        assert not (tmp_path / "run.json").exists()
        (tmp_path / "aside.json").rename(tmp_path / "run.json")
    assert (record_of(tmp_path), world.attached) == (before, 0)
    with pytest.raises(UserError, match="no run in"):
        await resume(a_task(), says(), world, tmp_path / "nothing")


def heir_of(world: KeptEnvironment) -> KeptEnvironment:
    return KeptEnvironment(world.spec, Path(world.description["folder"]), world.description["keeper"])


@pytest.mark.browser
async def test_a_kept_world_is_taken_over_and_no_other_one_in_its_place(tmp_path: Path) -> None:
    world, stranger = make("browser"), make("browser")
    try:
        await world.reset(SETUPS["browser"], seed=0)
        (field,) = await world.probe().elements(css="#name")
        await world.execute(1, LeftClick(bbox_2d=Box.from_rect(field.rect, world.spec.size)))
        first = await world.execute(2, Type(text="a"))
        await world.abandon()
        heir = heir_of(world)
        await heir.attach()
        assert await heir.execute(2, Type(text="a")) == first
        assert [e.value for e in await heir.probe().elements(css="#name")] == ["a"]
        await heir.close()

        async def gone() -> bool | None:
            return None if heir.folder and heir.folder.exists() else True

        await until(gone, 60.0, "the end of the world")
        with pytest.raises(EnvError, match="the world's keeper is gone"):
            await heir_of(world).attach()
        await stranger.reset(SETUPS["browser"], seed=0)
        late = KeptEnvironment(stranger.spec, stranger.folder, world.description["keeper"])
        with pytest.raises(EnvError, match="the world of this run is gone"):
            await late.attach()
        await late.close()
        assert (await stranger.observe(Shots(tmp_path))).settled
    finally:
        await stranger.close()
        await world.close()
