"""What a step has lost is found again by a model, and written back; what is expected never is."""

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from yaml import safe_load

from agent.cli import main
from agent.model import ScriptedModel
from agent.scripting.heal import mendings
from agent.scripting.mind import Words
from agent.scripting.results import Ending, Mended, Result
from agent.scripting.session import Means, run_tests
from agent.scripting.written import read_test
from env.scripted import SMALL, ScriptedWorld
from scenarios.base import Limits
from scenarios.locate import Locator
from tests.agent.desk import APP, CLICK_MORE, CLICK_NOTE, CLICK_SAVE, GIVE_UP, Listener, gives
from tests.scripting.desk import GOOD, HEAD, written
from tests.scripting.test_command import PAGES, surehand
from tools.actions import BrowserAction, ComputerAction, LeftClick, Wait
from tools.geometry import Box

SHOP = PAGES / "shop.yaml"
DESK = {name: replace(screen, url=None) for name, screen in APP.items()}
NOWHERE = LeftClick(bbox_2d=Box(x1=900, y1=900, x2=990, y2=990))
ENTER = {"role": "button", "name": "Enter", "exact": True, "or": [{"css": '[id="go"]'}]}


async def healed(folder: Path, text: str, *says: str | ComputerAction | BrowserAction) -> tuple[Result, Listener]:
    """The result of a test whose lost things a model finds again, and what the model was told."""
    model = Listener(ScriptedModel(*says))
    mind = Words(lambda task: gives(model), "desktop", SMALL, Limits(), folder / "asked")
    means = Means(folder / "out", lambda case: ScriptedWorld(DESK), lambda case, folder: mind, heals=True)
    (result,) = await run_tests(written(folder, text), means)
    return result, model


async def test_what_was_renamed_is_found_again_and_the_test_goes_on(tmp_path: Path) -> None:
    lost = GOOD.replace("name: Save}", "name: Keep}  # the big one").replace("name: Note", "name: Memo")
    result, model = await healed(tmp_path, lost, CLICK_NOTE, CLICK_SAVE)
    assert (result.ending, result.why) == (Ending.PASSED, "")
    assert result.steps[0].why == "found again by the model: the entry 'Note', not the textbox 'Memo'"
    assert result.steps[0].run == tmp_path / "asked" / "point-1"
    assert "What is meant: the textbox 'Memo'. A test needs it for this step: click: {role: textbox, name: Memo}." in (
        str(model.heard[0])
    )
    (mending,) = mendings([result])
    assert mending.left == ()
    assert mending.diff().splitlines()[-7:] == [
        "-  - click: {role: textbox, name: Memo}",
        "+  - click: {role: entry, name: Note, exact: true, or: [{text: Note, exact: true}]}",
        "   - type: milk",
        "-  - click: {role: button, name: Keep}  # the big one",
        "+  - click: {role: push button, name: Save, exact: true, or: [{text: Save, exact: true}]}  # the big one",
        '   - expect: {text: "Saved: milk"}',
        "   - expect: {file: note.txt, says: {equals: milk}}",
    ]


async def test_a_locator_inside_of_a_step_is_mended_where_it_stands(tmp_path: Path) -> None:
    steps = """
steps:
  - type: {into: {text: Memo}, text: milk}
  - when: {is: {text: Save}, steps: [{drag: {from: {text: Save, exact: true}, to: {text: Less}}}]}
"""
    result, _ = await healed(tmp_path, steps, CLICK_NOTE, CLICK_MORE)
    assert (result.ending, result.why) == (Ending.PASSED, "")
    (mending,) = mendings([result])
    more = "{role: push button, name: More, exact: true, or: [{text: More, exact: true}]}"
    note = "{role: entry, name: Note, exact: true, or: [{text: Note, exact: true}]}"
    assert mending.after == HEAD + steps.replace("{text: Memo}", note).replace("{text: Less}", more)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (NOWHERE, "the model points at a place where nothing is that could be told again"),
        (GIVE_UP, "the model does not see it"),
        (Wait(time=1), "the model was to point at it, and wanted to wait 1 s"),
        ("I do not know.", "the model was to point at it, and could not be read: "),
    ],
)
async def test_a_model_that_does_not_know_mends_nothing(tmp_path: Path, said: str | ComputerAction, why: str) -> None:
    result, _ = await healed(tmp_path, GOOD.replace("name: Save", "name: Keep"), said)
    assert result.ending is Ending.FAILED
    assert result.why.startswith("the button 'Keep' is not there (waited 0.2")
    assert why in result.why
    assert list(mendings([result])) == []


