"""Things and expectations told by a description, which a model finds and judges."""

from pathlib import Path

import pytest

from agent.model import ScriptedModel
from agent.scripting.mind import Words
from agent.scripting.results import Ending, Result
from agent.scripting.written import find_tests
from env.scripted import SMALL
from scenarios.base import Limits
from scenarios.written import read_scenario
from tests.agent.desk import CLICK_NOTE, CLICK_SAVE, GIVE_UP, Listener, gives
from tests.scripting.desk import HEAD, played
from tools.actions import Answer, BrowserAction, ComputerAction
from tools.errors import UserError

STEPS = """
steps:
  - type: {into: {describe: the field at the top}, text: milk}
  - when: {is: {describe: a note is written}, steps: [{click: {describe: what keeps the note}}]}
  - expect: {describe: the note was saved}
"""
YES, NO = Answer(text="Yes "), Answer(text="no")


async def described(folder: Path, text: str, *says: str | ComputerAction | BrowserAction) -> tuple[Result, Listener]:
    """The result of a test with a model that says this, and what the model was told."""
    model = Listener(ScriptedModel(*says))
    mind = Words(lambda task: gives(model), "desktop", SMALL, Limits(), folder / "asked")
    return await played(folder, text, mind=mind), model


async def test_a_model_finds_and_judges_what_is_described(tmp_path: Path) -> None:
    result, model = await described(tmp_path, STEPS, CLICK_NOTE, YES, CLICK_SAVE, YES)
    assert (result.ending, result.why) == (Ending.PASSED, "")
    assert [step.run and step.run.name for step in result.steps] == ["point-1", "point-3", "judge-4"]
    assert "What is meant: the field at the top" in str(model.heard[0])
    assert "The statement: a note is written" in str(model.heard[1])
    assert result.steps[0].point == (220, 75)


@pytest.mark.parametrize(
    ("says", "ending", "why"),
    [
        ((CLICK_NOTE, YES, CLICK_SAVE, NO), Ending.FAILED, "the model says no to 'the note was saved'"),
        ((CLICK_NOTE, YES, CLICK_SAVE, Answer(text="yes, it is")), Ending.ERROR,
         "the model broke: the model was to answer yes or no, and wanted to answer “yes, it is”"),
        ((CLICK_NOTE, YES, CLICK_SAVE, GIVE_UP), Ending.ERROR,
         "the model broke: the model was to answer yes or no, and wanted to end the task: failure"),
        ((GIVE_UP,), Ending.FAILED, "the field at the top: the model does not see it"),
    ],
)  # fmt: skip
async def test_nothing_else_is_a_pass(
    tmp_path: Path, says: tuple[ComputerAction, ...], ending: Ending, why: str
) -> None:
    result, _ = await described(tmp_path, STEPS, *says)
    assert (result.ending, result.why) == (ending, why)


async def test_without_a_model_it_fails_clearly_and_is_known_beforehand(tmp_path: Path) -> None:
    result = await played(tmp_path, STEPS)
    assert result.why == "the field at the top: no model may be asked; name one with --model, or write exact steps here"
    (case,) = find_tests([tmp_path / "test_note.yaml"])
    assert case.words() == ("steps", 0)
    for step, place in (
        ("click: {text: a, describe: the big one}", None),
        ("extract: {describe: {css: a}}", None),
        ("expect: {describe: a}", ("steps", 0)),
        (
            "repeat: {times: 1, steps: [{drag: {from: {text: a}, to: {describe: b}}}]}",
            ("steps", 0, "repeat", "steps", 0),
        ),
        ("repeat: {while: {describe: b}, steps: []}", ("steps", 0)),
    ):
        (tmp_path / "test_one.yaml").write_text(f"{HEAD}steps:\n  - {step}\n")
        (case,) = find_tests([tmp_path / "test_one.yaml"])
        assert case.words() == place


@pytest.mark.parametrize("way", ["describe: the box", "picture: a.png"])
def test_an_oracle_knows_no_descriptions_and_no_pictures(tmp_path: Path, way: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(f"id: mine\ntitle: Mine\nworld: desktop\ngoal: Do it\noracle:\n  - click: {{{way}}}\n"
                    "check: {window: {title: a}}\n")  # fmt: skip
    with pytest.raises(UserError, match=r"oracle: a (description alone|picture)"):
        read_scenario(file)
