"""What a model is sent: its functions, the form of its answers, its pictures, and the prompt they make."""

import base64
import io
import json
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from agent.chat.constraint import constraint
from agent.chat.functions import ADDED, functions, read_wording
from agent.chat.pictures import fitted, picture, tokens
from agent.chat.wire import wire_messages
from agent.model import reply
from agent.parse import parse
from agent.prompt import Image, Style, Text, Tool, User, messages, styled
from agent.trace import Completion, Decision, Step
from env.base import Observation
from tests.serving.test_chat_template import RENDERED, render
from tools.actions import VERBS, BrowserAction, ComputerAction, LeftClick, Outcome
from tools.errors import EnvError, UserError
from tools.geometry import GridPoint, Size

SMALL = Size(640, 400)
CLICK = LeftClick(coordinate=GridPoint(20, 30))


def known() -> dict[str, Any]:
    if not RENDERED.exists():
        pytest.skip(f"no {RENDERED}: the rendered prompts of the official templates are not here")
    found: dict[str, Any] = json.loads(RENDERED.read_text(encoding="utf-8"))
    return found


def form(tool: dict[str, Any]) -> list[Any]:
    """Names, types, enums, and the order of everything; no descriptions."""
    function = tool["function"]
    parameters = function["parameters"]
    properties = [
        (name, [(key, value) for key, value in about.items() if key != "description"])
        for name, about in parameters["properties"].items()
    ]
    return [list(tool), list(function), function["name"], list(parameters), parameters["required"], properties]


def test_without_our_additions_the_tool_is_the_one_the_model_was_trained_on() -> None:
    official = known()["tool"]
    (ours,) = functions(boxes=False)
    assert form(ours) == form(official)
    assert ours["function"]["description"] != official["function"]["description"]
    (worded,) = functions(boxes=False, wording=official["function"])
    assert json.dumps(worded) == json.dumps(official)


def test_the_tools_offer_what_the_union_has() -> None:
    for tool, union in zip(functions(browser=True), (ComputerAction, BrowserAction), strict=True):
        properties = dict(tool["function"]["parameters"]["properties"])
        assert tuple(properties.pop("action")["enum"]) == VERBS[tool["function"]["name"]]
        assert set(properties) == {field for cls in get_args(union) for field in cls.model_fields} - {"action"}
        assert all(about["description"] for about in properties.values())
    (plain,) = functions(boxes=False)
    assert not set(ADDED) & set(plain["function"]["parameters"]["properties"])


def test_a_file_with_the_wording(tmp_path: Path) -> None:
    file = tmp_path / "tool.json"
    parameters = {"properties": {"keys": {"description": "Which keys."}}}
    file.write_text(json.dumps({"type": "function", "function": {"description": "A desk.", "parameters": parameters}}))
    (told,) = functions(wording=read_wording(file))
    assert told["function"]["description"] == "A desk."
    assert told["function"]["parameters"]["properties"]["keys"]["description"] == "Which keys."
    file.write_text('{"description": "A desk."}')
    with pytest.raises(UserError, match="is no function of a model: KeyError"):
        read_wording(file)
    with pytest.raises(UserError, match="cannot read"):
        read_wording(tmp_path / "none.json")


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), boxes=st.booleans(), browser=st.booleans())
def test_whatever_the_form_allows_can_be_read(data: st.DataObject, boxes: bool, browser: bool) -> None:
    pattern = constraint(boxes=boxes, browser=browser, without=("wait",), longest=30)
    text = data.draw(st.from_regex(pattern, fullmatch=True))
    found = parse(Completion(text=f"I think.</think>\n\n{text}"))
    if "</think>" in text:  # what a model writes there is read as the end of its thought
        return
    assert isinstance(found, Decision), (text, found)
    assert found.action.action != "wait"
    assert boxes or "bbox_2d" not in found.action.wire()["arguments"]
    assert browser or isinstance(found.action, ComputerAction)


@pytest.mark.parametrize("verb", [*VERBS["computer_use"], *VERBS["browser"]])
def test_the_form_allows_every_action(verb: str) -> None:
    assert f'"{verb}"' in constraint(browser=True)
    assert f'"{verb}"' not in constraint(browser=True, without=(verb,))


@pytest.mark.parametrize(
    ("size", "cost"),
    [((640, 480), 300), ((1280, 720), 880), ((1366, 768), 1032), ((1920, 1080), 2040), ((3840, 2160), 8160)],
)
def test_what_a_screenshot_costs(size: tuple[int, int], cost: int) -> None:
    assert abs(tokens(Size(*size)) - cost) <= 40


