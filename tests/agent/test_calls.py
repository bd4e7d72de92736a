"""Replies as models really write them: slips that are mended, those that are not, and 10,000 spoilt ones."""

import json
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.model import reply
from agent.parse import parse
from agent.trace import Call, Completion, Decision, Unreadable
from tools.actions import (
    BrowserAction,
    ComputerAction,
    Goto,
    Key,
    LeftClick,
    LeftClickDrag,
    Scroll,
    Terminate,
    Type,
    Wait,
)
from tools.geometry import Box, GridPoint

CLICK = LeftClick(coordinate=GridPoint(500, 300))
BOX = LeftClick(bbox_2d=Box(x1=100, y1=200, x2=300, y2=400))


def tagged(text: str) -> str:
    return f"Action: Do it.\n<tool_call>\n{text}\n</tool_call>"


def read(text: str, *calls: Call) -> Decision | Unreadable:
    return parse(Completion(text=text, calls=calls))


def done(text: str, *calls: Call) -> ComputerAction | BrowserAction:
    found = read(text, *calls)
    assert isinstance(found, Decision), found
    return found.action


def refused(text: str, *calls: Call) -> str:
    found = read(text, *calls)
    assert isinstance(found, Unreadable), found
    return found.why


HEAD = '{"name": "computer_use", "arguments": {"action": "left_click", "coordinate": [500, 300]'


@pytest.mark.parametrize(
    "text",
    [
        HEAD + ",}}",
        HEAD.replace("]", ",]") + "},}",
        HEAD + "}",
        HEAD,
        HEAD.removesuffix("]") + "}}",
        HEAD + "}}}}",
        HEAD + ",",
        str(json.loads(HEAD + "}}")),
        str(json.loads(HEAD + "}}")).replace("[500, 300]", "(500, 300)"),
        '{"action": "left_click", "coordinate": [500, 300]}',
        '{"name": "computer_use", "action": "left_click", "coordinate": [500, 300]}',
        "<function=computer_use>\n<parameter=action>\nleft_click\n</parameter>\n<parameter=coordinate>\n[500, 300]\n"
        "</parameter>\n</function>",
        "<function=computer_use><parameter=action>left_click<parameter=coordinate>[500, 300]",
    ],
)
def test_slips_that_are_mended(text: str) -> None:
    assert done(tagged(text)) == CLICK
    assert done(f"<tool_call>{text}") == CLICK


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"name": "computer_use", "arguments": {"action": "type", "text": "hel', "not valid JSON"),
        ('{"name": "computer_use", "arguments": {"action": "scroll", "pixels": 1', "not valid JSON"),
        ('{"name": "computer_use", "arguments": {"action": "left_click", "coordinate": [500, 30', "not valid JSON"),
        ('{"name": "computer_use", "arguments": {"action": "terminate", "status": success}}', "not valid JSON"),
        ("{'name': 'computer_use', 'arguments': {'action': 'type', 'text': b'x'}}", "not valid JSON"),
        ("{'name': 'computer_use', 'arguments': {'action': 'wait', 'time': 10**8}}", "not valid JSON"),
        ("{'name': __import__('os').getcwd()}", "not valid JSON"),
        ("{" * 30_000, "not valid JSON"),
        (HEAD.replace("500", "1920") + "}}", "1920 is outside the screen, which runs from 0 to 1000"),
        (HEAD.replace("500", "-1") + "}}", "-1 is outside the screen"),
        (HEAD.replace("500", "true") + "}}", "coordinate should be two numbers"),
        (HEAD.replace("500", "NaN") + "}}", "coordinate should be two numbers"),
    ],
)
def test_what_could_mean_two_things_is_refused(text: str, why: str) -> None:
    assert why in refused(tagged(text))


def test_mending_leaves_texts_alone() -> None:
    text = '{"name": "computer_use", "arguments": {"action": "type", "text": "a,} [b,] \\"{"'
    assert done(tagged(text + ",}}")) == Type(text='a,} [b,] "{')
    assert done(tagged(text)) == Type(text='a,} [b,] "{')
    assert done(tagged(text.replace('\\"{"', '\\"{\n"'))) == Type(text='a,} [b,] "{\n')


def test_in_xml_a_text_stays_a_text() -> None:
    parameters = "<parameter=action>type</parameter><parameter=text>\n12\n34\n</parameter>"
    assert done(f"<tool_call><function=computer_use>{parameters}</function></tool_call>") == Type(text="12\n34")
    parameters = '<parameter=action>key</parameter><parameter=keys>["ctrl", "s"]</parameter>'
    assert done(f"<tool_call><function=computer_use>{parameters}</function></tool_call>") == Key(keys=("ctrl", "s"))
    parameters = parameters.replace('["ctrl", "s"]', "ctrl+s")
    assert done(f"<tool_call><function=computer_use>{parameters}</function></tool_call>") == Key(keys=("ctrl", "s"))


