"""Reference solutions as lessons: what is taught is what a run tells and sees, and no held-out seed is begun."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image

from agent.commands.wiring import near_worlds, task_for, worlds
from agent.means import as_model
from agent.model import IdleModel
from agent.parse import parse
from agent.prompt import Style, messages, styled
from agent.runner import run
from agent.school import pack
from agent.school.holdout import HeldOutError
from agent.school.lesson import Lesson
from agent.settings import load
from agent.trace import Completion, Decision, RunFolder, Status
from agent.training.bulk import Bulk, Tally
from agent.training.demonstrations import Demonstration, as_messages, demonstrate, demonstrated, taught
from agent.training.episodes import LeftOut
from agent.training.overlap import beginnings, overlap
from agent.training.successes import successes
from env.base import Probe, Shots
from env.held import Held
from env.scripted import ScriptedWorld
from scenarios.base import Intent, Task
from tests.agent.desk import APP, CLICK_NOTE, Notes
from tools.actions import Action, LeftClick, Terminate
from tools.geometry import GridPoint

LAST_ONE = Style(image_max=1, fold=1)
SHOWN = demonstrated(LAST_ONE)


def lessons_of(shown: Demonstration) -> Iterator[Lesson]:
    return taught(shown.task.scenario, shown.task.goal, shown.steps, LAST_ONE)


async def test_each_decision_is_taught_behind_the_prompt_of_a_run(tmp_path: Path) -> None:
    task = Notes().at(3)
    shown = await demonstrate(task, ScriptedWorld(APP, task.size), Shots(tmp_path))
    told = list(lessons_of(shown))
    assert shown.passed
    assert len(told) == len(shown.steps) > 1
    for count, (step, lesson) in enumerate(zip(shown.steps, told, strict=True)):
        assert step.reply == parse(Completion(text=lesson.completion))
        prompt = styled(messages(task.goal, shown.steps[:count], step.seen, step.effect_before, ""), LAST_ONE)
        assert (lesson.messages, len(lesson.pictures)) == (as_messages(prompt)[0], 1)
        with Image.open(step.seen.path) as picture:
            assert np.array_equal(lesson.pictures[0], np.array(picture.convert("RGB")))
    assert isinstance(shown.steps[-1].reply, Decision)
    assert shown.steps[-1].reply.action == Terminate(status="success")


async def pointing(probe: Probe, random: Random) -> AsyncIterator[Intent]:
    """Names places, not boxes: one in the middle, one at the edge."""
    yield Intent(LeftClick(coordinate=CLICK_NOTE.place), "the textbox 'Note'")
    yield Intent(LeftClick(coordinate=GridPoint(1.2, 998.7)), "a corner")


async def test_a_place_without_a_box_is_taught_as_a_box_around_the_same_pixel(tmp_path: Path) -> None:
    task = replace(Notes().at(1), oracle=pointing)
    shown = await demonstrate(task, ScriptedWorld(APP, task.size), Shots(tmp_path))
    meant = [intent.action async for intent in pointing(ScriptedWorld(APP, task.size).probe(), Random(0))]
    for step, wanted in zip(shown.steps, meant, strict=False):
        assert isinstance(step.reply, Decision)
        assert isinstance(step.reply.action, LeftClick)
        assert isinstance(wanted, LeftClick)
        assert step.reply.action.bbox_2d
        box = step.reply.action.bbox_2d
        assert all(value.is_integer() for value in (box.x1, box.y1, box.x2, box.y2))
        assert step.reply.action.point(step.seen.size) == wanted.point(step.seen.size)


@pytest.mark.parametrize("seed", [50_000, 60_000])
async def test_no_episode_of_a_held_out_seed_is_begun(tmp_path: Path, seed: int) -> None:
    made: list[Task] = []

    def make_world(task: Task) -> ScriptedWorld:
        made.append(task)
        return ScriptedWorld(APP, task.size)

    told: list[Lesson] = []
    bulk = Bulk(lambda scenario, seed: Notes().at(seed), make_world, SHOWN, "training", 2, told.extend)
    with pytest.raises(HeldOutError):
        await bulk.run(["test/note"], [0, seed])
    task = Notes().at(seed)
    with pytest.raises(HeldOutError):
        await demonstrate(task, ScriptedWorld(APP, task.size), Shots(tmp_path))
    assert not made
    assert not told


async def test_lessons_come_in_the_order_of_seeds_and_what_fails_is_counted() -> None:
    def task(scenario: str, seed: int) -> Task:
        found = Notes().at(seed)
        return replace(found, oracle=None) if seed == 2 else found

    async def made(parallel: int) -> tuple[list[str], Tally]:
        told: list[Lesson] = []
        bulk = Bulk(task, lambda task: ScriptedWorld(APP, task.size), SHOWN, "training", parallel, told.extend)
        tally = await bulk.run(["test/note"], range(6))
        return [one.completion for one in told], tally

    told, tally = await made(3)
    assert (told, tally) == await made(1)
    assert tally.tasks == 5
    assert tally.lessons == len(told)
    assert tally.left_out.total() == 1


async def test_a_world_that_breaks_is_replaced_once_and_then_the_episode_is_left_out() -> None:
    worlds: list[ScriptedWorld] = []

    def world(task: Task) -> ScriptedWorld:
        worlds.append(ScriptedWorld(APP, task.size, fail_at=1 if len(worlds) < 3 else None))
        return worlds[-1]

    told: list[Lesson] = []
    bulk = Bulk(lambda scenario, seed: Notes().at(seed), world, SHOWN, "training", 1, told.extend)
    tally = await bulk.run(["test/note"], range(3))
    assert len(worlds) == 4
    assert tally.tasks == 2
    ((_, why),) = tally.left_out
    assert why.startswith("the world broke: ")


async def test_runs_that_began_as_one_in_training_are_told_from_others(tmp_path: Path) -> None:
    task = Notes().at(0)
    shown = await demonstrate(task, ScriptedWorld(APP, task.size), Shots(tmp_path / "shots"))
    other = [replace_goal(lesson) for lesson in lessons_of(shown)]
    assert task.oracle
    done = await run(task, as_model(task.oracle), lambda task: ScriptedWorld(APP, task.size), tmp_path / "run")
    assert done.status is Status.PASSED
    pack.write(tmp_path / "seen", lessons_of(shown))
    pack.write(tmp_path / "unseen", other)
    seen, unseen = overlap(tmp_path / "seen", [tmp_path / "run"]), overlap(tmp_path / "unseen", [tmp_path / "run"])
    assert (seen.share, seen.score, seen.unseen_score) == (1.0, 1.0, None)
    assert (unseen.share, unseen.score, unseen.unseen_score) == (0.0, 1.0, 1.0)
    assert len(beginnings(pack.read(tmp_path / "seen"))) == 1


async def test_runs_that_passed_are_taught_and_those_of_held_out_seeds_are_not(tmp_path: Path) -> None:
    for seed in (0, 50_000):
        task = Notes().at(seed)
        assert task.oracle
        await run(task, as_model(task.oracle), lambda task: ScriptedWorld(APP, task.size), tmp_path / f"run-{seed}")
    failed = Notes().at(1)
    await run(failed, lambda task, probe: IdleModel(), lambda task: ScriptedWorld(APP, task.size), tmp_path / "run-1")
    left_out = LeftOut()
    told = list(successes([tmp_path], LAST_ONE, left_out))
    shown = await demonstrate(Notes().at(0), ScriptedWorld(APP, Notes().at(0).size), Shots(tmp_path / "shots"))
    assert [one.messages[0] for one in told] == [one.messages[0] for one in lessons_of(shown)]
    assert [action_of(one) for one in told] == [action_of(one) for one in lessons_of(shown)]
    assert left_out == {("run", "of a seed that is held out"): 1, ("run", "that did not pass"): 1}


def action_of(lesson: Lesson) -> Action:
    reply = parse(Completion(text=lesson.completion))
    assert isinstance(reply, Decision)
    return reply.action


def replace_goal(lesson: Lesson) -> Lesson:
    (first, *rest), words = lesson.messages, {"type": "text", "text": "Instruction: something else"}
    return replace(lesson, messages=({**first, "content": [first["content"][0], words]}, *rest))


@pytest.mark.browser
async def test_the_fast_way_sees_what_the_loop_sees(tmp_path: Path) -> None:
    settings = load(None, browser="headless")
    first, *tasks = [task_for(settings, f"miniwob/{page}", 0) for page in ("login-user", "click-tab-2")]
    near, slow = near_worlds(settings)(first), worlds(settings)(first)
    try:
        for task in (first, *tasks):  # the second in a page that was used before
            shown = await demonstrate(task, near, Shots(tmp_path / "fast"))
            assert shown.passed
            assert shown.task.oracle
            folder = tmp_path / task.scenario
            done = await run(task, as_model(shown.task.oracle), lambda task: Held(slow), folder)
            assert (done.status, done.goal) == (Status.PASSED, shown.task.goal)
            for step, other in zip(RunFolder(folder).steps(), shown.steps, strict=True):
                assert pixels(step.seen.path) == pixels(other.seen.path)
                assert step.effect_before == other.effect_before
                assert (step.outcome and step.outcome.point) == (other.outcome and other.outcome.point)
    finally:
        await near.close()
        await slow.close()


def pixels(path: Path) -> bytes:
    with Image.open(path) as picture:
        return picture.convert("RGB").tobytes()
