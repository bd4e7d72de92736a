"""What a model is told: (goal, steps so far, what is seen now) → chat messages. Pure.

Messages are only ever added at the end, and screenshots come as the results of tool calls: so the server's prefix cache
and the model's earlier thoughts hold through a run (Qwen3-VL's chat template drops thoughts before a user's message).
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from agent.trace import Decision, Step, Unreadable
from env.base import Effect, Observation
from tools.actions import BrowserAction, ComputerAction

SYSTEM = """You are a helpful assistant.

# Response format

You work on a computer one step at a time. Look at the newest screenshot, then answer with:
1. One line `Action: …`, a short sentence that says what you do and to what.
2. Exactly one <tool_call>.

Give the target of a mouse action as its box, `bbox_2d`. When the task is done, terminate with status success; when it
cannot be done, terminate with status failure. When the task asks for information, give it with answer."""

_RAW = 500
"""Characters of an unreadable reply that the model gets to see again."""

_EFFECTS = {
    Effect.CHANGED: "the screen changed at the target",
    Effect.UNCHANGED: "nothing changed on the screen",
    Effect.ELSEWHERE: "the screen changed, but not around the target",
}


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Text(_Value):
    """Words."""

    kind: Literal["text"] = "text"
    text: str


class Image(_Value):
    """A picture by reference; whoever sends it reads the file."""

    kind: Literal["image"] = "image"
    path: Path
    sha256: str


class System(_Value):
    """Instructions that hold for the whole conversation."""

    role: Literal["system"] = "system"
    text: str


class User(_Value):
    """What the person wants."""

    role: Literal["user"] = "user"
    parts: tuple[Text | Image, ...]


class Assistant(_Value):
    """One earlier turn of the model: what it thought, what it said, and the call it made, if that could be read."""

    role: Literal["assistant"] = "assistant"
    thought: str
    text: str
    call_id: str
    call: ComputerAction | BrowserAction | None = None


class Tool(_Value):
    """What became of the call."""

    role: Literal["tool"] = "tool"
    call_id: str
    parts: tuple[Text | Image, ...]


Message = System | User | Assistant | Tool


def messages(
    goal: str, steps: Sequence[Step], seen: Observation, effect: Effect | None, notice: str = ""
) -> tuple[Message, ...]:
    """The conversation up to now; `effect` is what the last step did, judged from `seen`, `notice` the guard's word."""
    first = steps[0].seen if steps else seen
    return (
        System(text=SYSTEM),
        User(parts=(_image(first), Text(text=f"Instruction: {goal}"))),
        *_turns(steps, seen, effect, notice),
    )


def _turns(steps: Sequence[Step], seen: Observation, effect: Effect | None, notice: str) -> Iterator[Message]:
    followed = [(step.seen, step.effect_before, step.notice) for step in steps[1:]] + [(seen, effect, notice)]
    for step, (after, did, told) in zip(steps, followed, strict=False):
        call_id = f"call_{step.number}"
        result = Text(text=_result(step, after, did, told))
        match step.reply:
            case Decision(thought=thought, say=say, action=action):
                yield Assistant(thought=thought, text=f"Action: {say}", call_id=call_id, call=action)
                yield Tool(call_id=call_id, parts=(result, _image(after)))
            case Unreadable(raw=raw):
                yield Assistant(thought="", text=raw[:_RAW], call_id=call_id)
                same = after.sha256 == step.seen.sha256  # the model has this picture before its eyes
                yield Tool(call_id=call_id, parts=(result,) if same else (result, _image(after)))


def _result(step: Step, after: Observation, effect: Effect | None, notice: str) -> str:
    if isinstance(step.reply, Unreadable):
        return f"error: your last answer could not be carried out: {step.reply.why}. Reply with one <tool_call>."
    outcome = step.outcome
    words = ["ok" if outcome is None or outcome.ok else "error"]
    if outcome and outcome.note != "ok":
        words[0] += f": {outcome.note}"
    if effect:
        words.append(_EFFECTS[effect])
    if after.note:
        words.append(after.note)
    if not after.settled:
        words.append("the screen is still changing")
    if notice:
        words.append(notice)
    return "; ".join(words)


def _image(seen: Observation) -> Image:
    return Image(path=seen.path, sha256=seen.sha256)
