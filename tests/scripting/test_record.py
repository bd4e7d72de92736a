"""A run that passed becomes a test; the test plays without a model, and again after the page has changed."""

import re
from pathlib import Path

import pytest

from agent.means import Means
from agent.runner import run
from agent.scripting.record import actions_of, record
from agent.scripting.ways import USED, as_locator, ways_to
from agent.trace import Status
from env.base import Shots, Window
from env.scripted import ScriptedWorld
from tests.agent.desk import APP, CLICK_NOTE, CLICK_SAVE, DONE, FileHolds, Notes, a_task, says, worlds
from tests.scenarios.probes import CannedProbe, element, front, line, node
from tests.scripting.test_command import surehand
from tools.actions import Key, Type
from tools.geometry import Point, Rect

SAVE = Rect(100, 100, 200, 130)


async def test_ways_to_an_element_of_a_page_are_those_that_lead_to_it_alone() -> None:
    save = element("Save", SAVE).model_copy(update={"attributes": {"id": "save", "title": "Keep it"}})
    other = element("Other", Rect(0, 0, 9, 9))
    found = {"button": (save,), '[id="save"]': (save,), 'button[title="Keep it"]': (save, other)}
    dom = {USED: (save,), **found}
    ways = await ways_to(Point(150, 110), CannedProbe(front=front(), dom=dom))
    assert ways == [{"role": "button", "name": "Save", "exact": True}, {"css": '[id="save"]'}]
    assert as_locator(ways) == {"role": "button", "name": "Save", "exact": True, "or": [{"css": '[id="save"]'}]}


async def test_ways_to_a_thing_on_a_desktop_name_a_window_only_where_they_must() -> None:
    window = Window(title="Dialog", app="", rect=Rect(90, 90, 400, 300), active=True)
    tree = (node("panel", "All", Rect(0, 0, 999, 499)), node("push button", "Save", SAVE))
    lines = (line("Save", left=120, top=105),)
    probe = CannedProbe(tree=tree, lines=lines, open_windows=(window,))
    assert await ways_to(Point(150, 110), probe) == [
        {"role": "push button", "name": "Save", "exact": True},
        {"text": "Save", "exact": True},
    ]
    twice = CannedProbe(tree=(*tree, node("push button", "Save", Rect(500, 400, 600, 430))), open_windows=(window,))
    assert await ways_to(Point(150, 110), twice) == [
        {"role": "push button", "name": "Save", "exact": True, "window": "Dialog"}
    ]


async def test_a_place_in_something_large_is_not_its_middle() -> None:
    sheet = node("document spreadsheet", "Costs", Rect(0, 0, 1000, 500))
    probe = CannedProbe(tree=(sheet,), lines=(line("Hotel", left=100, top=400),))
    assert await ways_to(Point(120, 410), probe) == [{"text": "Hotel", "exact": True}]


async def test_where_nothing_is_known_the_place_is_all() -> None:
    assert await ways_to(Point(500, 250), CannedProbe()) == [{"box": [492, 484, 508, 516]}]


async def test_what_was_refused_is_left_out_and_a_secret_is_named(tmp_path: Path) -> None:
    task = a_task(check=FileHolds("note.txt", "{{secret:note-key}}"))
    acts = (CLICK_NOTE, Key(keys=("x",)), Type(text="{{secret:note-key}}"), Key(keys=("nokey",)), CLICK_SAVE, DONE)
    means = Means(approve=frozenset(("key",)))
    done = await run(task, says(*acts), worlds(ScriptedWorld(APP)), tmp_path / "run", means)
    assert done.status is Status.PASSED
    _, steps = actions_of(tmp_path / "run")
    text = await record(task, Notes(), steps, ScriptedWorld(APP), Shots(tmp_path / "shots"))
    assert "  - type: {secret: note-key}\n" in text
    assert "press" not in text


@pytest.mark.browser
@pytest.mark.soak
def test_recorded_played_and_played_again_when_the_page_has_changed(tmp_path: Path) -> None:
    first = surehand("run", "web/login", "--model", "oracle", "--seed", "3", "--out", "run", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    done = surehand("record", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "test: test_login.yaml" in done.stdout
    file = tmp_path / "test_login.yaml"
    written = file.read_text()
    assert "role: button, name: Log in, exact: true, or: [{css:" in written
    assert "expect: {check: {posted:" in written
    (tmp_path / "test_moved.yaml").write_text(written.replace("name: Log in", "name: Enter"))
    pictured = (
        written.replace("name: Log in", "name: Enter").replace("id=\"submit\"", "id=\"go\"")
        .replace("text: Log in", "text: Enter").replace("title: ", "wait: 3\ntitle: ", 1)
    )  # fmt: skip
    assert all((tmp_path / name).is_file() for name in re.findall(r"picture: ([^}]+)", pictured))
    (tmp_path / "test_pictured.yaml").write_text(pictured)
    (tmp_path / "test_lost.yaml").write_text(re.sub(r", \{picture: [^}]+\}", "", pictured))
    done = surehand("test", ".", "--no-model", "--parallel", "1", "--out", "out", cwd=tmp_path)
    assert done.returncode == 1, done.stdout
    assert "3 passed, 1 failed" in done.stdout, done.stdout
    assert "✗ test_lost.yaml" in done.stdout
    assert "the button 'Enter' is not there" in done.stdout
    page = (tmp_path / "out" / "index.html").read_text()
    assert "found another way: by [id=&#34;submit&#34;], not by the button &#39;Enter&#39;" in page
    assert re.search(r"found another way: by what test_login.shots/\d+.png shows, not by the button", page)
    refused = surehand("record", "run", cwd=tmp_path)
    assert refused.returncode == 2
    assert refused.stderr == ("surehand: there is a file 'test_login.yaml' already; name another one with --out\n")
