"""Runs to learn from, in scripted worlds: short ones by the oracle, and one that is long and not without faults."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from agent.model import IdleModel, reply
from agent.runner import run
from agent.trace import Run, RunFolder
from env.described import DescribedEnvironment, View
from env.screens import Label
from env.scripted import ScriptedWorld
from scenarios.base import Limits, Task
from tests.agent.desk import APP, CLICK_NOTE, CLICK_SAVE, DONE, FileHolds, a_task, gives, oracle, says
from tools.actions import ComputerAction, Key, Type
from tools.geometry import Rect

TEXTS = tuple("abcdefghijklmn")
"""What the long run types, one letter a step: more screenshots than a model is shown."""
UNREADABLE = "Let me see.</think>I am not sure what to do."
LONG: tuple[str | ComputerAction, ...] = (
    CLICK_NOTE,
    UNREADABLE,
    *(Type(text=text) for text in TEXTS[:9]),
    Key(keys=("hyper",)),
    *(Type(text=text) for text in TEXTS[9:]),
    reply("", "Type a dot.", Type(text=".")),
    CLICK_SAVE,
    DONE,
)
TAUGHT = len(LONG) - 3
"""Turns of the long run that are learned with thoughts: neither unreadable, nor refused, nor without a thought."""


def world(task: Task) -> ScriptedWorld:
    """The application, looking a little different at every seed."""
    editor = APP["editor"]
    seed = Label(f"Note {task.seed}", Rect(440, 60, 600, 80))
    return ScriptedWorld(APP | {"editor": replace(editor, widgets=(*editor.widgets, seed))}, task.size)


async def by_oracle(folder: Path, **changes: Any) -> Run:
    """A run that passes in four steps."""
    return await run(a_task(**changes), oracle, world, folder)


async def some_runs(folder: Path) -> None:
    """Two tasks that passed, one of them twice; one that failed, one unchecked, one broken off, one unfinished."""
    for name, seed in (("a", 1), ("b", 2), ("again/b", 2)):
        await by_oracle(folder / name, seed=seed, goal=f"Save a note that says milk ({seed}).")
    await run(a_task(seed=3), gives(IdleModel()), world, folder / "failed")
    await run(a_task(scenario="goal", check=None), oracle, world, folder / "unchecked")
    await run(a_task(seed=4), oracle, lambda task: ScriptedWorld(APP, fail_at=2), folder / "broken")
    await by_oracle(folder / "unfinished", seed=5)
    record = RunFolder(folder / "unfinished")
    record.save(record.run().model_copy(update={"status": None}))


async def long(folder: Path) -> Run:
    """A run that passes, with screenshots that are folded away, an unreadable reply and a refused action."""
    check = FileHolds("note.txt", f"{''.join(TEXTS)}.")
    return await run(a_task(check=check, limits=Limits(steps=40, seconds=600)), says(*LONG), world, folder)


async def with_marks(folder: Path) -> Run:
    """A run that passes, whose screenshots have numbers and are told in words."""

    return await run(a_task(), oracle, lambda task: DescribedEnvironment(world(task), View.MARKS), folder)


def rows_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