async def test_a_test_that_fails_afterwards_mends_nothing(tmp_path: Path) -> None:
    lost = GOOD.replace("name: Save", "name: Keep").replace("equals: milk", "equals: tea")
    result, _ = await healed(tmp_path, lost, CLICK_SAVE)
    assert (result.ending, len(result.mended)) == (Ending.FAILED, 1)
    assert list(mendings([result])) == []


async def test_what_is_expected_or_waited_for_is_never_mended(tmp_path: Path) -> None:
    for step in ("expect: {text: Gone}", "wait_for: {text: Gone}", "extract: {a: {text: Gone}}"):
        result, model = await healed(tmp_path, f"steps:\n  - {step}\n", CLICK_SAVE)
        assert (result.ending, model.heard) == (Ending.FAILED, [])


FILE = """# as it was
steps:
  - click: {role: button, name: Log in, or: [{css: "#in"}]} # go
  - drag:
      from: {text: One}
      # where to
      to:
        role: listitem  # in the list
        name: Two       # the second

  - select: {role: combobox, name: Size, option: "{{ 1 + 1 }}"}
  - repeat: {times: 2, steps: [{click: {text: Three}}]}
  - click: {text: "{{ 'Four' }}"}
"""


@pytest.mark.parametrize(
    ("loc", "old", "new"),
    [
        ((0, "click"), '{role: button, name: Log in, or: [{css: "#in"}]}',
         "{role: button, name: Enter, exact: true, or: [{css: '[id=\"go\"]'}]}"),
        ((1, "drag", "from"), "{text: One}", "{role: button, name: Enter, exact: true, or: [{css: '[id=\"go\"]'}]}"),
        ((1, "drag", "to"),
         "        role: listitem  # in the list\n        name: Two       # the second\n",
         "        role: button  # in the list\n        name: Enter       # the second\n"
         "        exact: true\n        or: [{css: '[id=\"go\"]'}]\n"),
        ((2, "select"), "{role: combobox, name: Size, option",
         "{role: button, name: Enter, exact: true, or: [{css: '[id=\"go\"]'}], option"),
        ((3, "repeat", "steps", 0, "click"), "{text: Three}",
         "{role: button, name: Enter, exact: true, or: [{css: '[id=\"go\"]'}]}"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_only_the_lost_locator_is_written_anew(
    tmp_path: Path, loc: tuple[str | int, ...], old: str, new: str, newline: str
) -> None:
    before = (HEAD + FILE).replace("\n", newline)
    (mending,) = mendings([mended(tmp_path, before, loc)])
    assert mending.left == ()
    assert mending.after == before.replace(old.replace("\n", newline), new.replace("\n", newline))
    assert mending.after != before
    mending.write()
    read_test(mending.file)


def test_what_is_told_by_a_template_or_differs_from_time_to_time_is_left_to_a_person(tmp_path: Path) -> None:
    (mending,) = mendings([mended(tmp_path, HEAD + FILE, (4, "click"))])
    assert (mending.diff(), len(mending.left)) == ("", 1)
    assert mending.left[0].endswith(
        "test_a.yaml:15: \"{{ 'Four' }}\" has to be mended by hand: it is told by a template"
    )
    (mending,) = mendings([mended(tmp_path, HEAD + FILE, (0, "click"), {"text": "One"}, {"text": "Other"})])
    assert "it is another thing each time" in mending.left[0]


def test_a_diff_without_a_last_newline_is_a_diff_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (mending,) = mendings([mended(tmp_path, HEAD + "steps:\n  - click:\n      text: a b", (0, "click"))] * 2)
    patched = subprocess.run(["patch", "-p1"], input=mending.diff(), text=True, check=False, capture_output=True)
    assert patched.returncode == 0, patched.stdout
    assert mending.file.read_text() == mending.after


PAGE = """<!doctype html><title>Order</title>
<style>button { position: absolute; left: 128px; width: 256px; height: 72px }</style>
<button id="send-order" style="top: 72px">Send the order</button><button id="no" style="top: 360px">Cancel</button>
<p id="told"></p><script>
document.getElementById("send-order").onclick = () => { document.getElementById("told").textContent = "Thank you"; };
</script>
"""
ORDER = """title: Order
wait: 0.5
setup:
  - serve: {folder: page}
  - open_url: {url: "http://site.test/index.html"}
steps:
  # The button that ends it all.
  - click: {role: button, name: Order now, exact: true, or: [{css: '[id="order"]'}]}  # once
  - expect: {text: Thank you}
"""


@pytest.mark.browser
def test_a_renamed_button_is_mended_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "index.html").write_text(PAGE)
    file = tmp_path / "test_order.yaml"
    file.write_text(ORDER)
    (tmp_path / "script.jsonl").write_text('{"action": "left_click", "bbox_2d": [100, 100, 300, 200]}\n')
    done = surehand("test", ".", "--heal", "--model", "scripted:script.jsonl", "--out", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "mend the tests with: patch -p1 < out/heal.diff" in done.stdout
    assert file.read_text() == ORDER
    assert "found again by the model" in (tmp_path / "out" / "index.html").read_text()
    assert (tmp_path / "out" / "01-test-order" / "point-1" / "report.html").is_file()
    for command in (["git", "apply", "--check", "out/heal.diff"], ["patch", "-p1", "-i", "out/heal.diff"]):
        subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    old = "{role: button, name: Order now, exact: true, or: [{css: '[id=\"order\"]'}]}"
    new = (
        "{role: button, name: Send the order, exact: true, "
        "or: [{css: '[id=\"send-order\"]'}, {text: Send the order, exact: true}]}"
    )
    assert file.read_text() == ORDER.replace(old, new)
    done = surehand("test", ".", "--no-model", "--out", "again", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--heal", "--model", ""], "--heal needs a model: none is named; name one with --model"),
        (["--heal", "--no-model"], "--heal needs a model: --no-model asks none; name one with --model"),
        (["--write"], "--write goes with --heal; add --heal, which says what would be written"),
    ],
)  # fmt: skip
def test_healing_needs_a_model(capsys: pytest.CaptureFixture[str], options: list[str], said: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["test", str(SHOP), *options])
    assert (ended.value.code, capsys.readouterr()) == (2, ("", f"surehand: {said}\n"))


def mended(folder: Path, text: str, loc: tuple[str | int, ...], *now: dict[str, object]) -> Result:
    """A result that mends the locator at a place among the steps of a file."""
    file = folder / "test_a.yaml"
    file.write_bytes(text.encode())
    place: Any = safe_load(text)["steps"]
    for part in loc:
        place = place[part]
    was = Locator.model_validate({key: part for key, part in place.items() if key != "option"}).label
    found = tuple(Mended(loc=("steps", *loc), was=was, now=one) for one in now or (ENTER,))
    return Result.model_validate({"name": "a", "title": "a", "file": file, "world": "browser", "seconds": 1,
                                  "started": "2026-01-01T00:00:00Z", "ending": "passed", "mended": found,
                                  "folder": folder})  # fmt: skip
