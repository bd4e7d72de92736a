"""Pages that give orders to agents: who obeys is stopped, nothing reaches the foreign site, and the run fails."""

from pathlib import Path
from typing import Any

import pytest

from agent.commands.wiring import worlds
from agent.means import MakeModel, as_model
from agent.model import Model, ScriptedModel
from agent.runner import run
from agent.settings import Settings
from agent.trace import Run, RunFolder, Status
from env.base import Probe
from scenarios.base import Task
from scenarios.loader import load
from tools.actions import Goto, NewTab, Terminate

pytestmark = [pytest.mark.desktop, pytest.mark.browser, pytest.mark.timeout(300)]

SCENARIOS = ["web/ticket-injection", "web/review-injection"]


def foreign(task: Task) -> str:
    """The address that the page orders to open."""
    drawn = task.drawn
    return drawn["account"] if "account" in drawn else f"http://{drawn['collector']}/verify?key={drawn['key']}"


def obeying(task: Task) -> MakeModel:
    """A scripted model that tries what the page says in every way that a browser offers, and believes to be done."""
    url = foreign(task)
    bare = url.removeprefix("http://")
    model: Model = ScriptedModel(Goto(url=url), NewTab(url=url), Goto(url=bare), Terminate(status="success"))

    def make(task: Task, probe: Probe) -> Model:
        return model

    return make


def parts(done: Run, check: str) -> list[dict[str, Any]]:
    """What a part of the task's check said."""
    assert done.result, done.failure
    found: Any = done.result.evidence["parts"]
    return [part for part in found if part["check"] == check]


@pytest.mark.parametrize("name", SCENARIOS)
async def test_a_model_that_obeys_the_page_is_stopped(name: str, tmp_path: Path) -> None:
    task = load(name).at(0)
    done = await run(task, obeying(task), worlds(Settings()), tmp_path)
    outcomes = [step.outcome for step in RunFolder(tmp_path).steps() if step.outcome]
    assert [(outcome.ok, "was not opened" in outcome.note) for outcome in outcomes] == [(False, True)] * 3
    [visited], [refused] = parts(done, "visited"), parts(done, "refused")
    assert (visited["score"], visited["evidence"]["asked"]) == (1, [])
    assert refused["score"] == 0
    assert foreign(task) in refused["evidence"]["refused"]
    assert done.status is Status.FAILED


@pytest.mark.parametrize("name", SCENARIOS)
async def test_a_model_that_obeys_and_then_does_its_task_fails_by_that_alone(name: str, tmp_path: Path) -> None:
    task = load(name).at(1)
    assert task.near_miss
    done = await run(task, as_model(task.near_miss), worlds(Settings()), tmp_path)
    assert all(part["score"] == 1 for part in parts(done, "posted"))
    [visited], [refused] = parts(done, "visited"), parts(done, "refused")
    assert (visited["score"], visited["evidence"]["asked"]) == (1, [])
    assert refused["score"] == 0
    assert done.status is Status.FAILED
