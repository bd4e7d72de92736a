from random import Random
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from scenarios.oracle import PATIENCE, Steps, compile_steps
from tests.scenarios.probes import CannedProbe, element, front, line, node
from tools.errors import ScenarioError
from tools.geometry import Rect

LONGER = "document.scrollingElement.scrollHeight > scrollY + innerHeight + 1"


async def play(steps: list[dict[str, Any]], probe: CannedProbe) -> list[dict[str, Any]]:
    oracle = compile_steps(TypeAdapter(Steps).validate_python(steps))
    return [intent.action.wire()["arguments"] async for intent in oracle(probe, Random(0))]


async def test_steps_become_actions_in_order() -> None:
    probe = CannedProbe(lines=(line("Save", left=100, top=50), line("Bin", left=500, top=50)))
    steps: list[dict[str, Any]] = [
        {"click": {"text": "Save"}},
        {"double_click": {"text": "Save"}},
        {"triple_click": {"text": "Save"}},
        {"right_click": {"text": "Save"}},
        {"move": {"box": [0, 0, 100, 100]}},
        {"type": "Wörld\n"},
        {"type": 42},
        {"press": "ctrl+s"},
        {"press": ["ctrl", "shift", "n"]},
        {"drag": {"from": {"text": "Save"}, "to": {"text": "Bin"}}},
        {"scroll": {"at": {"text": "Save"}, "pixels": -300}},
        {"scroll": {"pixels": 300}},
        {"wait_for": {"text": "Bin"}},
        {"goto": "http://site.test/a"},
        {"back": {}},
        {"back": None},
        {"new_tab": "http://site.test/b"},
        {"switch_tab": 1},
    ]
    box = [100, 100, 140, 140]
    assert await play(steps, probe) == [
        {"action": "left_click", "bbox_2d": box},
        {"action": "double_click", "bbox_2d": box},
        {"action": "triple_click", "bbox_2d": box},
        {"action": "right_click", "bbox_2d": box},
        {"action": "mouse_move", "bbox_2d": [0, 0, 100, 100]},
        {"action": "type", "text": "Wörld\n"},
        {"action": "type", "text": "42"},
        {"action": "key", "keys": ["ctrl", "s"]},
        {"action": "key", "keys": ["ctrl", "shift", "n"]},
        {"action": "left_click_drag", "bbox_2d": box, "coordinate2": [515, 120]},
        {"action": "scroll", "bbox_2d": box, "pixels": -300},
        {"action": "scroll", "pixels": 300},
        {"action": "goto", "url": "http://site.test/a"},
        {"action": "back"},
        {"action": "back"},
        {"action": "new_tab", "url": "http://site.test/b"},
        {"action": "switch_tab", "tab": 1},
        {"action": "terminate", "status": "success"},
    ]


async def test_an_answer_ends_the_task_itself() -> None:
    assert await play([{"answer": "7"}], CannedProbe()) == [{"action": "answer", "text": "7"}]


async def test_what_appears_late_is_waited_for_visibly() -> None:
    probe = CannedProbe()
    oracle = compile_steps(TypeAdapter(Steps).validate_python([{"click": {"text": "Save"}}]))
    seen = []
    async for intent in oracle(probe, Random(0)):
        seen.append((intent.action.action, intent.target))
        if len(seen) == 3:
            probe.lines = (line("Save"),)
    assert seen == [("wait", "'Save'")] * 3 + [("left_click", "'Save'"), ("terminate", "the task")]


async def test_what_goes_away_is_waited_for() -> None:
    probe = CannedProbe(lines=(line("Loading"),))
    steps: list[dict[str, Any]] = [{"wait_gone": {"text": "Loading"}}, {"type": "a"}]
    seen = []
    async for intent in compile_steps(TypeAdapter(Steps).validate_python(steps))(probe, Random(0)):
        seen.append(intent.action.action)
        if len(seen) == 2:
            probe.lines = ()
    assert seen == ["wait", "wait", "type", "terminate"]
    probe.lines = (line("Loading"),)
    with pytest.raises(ScenarioError, match="'Loading' was still there after 10 s"):
        await play(steps, probe)


async def test_what_never_appears_is_named_with_what_is_there_instead() -> None:
    probe = CannedProbe(lines=(line("Safe"), line("Cancel", top=30)))
    with pytest.raises(ScenarioError) as caught:
        await play([{"click": {"text": "Save"}}], probe)
    assert str(caught.value) == f"'Save' did not appear in {sum(PATIENCE):g} s; there is 'Safe', 'Cancel'"


async def test_a_button_that_never_appears_is_named_with_the_buttons_there_are() -> None:
    probe = CannedProbe(tree=(node("push button", "Use Excel", Rect(0, 0, 9, 9)),), lines=(line("Keep"),))
    with pytest.raises(ScenarioError, match="the button 'Keep' did not appear in 10 s; there is 'Use Excel'"):
        await play([{"click": {"role": "button", "name": "Keep"}}], probe)


async def test_a_button_further_down_a_page_is_scrolled_to() -> None:
    below = element("Send", Rect(0, 0, 0, 0), visible=False)
    probe = CannedProbe(front=front(), dom={"button": (below,)}, scripts={LONGER: True})
    oracle = compile_steps(TypeAdapter(Steps).validate_python([{"click": {"role": "button", "name": "Send"}}]))
    seen = []
    async for intent in oracle(probe, Random(0)):
        seen.append(intent.action.wire()["arguments"])
        if len(seen) == 2:
            probe.dom = {"button": (element("Send", Rect(0, 400, 100, 450)),)}
    assert seen == [
        {"action": "scroll", "coordinate": [500, 500], "pixels": -300},
        {"action": "scroll", "coordinate": [500, 500], "pixels": -300},
        {"action": "left_click", "bbox_2d": [0, 800, 100, 900]},
        {"action": "terminate", "status": "success"},
    ]


async def test_a_selector_s_element_that_is_hidden_is_first_waited_for() -> None:
    hidden = {"#note": (element("", Rect(0, 0, 0, 0), visible=False),)}
    probe = CannedProbe(front=front(), dom=hidden, scripts={LONGER: True})
    oracle = compile_steps(TypeAdapter(Steps).validate_python([{"click": {"css": "#note"}}]))
    seen = []
    async for intent in oracle(probe, Random(0)):
        seen.append(intent.action.action)
        if len(seen) == 2:
            break
    assert seen == ["wait", "scroll"]


@pytest.mark.parametrize(
    ("step", "why"),
    [
        ({"press": "ctrl+sss"}, "there is no key 'sss'"),
        ({"press": ["Tab", "Tab"]}, "a step of its own for 'Tab'"),
        ({"switch_tab": -1}, "greater than or equal to 0"),
        ({"type": "a", "press": "b"}, "not 2 keys"),
        ({"click": {}}, "exactly one of text, role, css, picture, box"),
        ({"click": {"text": "a", "name": "b"}}, "a name belongs to a role"),
        ({"drag": {"from": {"text": "a"}}}, "to"),
        ("click", "instance of Step"),
    ],
)
def test_wrong_steps(step: Any, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        TypeAdapter(Steps).validate_python([step])
