"""What ends a run that gets nowhere, what the model is told before that, and what needs a person's leave. Pure."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from agent.trace import Decision, Step, Stop
from env.base import Effect, Observation
from scenarios.base import Limits
from tools.actions import BrowserAction, Click, ComputerAction, HScroll, LeftClickDrag, MouseMove, Scroll, Wait
from tools.geometry import Point

UNREADABLE = 3
"""Replies in a row that cannot be read end a run."""
NEAR = 5
"""Pixels between two targets that count as the same."""
LONGEST_ROUND = 4
"""Actions in a round that is gone again and again: A-B-A-B has two."""
_TOLD = "; do something else, or terminate with status failure if the task cannot be done"

_Aimed = Click | MouseMove | LeftClickDrag | Scroll | HScroll


class Circle(NamedTuple):
    """How many actions got nowhere, what the model is told of it, and whether it was told often enough."""

    actions: int
    words: str
    over: bool


def limit_reached(
    steps: Sequence[Step], seen: Observation, effect: Effect | None, limits: Limits, seconds: float, tokens: int | None
) -> Stop | None:
    """Why no further call of the model is made, if so: every limit of a run is here."""
    recent = steps[-UNREADABLE:]
    used = sum(step.completion.tokens for step in steps)
    if len(recent) == UNREADABLE and not any(isinstance(step.reply, Decision) for step in recent):
        return Stop(reason="unreadable", limit=UNREADABLE)
    if (found := circle(steps, seen, effect)) and found.over:
        return Stop(reason="stuck", limit=found.actions)
    if len(steps) >= limits.steps:
        return Stop(reason="steps", limit=limits.steps)
    if seconds >= limits.seconds:
        return Stop(reason="time", limit=limits.seconds)
    return Stop(reason="tokens", limit=tokens) if tokens is not None and used >= tokens else None


def circle(steps: Sequence[Step], seen: Observation, effect: Effect | None) -> Circle | None:
    """How the last steps got nowhere, if they did; `effect` is what the last one did, judged from `seen`.

    Told after the third equal action on an equal picture, after two equal rounds of two to four actions, or after four
    actions without effect; over after five, four rounds, or eight.
    """
    same = _rounds(steps, seen, 1)
    if same >= 3:
        return Circle(same, f"you did this {same} times, and the screen stays the same{_TOLD}", same >= 5)
    for length in range(2, LONGEST_ROUND + 1):
        if (done := _rounds(steps, seen, length)) >= 2 * length:
            words = f"you repeat the same {length} actions, and the screen comes back to where it was{_TOLD}"
            return Circle(done, words, done >= 4 * length)
    idle = _without_effect(steps, effect)
    return Circle(idle, f"your last {idle} actions had no effect{_TOLD}", idle >= 8) if idle >= 4 else None


def _rounds(steps: Sequence[Step], seen: Observation, length: int) -> int:
    """How many of the last actions are the same as those one round before, on the same pictures."""
    pictures = [step.seen.sha256 for step in steps] + [seen.sha256]
    number = len(steps) - 1
    while (
        number >= length and _same(steps[number], steps[number - length])
        and pictures[number] == pictures[number - length]
        and pictures[number + 1] == pictures[number + 1 - length]
    ):  # fmt: skip
        number -= 1
    repeated = len(steps) - 1 - number
    return repeated + length if repeated else 0


def _same(one: Step, other: Step) -> bool:
    if not (isinstance(one.reply, Decision) and isinstance(other.reply, Decision)):
        return False
    first, second = one.reply.action, other.reply.action
    places = _place(one, first), _place(other, second)
    if places[0] is None or places[1] is None:
        return first == second
    return first.action == second.action and math.dist(places[0], places[1]) <= NEAR and _rest(first) == _rest(second)


def _place(step: Step, action: ComputerAction | BrowserAction) -> Point | None:
    return action.point(step.seen.size) if isinstance(action, _Aimed) else None


def _rest(action: ComputerAction | BrowserAction) -> object:
    """What an action says besides its first target."""
    return action.model_dump(exclude={"bbox_2d", "coordinate"})


def _without_effect(steps: Sequence[Step], effect: Effect | None) -> int:
    effects = [*(step.effect_before for step in steps), effect][1:]
    count = 0
    for step, did in zip(reversed(steps), reversed(effects), strict=True):
        idle = step.outcome is not None and (not step.outcome.ok or did is Effect.UNCHANGED)
        if not idle or (isinstance(step.reply, Decision) and isinstance(step.reply.action, Wait)):
            break
        count += 1
    return count
