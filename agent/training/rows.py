"""Rows of a dataset: one JSON object each, and the pictures that it names.

A picture is named `images/<sha256>.png`. ms-swift looks for that below its working directory, and else below the folder
in ROOT_IMAGE_DIR (ms-swift 4.6, swift/template/vision_utils.py), so a dataset can be moved.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from agent.chat.functions import functions
from agent.chat.wire import wire_messages
from agent.grounding import SYSTEM, locating
from agent.prompt import Image, Style, Tool, User
from agent.training.episodes import Episode, LeftOut
from agent.training.grounding import Shown, shown
from agent.training.lessons import Lesson, lessons

_WHOLE = 10**9
"""Tokens that no picture has: data holds pictures as they are."""


@dataclass(frozen=True, slots=True)
class Telling:
    """How the model will be asked: the style of its conversations, and the wording of its tool, if not ours."""

    style: Style
    wording: dict[str, Any] | None = None


class Row(NamedTuple):
    """One line of a dataset. `pictures` are the files that it names, by their hash."""

    values: dict[str, Any]
    pictures: dict[str, Path]


Rows = Callable[[Episode, Telling, LeftOut], Iterator[Row]]


def picture_name(sha256: str) -> str:
    """What a row calls a picture."""
    return f"images/{sha256}.png"


def swift(episode: Episode, telling: Telling, left_out: LeftOut) -> Iterator[Row]:
    """ms-swift's rows for grounding: where is this?, answered with a box; ms-swift puts it on the grid by itself.

    Each `<ref-object>` and each `<bbox>` uses up one entry of `objects`. Boxes are in pixels of the picture.
    """
    for one in shown(episode, left_out):
        yield Row(_grounding(one), {one.sha256: one.path})


def swift_agent(episode: Episode, telling: Telling, left_out: LeftOut) -> Iterator[Row]:
    """ms-swift's rows for agents (agent template `hermes`): a whole conversation, calls and their results as turns."""
    for lesson in _plain(episode, telling, left_out):
        told = [turn for number, message in _wired(lesson, telling) for turn in _swift_turns(lesson, number, message)]
        tools = json.dumps(_tools(episode, telling), ensure_ascii=False)
        yield _row(lesson, {"messages": told, "images": _names(lesson), "tools": tools})


def openai(episode: Episode, telling: Telling, left_out: LeftOut) -> Iterator[Row]:
    """Messages of chat completions, with `tools`. `weight` 0 marks an answer that is only told.

    Results of calls hold pictures, as vLLM takes them. ms-swift 4.6 does not see those there (it writes such a result
    as JSON text), so this format is for other trainers; with pictures in turns of the user (`history`) it is for all.
    """
    for lesson in _plain(episode, telling, left_out):
        told = [_openai_message(lesson, number, message) for number, message in _wired(lesson, telling)]
        yield _row(lesson, {"messages": told, "tools": _tools(episode, telling), "parallel_tool_calls": False})


def sharegpt(episode: Episode, telling: Telling, left_out: LeftOut) -> Iterator[Row]:
    """ShareGPT's conversations: from and value, calls in the text of `gpt`, their results as `observation`."""
    for lesson in _plain(episode, telling, left_out):
        told = [_sharegpt_turn(lesson, number, message) for number, message in _wired(lesson, telling)]
        tools = json.dumps(_tools(episode, telling), ensure_ascii=False)
        yield _row(lesson, {"conversations": told, "images": _names(lesson), "tools": tools})


FORMATS: dict[str, Rows] = {
    "swift": swift, "swift-agent": swift_agent, "openai": openai, "sharegpt": sharegpt,
}  # fmt: skip
"""Formats of training data by name."""


def _grounding(one: Shown) -> dict[str, Any]:
    answer = '[{"bbox_2d": <bbox>, "label": "<ref-object>"}]'
    return {
        "messages": [
            {"role": "system", "content": SYSTEM},
            {"role": "user", "content": f"<image>{locating('<ref-object>')}"},
            {"role": "assistant", "content": answer},
        ],
        "images": [picture_name(one.sha256)],
        "objects": {"ref": [one.name, one.name], "bbox": [list(one.rect)]},
    }


