"""Conversations to learn from: exactly those that the model is in when it is asked, so that it learns what it meets.

While screenshots are results of calls, a conversation only grows, and one lesson teaches every turn of it. Where the
telling changes (old screenshots are folded away; before a turn of the user, thoughts are dropped), a new lesson begins,
which tells the turns before without teaching them again. So each turn is learned once, behind the very prompt that it
had, and no lesson holds more screenshots than the model is shown.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from agent.prompt import Assistant, Image, Message, Style, System, messages, styled
from agent.trace import Decision, Step
from agent.training.episodes import Episode
from tools.actions import BrowserAction, ComputerAction, LeftClickDrag, Pointing
from tools.geometry import GridPoint

_MARKUP = re.compile(r"<(?:image|video|audio|bbox|ref-object|cot-process|start-image|/?think)>|<\|\w+\|>|Action Input:")
"""What a tokenizer or ms-swift takes for more than text (4.6, swift/template/base.py, swift/agent_template/base.py)."""


class Lesson(NamedTuple):
    """A conversation, and the numbers of those of its messages, all of them the model's, that are to be learned."""

    told: tuple[Message, ...]
    learned: frozenset[int]

    @property
    def plain(self) -> bool:
        """Whether no text of it would be taken for markup."""
        return not any(_MARKUP.search(text) for message in self.told for text in _texts(message))


def lessons(episode: Episode, style: Style) -> Iterator[Lesson]:
    """The lessons of a run, told in the manner of `style`. Without `thoughts`, none are told, and none learned.

    Not learned, but told where they happened, are replies that could not be read, actions that could not be done, and
    replies without a thought where thoughts are learned.
    """
    goal, steps = episode.run.goal, [_offered(step, style) for step in episode.steps]
    told: tuple[Message, ...] = ()
    learned: set[int] = set()
    for count, step in enumerate(steps):
        if not _worth_learning(step, style):
            continue
        prompt = styled(messages(goal, steps[:count], step.seen, step.effect_before, step.notice), style)
        if prompt[: len(told)] != told:
            yield Lesson(told, frozenset(learned))
            learned = set()
        learned.add(len(prompt))
        told = (*prompt, _answer(goal, steps[: count + 1], style))
    if learned:
        yield Lesson(told, frozenset(learned))


def _worth_learning(step: Step, style: Style) -> bool:
    if not isinstance(step.reply, Decision) or (step.outcome and not step.outcome.ok):
        return False
    not_offered = isinstance(step.reply.action, LeftClickDrag) and step.reply.action.coordinate2 and not style.boxes
    return not not_offered and (bool(step.reply.thought.strip()) or not style.thoughts)


def _answer(goal: str, steps: Sequence[Step], style: Style) -> Message:
    """The last step's reply, as the next prompt would tell it, with its thought."""
    said = messages(goal, steps, steps[-1].seen, None)[-2]
    return said if style.thoughts else said.model_copy(update={"thought": ""})


def _offered(step: Step, style: Style) -> Step:
    """The step in actions that the model is offered: without boxes, a target is told by its middle."""
    if style.boxes or not isinstance(step.reply, Decision):
        return step
    reply = step.reply.model_copy(update={"action": _pointed(step.reply.action)})
    return step.model_copy(update={"reply": reply})


def _pointed(action: ComputerAction | BrowserAction) -> ComputerAction | BrowserAction:
    if not isinstance(action, Pointing) or action.bbox_2d is None:
        return action
    middle = GridPoint(*(float(round(value)) for value in action.bbox_2d.center))
    return action.model_copy(update={"bbox_2d": None, "coordinate": middle})


def _texts(message: Message) -> Iterator[str]:
    """What a message says, but for what we say ourselves."""
    match message:
        case System():
            return
        case Assistant(thought=thought, text=text, call=call):
            yield from (thought, text, *_strings(call.wire() if call else None))
        case _:
            yield from (part.words if isinstance(part, Image) else part.text for part in message.parts)


def _strings(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for inner in value.values():
                yield from _strings(inner)
        case list() | tuple():
            for inner in value:
                yield from _strings(inner)
