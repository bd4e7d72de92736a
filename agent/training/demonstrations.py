"""Reference solutions at work, as lessons: each decision behind the very prompt that a model has there at run time.

What is taught is what was done: the short reply is written first, read back as a model's is, and its action carried
out. Only episodes that the check passes are taught.
"""

import json
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Any, NamedTuple

import numpy as np
from PIL import Image as Pillow

from agent.chat.wire import wire_messages
from agent.guard import circle
from agent.model import in_words
from agent.parse import parse
from agent.prompt import Image, Message, Style, System, messages, styled
from agent.school.acting import completion
from agent.school.holdout import Part, require
from agent.school.lesson import Lesson, Picture
from agent.trace import Completion, Decision, Step
from agent.training.bulk import Tell, Told
from env.base import Effect, Environment, Observation, Probe, Shots
from env.effect import classify
from scenarios.base import Intent, Task
from tools.actions import Action, Answer, BrowserAction, Click, ComputerAction, MouseMove, Terminate
from tools.errors import ScenarioError
from tools.geometry import GRID, Box, to_grid, to_pixel

_REACH = 8
"""Half the side of the box, in units of the grid, that stands for a place where a solution names no box."""
_LONGEST_NAME = 40
_WHOLE = 10**9
"""Tokens that no picture has: lessons hold pictures as they are."""


class Demonstration(NamedTuple):
    """One episode: the task as it was, its steps, and whether the check passed, with its reason."""

    task: Task
    steps: tuple[Step, ...]
    passed: bool
    why: str


async def demonstrate(task: Task, world: Environment, shots: Shots, part: Part = "training") -> Demonstration:
    """Does a task by its reference solution, in a world that is reset for it.

    Raises HeldOutError for a seed of another part, ScenarioError without a solution or where it fails, and EnvError.
    """
    require(task.seed, part)
    oracle, check = task.oracle, task.check
    if oracle is None or check is None:
        raise ScenarioError(f"{task.scenario} has no solution that could be shown, or no check")
    await world.reset(task.setup, task.seed)
    probe = world.probe()
    if task.episode:
        task = replace(task, goal=await task.episode.goal(probe))
    intents, words = oracle(probe, Random(task.seed)), Random(task.seed)
    steps, answer = list[Step](), None
    try:
        while len(steps) < task.limits.steps and not await _over(task, probe):
            seen = await world.observe(shots)
            effect = _effect(steps, seen)
            if await _over(task, probe):  # while the picture came to rest
                break
            intent = await anext(intents, Intent(Terminate(status="success"), ""))
            step = _step(steps, seen, effect, intent, words)
            if isinstance(step.reply, Decision) and isinstance(step.reply.action, Terminate | Answer):
                steps.append(step)
                answer = step.reply.action.text if isinstance(step.reply.action, Answer) else None
                break
            steps.append(step.model_copy(update={"outcome": await world.execute(step.number, _action(step))}))
    finally:
        if isinstance(intents, AsyncGenerator):
            await intents.aclose()
    result = await check.judge(probe, answer)
    return Demonstration(task, tuple(steps), result.passed, result.why)


def demonstrated(style: Style, part: Part = "training") -> Tell:
    """What makes the lessons of a task's solution, told in a style; none where the check does not pass."""

    async def tell(task: Task, world: Environment, shots: Shots) -> Told:
        shown = await demonstrate(task, world, shots, part)
        lessons = taught(task.scenario, shown.task.goal, shown.steps, style)
        return Told(list(lessons) if shown.passed else [], shown.why)

    return tell


def taught(scenario: str, goal: str, steps: Sequence[Step], style: Style) -> Iterator[Lesson]:
    """A lesson for each decision that could be carried out: the prompt in a style, and thought and call as written.

    The system message and the tools are left out: the chat template of a model that learns from this has them in it.
    """
    for count, step in enumerate(steps):
        if not isinstance(step.reply, Decision) or (step.outcome is not None and not step.outcome.ok):
            continue
        told = styled(messages(goal, steps[:count], step.seen, step.effect_before, step.notice), style)
        wired, pictures = as_messages(told)
        yield Lesson(scenario, pictures, wired, _written(step.reply.thought, step.reply.action))


