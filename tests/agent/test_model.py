from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from agent.means import as_model
from agent.model import IdleModel, OracleModel, ReplayModel, ScriptedModel
from agent.parse import parse
from agent.runner import run
from agent.trace import Decision
from env.base import Probe
from env.scripted import ScriptedWorld
from scenarios.base import Intent
from tests.agent.desk import APP, CLICK_NOTE, SOLUTION, a_task, oracle, says, scripted, steps_of
from tools.actions import (
    Answer,
    Back,
    BrowserAction,
    ComputerAction,
    DoubleClick,
    Goto,
    HScroll,
    Key,
    LeftClick,
    LeftClickDrag,
    MiddleClick,
    MouseMove,
    NewTab,
    RightClick,
    Scroll,
    SwitchTab,
    Terminate,
    TripleClick,
    Type,
    Wait,
)
from tools.errors import UserError
from tools.geometry import GridPoint

PLACE = GridPoint(10, 20)
POINTED: list[ComputerAction] = [
    MouseMove(coordinate=PLACE), LeftClick(coordinate=PLACE), RightClick(coordinate=PLACE),
    MiddleClick(coordinate=PLACE), DoubleClick(coordinate=PLACE), TripleClick(coordinate=PLACE),
    LeftClickDrag(coordinate=PLACE),
]  # fmt: skip
EVERY_VERB: list[ComputerAction | BrowserAction] = [
    *POINTED,
    Type(text='say "hi"\n' + "x" * 99), Key(keys=("ctrl", "s")), Scroll(pixels=-5), HScroll(pixels=5), Wait(time=0.5),
    Terminate(status="failure"), Answer(text="42"), Goto(url="http://site.test/"), Back(), NewTab(), SwitchTab(tab=2),
]  # fmt: skip


async def every_verb(probe: Probe, random: Random) -> AsyncIterator[Intent]:
    for action in EVERY_VERB:
        yield Intent(action, "the button 'Save'")


async def test_an_oracle_writes_what_a_model_writes() -> None:
    model = OracleModel(every_verb, ScriptedWorld(APP).probe(), Random(7))
    for action in EVERY_VERB:
        completion = await model.decide(())
        found = parse(completion)
        assert isinstance(found, Decision), completion
        assert found.action == action
        assert found.say.endswith(".")
        assert len(found.say) < 90
        if action in POINTED:
            assert "he button 'Save'" in found.thought
    ended = parse(await model.decide(()))
    assert isinstance(ended, Decision)
    assert ended.action == Terminate(status="success")


async def test_the_same_seed_uses_the_same_words() -> None:
    async def said(seed: int) -> list[str]:
        model = OracleModel(every_verb, ScriptedWorld(APP).probe(), Random(seed))
        return [(await model.decide(())).text for _ in EVERY_VERB]

    assert await said(7) == await said(7)
    assert len({tuple(await said(seed)) for seed in range(20)}) > 1


async def test_an_oracle_with_more_to_do_is_ended_with_its_run(tmp_path: Path) -> None:
    ended = []

    async def endless(probe: Probe, random: Random) -> AsyncIterator[Intent]:
        try:
            while True:
                yield Intent(Wait(time=0), "the page")
        finally:
            ended.append(True)

    await run(a_task(), as_model(endless), scripted, tmp_path)
    assert ended


async def test_scripted_and_idle() -> None:
    model = ScriptedModel("just text", CLICK_NOTE)
    assert (await model.decide(())).text == "just text"
    replies = [parse(await model.decide(())) for _ in range(3)] + [parse(await IdleModel().decide(()))]
    assert [reply.action for reply in replies if isinstance(reply, Decision)] == [
        CLICK_NOTE, Terminate(status="failure"), Terminate(status="failure"), Terminate(status="success"),
    ]  # fmt: skip


async def test_a_replay_does_the_same(tmp_path: Path) -> None:
    first = await run(a_task(), oracle, scripted, tmp_path / "first")
    again = await run(a_task(), lambda task, probe: ReplayModel(tmp_path / "first"), scripted, tmp_path / "again")
    assert (again.status, again.model, again.result) == (first.status, "oracle", first.result)
    one, other = steps_of(tmp_path / "first"), steps_of(tmp_path / "again")
    assert [(s.reply, s.seen.sha256, s.outcome) for s in one] == [(s.reply, s.seen.sha256, s.outcome) for s in other]


async def test_a_replay_that_runs_out_is_the_persons_business(tmp_path: Path) -> None:
    await run(a_task(), says(*SOLUTION), scripted, tmp_path)
    model = ReplayModel(tmp_path)
    for _ in SOLUTION:
        await model.decide(())
    with pytest.raises(UserError, match="has no more replies: it was stopped"):
        await model.decide(())


def test_a_replay_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no run in"):
        ReplayModel(tmp_path)
