import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from agent.graph import Context as Means
from agent.graph import Start, State, checkpoints, loop
from agent.model import Model, ScriptedModel
from agent.prompt import Message
from agent.trace import Completion, Decision, RunFolder, Step, Stop, Unreadable
from env.base import Effect
from env.clock import VirtualClock
from env.scripted import ScriptedWorld
from scenarios.base import Limits
from tests.agent.desk import APP, CLICK_MORE, CLICK_NOTE, DONE, SOLUTION, Counts, Listener, on
from tools.actions import Answer, BrowserAction, ComputerAction, Key, LeftClick, Outcome, Type, Wait
from tools.geometry import Rect


def part(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


async def play(
    folder: Path, model: Model, *, steps: int = 20, seconds: float = 60, tokens: int | None = None, slow: float = 0
) -> tuple[Stop, Means, ScriptedWorld]:
    clock = VirtualClock()
    world = ScriptedWorld(APP, slow=slow, clock=clock)
    await world.reset((), 7)
    means = Means(goal="Save a note.", env=world, model=model, folder=RunFolder(folder), began=clock(), tokens=tokens,
                  limits=Limits(steps=steps, seconds=seconds), clock=clock)  # fmt: skip
    async with checkpoints(means.folder.path / "checkpoint.sqlite") as saver:
        graph = loop().compile(checkpointer=saver)
        ended = await graph.ainvoke(
            Start(number=1), {"configurable": {"thread_id": "x"}}, context=means, durability="sync"
        )
    stop = cast(State, ended)["stop"]
    assert stop
    return stop, means, world


async def test_a_whole_run(tmp_path: Path) -> None:
    stop, means, world = await play(tmp_path, ScriptedModel(*SOLUTION))
    assert stop == Stop(reason="terminate", status="success")
    assert await world.probe().read("note.txt") == b"milk"
    assert [step.number for step in means.steps] == [1, 2, 3, 4]
    assert [step.effect_before for step in means.steps] == [None, *[Effect.CHANGED] * 3]
    assert [step.reply.action for step in means.steps if isinstance(step.reply, Decision)] == list(SOLUTION)
    assert means.steps[2].outcome == Outcome(ok=True, point=(90, 135))
    assert means.steps[3].outcome is None
    assert set(means.steps[0].seconds) == {"observe", "decide", "act"}
    assert list(means.folder.steps()) == means.steps
    assert means.folder.pending() is None


async def test_an_answer_ends_the_run(tmp_path: Path) -> None:
    stop, _, _ = await play(tmp_path, ScriptedModel(Answer(text="42")))
    assert stop == Stop(reason="answer", answer="42")


async def test_an_unreadable_reply_is_a_step_without_an_action(tmp_path: Path) -> None:
    model = Listener(ScriptedModel("What?", CLICK_NOTE, DONE))
    _, means, world = await play(tmp_path, model)
    assert isinstance(means.steps[0].reply, Unreadable)
    assert means.steps[0].outcome is None
    assert world.state().outcomes.keys() == {2}
    assert "could not be carried out: there is no <tool_call>" in str(model.heard[1][-1])
    assert not means.folder.intents_file.read_text().startswith('{"number":1,')


async def test_a_refused_action_is_told_to_the_model(tmp_path: Path) -> None:
    model = Listener(ScriptedModel(Key(keys=("hyper",)), DONE))
    stop, means, _ = await play(tmp_path, model)
    assert means.steps[0].outcome
    assert not means.steps[0].outcome.ok
    assert "error: there is no key 'hyper'" in str(model.heard[1][-1])
    assert stop.reason == "terminate"


async def test_an_action_without_effect_is_told_to_the_model(tmp_path: Path) -> None:
    model = Listener(ScriptedModel(CLICK_MORE, DONE))
    await play(tmp_path, model)
    assert "ok; nothing changed on the screen" in str(model.heard[1][-1])


@dataclass
class Disk:
    """A model that looks at what is on the disk when it is asked."""

    folder: RunFolder
    inner: Model
    seen: list[int] = field(default_factory=list)
    name: str = "disk"

    async def decide(self, messages: Sequence[Message]) -> Completion:
        self.seen.append(len(list(self.folder.steps())))
        return await self.inner.decide(messages)


async def test_each_step_is_on_the_disk_before_the_next_begins(tmp_path: Path) -> None:
    model = Disk(RunFolder(tmp_path), ScriptedModel(*SOLUTION))
    await play(tmp_path, model)
    assert model.seen == [0, 1, 2, 3]


async def test_the_intent_is_on_the_disk_before_the_action(tmp_path: Path) -> None:
    known: list[Step | None] = []

    class Watched(ScriptedWorld):
        async def execute(self, number: int, action: ComputerAction | BrowserAction) -> Outcome:
            known.append(RunFolder(tmp_path).pending())
            return await super().execute(number, action)

    world = Watched(APP)
    await world.reset((), 7)
    means = Means(goal="", env=world, model=ScriptedModel(*SOLUTION), folder=RunFolder(tmp_path), began=0,
                  limits=Limits(), clock=VirtualClock())  # fmt: skip
    await loop().compile().ainvoke(Start(number=1), context=means)
    done = [(step.number, step.reply, None) for step in means.steps[:3]]
    assert [(step.number, step.reply, step.outcome) for step in known if step] == done


async def test_limits(tmp_path: Path) -> None:
    fidget = [LeftClick(bbox_2d=on(Rect(40 + n, 200, 60 + n, 220))) for n in range(30)]
    stop, means, _ = await play(part(tmp_path, "steps"), ScriptedModel(*fidget), steps=5)
    assert (stop, len(means.steps)) == (Stop(reason="steps", limit=5), 5)
    stop, means, _ = await play(part(tmp_path, "time"), ScriptedModel(*fidget), seconds=10, slow=3)
    assert (stop, len(means.steps)) == (Stop(reason="time", limit=10), 3)
    waits = ScriptedModel(Wait(time=30), Wait(time=25), *fidget)
    stop, means, _ = await play(part(tmp_path, "wait"), waits, seconds=50)
    assert (stop, len(means.steps)) == (Stop(reason="time", limit=50), 2)
    stop, means, _ = await play(part(tmp_path, "tokens"), Counts(ScriptedModel(*fidget), 1000), tokens=2500)
    assert (stop, len(means.steps)) == (Stop(reason="tokens", limit=2500), 3)


async def test_three_unreadable_replies_in_a_row_end_the_run(tmp_path: Path) -> None:
    stop, means, _ = await play(tmp_path, ScriptedModel("a", "b", CLICK_NOTE, "c", "d", "e", DONE))
    assert (stop, len(means.steps)) == (Stop(reason="unreadable", limit=3), 6)


async def test_a_model_that_goes_in_circles_is_told_and_then_stopped(tmp_path: Path) -> None:
    model = Listener(ScriptedModel(*[CLICK_MORE] * 9))
    stop, means, _ = await play(part(tmp_path, "stuck"), model)
    assert (stop, len(means.steps)) == (Stop(reason="stuck", limit=5), 6)  # the first one moved the pointer there
    assert [bool(step.notice) for step in means.steps] == [False] * 4 + [True] * 2
    assert "you did this 3 times, and the screen stays the same; do something else" in str(model.heard[4][-1])
    assert "you did this 3 times" in str(model.heard[5][-3])  # and stays where it was told
    heeds = ScriptedModel(*[CLICK_MORE] * 4, *SOLUTION)
    stop, means, _ = await play(part(tmp_path, "heeds"), heeds)
    assert (stop.reason, len(means.steps)) == ("terminate", 8)
    typing = [Type(text="a")] * 6
    stop, means, _ = await play(part(tmp_path, "typing"), ScriptedModel(CLICK_NOTE, *typing, DONE))
    assert (stop.reason, len(means.steps)) == ("terminate", 8)


async def test_checkpoints_hold_no_pixels_and_come_back_whole(tmp_path: Path) -> None:
    _, means, _ = await play(tmp_path, ScriptedModel("What?", *SOLUTION))
    with sqlite3.connect(tmp_path / "checkpoint.sqlite") as database:
        rows = database.execute("select type, checkpoint from checkpoints").fetchall()
    database.close()
    assert len(rows) > 10
    assert max(len(blob) for _, blob in rows) < 4000
    async with checkpoints(tmp_path / "checkpoint.sqlite") as saver:
        serde = saver.serde
        assert isinstance(serde, JsonPlusSerializer)
        last = serde.loads_typed(rows[-1])["channel_values"]
    assert last["reply"] == means.steps[-1].reply
    assert last["seen"] == means.steps[-1].seen
    assert last["stop"] == Stop(reason="terminate", status="success")


async def test_a_run_is_taken_up_from_what_is_on_the_disk(tmp_path: Path) -> None:
    """As a crash after an intent leaves it: the world is asked for the outcome, and the loop goes on behind it."""
    folder = RunFolder(tmp_path)
    world = ScriptedWorld(APP)
    await world.reset((), 7)
    first = Means(goal="", env=world, model=ScriptedModel(*SOLUTION), folder=folder, began=0, limits=Limits(steps=1),
                  clock=VirtualClock())  # fmt: skip
    await loop().compile().ainvoke(Start(number=1), context=first)
    begun = first.steps[0].model_copy(update={"number": 2, "reply": Decision(thought="", say="", action=SOLUTION[1])})
    folder.intend(begun)
    outcome = await world.execute(2, SOLUTION[1])

    pending = folder.pending()
    assert pending
    assert isinstance(pending.reply, Decision)
    assert await world.execute(pending.number, pending.reply.action) == outcome
    folder.append(pending.model_copy(update={"outcome": outcome}))
    again = Means(goal="", env=world, model=ScriptedModel(*SOLUTION[2:]), folder=folder, began=0, limits=Limits(),
                  steps=list(folder.steps()), clock=VirtualClock())  # fmt: skip
    await loop().compile().ainvoke(Start(number=len(again.steps) + 1), context=again)
    assert [step.number for step in folder.steps()] == [1, 2, 3, 4]
    assert await world.probe().read("note.txt") == b"milk"
