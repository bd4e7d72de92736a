import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.model import reply
from agent.parse import parse
from agent.trace import Completion, Decision, Unreadable
from tools.actions import (
    Answer,
    BrowserAction,
    ComputerAction,
    Goto,
    HScroll,
    Key,
    LeftClick,
    LeftClickDrag,
    Scroll,
    SwitchTab,
    Terminate,
    Type,
    Wait,
)
from tools.geometry import Box, GridPoint


def call(arguments: object, name: object = "computer_use") -> str:
    return f"<tool_call>\n{json.dumps({'name': name, 'arguments': arguments})}\n</tool_call>"


CLICK = call({"action": "left_click", "coordinate": [500, 300]})


def decided(text: str, **more: str) -> Decision:
    found = parse(Completion(text=text, **more))
    assert isinstance(found, Decision), found
    return found


def refused(text: str, **more: str) -> str:
    found = parse(Completion(text=text, **more))
    assert isinstance(found, Unreadable), found
    return found.why


def test_a_whole_reply() -> None:
    found = decided(f"I see the button.\n</think>\n\nAction: Click the Save button.\n{CLICK}")
    assert found.thought == "I see the button."
    assert found.say == "Click the Save button."
    assert found.action == LeftClick(coordinate=GridPoint(500, 300))


def test_reasoning_field() -> None:
    found = decided(f"Action: Click it.\n{CLICK}", reasoning="I see the button.")
    assert (found.thought, found.say) == ("I see the button.", "Click it.")


@pytest.mark.parametrize(
    "text",
    [
        CLICK,
        CLICK.replace("\n", ""),
        CLICK.removesuffix("\n</tool_call>"),
        f"<think>short</think>{CLICK}",
        f"a</think>b</think>{CLICK}",
        f"\n</think>\nI use <tool_call> to click.\n{CLICK}",
        f"{CLICK}\n{call({'action': 'type', 'text': 'second'})}",
        f"{CLICK}\nand then I wait <think>",
        f"<tool_call>\n{{broken\n</tool_call>\n{CLICK}",
        call('{"action": "left_click", "coordinate": [500, 300]}'),
        CLICK.replace(", ", ",\n\t") + " trailing",
    ],
)
def test_ways_to_write_one_click(text: str) -> None:
    assert decided(text).action == LeftClick(coordinate=GridPoint(500, 300))


def test_raw_line_break_in_a_string() -> None:
    text = '<tool_call>{"name": "computer_use", "arguments": {"action": "type", "text": "one\n\ttwo"}}</tool_call>'
    assert decided(text).action == Type(text="one\n\ttwo")


def test_four_numbers_are_a_box() -> None:
    found = decided(call({"action": "left_click", "coordinate": [300, 200, 100, 400]})).action
    assert found == LeftClick(bbox_2d=Box(x1=100, y1=200, x2=300, y2=400))


def test_browser_tool() -> None:
    assert decided(call({"action": "goto", "url": "http://site.test"}, "browser")).action == Goto(
        url="http://site.test"
    )


@pytest.mark.parametrize(
    ("text", "say"),
    [
        (f"Action: one\nAction: two\n{CLICK}", "two"),
        (f"I click\nthe button.\n{CLICK}", "I click the button."),
        (CLICK, "left_click"),
        (f"Action: thought\n</think>\n{CLICK}", "left_click"),
        (f"{CLICK}\nAction: too late", "left_click"),
    ],
)
def test_the_sentence_for_people(text: str, say: str) -> None:
    assert decided(text).say == say


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"action": "left_click", "coordinate": [1200, 300]}, "coordinate: 1200 is outside the screen"),
        ({"action": "left_click", "coordinate": [5, -1]}, "coordinate: -1 is outside the screen"),
        ({"action": "left_click", "bbox_2d": [1, 2, 3, 1001]}, "bbox_2d: 1001 is outside the screen"),
        (
            {"action": "left_click", "bbox_2d": [1, 2, 3]},
            "bbox_2d should be four numbers [x1, y1, x2, y2] from 0 to 1000",
        ),
        ({"action": "left_click", "bbox_2d": [1, 2, None, 4]}, "bbox_2d should be four numbers"),
        ({"action": "left_click", "bbox_2d": {"x": 1}}, "bbox_2d should be four numbers"),
        (
            {"action": "left_click", "coordinate": [1]},
            "coordinate should be two numbers [x, y] from 0 to 1000, not",
        ),
        ({"action": "left_click", "coordinate": ["1", "2"]}, "coordinate should be two numbers"),
        ({"action": "left_click", "coordinate": [True, 2]}, "coordinate should be two numbers"),
        ({"action": "left_click", "coordinate": [float("nan"), 2]}, "coordinate should be two numbers"),
        ({"action": "left_click", "coordinate": {"x": 1}}, "coordinate should be two numbers"),
        ({"action": "left_click", "coordinate": "middle"}, "coordinate should be two numbers"),
        ({"action": "left_click"}, "left_click: a target is missing"),
        ({"action": "left_click", "coordinate": [1, 2], "text": "x"}, "it takes no 'text'"),
        ({"action": "left_clik", "coordinate": [1, 2]}, "has no action 'left_clik'; did you mean 'left_click'?"),
        ({"action": "swipe"}, "has no action 'swipe'; it has key, type, mouse_move"),
        ({"action": "goto", "url": "x"}, "belongs to the tool 'browser', not to 'computer_use'"),
        ({"action": "type"}, "type: 'text' is missing"),
        ({"action": "type", "text": 5}, "text should be a valid string, not 5"),
        ({"action": "scroll", "pixels": float("inf")}, "pixels should be a finite number, not inf"),
        ({"action": "wait", "time": -1}, "time should be greater than or equal to 0, not -1"),
        ({"action": "key", "keys": []}, 'keys should be a list of key names such as ["ctrl", "s"], not []'),
        ({"action": "key", "keys": 5}, "keys should be a list of key names"),
        ({"action": "terminate", "status": "maybe"}, "status should be 'success' or 'failure', not 'maybe'"),
        ({"action": ["left_click"]}, "has no action ['left_click']"),
        ({}, "has no action None"),
        (None, "the call has no arguments"),
        ("{", "not valid JSON"),
        ([1], "the call has no arguments"),
    ],
)
def test_what_is_wrong_is_named(arguments: object, why: str) -> None:
    assert why in refused(call(arguments))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "there is no <tool_call>"),
        ("Action: Click it.", "there is no <tool_call>"),
        (call({}, "computer"), "there is no tool 'computer'; did you mean 'computer_use'?"),
        (call({}, ["x"]), "there is no tool ['x']"),
        ("<tool_call>{}", "there is no tool None"),
        ('<tool_call>{"name": ', "not valid JSON"),
        ("<tool_call>[1]", "there is no <tool_call>"),
        ('<tool_call>{"name":' + "[" * 100_000, "nested too deeply"),
        ('<tool_call>{"name": ' + "9" * 5000 + "}", "not valid JSON"),
        (f"{CLICK}</think>", "there is no <tool_call>"),
        (f"<think>{CLICK}", "its thought was not ended"),
        (f"x</think>I use <tool_call>. <think>{CLICK}", "its thought was not ended"),
    ],
)
def test_no_action_at_all(text: str, why: str) -> None:
    assert why in refused(text)