def as_messages(told: tuple[Message, ...]) -> tuple[tuple[dict[str, Any], ...], tuple[Picture, ...]]:
    """Messages as a chat template gets them, and the pictures that they show."""
    spoken = [message for message in told if not isinstance(message, System)]
    wired = wire_messages(spoken, image_tokens=_WHOLE, uuids=False)
    parts = (message.parts for message in spoken if hasattr(message, "parts"))
    shown = [part for some in parts for part in some if isinstance(part, Image)]
    return tuple(_plain(message) for message in wired), tuple(_pixels(image) for image in shown)


def _plain(message: dict[str, Any]) -> dict[str, Any]:
    """A message with bare picture parts, and arguments of calls as objects: so servers hand it to the template."""
    content = message["content"]
    if isinstance(content, list):
        content = [{"type": "image"} if part["type"] == "image_url" else part for part in content]
    calls = [
        call | {"function": call["function"] | {"arguments": json.loads(call["function"]["arguments"])}}
        for call in message.get("tool_calls", ())
    ]
    return message | {"content": content} | ({"tool_calls": calls} if calls else {})


def _pixels(image: Image) -> Picture:
    with Pillow.open(image.path) as picture:
        return np.array(picture.convert("RGB"), np.uint8)


def _step(steps: list[Step], seen: Observation, effect: Effect | None, intent: Intent, words: Random) -> Step:
    """The next step, decided: its reply is written and read as a model's is."""
    action = _boxed(intent.action, seen)
    target = intent.target if len(intent.target) <= _LONGEST_NAME else f"{intent.target[:_LONGEST_NAME]}…"
    thought = in_words(Intent(intent.action, target), words)
    said = Completion(text=_written(thought, action))
    found = circle(steps, seen, effect)
    return Step(
        number=len(steps) + 1, seen=seen, effect_before=effect, notice=found.words if found else "", completion=said,
        reply=parse(said), seconds={},
    )  # fmt: skip


def _written(thought: str, action: Action) -> str:
    call = action.wire()
    return completion(thought, _whole(call["arguments"]), call["name"])


def _action(step: Step) -> ComputerAction | BrowserAction:
    """What was decided. Raises ScenarioError where a solution's own words cannot be read back."""
    if not isinstance(step.reply, Decision):
        raise ScenarioError(f"a reply that was written for a solution cannot be read: {step.reply.why}")
    return step.reply.action


async def _over(task: Task, probe: Probe) -> bool:
    return task.episode is not None and await task.episode.over(probe)


def _effect(steps: list[Step], seen: Observation) -> Effect | None:
    """What the last action did to the picture, as the loop judges it."""
    outcome = steps[-1].outcome if steps else None
    if outcome is None or not outcome.ok:
        return None
    before = (step.outcome.point for step in reversed(steps[:-1]) if step.outcome and step.outcome.point)
    return classify(steps[-1].seen.path, seen.path, outcome.point, seen.size, next(before, None))


def _boxed(action: ComputerAction | BrowserAction, seen: Observation) -> ComputerAction | BrowserAction:
    """The action with a box for its target, around the very pixel where a solution names only that."""
    if not isinstance(action, Click | MouseMove) or action.bbox_2d or action.coordinate is None:
        return action
    middle = to_grid(to_pixel(action.coordinate, seen.size), seen.size)
    reach_x, reach_y = (min(_REACH, int(value), GRID - int(value)) for value in middle)
    box = Box(x1=middle.x - reach_x, y1=middle.y - reach_y, x2=middle.x + reach_x, y2=middle.y + reach_y)
    return action.model_copy(update={"bbox_2d": box, "coordinate": None})


def _whole(arguments: dict[str, Any]) -> dict[str, Any]:
    """Places on whole units of the grid, and whole pixels: what a small model has words for."""
    told = dict(arguments)
    for name in ("coordinate", "coordinate2", "bbox_2d"):
        if name in told:
            told[name] = [round(value) for value in told[name]]
    if "pixels" in told:
        told["pixels"] = round(told["pixels"])
    return told
