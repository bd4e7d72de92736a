from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.scripting.mind import Words
from agent.scripting.minds import Pointed, Told
from agent.scripting.results import Ending
from agent.scripting.session import Means, run_tests
from env.base import Environment
from env.patch import cut_patch
from env.scripted import SMALL, ScriptedWorld
from scenarios.base import Limits
from tests.agent.desk import APP, CLICK_NOTE, DONE, GIVE_UP, SAVE, says
from tests.scripting.desk import GOOD, played, words, written
from tools.actions import Type


async def test_steps_act_and_expectations_hold(tmp_path: Path) -> None:
    result = await played(tmp_path)
    assert (result.ending, result.why) == (Ending.PASSED, "")
    assert [step.line for step in result.steps] == [5, 6, 7, 8, 9]
    assert result.steps[0].target == (40, 60, 400, 90)
    assert result.final is not None
    assert (result.folder / "result.json").is_file()


async def test_it_stops_at_what_is_not_there_and_says_what_is(tmp_path: Path) -> None:
    result = await played(tmp_path, GOOD.replace("name: Save", "name: Sabe"))
    assert result.ending is Ending.FAILED
    assert result.line == 7
    assert result.why.startswith("the button 'Sabe' is not there (waited 0.2")
    assert result.why.endswith("there is 'Save', 'More'")
    assert words(result.steps)[-1] == ("click: {role: button, name: Sabe}", False)


async def test_what_was_expected_is_compared_with_what_is(tmp_path: Path) -> None:
    result = await played(tmp_path, GOOD.replace("equals: milk", "equals: tea"))
    assert result.ending is Ending.FAILED
    assert result.why == "note.txt should equal 'tea' and is 'milk' (waited 0.2 s)"


async def test_what_is_extracted_is_used_later(tmp_path: Path) -> None:
    text = """
steps:
  - type: {into: {role: textbox, name: Note}, text: 12 eggs}
  - extract:
      note: {role: textbox, name: Note}
      count: {role: textbox, name: Note, as: integer}
  - press: ctrl+s
  - expect: {file: note.txt, says: "{{ note }}"}
  - expect: {file: note.txt, says: "{{ count * 1 }} eggs"}
"""
    result = await played(tmp_path, text)
    assert result.why == ""
    assert result.steps[1].why == "note = '12 eggs', count = 12"
    assert words(result.steps)[-1][0] == "expect: {file: note.txt, says: 12 eggs}"


async def test_a_text_that_is_no_number_is_told(tmp_path: Path) -> None:
    text = "steps:\n  - extract: {count: {role: button, name: Save, as: integer}}\n"
    result = await played(tmp_path, text)
    assert result.why == "count: 'Save' holds no numbers, not one (waited 0.2 s)"


async def test_branches_and_rounds(tmp_path: Path) -> None:
    text = """
params: {round: kept}
steps:
  - click: {role: textbox, name: Note}
  - repeat: {times: 2, steps: [{type: "{{ round }} "}]}
  - repeat: {for: [a, b], as: letter, steps: [{type: "{{ letter }}"}]}
  - when:
      is: {text: Saved}
      steps: [{type: wrong}]
      else: [{type: "{{ round }}"}]
  - repeat: {while: {text: Save, exact: true}, most: 3, steps: [{click: {role: button, name: Save, exact: true}}]}
  - expect: {file: note.txt, says: {equals: 1 2 abkept}}
"""
    result = await played(tmp_path, text)
    assert (result.ending, result.why) == (Ending.PASSED, "")


async def test_a_loop_that_does_not_end_fails(tmp_path: Path) -> None:
    text = "steps:\n  - repeat: {while: {role: button, name: Save}, most: 2, steps: [{press: tab}]}\n"
    result = await played(tmp_path, text)
    assert result.why == "it still holds after 2 rounds; raise `most` where more may be needed"
    assert result.ending is Ending.FAILED


async def test_another_way_to_a_thing_is_taken_and_told_but_never_a_guess(tmp_path: Path) -> None:
    text = """
steps:
  - click: {role: button, name: Keep, or: [{role: button}, {role: button, name: Save}]}
  - expect: {text: Saved}
"""
    result = await played(tmp_path, text)
    assert result.ending is Ending.PASSED
    assert result.steps[0].why == "found another way: by the button 'Save', not by the button 'Keep'"
    result = await played(tmp_path, text.replace(", {role: button, name: Save}", ""))
    assert result.ending is Ending.FAILED


