"""Kills at every moment of a step: each action at most once, nothing lost, and a run that goes on or says why not."""

import asyncio
import os
import signal
import subprocess
import sys
from itertools import cycle, islice
from pathlib import Path

import pytest

from agent.runner import resume, run
from agent.trace import RunFolder, Status, Step
from env.settle import until
from tests.agent.desk import a_task, says, scripted
from tests.agent.doomed import MOMENTS, SCRIPT, TASK, Doom, world_of
from tools.errors import UserError

ROOT = Path(__file__).resolve().parent.parent.parent
STEPS = (2, 3, 4)


def doomed(folder: Path, how: str, victim: str, moment: str, step: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.agent.doomed", str(folder), how, victim, moment, str(step)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=170, check=False)


def sound(folder: Path) -> list[Step]:
    """The steps of a run, which are whole, in order, and none of whose actions was begun twice."""
    steps = list(RunFolder(folder).steps())
    assert [step.number for step in steps] == list(range(1, len(steps) + 1))
    intents = [line for line in RunFolder(folder).intents_file.read_text().splitlines() if line]
    numbers = [Step.model_validate_json(line).number for line in intents]
    assert numbers == sorted(set(numbers))
    return steps


def killed_and_resumed(folder: Path, moment: str, steps: list[int]) -> None:
    """A run whose process is killed at each of these steps, and taken up by a new one each time."""
    for how, step in zip(("run", *["resume"] * len(steps)), steps, strict=False):
        done = doomed(folder, how, "runner", moment, step)
        assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]
        assert RunFolder(folder).run().ended is None
    done = doomed(folder, "resume", "runner", "", 0)
    assert done.stdout.startswith("passed "), done.stdout + done.stderr[-2000:]
    assert len(sound(folder)) == len(SCRIPT)
    assert all(step.outcome is None or step.outcome.ok for step in sound(folder))


@pytest.mark.browser
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_runner_loses_nothing_and_does_nothing_twice(moment: str, tmp_path: Path) -> None:
    killed_and_resumed(tmp_path, moment, [*STEPS])


@pytest.mark.soak
@pytest.mark.browser
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_runner_twenty_times(moment: str, tmp_path: Path) -> None:
    for number in range(5):
        killed_and_resumed(tmp_path / str(number), moment, [2, 3, 4, 5])


def a_part_of_the_world_dies(folder: Path, victim: str, moment: str, step: int) -> None:
    done = doomed(folder, "run", victim, moment, step)
    assert done.returncode == 0, done.stderr[-2000:]
    record = RunFolder(folder).run()
    assert record.status == Status.ERROR_ENV, (done.stdout, done.stderr[-2000:])
    assert record.ended
    assert record.failure
    steps = sound(folder)
    assert step - 1 <= len(steps) <= step
    with pytest.raises(UserError, match="has ended: error:env; start a new one"):
        asyncio.run(resume(TASK, says(), world_of("browser", Doom("", "", 0)), folder))


VICTIMS = ("keeper", "browser", "worker")


@pytest.mark.desktop
@pytest.mark.browser
@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize(("moment", "step"), [*zip(MOMENTS[:4], cycle(STEPS), strict=False)])
def test_a_part_of_the_world_that_is_killed_ends_the_run_as_its_fault(
    victim: str, moment: str, step: int, tmp_path: Path
) -> None:
    a_part_of_the_world_dies(tmp_path, victim, moment, step)


@pytest.mark.soak
@pytest.mark.desktop
@pytest.mark.browser
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("victim", VICTIMS)
def test_a_part_of_the_world_is_killed_twenty_times(victim: str, tmp_path: Path) -> None:
    for number, (moment, step) in enumerate(islice(zip(cycle(MOMENTS[:4]), cycle(STEPS), strict=False), 20)):
        a_part_of_the_world_dies(tmp_path / str(number), victim, moment, step)


@pytest.mark.browser
async def test_a_run_whose_world_ended_meanwhile(tmp_path: Path) -> None:
    done = await asyncio.to_thread(doomed, tmp_path, "run", "runner", "decide", 2)
    assert done.returncode == -signal.SIGKILL
    record = RunFolder(tmp_path).run()
    world = world_of("browser", Doom("", "", 0), Path(record.world["folder"]), record.world["keeper"])
    await world.call("/close", {})
    await world.abandon()

    async def gone() -> bool | None:
        return None if (world.folder or tmp_path).exists() else True

    await until(gone, 60.0, "the end of the world")
    again = await asyncio.to_thread(doomed, tmp_path, "resume", "runner", "", 0)
    assert again.stdout.startswith("error:env the world's keeper is gone"), again.stderr[-2000:]


@pytest.mark.browser
async def test_another_world_in_the_same_place_is_not_taken_for_it(tmp_path: Path) -> None:
    other = world_of("browser", Doom("", "", 0))
    await other.reset((), 0)
    try:
        done = await asyncio.to_thread(doomed, tmp_path, "run", "runner", "decide", 2)
        assert done.returncode == -signal.SIGKILL
        folder = RunFolder(tmp_path)
        left = folder.run()
        folder.save(left.model_copy(update={"world": left.world | {"folder": str(other.folder)}}))
        again = await asyncio.to_thread(doomed, tmp_path, "resume", "runner", "", 0)
        assert again.stdout.startswith("error:env the world of this run is gone"), again.stderr[-2000:]
        world = world_of("browser", Doom("", "", 0), Path(left.world["folder"]), left.world["keeper"])
        await world.attach()
        await world.close()
    finally:
        await other.close()


async def test_a_run_that_goes_on_or_has_ended_is_not_resumed(tmp_path: Path) -> None:
    world = world_of("browser", Doom("", "", 0))
    folder = RunFolder(tmp_path / "on")
    await run(a_task(), says(), scripted, tmp_path / "over")
    with pytest.raises(UserError, match="has ended: failed"):
        await resume(TASK, says(), world, tmp_path / "over")
    record = RunFolder(tmp_path / "over").run()
    with folder.locked():
        folder.save(record.model_copy(update={"ended": None, "status": None}))
        with pytest.raises(UserError, match=r"the run in .* is still going on; wait for its end"):
            await resume(TASK, says(), world, tmp_path / "on")
    with pytest.raises(UserError, match="no run in"):
        await resume(TASK, says(), world, tmp_path / "nothing")
