import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from agent.means import Means
from agent.model import IdleModel, ScriptedModel
from agent.runner import run
from agent.trace import Run, RunFolder, Status, Step, Stop
from env.base import Probe
from env.clock import VirtualClock
from env.scripted import ScriptedWorld
from env.setup import Launch, PutFile, SetupStep
from scenarios.base import CheckResult, Intent, Limits, Task
from tests.agent.desk import (
    APP,
    CLICK_MORE,
    CLICK_NOTE,
    CLICK_SAVE,
    DONE,
    GIVE_UP,
    SOLUTION,
    Counts,
    Crash,
    Raises,
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
from tools.actions import Answer, BrowserAction, ComputerAction, Key, Outcome, Type, Wait
from tools.errors import EnvError, ModelError, ScenarioError, UserError


def failure(done: Run) -> tuple[str, str, str]:
    assert done.failure is not None
    assert done.failure.message in done.failure.traceback
    return done.failure.where, done.failure.kind, done.failure.message


def closed(world: ScriptedWorld) -> bool:
    try:
        world.state()
    except EnvError:
        return True
    return False


async def test_a_run_that_passes(tmp_path: Path) -> None:
    world, seen, settings = ScriptedWorld(APP), list[Step](), {"model": "oracle"}
    done = await run(a_task(), oracle, worlds(world), tmp_path / "run-1", Means(on_step=seen.append), settings=settings)
    assert (done.status, done.stop) == (Status.PASSED, Stop(reason="terminate", status="success"))
    assert done.result == CheckResult(score=1, why="note.txt holds 'milk'")
    assert (done.id, done.scenario, done.seed, done.goal) == ("run-1", "test/note", 7, "Save a note that says milk.")
    assert (done.model, done.settings, done.failure) == ("oracle", {"model": "oracle"}, None)
    assert done.world == {"kind": "desktop", "size": [640, 400], "isolation": "a world in memory"}
    assert done.ended
    assert done.ended > done.started
    assert done.final == seen[-1].seen
    assert closed(world)
    assert record_of(tmp_path / "run-1") == done
    assert steps_of(tmp_path / "run-1") == seen


async def test_the_record_says_with_what_it_was_made(tmp_path: Path) -> None:
    done = await run(a_task(), says(DONE), scripted, tmp_path)
    assert {"python", "system", "langgraph", "pydantic", "Pillow"} <= done.versions.keys()
    assert done.versions["python"] == ".".join(map(str, sys.version_info[:3]))
    assert isinstance(done.revision, str)


class Strikes(ScriptedWorld):
    """A world that raises something of its own at action 2."""

    async def execute(self, number: int, action: ComputerAction | BrowserAction) -> Outcome:
        if number == 2:
            raise ZeroDivisionError("a mistake in this world")
        return await super().execute(number, action)


class Sticks(ScriptedWorld):
    """A world that cannot be ended."""

    async def close(self) -> None:
        raise EnvError("it does not end")


@pytest.mark.parametrize(
    ("replies", "status", "stop"),
    [
        (SOLUTION, Status.PASSED, Stop(reason="terminate", status="success")),
        ((*SOLUTION[:-1], Answer(text="saved")), Status.PASSED, Stop(reason="answer", answer="saved")),
        ((*SOLUTION[:-1], GIVE_UP), Status.FAILED, Stop(reason="terminate", status="failure")),
        ((DONE,), Status.FAILED, Stop(reason="terminate", status="success")),
        (("a", "b", "c"), Status.UNREADABLE, Stop(reason="unreadable", limit=3)),
        (("a", "b", *SOLUTION), Status.PASSED, Stop(reason="terminate", status="success")),
        ((Key(keys=("hyper",)), *SOLUTION), Status.PASSED, Stop(reason="terminate", status="success")),
        ((CLICK_MORE,) * 8, Status.LIMIT, Stop(reason="stuck", limit=5)),
        ((Type(text="x"), CLICK_NOTE) * 6, Status.LIMIT, Stop(reason="steps", limit=12)),
        ((*SOLUTION[:-1], Wait(time=30), Wait(time=29), Wait(time=28)), Status.LIMIT, Stop(reason="time", limit=60)),
    ],
)
async def test_how_a_run_ends(
    tmp_path: Path, replies: tuple[str | ComputerAction, ...], status: Status, stop: Stop
) -> None:
    clock = VirtualClock()
    done = await run(a_task(), says(*replies), worlds(ScriptedWorld(APP, clock=clock)), tmp_path, Means(clock=clock))
    assert (done.status, done.stop) == (status, stop)
    assert done.status
    assert done.status.scored
    assert done.result
    assert done.failure is None


async def test_the_token_limit(tmp_path: Path) -> None:
    done = await run(a_task(), gives(Counts(ScriptedModel(*SOLUTION), 600)), scripted, tmp_path, Means(tokens=1000))
    assert (done.status, done.stop) == (Status.LIMIT, Stop(reason="tokens", limit=1000))
    assert len(steps_of(tmp_path)) == 2


async def test_the_model_server_fails(tmp_path: Path) -> None:
    world = ScriptedWorld(APP)
    done = await run(a_task(), gives(Raises(ModelError("no answer from :8000"), at=2)), worlds(world), tmp_path)
    assert done.status == Status.ERROR_MODEL
    assert failure(done) == ("decide", "ModelError", "no answer from :8000")
    assert len(steps_of(tmp_path)) == 1
    assert closed(world)


async def test_the_world_dies(tmp_path: Path) -> None:
    done = await run(a_task(), says(*SOLUTION), worlds(ScriptedWorld(APP, fail_at=2)), tmp_path)
    assert done.status == Status.ERROR_ENV
    assert failure(done) == ("act", "EnvError", "the world died of action 2, as ordered")
    assert (done.result, done.stop) == (None, None)
    assert [step.number for step in steps_of(tmp_path)] == [1]
    pending = RunFolder(tmp_path).pending()
    assert pending
    assert pending.number == 2


async def test_a_reset_that_fails_is_tried_once_more_in_a_fresh_world(tmp_path: Path) -> None:
    dead, alive = ScriptedWorld(APP, fail_at=0), ScriptedWorld(APP)
    done = await run(a_task(), oracle, worlds(dead, alive), tmp_path)
    assert done.status == Status.PASSED
    assert done.world["retried"] == "the world died of its reset, as ordered"
    assert closed(dead)
    assert closed(alive)


async def test_a_reset_that_fails_twice_is_an_error_of_the_world(tmp_path: Path) -> None:
    done = await run(a_task(), oracle, lambda task: ScriptedWorld(APP, fail_at=0), tmp_path)
    assert done.status == Status.ERROR_ENV
    assert failure(done)[:2] == ("setup", "EnvError")


async def test_a_setup_step_at_fault(tmp_path: Path) -> None:
    setup: tuple[SetupStep, ...] = (PutFile(path="a.txt", text="a"), Launch(command=("gimp",), window="GIMP"))
    world = ScriptedWorld(APP)
    done = await run(a_task(setup=setup), oracle, worlds(world), tmp_path)
    assert done.status == Status.ERROR_SCENARIO
    assert failure(done)[:2] == ("setup", "ScenarioError")
    assert closed(world)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ZeroDivisionError("division by zero"), Status.ERROR_SCENARIO),
        (FileNotFoundError(2, "No such file", "a.txt"), Status.ERROR_SCENARIO),
        (OSError(28, "No space left on device"), Status.ERROR_SCENARIO),
        (ScenarioError("no such column"), Status.ERROR_SCENARIO),
        (EnvError("the world is gone"), Status.ERROR_ENV),
    ],
)
async def test_a_check_that_crashes_is_no_verdict(tmp_path: Path, error: Exception, status: Status) -> None:
    world = ScriptedWorld(APP)
    done = await run(a_task(check=Crash(error)), oracle, worlds(world), tmp_path)
    assert done.status == status
    assert not status.scored
    assert failure(done) == ("check", type(error).__name__, str(error))
    assert done.result is None
    assert done.stop == Stop(reason="terminate", status="success")
    assert closed(world)