@pytest.mark.parametrize("finish", ["length", "repetition", "content_filter", "abort"])
def test_what_was_cut_off_is_not_done(finish: str) -> None:
    assert "cut off" in refused(CLICK, finish=finish)


THOUGHT, SAID = Type(text="only thought"), Type(text="said")
_PIECES = st.one_of(
    st.sampled_from(
        ["</think>", "<think>", "<tool_call>", "</tool_call>", '{"name": "computer_use", ', "Action: ", "\n", "{", '"']
    ),
    st.sampled_from([CLICK, call({"action": "left_click"}), call(None), call({"action": "key", "keys": 3})]),
    st.text(max_size=8),
)
_NOISE = st.lists(_PIECES, max_size=8).map("".join)


@settings(max_examples=300, deadline=None)
@given(text=_NOISE, reasoning=st.none() | _NOISE, finish=st.sampled_from(["stop", "tool_calls", "length", ""]))
def test_never_raises(text: str, reasoning: str | None, finish: str) -> None:
    found = parse(Completion(text=text, reasoning=reasoning, finish=finish))
    assert isinstance(found, Decision | Unreadable)
    assert Completion.model_validate_json(Completion(text=text).model_dump_json()).text == text


@settings(max_examples=300, deadline=None)
@given(before=_NOISE, after=_NOISE, content=_NOISE, reasoning=st.none() | _NOISE)
def test_never_does_what_was_only_thought(before: str, after: str, content: str, reasoning: str | None) -> None:
    thought = call(THOUGHT.wire()["arguments"])
    texts = [
        f"{before}{thought}{after}</think>{content}",
        f"{before}</think><think>{thought}{after.replace('</think>', '')}",
    ]
    for text in texts:
        found = parse(Completion(text=text, reasoning=f"{reasoning}{thought}"))
        assert not (isinstance(found, Decision) and found.action == THOUGHT)


@settings(deadline=None)
@given(thought=_NOISE)
def test_does_what_was_said_whatever_was_thought(thought: str) -> None:
    found = parse(Completion(text=f"{thought}</think>\nAction: Type.\n{call(SAID.wire()['arguments'])}"))
    assert isinstance(found, Decision)
    assert found.action == SAID


_grid = st.integers(0, 1000) | st.floats(0, 1000)
_place = st.builds(GridPoint, _grid, _grid)
_box = st.builds(lambda a, b, c, d: Box.model_validate([a, b, c, d]), _grid, _grid, _grid, _grid)
_finite = st.floats(allow_nan=False, allow_infinity=False)
_ACTIONS: st.SearchStrategy[ComputerAction | BrowserAction] = st.one_of(
    st.builds(Type, text=st.text()),
    st.builds(Answer, text=st.sampled_from(["</think>", "<think>", "</tool_call>", "<tool_call>{"]) | st.text()),
    st.builds(LeftClick, coordinate=_place),
    st.builds(LeftClick, bbox_2d=_box),
    st.builds(LeftClickDrag, bbox_2d=_box, coordinate2=_place),
    st.builds(Scroll, bbox_2d=st.none() | _box, pixels=_finite),
    st.builds(HScroll, pixels=_finite),
    st.builds(Wait, time=st.floats(0, 30)),
    st.builds(Key, keys=st.sampled_from([("enter",), ("ctrl", "s"), ("+",)])),
    st.builds(SwitchTab, tab=st.integers(0, 99)),
    st.builds(Terminate, status=st.sampled_from(["success", "failure"])),
)


@settings(max_examples=200, deadline=None)
@given(action=_ACTIONS)
def test_reads_back_what_was_written(action: ComputerAction | BrowserAction) -> None:
    found = decided(reply("I see it.", "Do it.", action))
    assert (found.thought, found.say, found.action) == ("I see it.", "Do it.", action)
