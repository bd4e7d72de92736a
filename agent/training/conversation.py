"""Rows of any of the usual formats as one value: ms-swift's messages, OpenAI's, ShareGPT's conversations."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Role = Literal["system", "user", "assistant", "tool_call", "tool"]
_ROLES: dict[str, Role] = {
    "system": "system", "user": "user", "human": "user", "assistant": "assistant", "gpt": "assistant",
    "bot": "assistant", "tool_call": "tool_call", "function_call": "tool_call", "tool": "tool",
    "tool_response": "tool", "function_response": "tool", "observation": "tool", "observations": "tool",
}  # fmt: skip
"""The names of roles in these formats (ms-swift 4.6, swift/dataset/preprocessor/core.py)."""


class Fault(NamedTuple):
    """What is wrong, and what to do about it."""

    what: str
    remedy: str


class Unfit(ValueError):
    """A row that is none of these formats."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.fault = Fault(what, remedy)


class Turn(NamedTuple):
    """One turn. `written` calls stand as turns of their own in the row; `learned` is whether it is trained on."""

    role: Role
    text: str
    learned: bool = True
    written: bool = True


@dataclass(frozen=True, slots=True)
class Conversation:
    """A row.

    `tags` counts the `<image>` in its texts, `images` is what they stand for, `parts` are pictures that stand in the
    messages themselves; `tools` are the functions that are offered, None where none are.
    """

    turns: tuple[Turn, ...]
    tags: int
    images: tuple[object, ...]
    parts: tuple[object, ...]
    tools: tuple[dict[str, Any], ...] | None
    objects: dict[str, Any] | None


def read(row: object) -> Conversation:
    """The row as a conversation. Raises Unfit, with what is missing or of the wrong kind."""
    if not isinstance(row, dict):
        raise Unfit("the row is no JSON object", 'write {"messages": […], …}')
    key = next((key for key in ("messages", "conversations", "conversation") if key in row), None)
    if key is None:
        raise Unfit(f"messages are missing (it has {', '.join(map(str, row)) or 'nothing'})", 'write {"messages": […]}')
    listed = row[key]
    if not isinstance(listed, list) or not listed:
        raise Unfit(f"{key} is no list with turns in it", "give a turn of the user and an answer at least")
    parts: list[object] = []
    turns = [turn for number, message in enumerate(listed, start=1) for turn in _turns(number, message, parts)]
    if isinstance(row.get("system"), str):
        turns.insert(0, Turn("system", row["system"]))
    whole = (message for message in listed if isinstance(_content(message), str))
    return Conversation(
        turns=tuple(turns), tags=sum(_content(message).count("<image>") for message in whole), parts=tuple(parts),
        images=_images(row), tools=_tools(row.get("tools")), objects=_objects(row.get("objects")),
    )  # fmt: skip


def _turns(number: int, message: object, parts: list[object]) -> Iterator[Turn]:
    if not isinstance(message, dict):
        raise Unfit(f"turn {number} is no JSON object", "write role and content")
    named = message.get("role", message.get("from"))
    if named is None:
        raise Unfit(f"turn {number} has no role", "add role (or from)")
    role = _ROLES.get(named) if isinstance(named, str) else None
    if role is None:
        raise Unfit(f"turn {number} has the role {named!r}", f"use one of {', '.join(_ROLES)}")
    learned = message.get("loss", message.get("weight")) not in (False, 0)
    calls = message.get("tool_calls") or ()
    content = _content(message)
    if content is None and not calls:
        raise Unfit(f"turn {number} has no content", "add content (or value)")
    text = _text(number, content or "", parts)
    if text or not calls:
        yield Turn(role, text, learned)
    for call in calls:
        yield Turn("tool_call", _call(number, call), learned, written=False)


def _content(message: dict[str, Any]) -> Any:
    return message.get("content", message.get("value"))


def _text(number: int, content: object, parts: list[object]) -> str:
    """The words of a turn; pictures among them go to `parts`."""
    match content:
        case str():
            return content
        case dict():
            return json.dumps(content, ensure_ascii=False)
        case list():
            return "".join(_part(number, part, parts) for part in content)
    raise Unfit(f"the content of turn {number} is no text", "write a text, or a list of parts")


def _part(number: int, part: object, parts: list[object]) -> str:
    match part:
        case {"type": "text", "text": str(text)}:
            return text
        case {"type": "image_url", "image_url": {"url": url}} | {"type": "image_url", "image_url": str(url)}:
            parts.append(url)
            return ""
        case {"type": "image", "image": image}:
            parts.append(image)
            return ""
    raise Unfit(f"turn {number} has a part that is neither text nor picture", "use types text and image_url")


def _call(number: int, call: object) -> str:
    """One of OpenAI's calls as it would be written."""
    function = call.get("function", call) if isinstance(call, dict) else None
    if not isinstance(function, dict):
        raise Unfit(f"turn {number} has a call without a function", "write function: {name, arguments}")
    arguments = function.get("arguments")
    written = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return f'{{"name": {json.dumps(function.get("name"))}, "arguments": {written}}}'


def _images(row: dict[str, Any]) -> tuple[object, ...]:
    given = row.get("images", row.get("image"))
    return tuple(given) if isinstance(given, list) else () if given is None else (given,)


def _tools(given: object) -> tuple[dict[str, Any], ...] | None:
    if given in (None, "", []):
        return None
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError as error:
            raise Unfit(f"tools is no JSON: {error}", "write the list of functions as JSON") from None
    listed = given if isinstance(given, list) else [given]
    functions = [tool.get("function", tool) if isinstance(tool, dict) else None for tool in listed]
    if not all(isinstance(one, dict) and isinstance(one.get("name"), str) for one in functions):
        raise Unfit("tools has a function without a name", "write each as {type, function: {name, description, …}}")
    return tuple(one for one in functions if one)


def _objects(given: object) -> dict[str, Any] | None:
    if not given:
        return None
    if not isinstance(given, dict) or not isinstance(given.get("bbox"), list):
        raise Unfit("objects has no list bbox", 'write {"ref": […], "bbox": [[x1, y1, x2, y2], …]}')
    if not all(isinstance(ref, str) for ref in given.get("ref") or []):
        raise Unfit("objects has a ref that is no text", "write a name for each <ref-object>")
    return given
