"""What can be wrong with a conversation's turns: their order, tools, calls and thoughts, and tokens that do not belong.

The traps of ms-swift are those of 4.6; each is a difference between what is trained and what is asked afterwards.
"""

import json
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from agent.parse import parse
from agent.trace import Call, Completion, Unreadable
from agent.training.conversation import Conversation, Fault, Turn
from tools.actions import VERBS

_OLD_BOXES = re.compile(r"<\|(?:box|object_ref|quad|point)_(?:start|end)\|>")
_OLDER_BOXES = re.compile(r"</?(?:box|ref|quad)>")
_TEMPLATE = re.compile(r"<\|(?:im_start|im_end|endoftext|vision_start|vision_end|image_pad|video_pad)\|>")
_INLINE_CALL = re.compile(r"<tool_call>(.*?)(?:</tool_call>|$)", re.DOTALL)
_NEW_BOXES = 'write {"bbox_2d": <bbox>, "label": "…"} as Qwen3-VL does; for ms-swift, set QWENVL_BBOX_FORMAT=new'
ON_THE_GRID = "coordinates run from 0 to 1000 whatever the picture's size: x / width * 1000"


def faults(told: Conversation) -> Iterator[Fault]:
    """Everything that is wrong with its turns. An answer that is not learned may be as wrong as it was."""
    yield from _order(told)
    for turn in told.turns:
        yield from _tokens(turn.text)
        if turn.role == "tool_call":
            yield from _call(turn.text, told.tools)
        elif turn.role == "assistant" and turn.learned:
            yield from _answer(turn.text, told.tools)
    yield from _joins(told.turns)
    yield from _thoughts(told.turns)


def _order(told: Conversation) -> Iterator[Fault]:
    roles = [turn.role for turn in told.turns]
    if told.tools and roles[0] != "system":
        yield Fault("tools without a system turn", "begin with one: without it ms-swift and the chat template differ")
    if "system" in roles[1:]:
        yield Fault("a system turn that is not the first", "put it first")
    begin = next((role for role in roles if role != "system"), None)
    if begin not in ("user", None):
        yield Fault(f"it begins with a turn of the {begin}", "begin with the user's")
    if roles[-1] not in ("assistant", "tool_call"):
        yield Fault(f"it ends with a turn of the {roles[-1]}", "end with the answer that is to be learned")
    elif not any(turn.learned for turn in told.turns if turn.role in ("assistant", "tool_call")):
        yield Fault("nothing in it is learned", "leave out loss (or weight) at one answer at least")
    for before, role in pairwise(roles):
        if role == "tool" and before not in ("assistant", "tool_call", "tool"):
            yield Fault(f"a result of a call after a turn of the {before}", "put the call before it")


def _tokens(text: str) -> Iterator[Fault]:
    if found := _OLD_BOXES.search(text):
        yield Fault(f"the token {found[0]} of older models", _NEW_BOXES)
    if found := _TEMPLATE.search(text):
        yield Fault(f"the token {found[0]} in a text", "leave it to the chat template; write <image> for a picture")


def _answer(text: str, tools: Sequence[dict[str, Any]] | None) -> Iterator[Fault]:
    if found := _OLDER_BOXES.search(text):
        yield Fault(f"the token {found[0]} of older models", _NEW_BOXES)
    if "Action:" in text and "Action Input:" in text:
        yield Fault("both 'Action:' and 'Action Input:' in an answer", "say it otherwise: ms-swift takes it for ReAct")
    for written in _INLINE_CALL.findall(text.rpartition("</think>")[2]):
        yield from _call(written, tools)
    yield from _thought(text)


def _joins(turns: Sequence[Turn]) -> Iterator[Fault]:
    for before, turn in pairwise(turns):
        joined = before.role == "assistant" and turn.role == "tool_call" and turn.written
        if joined and before.text and not before.text.endswith("\n"):
            yield Fault("the text before a tool_call does not end with a line break",
                        'end it with "\\n": chat templates put one there, ms-swift does not')  # fmt: skip


def _thought(text: str) -> Iterator[Fault]:
    begins, ends = text.count("<think>"), text.count("</think>")
    if begins != ends:
        yield Fault(f"{begins} <think>, but {ends} </think>", r"write <think>\n…\n</think>\n\n before the answer")
    elif begins and not text.lstrip().startswith("<think>"):
        yield Fault("a thought that does not begin its turn", r"write <think>\n…\n</think>\n\n before the answer")


def _thoughts(turns: Sequence[Turn]) -> Iterator[Fault]:
    """Whether what is learned is what the chat template tells: earlier thoughts, and turns with and without."""
    said = [turn for turn in turns if turn.role == "assistant"]
    learned = {"<think>" in turn.text for turn in said if turn.learned}
    if len(learned) == 2:
        yield Fault("some answers with a thought, some without",
                    "keep all of them or strip all of them, or give those without loss: false")  # fmt: skip
    questions = [number for number, turn in enumerate(turns) if turn.role == "user" and not _result(turn.text)]
    last = questions[-1] if questions else 0
    if any("<think>" in turn.text for turn in turns[:last] if turn.role == "assistant"):
        yield Fault("a thought before a later turn of the user", "strip it: the chat template drops it when the model"
                    " is asked, ms-swift trains on it; or tell results of calls as such")  # fmt: skip


def _result(text: str) -> bool:
    """Whether a turn of the user is the result of a call, which the chat template does not count as a question."""
    return text.startswith("<tool_response>") and text.endswith("</tool_response>")


def _call(text: str, tools: Sequence[dict[str, Any]] | None) -> Iterator[Fault]:
    try:
        call = json.loads(text)
    except ValueError as error:
        yield Fault(f"a tool_call is no JSON: {error}", 'write {"name": "computer_use", "arguments": {…}}')
        return
    arguments = call.get("arguments") if isinstance(call, dict) else None
    if not isinstance(call, dict) or not isinstance(call.get("name"), str) or not isinstance(arguments, dict):
        yield Fault("a tool_call without name and arguments", 'write {"name": "computer_use", "arguments": {…}}')
        return
    offered = {tool["name"]: tool for tool in tools or ()}
    if offered and call["name"] not in offered:
        yield Fault(f"a call of {call['name']!r}, which is not among the tools", f"tools are {', '.join(offered)}")
    elif call["name"] in VERBS:
        yield from _known_call(call["name"], arguments, _verbs(offered.get(call["name"], {})))
    elif (verbs := _verbs(offered.get(call["name"], {}))) and arguments.get("action") not in verbs:
        yield Fault(f"{call['name']} has no action {arguments.get('action')!r}", f"it has {', '.join(map(str, verbs))}")


def _known_call(name: str, arguments: dict[str, Any], verbs: Sequence[object]) -> Iterator[Fault]:
    """What surehand's own reader of calls says to it."""
    said = parse(Completion(text="", calls=(Call(name=name, arguments=arguments),)))
    if isinstance(said, Unreadable):
        remedy = ON_THE_GRID if "outside the screen" in said.why else "write it as the tool has it"
        yield Fault(f"a tool_call that cannot be done: {said.why}", remedy)
    elif verbs and arguments.get("action") not in verbs:
        yield Fault(f"{name} is offered without the action {arguments.get('action')!r}", "add it to the tools")


def _verbs(function: dict[str, Any]) -> Sequence[object]:
    """The actions that a function lists."""
    match function:
        case {"parameters": {"properties": {"action": {"enum": list(verbs)}}}}:
            return verbs
    return ()