@pytest.mark.parametrize("error", [ScenarioError("'Save' did not appear"), LookupError("its own mistake")])
async def test_an_oracle_that_fails_is_the_scenarios_fault(tmp_path: Path, error: Exception) -> None:
    async def broken(probe: Probe, random: Random) -> AsyncIterator[Intent]:
        yield Intent(CLICK_NOTE, "the textbox 'Note'")
        raise error

    done = await run(a_task(oracle=broken), oracle, scripted, tmp_path)
    assert done.status == Status.ERROR_SCENARIO
    assert failure(done) == ("decide", type(error).__name__, str(error))


async def test_an_error_without_a_name_is_blamed_on_whom_was_called(tmp_path: Path) -> None:
    done = await run(a_task(), says(*SOLUTION), worlds(Strikes(APP)), tmp_path / "world")
    assert (done.status, failure(done)) == (Status.ERROR_ENV, ("act", "ZeroDivisionError", "a mistake in this world"))
    done = await run(a_task(), gives(Raises(KeyError("choices"))), scripted, tmp_path / "model")
    assert (done.status, failure(done)) == (Status.ERROR_MODEL, ("decide", "KeyError", "'choices'"))


async def test_a_world_that_does_not_end_spoils_no_result(tmp_path: Path) -> None:
    done = await run(a_task(), oracle, worlds(Sticks(APP)), tmp_path)
    assert done.status == Status.PASSED
    assert failure(done) == ("close", "EnvError", "it does not end")


