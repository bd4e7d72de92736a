"""What a model is told: (goal, steps so far, what is seen now) → chat messages. Pure.

Messages are only ever added at the end, and screenshots come as the results of tool calls: so the server's prefix cache
and the model's earlier thoughts hold through a run (Qwen3-VL's chat template drops thoughts before a user's message).
A long conversation is told shorter, or in another manner, by `styled`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from agent.listing import listing
from agent.trace import Decision, Step, Unreadable
from env.base import Effect, Observation
from tools.actions import BrowserAction, ComputerAction

_SYSTEM = """You are a helpful assistant.

# Response format

You work on a computer one step at a time. Look at the newest screenshot, then answer with:
1. One line `Action: …`, a short sentence that says what you do and to what.
2. Exactly one <tool_call>.

{boxes}When the task is done, terminate with status success; when it
cannot be done, terminate with status failure. When the task asks for information, give it with answer."""
_BOXES = "Give the target of a mouse action as its box, `bbox_2d`. "
_FOLDED = "(an older screenshot was here)"
IMAGE_MAX = 10
"""Most screenshots in a conversation, where nothing else is said."""
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
    """A picture by reference; whoever sends it reads the file. `words` say what is on it, and go wherever it goes."""

    kind: Literal["image"] = "image"
    path: Path
    sha256: str
    words: str = ""


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


@dataclass(frozen=True, slots=True)
class Style:
    """The manner in which a conversation is told.

    `history`: screenshots come as results of calls, or as turns of the user, as OSWorld's agent for Qwen3-VL sends
    them. `thoughts`: the model gets its own to read again. `boxes`: it is asked for the target's box. When there are
    more than `image_max` screenshots, the oldest `fold` go at once, then the next `fold`: a prompt that changed at
    every step would never be found in the server's cache.
    """

    history: Literal["tool", "user"] = "tool"
    thoughts: bool = True
    boxes: bool = True
    image_max: int = IMAGE_MAX
    fold: int = 5


def messages(
    goal: str, steps: Sequence[Step], seen: Observation, effect: Effect | None, notice: str = ""
) -> tuple[Message, ...]:
    """The conversation up to now; `effect` is what the last step did, judged from `seen`, `notice` the guard's word."""
    first = steps[0].seen if steps else seen
    return (
        System(text=instructions()),
        User(parts=(_image(first), Text(text=f"Instruction: {goal}"))),
        *_turns(steps, seen, effect, notice),
    )


def instructions(boxes: bool = True) -> str:
    """The system message; the chat template adds the tools to it."""
    return _SYSTEM.format(boxes=_BOXES if boxes else "")


def mending(told: Sequence[Message], reply: Unreadable) -> tuple[Message, ...]:
    """The conversation with a reply that could not be read, and a request for a better one, at the same screen."""
    said = Assistant(thought="", text=reply.raw[:_RAW], call_id="unread")
    return (*told, said, Tool(call_id="unread", parts=(Text(text=_refused(reply)),)))


def styled(told: Sequence[Message], style: Style) -> tuple[Message, ...]:
    """The same conversation in a manner. A turn whose screenshot is folded away loses its thought about it, too."""
    folded, shown = _folded(_pictures(told), style), 0
    thoughts = style.thoughts and style.history == "tool"  # the chat template drops them before a turn of the user
    retold: list[Message] = []
    for message in told:
        match message:
            case System(text=text):
                acts = text == instructions()
                retold.append(System(text=instructions(style.boxes)) if acts else message)
            case Assistant():
                keeps = thoughts and shown > folded
                retold.append(message if keeps else message.model_copy(update={"thought": ""}))
            case User(parts=parts) | Tool(parts=parts):
                kept = tuple(_fold(parts, folded - shown))
                shown += _pictures([message])
                as_user = style.history == "user"
                retold.append(User(parts=kept) if as_user else message.model_copy(update={"parts": kept}))
    return tuple(retold)


def harder(style: Style, told: Sequence[Message]) -> Style:
    """A style that keeps half of the screenshots that this one keeps, for a server without room for more."""
    count = _pictures(told)
    kept = max(1, (count - _folded(count, style)) // 2)
    return replace(style, image_max=kept, fold=max(1, kept // 2))


def _folded(count: int, style: Style) -> int:
    """How many of so many screenshots are folded away: a multiple of `fold`, so that it seldom changes."""
    surplus = max(0, count - style.image_max)
    return min(count - 1, -(-surplus // style.fold) * style.fold) if surplus else 0


def _fold(parts: Sequence[Text | Image], left: int) -> Iterator[Text | Image]:
    for part in parts:
        gone = isinstance(part, Image) and left > 0
        left -= isinstance(part, Image)
        yield Text(text=_FOLDED) if gone else part


def _pictures(told: Sequence[Message]) -> int:
    parts = (message.parts for message in told if isinstance(message, User | Tool))
    return sum(isinstance(part, Image) for some in parts for part in some)


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
        return _refused(step.reply)
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


def _refused(reply: Unreadable) -> str:
    return f"error: your last answer could not be carried out: {reply.why}. Reply with one <tool_call>."


def _image(seen: Observation) -> Image:
    """The picture, the one with numbers if there is one, and what is on it in words if the world said that."""
    shown = seen.marked or seen
    return Image(path=shown.path, sha256=shown.sha256, words=listing(seen))
