"""A small scripted application, tasks about it, and models and checks that go wrong in one way each."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from agent.means import MakeModel, MakeWorld
from agent.model import Model, OracleModel, ScriptedModel
from agent.prompt import Message
from agent.trace import Completion, Run, RunFolder, Step
from env.base import Environment, Probe
from env.screens import Button, Field, Label, Post, Screen, Show, Write
from env.scripted import SMALL, ScriptedWorld
from scenarios.base import CheckResult, Intent, Limits, Task, World
from tools.actions import BrowserAction, ComputerAction, Key, LeftClick, Terminate, Type
from tools.geometry import Box, Rect

NOTE, SAVE, MORE = Rect(40, 60, 400, 90), Rect(40, 120, 140, 150), Rect(200, 120, 300, 150)

APP = {
    "editor": Screen(
        "Editor",
        (
            Label("Write a note, then save it.", Rect(40, 35, 400, 55)),
            Field("Note", NOTE),
            Button("Save", SAVE, (Write("note.txt", "{Note}"), Post("/api/note", {"note": "{Note}"}), Show("saved"))),
            Button("More", MORE),
        ),
        keys={"ctrl+s": (Write("note.txt", "{Note}"),)},
        url="http://site.test/editor",
    ),
    "saved": Screen("Saved", (Label("Saved: {Note}", Rect(40, 60, 400, 90)),), url="http://site.test/saved"),
}


def on(rect: Rect) -> Box:
    """Where a widget is on the grid."""
    return Box.from_rect(rect, SMALL)


CLICK_NOTE, CLICK_SAVE, CLICK_MORE = (LeftClick(bbox_2d=on(rect)) for rect in (NOTE, SAVE, MORE))
DONE, GIVE_UP = Terminate(status="success"), Terminate(status="failure")
SOLUTION = (CLICK_NOTE, Type(text="milk"), CLICK_SAVE, DONE)


async def solve(probe: Probe, random: Random) -> AsyncIterator[Intent]:
    """Looks up where things are, as an oracle does."""
    size = await probe.size()
    (note,) = await probe.elements(role="textbox", name="Note")
    yield Intent(LeftClick(bbox_2d=Box.from_rect(note.rect, size)), "the textbox 'Note'")
    yield Intent(Type(text="milk"), "'milk'")
    (save,) = await probe.elements(role="button", name="Save")
    yield Intent(LeftClick(bbox_2d=Box.from_rect(save.rect, size)), "the button 'Save'")


async def forget_to_save(probe: Probe, random: Random) -> AsyncIterator[Intent]:
    """Does everything but the last thing."""
    yield Intent(CLICK_NOTE, "the textbox 'Note'")
    yield Intent(Type(text="milk"), "'milk'")


@dataclass(frozen=True)
class FileHolds:
    """Whether a file holds a text."""

    path: str
    text: str

    async def judge(self, probe: Probe, answer: str | None) -> CheckResult:
        try:
            found = (await probe.read(self.path)).decode()
        except FileNotFoundError:
            return CheckResult(score=0, why=f"there is no {self.path}")
        return CheckResult(score=float(found == self.text), why=f"{self.path} holds {found!r}")


@dataclass(frozen=True)
class Crash:
    """A check that raises."""

    error: Exception

    async def judge(self, probe: Probe, answer: str | None) -> CheckResult:
        raise self.error


def a_task(**changes: Any) -> Task:
    values: dict[str, Any] = {
        "scenario": "test/note", "seed": 7, "world": "desktop", "goal": "Save a note that says milk.", "size": SMALL,
        "check": FileHolds("note.txt", "milk"), "limits": Limits(steps=12, seconds=60), "oracle": solve,
        "near_miss": forget_to_save,
    }  # fmt: skip
    return Task(**values | changes)


class Notes:
    """A scenario around the task."""

    id, title, tags = "test/note", "Save a note", ()
    world: World = "desktop"

    def __init__(self, **changes: Any) -> None:
        self.changes = changes

    def at(self, seed: int) -> Task:
        return a_task(seed=seed, **self.changes)


def says(*replies: str | ComputerAction | BrowserAction) -> MakeModel:
    return lambda task, probe: ScriptedModel(*replies)


def gives(model: Model) -> MakeModel:
    return lambda task, probe: model


def oracle(task: Task, probe: Probe) -> Model:
    assert task.oracle is not None
    return OracleModel(task.oracle, probe, Random(task.seed))


def scripted(task: Task) -> Environment:
    return ScriptedWorld(APP, task.size)


def worlds(*made: Environment) -> MakeWorld:
    """Hands out these worlds, one after the other."""
    left = iter(made)
    return lambda task: next(left)


def steps_of(folder: Path) -> list[Step]:
    return list(RunFolder(folder).steps())


def record_of(folder: Path) -> Run:
    return RunFolder(folder).run()


@dataclass
class Listener:
    """Keeps what a model was told."""

    inner: Model
    heard: list[tuple[Message, ...]] = field(default_factory=list)
    name: str = "listener"

    async def decide(self, messages: Sequence[Message]) -> Completion:
        self.heard.append(tuple(messages))
        return await self.inner.decide(messages)


@dataclass
class Raises:
    """A model that raises at its call number `at`, counted from 1."""

    error: BaseException
    at: int = 1
    calls: int = 0
    name: str = "raises"

    async def decide(self, messages: Sequence[Message]) -> Completion:
        self.calls += 1
        if self.calls == self.at:
            raise self.error
        return await ScriptedModel(Key(keys=("shift",))).decide(messages)


class Waits:
    """A model that never answers."""

    name = "waits"

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def decide(self, messages: Sequence[Message]) -> Completion:
        self.asked.set()
        await asyncio.Event().wait()
        raise AssertionError("unreachable")


@dataclass
class Counts:
    """A model whose server counts tokens."""

    inner: Model
    tokens: int
    name: str = "counts"

    async def decide(self, messages: Sequence[Message]) -> Completion:
        said = await self.inner.decide(messages)
        return said.model_copy(update={"prompt_tokens": self.tokens - 1, "completion_tokens": 1})
