"""Messages as an OpenAI-compatible server gets them, and its answer as a completion."""

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, field_validator

from agent.chat.pictures import picture
from agent.prompt import Assistant, Image, Message, System, Text, Tool, User
from agent.trace import Call, Completion


def wire_messages(
    told: Sequence[Message], *, image_tokens: int, calls: bool = True, uuids: bool = True, known: Collection[str] = (),
    reasoning: bool = True,
) -> list[dict[str, Any]]:  # fmt: skip
    """The conversation as JSON. Reads pictures from the disk; raises EnvError when one is gone.

    `calls` false writes earlier calls as text and their results as the user's, for servers that refuse a result without
    a call: Qwen3-VL's chat template makes the same prompt of both. A result that answers no call is always written
    so. With `uuids` a picture carries its name, and those `known` to the server are sent by name only.
    """
    wired: list[dict[str, Any]] = []
    answered = False  # whether the last assistant's turn had a call on the wire
    for message in told:
        match message:
            case System(text=text):
                wired.append({"role": "system", "content": text})
            case Assistant():
                answered = calls and message.call is not None
                wired.append(_said(message, answered, reasoning))
            case User(parts=parts) | Tool(parts=parts):
                content = [item for part in parts for item in _wired(part, image_tokens, uuids, known)]
                if isinstance(message, Tool) and answered:
                    wired.append({"role": "tool", "tool_call_id": message.call_id, "content": content})
                elif isinstance(message, Tool):
                    opened, closed = _text("<tool_response>\n"), _text("\n</tool_response>")
                    wired.append({"role": "user", "content": [opened, *content, closed]})
                else:
                    wired.append({"role": "user", "content": content})
    return wired


def pictures(wired: Sequence[dict[str, Any]]) -> list[str]:
    """The names of the pictures in it."""
    parts = (part for message in wired if isinstance(message["content"], list) for part in message["content"])
    return [part["uuid"] for part in parts if "uuid" in part]


def _said(message: Assistant, calls: bool, reasoning: bool) -> dict[str, Any]:
    turn: dict[str, Any] = {"role": "assistant", "content": message.text}
    if message.thought and reasoning:
        turn["reasoning"] = message.thought
    if message.call is None:
        return turn
    call = message.call.wire()
    if not calls:
        turn["content"] += f"\n<tool_call>\n{json.dumps(call, ensure_ascii=False)}\n</tool_call>"
        return turn
    function = {"name": call["name"], "arguments": json.dumps(call["arguments"], ensure_ascii=False)}
    return turn | {"tool_calls": [{"id": message.call_id, "type": "function", "function": function}]}


def _wired(part: Text | Image, image_tokens: int, uuids: bool, known: Collection[str]) -> Iterator[dict[str, Any]]:
    if isinstance(part, Text):
        yield _text(part.text)
        return
    url, uuid = picture(part.path, part.sha256, image_tokens)
    if uuids:
        yield {"type": "image_url", "image_url": None if uuid in known else {"url": url}, "uuid": uuid}
    else:
        yield {"type": "image_url", "image_url": {"url": url}}
    if part.words:
        yield _text(part.words)


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


class _Wire(BaseModel):
    """What is read of an answer; the rest is ignored. Half a surrogate pair cannot be written down and becomes `?`."""

    model_config = ConfigDict(extra="ignore")

    @field_validator("*", mode="before")
    @classmethod
    def _writable(cls, value: object) -> object:
        return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


class _Function(_Wire):
    name: str = ""
    arguments: str | dict[str, Any] | None = ""


class _ToolCall(_Wire):
    function: _Function


class _Spoken(_Wire):
    content: str | list[dict[str, Any]] | None = None
    reasoning: str | None = Field(None, validation_alias=AliasChoices("reasoning", "reasoning_content"))
    tool_calls: list[_ToolCall] | None = None


class _Choice(_Wire):
    message: _Spoken
    finish_reason: str | None = None


class _Details(_Wire):
    cached_tokens: int | None = None


class _Usage(_Wire):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _Details | None = None


class _Answer(_Wire):
    model: str | None = None
    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage | None = None


def read_answer(body: str, seconds: float) -> Completion:
    """A server's answer as a completion. Raises ValueError when it is none."""
    try:
        answer = _Answer.model_validate(json.loads(body))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    choice, usage = answer.choices[0], answer.usage or _Usage()
    message, details = choice.message, usage.prompt_tokens_details or _Details()
    calls = [call.function for call in message.tool_calls or ()]
    return Completion(
        text=_words(message.content), reasoning=message.reasoning, finish=choice.finish_reason or "",
        calls=tuple(Call(name=call.name, arguments=call.arguments or "") for call in calls), model=answer.model or "",
        prompt_tokens=usage.prompt_tokens, cached_tokens=details.cached_tokens,
        completion_tokens=usage.completion_tokens, seconds=seconds,
    )  # fmt: skip


def _words(content: str | list[dict[str, Any]] | None) -> str:
    """Some servers answer in parts, as questions are sent."""
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content)
    return content or ""