@settings(deadline=None)
@given(width=st.integers(1, 8000), height=st.integers(1, 8000), most=st.integers(64, 4096))
def test_a_screenshot_fits_its_budget_and_keeps_its_aspect(width: int, height: int, most: int) -> None:
    size = Size(width, height)
    small = fitted(size, most)
    assert tokens(small) <= most
    assert tokens(size) > most or small == size
    if min(small) > 100:
        assert abs(small.width / small.height - width / height) < 0.02 * width / height


def shot(folder: Path, name: str, size: Size = SMALL) -> Observation:
    path = folder / f"{name}.png"
    Pillow.new("RGB", size, "white").save(path)
    return Observation(path=path, sha256=name, size=size, settled=True, waited=0.1)


def test_a_large_screenshot_is_sent_small_and_stays_large_on_the_disk(tmp_path: Path) -> None:
    large = shot(tmp_path, "a", Size(3840, 2160))
    before = large.path.read_bytes()
    url, uuid = picture(large.path, "a", 2048)
    with Pillow.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as sent:
        assert tokens(Size(*sent.size)) <= 2048
        assert uuid == f"a-{sent.width}x{sent.height}"
    assert large.path.read_bytes() == before
    small = shot(tmp_path, "b")
    assert picture(small.path, "b", 2048).uuid == "b"
    with pytest.raises(EnvError, match="cannot be read"):
        picture(tmp_path / "gone.png", "c", 2048)


def step(seen: Observation, number: int) -> Step:
    completion = Completion(text=reply("The File menu is at the top left.", "click File", CLICK))
    return Step(number=number, seen=seen, completion=completion, reply=parse(completion), outcome=Outcome(ok=True))


@pytest.mark.parametrize("template", ["thinking", "instruct"])
@pytest.mark.parametrize("history", ["tool", "user"])
def test_a_prompt_is_what_the_official_template_makes(template: str, history: Any, tmp_path: Path) -> None:
    """The recorded prompts, but for the words of our system message."""
    found = known()
    case = next(
        case for case in found["cases"]
        if (case["template"], case["conversation"], case["tools"]) == (template, f"{history}_history", True)
    )  # fmt: skip
    told = messages("Open the File menu.", [step(shot(tmp_path, "a"), 1)], shot(tmp_path, "b"), None)
    wired = wire_messages(
        styled(told, Style(history=history, boxes=False, thoughts=template == "thinking")),
        image_tokens=2048, calls=history == "tool",
    )  # fmt: skip
    wired[0]["content"] = "You are a helpful assistant."
    for message in wired:
        if "reasoning" in message:
            message["reasoning_content"] = message.pop("reasoning")
        for call in message.get("tool_calls", ()):
            call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    tools = functions(boxes=False, wording=found["tool"]["function"])
    prompt = render(wired, thinking=template == "thinking", tools=tools)
    assert prompt.replace("ok<|vision_start|>", "<|vision_start|>") == case["rendered"].replace(
        "ok<|vision_start|>", "<|vision_start|>"
    )


def long(turns: int) -> tuple[Any, ...]:
    def look(number: int) -> Observation:
        return Observation(path=Path(f"/{number}"), sha256=str(number), size=Size(9, 9), settled=True, waited=0)

    return messages("Go.", [step(look(n), n) for n in range(1, turns)], look(turns), None)


def parts(told: tuple[Any, ...], kind: type) -> list[Any]:
    return [part for message in told if isinstance(message, User | Tool) for part in message.parts
            if isinstance(part, kind)]  # fmt: skip


def test_old_screenshots_are_folded_in_blocks() -> None:
    style = Style(image_max=4, fold=3)
    kept = [[int(image.sha256) for image in parts(styled(long(turns), style), Image)] for turns in range(1, 9)]
    assert kept == [[1], [1, 2], [1, 2, 3], [1, 2, 3, 4], [4, 5], [4, 5, 6], [4, 5, 6, 7], [7, 8]]
    told = styled(long(6), style)
    assert sum("older screenshot" in part.text for part in parts(told, Text)) == 3
    assert [bool(message.thought) for message in told if message.role == "assistant"] == [False] * 3 + [True] * 2
    assert parts(told, Text)[1].text == "Instruction: Go."


@settings(deadline=None)
@given(turns=st.integers(1, 30), most=st.integers(1, 9), fold=st.integers(1, 9))
def test_a_folded_prompt_begins_as_the_one_before_most_of_the_time(turns: int, most: int, fold: int) -> None:
    style = Style(image_max=most, fold=fold)
    one, two = styled(long(turns), style), styled(long(turns + 1), style)
    assert 1 <= len(parts(two, Image)) <= most
    refolded = len(parts(two, Image)) <= len(parts(one, Image))
    assert refolded or two[: len(one)] == one