def _plain(episode: Episode, telling: Telling, left_out: LeftOut) -> Iterator[Lesson]:
    for lesson in lessons(episode, telling.style):
        if lesson.plain:
            yield lesson
        else:
            left_out["row", "whose texts would be taken for markup"] += 1


def _tools(episode: Episode, telling: Telling) -> list[dict[str, Any]]:
    return functions(boxes=telling.style.boxes, browser=episode.browser, wording=telling.wording)


def _images(lesson: Lesson) -> list[Image]:
    """Its pictures, in order."""
    parts = (message.parts for message in lesson.told if isinstance(message, User | Tool))
    return [part for some in parts for part in some if isinstance(part, Image)]


def _names(lesson: Lesson) -> list[str]:
    return [picture_name(image.sha256) for image in _images(lesson)]


def _row(lesson: Lesson, values: dict[str, Any]) -> Row:
    return Row(values, {image.sha256: image.path for image in _images(lesson)})


def _wired(lesson: Lesson, telling: Telling) -> Iterator[tuple[int, dict[str, Any]]]:
    """Its messages as a server gets them, numbered, with pictures by their names."""
    known = {image.sha256 for image in _images(lesson)}
    calls = telling.style.history == "tool"
    return enumerate(wire_messages(lesson.told, image_tokens=_WHOLE, calls=calls, uuids=True, known=known))


def _swift_turns(lesson: Lesson, number: int, message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One message, and each of its calls as a turn of its own.

    Chat templates break the line before a call. ms-swift does not, so the text before it ends with that.
    """
    match message:
        case {"role": "assistant"}:
            learned, calls = number in lesson.learned, message.get("tool_calls", ())
            yield {"role": "assistant", "content": _said(message) + ("\n" if calls else ""), "loss": learned}
            for call in calls:
                yield {"role": "tool_call", "content": _call(call), "loss": learned}
        case {"role": "tool"}:
            yield {"role": "tool_response", "content": _text(message)}
        case _:
            yield {"role": message["role"], "content": _text(message)}


def _openai_message(lesson: Lesson, number: int, message: dict[str, Any]) -> dict[str, Any]:
    if message["role"] == "assistant":
        told = {key: value for key, value in message.items() if key != "reasoning"}
        return told | {"content": _said(message), "weight": int(number in lesson.learned)}
    if isinstance(message["content"], str):
        return message
    parts = [
        {"type": "image_url", "image_url": {"url": picture_name(part["uuid"])}} if "uuid" in part else part
        for part in message["content"]
    ]
    return message | {"content": parts}


def _sharegpt_turn(lesson: Lesson, number: int, message: dict[str, Any]) -> dict[str, Any]:
    match message:
        case {"role": "assistant"}:
            calls = "".join(f"\n<tool_call>\n{_call(call)}\n</tool_call>" for call in message.get("tool_calls", ()))
            return {"from": "gpt", "value": _said(message) + calls, "loss": number in lesson.learned}
        case {"role": "tool"}:
            return {"from": "observation", "value": _text(message)}
        case {"role": role}:
            return {"from": "human" if role == "user" else role, "value": _text(message)}
    raise AssertionError(f"no role in {message}")


def _said(message: dict[str, Any]) -> str:
    """A thought as chat templates write it, and what was said after it."""
    thought = str(message.get("reasoning", "")).strip("\n")
    return (f"<think>\n{thought}\n</think>\n\n" if thought else "") + str(message["content"])


def _call(call: dict[str, Any]) -> str:
    """A call as the model writes it."""
    function = call["function"]
    return f'{{"name": {json.dumps(function["name"])}, "arguments": {function["arguments"]}}}'


def _text(message: dict[str, Any]) -> str:
    content = message["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "<image>") for part in content)
