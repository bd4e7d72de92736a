"""Questions about real screens: every box is where the thing is, and no held-out seed is looked at."""

import json
from pathlib import Path

import pytest

from agent.commands.wiring import near_worlds, task_for
from agent.grounding import locating, places
from agent.school.holdout import HeldOutError
from agent.settings import load
from agent.training.screen_exam import KIND, found
from env.base import Shots
from env.scripted import ScriptedWorld
from tests.agent.desk import APP, Notes
from tools.geometry import Rect


async def test_each_thing_with_a_name_of_its_own_is_asked_for_where_it_is(tmp_path: Path) -> None:
    task = Notes().at(50_000)
    world = ScriptedWorld(APP, task.size)
    told = await found()(task, world, Shots(tmp_path))
    nodes = {node.name or node.text: node.rect for node in await world.probe().a11y()}
    assert told.lessons
    for lesson in told.lessons:
        words = lesson.messages[0]["content"][1]["text"]
        name = words.split('"')[1]
        assert (lesson.kind, words) == (KIND, locating(f'"{name}"'))
        (place,) = places(lesson.completion).found
        rect = place.rect(task.size)
        assert rect
        assert near(rect, nodes[name])


def near(one: Rect, other: Rect) -> bool:
    return all(abs(a - b) <= 1 for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("seed", [0, 49_999, 60_000])
async def test_no_screen_of_another_part_is_asked_about(tmp_path: Path, seed: int) -> None:
    task = Notes().at(seed)
    with pytest.raises(HeldOutError):
        await found()(task, ScriptedWorld(APP, task.size), Shots(tmp_path))


@pytest.mark.browser
async def test_a_click_in_the_middle_of_each_box_of_a_page_reaches_the_thing(tmp_path: Path) -> None:
    settings = load(None, browser="headless")
    task = task_for(settings, "web/login", 50_000)
    world = near_worlds(settings)(task)
    try:
        told = await found()(task, world, Shots(tmp_path))
        assert len(told.lessons) > 8
        for lesson in told.lessons:
            name = lesson.messages[0]["content"][1]["text"].split('"')[1]
            x1, y1, x2, y2 = json.loads(lesson.completion.partition("</think>")[2])[0]["bbox_2d"]
            x, y = (x1 + x2) / 2000 * task.size.width, (y1 + y2) / 2000 * task.size.height
            at = f"document.elementFromPoint({x}, {y})"
            label = f"({at}.closest('[aria-label]')?.ariaLabel || {at}.labels?.[0]?.innerText)"
            assert await world.probe().script(f"({at}.innerText || {label}).trim()") == name
    finally:
        await world.close()