@pytest.mark.parametrize(
    "text",
    [
        'Action: Click it.\n```json\n{"action": "left_click", "bbox_2d": [100, 200, 300, 400]}\n```',
        'Action: Click it.\n```json\n[\n\t{"bbox_2d": [100, 200, 300, 400], "label": "Save"}\n]\n```',
        'Action: Left-click it.\n{"bbox_2d": [300, 400, 100, 200]}',
        'I see {it}. {"name": "computer_use", "arguments": {"action": "left_click", "bbox_2d": [100, 200, 300, 400]}}',
    ],
)
def test_json_without_a_tag(text: str) -> None:
    assert done(f"I think.</think>{text}") == BOX


def test_a_point_alone_is_clicked_where_the_sentence_says_so() -> None:
    assert done('Action: Click Save.\n[{"point_2d": [500, 300], "label": "Save"}]') == CLICK


@pytest.mark.parametrize(
    "text",
    [
        'Action: Double-click it.\n[{"bbox_2d": [100, 200, 300, 400], "label": "Save"}]',
        'The target: [{"bbox_2d": [100, 200, 300, 400], "label": "Save"}]',
        'Action: Click it.\n[{"bbox_2d": [1, 2, 3, 4]}, {"bbox_2d": [5, 6, 7, 8]}]',
    ],
)
def test_a_place_without_an_action_is_none(text: str) -> None:
    assert refused(text) == "it names a place, but no action"


def test_json_beside_a_spoilt_call_is_not_looked_for() -> None:
    assert "not valid JSON" in refused('{"action": "wait", "time": 1}\n<tool_call>{"name" "x"}')


def test_what_the_server_read_comes_first() -> None:
    call = Call(name="computer_use", arguments='{"action": "left_click", "coordinate": [500, 300]}')
    found = read(f"Action: Click it.\n{tagged('{}')}", call)
    assert isinstance(found, Decision)
    assert (found.action, found.say) == (CLICK, "Do it.")
    parsed = Call(name="computer_use", arguments={"action": "left_click", "coordinate": [500, 300]})
    assert done("", parsed, Call(name="browser", arguments='{"action": "back"}')) == CLICK


def test_the_first_call_that_can_be_done_is_done() -> None:
    bad, good = (
        '{"action": "left_click", "coordinate": [500, 3000]}',
        '{"action": "left_click", "coordinate": [500, 300]}',
    )
    assert done(tagged(bad) + tagged(good)) == CLICK
    assert (
        done(tagged(bad), Call(name="computer_use", arguments=bad), Call(name="computer_use", arguments=good)) == CLICK
    )
    assert "3000 is outside" in refused(tagged(bad) + tagged("{}"))


def test_a_call_that_was_only_thought_is_named_as_such() -> None:
    call = json.dumps(CLICK.wire())
    found = parse(Completion(text="Action: Click.", reasoning=f"I could <tool_call>{call}</tool_call>"))
    assert isinstance(found, Unreadable)
    assert found.why == "there is no <tool_call> in it, only in the thought before it"


def test_an_unreadable_call_of_the_server_is_kept_for_the_model_to_see() -> None:
    found = read("Action: Fly.", Call(name="computer_use", arguments='{"action": "fly"}'))
    assert isinstance(found, Unreadable)
    assert found.raw == 'Action: Fly.\ncomputer_use {"action": "fly"}'


WHOLE: list[ComputerAction | BrowserAction] = [
    CLICK, BOX, Type(text='two\n"lines" {a} </x>'), Key(keys=("ctrl", "s")), Scroll(pixels=-5), Wait(time=1),
    LeftClickDrag(bbox_2d=BOX.bbox_2d, coordinate2=GridPoint(1, 2)), Terminate(status="success"), Goto(url="http://a/"),
]  # fmt: skip
PIECES = ["</think>", "<think>", "<tool_call>", "</tool_call>", "<function=a>", "{", "}", "[", "]", '"', "'", "\\",
          ",", ":", "\n", "\\ud800", "\x00", "9" * 400, "1e999", "null", "Action: ", "```json", "computer_use",
          "é🎉"]  # fmt: skip
MANY = 50


def spoil(text: str, draw: Random) -> str:
    """A reply with a few pieces cut, doubled, moved or put in."""
    for _ in range(draw.randrange(1, 6)):
        one, two = sorted((draw.randrange(len(text) + 1), draw.randrange(len(text) + 1)))
        text = draw.choice(
            [
                text[:one] + text[two:],
                text[:two] + text[one:],
                text[:one],
                text[:one] + draw.choice(PIECES) + text[one:],
                text[:one] + chr(draw.randrange(0x20, 0x3000)) + text[one + 1 :],
                text[:one] + text[two:] + text[one:two],
                "".join(draw.choices(PIECES, k=12)),
            ]
        )
    return text


@settings(max_examples=10_000 // MANY, deadline=None)
@given(seed=st.integers(0, 2**64))
def test_ten_thousand_spoilt_replies_raise_nothing(seed: int) -> None:
    draw = Random(seed)
    for _ in range(MANY):
        text, finish = spoil(reply("I look.", "Do it.", draw.choice(WHOLE)), draw), draw.choice(["stop", "", "length"])
        calls = (Call(name=draw.choice(["computer_use", text]), arguments=spoil(text, draw)),) * draw.randrange(2)
        found = parse(Completion(text=text, reasoning=draw.choice([None, text]), calls=calls, finish=finish))
        assert isinstance(found, Decision | Unreadable), text
        assert isinstance(found, Unreadable) or finish != "length"
