import json
import subprocess
import sys
from collections import Counter

import pytest

from agent.chat.wire import wire_messages
from agent.grounding import locating, places
from agent.parse import parse
from agent.prompt import messages
from agent.school import questions
from agent.school.lesson import Lesson
from agent.school.teach import NO_THOUGHT, STAGES, lessons
from agent.serving.machine import ROOT
from agent.trace import Completion, Decision
from env.base import Observation
from tools.actions import LeftClick, Terminate, Type
from tools.geometry import Size


def asked(lesson: Lesson) -> str:
    picture, text = lesson.messages[-1]["content"]
    assert picture == {"type": "image"}
    return str(text["text"])


def some(stage: str, count: int = 60) -> list[Lesson]:
    return [lessons(seed, stage) for seed in range(count)]


@pytest.mark.parametrize("stage", STAGES)
def test_a_seed_is_always_the_same_lesson_and_answers_begin_after_a_thought(stage: str) -> None:
    for lesson in some(stage, 20):
        thought, end, answer = lesson.completion.partition("</think>\n\n")
        assert end
        assert answer.strip()
        assert bool(thought) == (lesson.kind == "act")
        assert len(lesson.pictures) == 1
    once, again = lessons(7, stage), lessons(7, stage)
    assert once.messages == again.messages
    assert once.completion == again.completion


def test_the_last_stage_asks_every_kind_of_question() -> None:
    kinds = Counter(lesson.kind for lesson in some("page", 200))
    assert kinds.keys() >= {*questions.KINDS, "act"}


def test_actions_are_read_by_the_parser_of_a_run_and_their_thoughts_name_the_target() -> None:
    done: set[type] = set()
    for lesson in (one for one in some("task", 300) if one.kind == "act"):
        reply = parse(Completion(text=lesson.completion))
        assert isinstance(reply, Decision), (lesson.completion, reply)
        done.add(type(reply.action))
        if isinstance(reply.action, LeftClick):
            assert reply.action.bbox_2d
            name = reply.thought.partition('"')[2].rpartition('"')[0]
            assert name in asked(lesson)
    assert done == {LeftClick, Type, Terminate}


def test_an_instruction_is_told_as_a_run_tells_its_goal(screenshot: Observation) -> None:
    lesson = next(one for one in some("act") if one.kind == "act")
    goal = asked(lesson).removeprefix("Instruction: ")
    wired = wire_messages(messages(goal, (), screenshot, None)[1:], image_tokens=10**9, uuids=False)
    words = [part for part in wired[0]["content"] if part["type"] == "text"]
    assert wired[0]["role"] == lesson.messages[0]["role"]
    assert words == lesson.messages[0]["content"][1:]


def test_places_are_asked_for_and_answered_as_surehand_ground_does() -> None:
    found = [one for one in some("few") if one.kind == "find"]
    assert found
    assert questions.locating("X") == locating("X")
    for lesson in found:
        (place,) = places(lesson.completion.removeprefix(NO_THOUGHT)).found
        height, width, _ = lesson.pictures[0].shape
        assert place.rect(Size(width, height))


def test_the_answer_to_what_is_at_a_place_can_be_found_there_again() -> None:
    for lesson in (one for one in some("few", 200) if one.kind == "read-with-boxes"):
        told = json.loads(lesson.completion.removeprefix(NO_THOUGHT))
        assert all(0 <= value <= 1000 for one in told for value in one["bbox_2d"])
        assert [one["label"] for one in told]


def test_nothing_but_numpy_and_pillow_is_needed_to_draw_and_to_read_lessons() -> None:
    code = "import sys, agent.school.teach, agent.school.pack; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    others = {"pydantic", "torch", "transformers", "httpx", "typer", "env", "tools", "scenarios", "langgraph"}
    assert not others & set(loaded.stdout.split())
