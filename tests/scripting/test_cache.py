"""What a model did for words is done again without it, as long as it comes off."""

from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp

import pytest

from agent.model import ScriptedModel
from agent.scripting.cache import FOLDER
from agent.scripting.mind import Words
from agent.scripting.results import Ending, Result
from agent.scripting.session import Means, run_tests
from env.screens import App, Button, Write
from env.scripted import SMALL, ScriptedWorld
from scenarios.base import Limits
from tests.agent.desk import APP, CLICK_NOTE, CLICK_SAVE, DONE, MORE, SAVE, Listener, gives
from tests.scripting.desk import written
from tools.actions import Answer, BrowserAction, ComputerAction, LeftClick, Type
from tools.geometry import Box, Rect

DESK: App = {name: replace(screen, url=None) for name, screen in APP.items()}
EDITOR = DESK["editor"]
SOLVED = (CLICK_NOTE, Type(text="{{ milk }}"), CLICK_SAVE, DONE)
STEPS = """
steps:
  - do: write milk and keep it
  - expect: {file: note.txt, says: milk}
"""


def desk(*buttons: Button) -> App:
    """The editor with these buttons in place of its own."""
    return {**DESK, "editor": replace(EDITOR, widgets=(*EDITOR.widgets[:2], *buttons))}


KEEP = Write("note.txt", "{Note}")
RENAMED = desk(Button("Keep", SAVE, (KEEP,)), Button("More", MORE))
MORE_THINGS = desk(Button("Save", SAVE, (KEEP,)), Button("More", MORE), Button("Less", Rect(320, 120, 400, 150)))


async def done(
    folder: Path, app: App, *says: str | ComputerAction | BrowserAction, text: str = STEPS, caches: bool = True
) -> tuple[Result, int]:
    """The result of a test with a model that says this, and how often the model was asked."""
    model = Listener(ScriptedModel(*says))
    mind = Words(lambda task: gives(model), "desktop", SMALL, Limits(), Path(mkdtemp(prefix="asked-", dir=folder)))
    means = Means(folder / "out", lambda case: ScriptedWorld(app), lambda case, folder: mind, caches=caches)
    (result,) = await run_tests(written(folder, text), means)
    return result, len(model.heard)


def kept(folder: Path) -> list[str]:
    return [path.read_text() for path in (folder / FOLDER).glob("write-milk-and-keep-it-*.yaml")]


async def test_what_was_done_once_is_done_again_without_the_model(tmp_path: Path) -> None:
    result, asked = await done(tmp_path, DESK, *SOLVED)
    assert (result.ending, result.why, asked) == (Ending.PASSED, "", 4)
    (entry,) = kept(tmp_path)
    assert entry.startswith("# What a model did for these words.")
    assert "words: write milk and keep it\nworld: browser\nplace: scripted\nform: " in entry
    assert "  - {click: {role: push button, name: Save, exact: true, or: [{text: Save, exact: true}]}}\n" in entry
    result, asked = await done(tmp_path, DESK)
    assert (result.ending, asked) == (Ending.PASSED, 0)
    assert result.steps[0].why == "done again from the cache, without the model"
    _, asked = await done(tmp_path, DESK, *SOLVED, caches=False)
    assert asked == 4


async def test_what_does_not_come_off_any_more_is_left_to_the_model_and_forgotten(tmp_path: Path) -> None:
    await done(tmp_path, DESK, *SOLVED)
    result, asked = await done(tmp_path, RENAMED, CLICK_SAVE, DONE)
    assert (result.ending, asked) == (Ending.PASSED, 2)
    assert result.steps[0].why.startswith("the cache was stale: the push button 'Save' is not there (waited 0.2")
    assert kept(tmp_path) == []
    _, asked = await done(tmp_path, RENAMED, *SOLVED)
    assert (asked, len(kept(tmp_path))) == (4, 1)


async def test_another_form_of_the_screen_is_another_entry(tmp_path: Path) -> None:
    await done(tmp_path, DESK, *SOLVED)
    _, asked = await done(tmp_path, MORE_THINGS, *SOLVED)
    assert (asked, len(kept(tmp_path))) == (4, 2)


async def test_only_what_passed_is_kept(tmp_path: Path) -> None:
    failing = STEPS.replace("says: milk", "says: tea")
    await done(tmp_path, DESK, *SOLVED, text=failing)
    assert kept(tmp_path) == []
    await done(tmp_path, DESK, *SOLVED)
    result, asked = await done(tmp_path, DESK, text=failing)
    assert (result.ending, asked) == (Ending.FAILED, 0)
    assert kept(tmp_path) == []


@pytest.mark.parametrize(
    "says",
    [
        (CLICK_NOTE, Type(text="milk"), CLICK_SAVE, Answer(text="milk")),
        (DONE,),
        (LeftClick(bbox_2d=Box(x1=900, y1=900, x2=990, y2=990)), DONE),
    ],
)
async def test_answers_judgements_and_bare_places_are_never_kept(
    tmp_path: Path, says: tuple[ComputerAction, ...]
) -> None:
    result, _ = await done(tmp_path, DESK, *says, text="steps:\n  - do: write milk and keep it\n")
    assert (result.ending, kept(tmp_path)) == (Ending.PASSED, [])
