"""A model's reply, read: one decision, or why there is none. Pure; never raises, never acts on what was only thought.

A reply is `thought </think> Action: one sentence <tool_call> {"name": …, "arguments": {"action": …}} </tool_call>`
(QwenLM/Qwen3-VL, cookbooks/computer_use.ipynb). The opening `<think>` is part of the prompt and so not of the reply.
"""

import difflib
import json
import re
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from agent.calls import Found, Spoilt, found_calls
from agent.trace import Completion, Decision, Unreadable
from tools.actions import ACTION, VERBS, BrowserAction, ComputerAction

_SAY = re.compile(r"^[ \t]*Action:[ \t]*(\S.*?)[ \t]*$", re.MULTILINE)
_CUT_OFF = {
    "length": "the answer was cut off because it grew too long",
    "repetition": "the answer was cut off because it repeated itself",
    "content_filter": "the answer was cut off by the server's filter",
    "abort": "the answer was cut off by the server",
}


class _Fault(ValueError):
    """Why a call cannot be done, told to the model."""


def parse(completion: Completion) -> Decision | Unreadable:
    """What a reply says.

    The thought is the reasoning field and the text before the last `</think>`; a call is looked for only in what the
    server read as calls, and then in the text after the thought. The first call that can be done is done, and no
    other; where none can, the first fault is told.
    """
    thought, content = spoken(completion)
    if completion.finish in _CUT_OFF:
        return Unreadable(why=_CUT_OFF[completion.finish], raw=_raw(completion, content))
    faults: list[str] = []
    for found in _candidates(completion, content):
        try:
            action = _action(found)
        except _Fault as fault:
            faults.append(str(fault))
        else:
            say = _sentence(content[: found.start]) or action.action
            return Decision(thought=thought, say=say, action=action)
    return Unreadable(why=faults[0] if faults else _nothing(completion), raw=_raw(completion, content))


def spoken(completion: Completion) -> tuple[str, str]:
    """The thought, and what was said after it."""
    before, _, content = completion.text.rpartition("</think>")
    thought = f"{completion.reasoning or ''}\n{before.replace('<think>', '')}"
    return thought.strip(), content.strip()


def _raw(completion: Completion, content: str) -> str:
    """What was said, as the model gets it to read again."""
    return "\n".join([content, *(f"{call.name} {call.arguments}" for call in completion.calls)]).strip()


def _candidates(completion: Completion, content: str) -> Iterator[Found | Spoilt]:
    for call in completion.calls:
        yield Found(len(content), {"name": call.name, "arguments": call.arguments})
    yield from found_calls(content)


def _nothing(completion: Completion) -> str:
    if "<tool_call>" in f"{completion.reasoning}{completion.text.rpartition('</think>')[0]}":
        return "there is no <tool_call> in it, only in the thought before it"
    return "there is no <tool_call> in it"


def _action(found: Found | Spoilt) -> ComputerAction | BrowserAction:
    if isinstance(found, Spoilt):
        raise _Fault(found.why)
    name, call = _named(found.call)
    if not isinstance(name, str) or name not in VERBS:
        raise _Fault(f"there is no tool {_shown(name)}{_meant(name, VERBS)}; tools are {' and '.join(VERBS)}")
    arguments = _arguments(call)
    verb = arguments.get("action")
    if verb not in VERBS[name]:
        if owner := _owner(verb):
            raise _Fault(f"the action {_shown(verb)} belongs to the tool {owner!r}, not to {name!r}")
        known = _meant(verb, VERBS[name]) or f"; it has {', '.join(VERBS[name])}"
        raise _Fault(f"{name} has no action {_shown(verb)}{known}")
    try:
        return ACTION.validate_python(arguments)
    except ValidationError as error:
        raise _Fault(f"{verb}: {_explain(error.errors(include_url=False)[0], arguments)}") from None


def _named(call: dict[str, Any]) -> tuple[object, dict[str, Any]]:
    """The tool and the whole call; arguments alone are a call of the tool that has their action."""
    if "arguments" in call or "action" not in call:
        return call.get("name"), call
    arguments = {key: value for key, value in call.items() if key != "name"}
    return call.get("name", _owner(call["action"]) or next(iter(VERBS))), {"arguments": arguments}


def _owner(verb: object) -> str | None:
    """The tool that has this action."""
    return next((tool for tool, verbs in VERBS.items() if verb in verbs), None)


def _arguments(call: dict[str, Any]) -> dict[str, Any]:
    """The arguments, which some servers write as a string of JSON."""
    arguments = call.get("arguments")
    if isinstance(arguments, str) and arguments:
        try:
            arguments = json.JSONDecoder(strict=False).decode(arguments)
        except (ValueError, RecursionError):
            raise _Fault("arguments is a text that is not valid JSON") from None
    if not isinstance(arguments, dict):
        raise _Fault("the call has no arguments; write them as a JSON object")
    return arguments


def _explain(error: ErrorDetails, arguments: dict[str, Any]) -> str:
    """One of pydantic's errors in a sentence for a model, beginning with the field at fault."""
    loc = error["loc"][1:]  # the first is the verb
    if not loc:
        return str(error["ctx"]["error"]) if error["type"] == "value_error" else error["msg"]
    field = str(loc[0])
    match error["type"]:
        case "missing" if len(loc) == 1:
            return f"{field!r} is missing"
        case "extra_forbidden":
            return f"it takes no {field!r}"
        case "greater_than_equal" | "less_than_equal" if field in _SHAPES:
            return f"{field}: {_shown(error['input'])} is outside the screen, which runs from 0 to 1000"
    wanted = _SHAPES.get(field) or error["msg"].removeprefix("Input should be ")
    return f"{field} should be {wanted}, not {_shown(arguments.get(field))}"


_SHAPES = {
    "coordinate": "two numbers [x, y] from 0 to 1000",
    "coordinate2": "two numbers [x, y] from 0 to 1000",
    "bbox_2d": "four numbers [x1, y1, x2, y2] from 0 to 1000",
    "keys": 'a list of key names such as ["ctrl", "s"]',
}


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:60] + "…"


def _meant(word: object, options: Any) -> str:
    close = difflib.get_close_matches(word, list(options), n=1) if isinstance(word, str) else []
    return f"; did you mean {close[0]!r}?" if close else ""


def _sentence(spoken: str) -> str:
    """The sentence for people: the last `Action:` line before the call, or else whatever was said there."""
    lines = _SAY.findall(spoken)
    return lines[-1] if lines else " ".join(spoken.split())
