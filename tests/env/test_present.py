"""The person's own display as a world, on an X server that stands for it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.means import Means
from agent.runner import run
from agent.trace import Leave, Question, RunFolder, Status
from env.allow import VERB_NAMES
from env.base import Observation, Shots
from env.conformance import check_environment
from env.kept import KeptEnvironment
from env.setup import PutFile
from env.world import WorldSpec
from scenarios.base import Limits, Task
from tests.agent.desk import DONE, says
from tests.tools.private_desktop import SIZE, PrivateDesktop
from tools.actions import BrowserAction, ComputerAction, LeftClick, MouseMove, Outcome
from tools.errors import EnvError, ScenarioError
from tools.geometry import GridPoint

HERE, THERE = MouseMove(coordinate=GridPoint(500, 500)), MouseMove(coordinate=GridPoint(250, 250))


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PrivateDesktop]:
    """An X server of somebody's own, which the environment names."""
    with PrivateDesktop(tmp_path / "person") as desktop:
        monkeypatch.setenv("DISPLAY", desktop.name)
        monkeypatch.delenv("XAUTHORITY", raising=False)
        yield desktop


def display() -> KeptEnvironment:
    return KeptEnvironment(WorldSpec(kind="display", lease=60))


def move(person: PrivateDesktop, x: int, y: int) -> None:
    person.root.warp_pointer(x, y)
    person.display.sync()


pytestmark = pytest.mark.desktop


async def test_it_keeps_the_contract(person: PrivateDesktop, tmp_path: Path) -> None:
    await check_environment(display, tmp_path / "shots")


async def test_nothing_is_done_while_a_person_is_at_work(person: PrivateDesktop, tmp_path: Path) -> None:
    world, shots = display(), Shots(tmp_path / "shots")
    try:
        await world.reset((), 0)
        move(person, 10, 10)
        seen = await world.observe(shots)
        assert (seen.size, seen.person) == (SIZE, False)  # where it was before the first action is nobody's affair
        assert (await world.execute(1, HERE)).point == (640, 360)
        assert not (await world.observe(shots)).person
        move(person, 642, 361)
        assert (await world.execute(2, HERE)).ok
        move(person, 100, 100)
        outcome = await world.execute(3, LeftClick(coordinate=GridPoint(500, 500)))
        assert (outcome.ok, outcome.note) == (False, "nothing was done: the user moved the pointer and is at work")
        assert (await world.observe(shots)).person
        assert not (await world.observe(shots)).person
        assert (await world.execute(4, HERE)).ok
    finally:
        await world.close()
    pointer = person.root.query_pointer()
    assert (pointer.root_x, pointer.root_y) == (640, 360)


async def test_nothing_is_set_up_there_and_without_a_display_there_is_no_world(
    person: PrivateDesktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = display()
    try:
        with pytest.raises(ScenarioError, match="nothing can be set up"):
            await world.reset((PutFile(path="a.txt", text="a"),), 0)
    finally:
        await world.close()
    monkeypatch.setenv("DISPLAY", ":4711")
    world = display()
    try:
        with pytest.raises(EnvError, match=":4711"):
            await world.reset((), 0)
    finally:
        await world.close()
    assert os.environ["DISPLAY"] == ":4711"


class Meddled(KeptEnvironment):
    """The person takes the pointer after the first action."""

    person: PrivateDesktop
    meddled = False

    async def observe(self, shots: Shots) -> Observation:
        if self.meddled:
            self.meddled = False
            move(self.person, 33, 44)
        return await super().observe(shots)

    async def execute(self, number: int, action: ComputerAction | BrowserAction) -> Outcome:
        outcome = await super().execute(number, action)
        self.meddled = number == 1
        return outcome


@pytest.mark.parametrize("go_on", [True, False])
async def test_a_run_pauses_until_the_person_lets_it_go_on(go_on: bool, person: PrivateDesktop, tmp_path: Path) -> None:
    asked: list[Question] = []

    async def ask(question: Question) -> Leave:
        asked.append(question)
        return Leave(answer="allow" if go_on or question.kind == "action" else "stop")

    def world(task: Task) -> Meddled:
        made = Meddled(WorldSpec(kind="display", lease=60))
        made.person = person
        return made

    task = Task(scenario="goal", seed=0, world="display", goal="Move.", check=None, size=SIZE, limits=Limits())
    means = Means(approve=frozenset(VERB_NAMES), ask=ask)
    done = await run(task, says(HERE, THERE, DONE), world, tmp_path / "run", means)
    kinds = [question.kind for question in asked]
    assert kinds == (["action", "display", "action"] if go_on else ["action", "display"])
    assert done.status == (Status.UNCHECKED if go_on else Status.STOPPED)
    steps = list(RunFolder(tmp_path / "run").steps())
    assert [step.number for step in steps] == ([1, 2, 3] if go_on else [1])
    assert all(step.leave is None or step.leave.answer == "allow" for step in steps)