async def test_a_picture_is_another_way(tmp_path: Path) -> None:
    world = ScriptedWorld(APP)
    await world.reset((), 0)
    (tmp_path / "save.png").write_bytes(cut_patch((await world.probe().picture()).png, SAVE, SAVE.center) or b"")
    text = """
steps:
  - click: {role: button, name: Keep, or: [{picture: save.png}]}
  - expect: {text: Saved}
"""
    result = await played(tmp_path, text)
    assert (result.ending, result.why) == (Ending.PASSED, "")
    assert result.steps[0].why == "found another way: by what save.png shows, not by the button 'Keep'"
    result = await played(tmp_path, text + "  - click: {picture: save.png}\n")
    assert result.why.startswith("what save.png shows is not there (waited 0.2")


async def test_teardown_is_played_in_any_case(tmp_path: Path) -> None:
    text = "steps:\n  - press: nokey\nteardown:\n  - press: ctrl+s\n  - expect: {file: note.txt}\n"
    with pytest.raises(Exception, match="there is no key 'nokey'"):
        written(tmp_path, text)
    result = await played(tmp_path, text.replace("press: nokey", "expect: {text: nothing of the kind}"))
    assert result.ending is Ending.FAILED
    assert words(result.steps)[-1] == ("expect: {file: note.txt}", True)


async def test_setup_that_fails_is_an_error(tmp_path: Path) -> None:
    result = await played(tmp_path, "setup:\n  - click: {text: Nowhere}\n" + GOOD)
    assert result.ending is Ending.ERROR
    assert result.line == 4


async def test_a_world_that_breaks_is_an_error_and_stops_no_other_test(tmp_path: Path) -> None:
    worlds: Iterator[Environment] = iter([ScriptedWorld(APP, fail_at=2), ScriptedWorld(APP)])
    cases = written(tmp_path) + written(tmp_path, name="test_again.yaml")
    results = await run_tests(cases, Means(tmp_path / "out", lambda case: next(worlds), lambda case, folder: None))
    assert [result.ending for result in results] == [Ending.ERROR, Ending.PASSED]
    assert results[0].why.startswith("the world broke: ")


class Scribe:
    """A mind that writes down milk, whatever it is told."""

    async def do(self, words: str, world: Environment, number: int) -> tuple[Told, int]:
        await world.execute(number, CLICK_NOTE)
        await world.execute(number + 1, Type(text="milk"))
        return Told(words == "write milk", "" if words == "write milk" else "I only write milk"), number + 2

    async def point(self, thing: str, world: Environment) -> Pointed:
        return Pointed(None, "I only write milk")

    async def judge(self, statement: str, world: Environment) -> Told:
        return Told(statement == "milk is written")


async def test_words_are_left_to_the_mind_in_the_same_world(tmp_path: Path) -> None:
    text = "steps:\n  - do: write {{ what }}\n  - press: ctrl+s\n  - expect: {file: note.txt, says: milk}\n"
    result = await played(tmp_path, "params: {what: milk}\n" + text, mind=Scribe())
    assert (result.ending, result.why) == (Ending.PASSED, "")
    result = await played(tmp_path, "params: {what: tea}\n" + text, mind=Scribe())
    assert (result.ending, result.why) == (Ending.FAILED, "I only write milk")


async def test_what_a_model_says_of_words_counts(tmp_path: Path) -> None:
    text = "steps:\n  - do: write milk\n"
    done = Words(lambda task: says(DONE), "desktop", SMALL, Limits(), tmp_path / "done")
    result = await played(tmp_path, text, mind=done)
    assert (result.ending, result.steps[0].run) == (Ending.PASSED, tmp_path / "done" / "do-1")
    given_up = Words(lambda task: says(GIVE_UP), "desktop", SMALL, Limits(), tmp_path / "given-up")
    result = await played(tmp_path, text, mind=given_up)
    assert result.ending is Ending.FAILED
    assert result.why.startswith("the model did not do it: the model says that it cannot be done")


async def test_words_without_a_model_fail_clearly(tmp_path: Path) -> None:
    result = await played(tmp_path, "steps:\n  - do: write milk\n")
    assert result.why == "no model may be asked; name one with --model, or write exact steps here"


async def test_a_test_has_a_limit(tmp_path: Path) -> None:
    text = "limit: 0.3\nsteps:\n  - expect: {text: Never, within: 60}\n"
    result = await played(tmp_path, text)
    assert (result.ending, result.line) == (Ending.FAILED, 3)
    assert result.why == "the test was not done within its limit of 0.3 s"