async def test_a_mistake_of_the_person_is_no_run(tmp_path: Path) -> None:
    def no_model(task: Task, probe: Probe) -> IdleModel:
        raise UserError("unknown model 'qwen4'", remedy="did you mean 'qwen3-vl'?")

    world = ScriptedWorld(APP)
    with pytest.raises(UserError, match="unknown model"):
        await run(a_task(), no_model, worlds(world), tmp_path)
    done = record_of(tmp_path)
    assert (done.status, failure(done)[:2]) == (None, ("model", "UserError"))
    assert closed(world)


async def test_a_folder_holds_one_run(tmp_path: Path) -> None:
    first = await run(a_task(), oracle, scripted, tmp_path)
    with pytest.raises(UserError, match=r"there is a run in .* already; choose another folder"):
        await run(a_task(), oracle, scripted, tmp_path)
    assert record_of(tmp_path) == first


async def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot keep the run in .*: Not a directory; make room or choose another"):
        await run(a_task(), oracle, scripted, tmp_path / "file" / "run")


async def test_cancelled_midway(tmp_path: Path) -> None:
    world, model = ScriptedWorld(APP), Waits()
    running = asyncio.create_task(run(a_task(), gives(model), worlds(world), tmp_path))
    await model.asked.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert closed(world)
    done = record_of(tmp_path)
    assert (done.status, done.result) == (None, None)
    assert done.ended
    assert done.failure
    assert (done.failure.where, done.failure.kind) == ("decide", "CancelledError")


async def test_many_runs_side_by_side(tmp_path: Path) -> None:
    models = [oracle, says(DONE), gives(Raises(ModelError("down"))), says("a", "b", "c"), says(CLICK_SAVE, DONE)]
    done = await asyncio.gather(*(run(a_task(), m, scripted, tmp_path / str(n)) for n, m in enumerate(models)))
    assert [one.status for one in done] == [
        Status.PASSED, Status.FAILED, Status.ERROR_MODEL, Status.UNREADABLE, Status.FAILED,
    ]  # fmt: skip


async def test_a_task_may_have_its_own_limits(tmp_path: Path) -> None:
    done = await run(a_task(limits=Limits(steps=2)), oracle, scripted, tmp_path)
    assert done.stop == Stop(reason="steps", limit=2)
