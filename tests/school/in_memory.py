"""A world whose only task is to click a button that stands somewhere else for every seed, and lessons of it."""

import io
import json
from random import Random
from typing import Any

import numpy as np
from PIL import Image

from agent.school.lesson import Lesson, Letter
from env.screens import Button, Screen, Show, Shown, Write, draw
from env.scripted import ScriptedWorld
from scenarios.base import Limits, Task
from tests.agent.desk import FileHolds, a_task
from tools.geometry import Box, Point, Rect, Size

SIZE = Size(160, 96)
GOAL = "Click the button."
_END = {"action": "terminate", "status": "success"}


def task(seed: int) -> Task:
    """To click the button of a seed."""
    return a_task(scenario="test/click", seed=seed, goal=GOAL, size=SIZE, check=FileHolds("clicked", "yes"),
                  limits=Limits(steps=4, seconds=300), oracle=None, near_miss=None)  # fmt: skip


def world() -> ScriptedWorld:
    """Where that can be done."""
    return ScriptedWorld(_app, SIZE)


def lesson(seed: int) -> Lesson:
    """The click on the button of a seed, or the end after it."""
    rect = _place(Random(seed))
    call = {"action": "left_click", "bbox_2d": [round(side) for _, side in Box.from_rect(rect, SIZE)]}
    asked = {"type": "text", "text": f"Instruction: {GOAL}"}
    if seed % 4:
        x, y = rect.center
        letters = (Letter("G", x - 10, y - 7, x, y + 7), Letter("o", x, y - 7, x + 10, y + 7))
        told = _told([{"type": "image"}, asked])
        return Lesson("click", (_shown("Ask", rect, None),), told, _completion(call), letters)
    before = _told([{"type": "text", "text": "(an older screenshot was here)"}, asked])
    said = {"name": "computer_use", "arguments": json.dumps(call)}
    clicked = {"role": "assistant", "content": "Action: left_click", "tool_calls": [{"function": said}]}
    result = [{"type": "text", "text": "ok; the screen changed at the target"}, {"type": "image"}]
    told = (*before, clicked, {"role": "tool", "content": result})
    return Lesson("end", (_shown("Done", None, rect.center),), told, _completion(_END))


def _completion(call: dict[str, Any]) -> str:
    return f"\n</think>\n\n<tool_call>\n{json.dumps({'name': 'computer_use', 'arguments': call})}\n</tool_call>"


def _told(parts: list[dict[str, str]]) -> tuple[dict[str, Any], ...]:
    return ({"role": "user", "content": parts},)


def _place(random: Random) -> Rect:
    left, top = 8 + 24 * random.randrange(6), 32 + 16 * random.randrange(4)
    return Rect(left, top, left + 24, top + 14)


def _app(random: Random) -> dict[str, Screen]:
    button = Button("Go", _place(random), (Write("clicked", "yes"), Show("done")))
    return {"ask": Screen("Ask", (button,)), "done": Screen("Done", ())}


def _shown(title: str, button: Rect | None, pointer: Point | None) -> Any:
    widgets = (Shown("button", "Go", "", button),) if button else ()
    png = draw(title, widgets, SIZE, pointer, 0)
    return np.array(Image.open(io.BytesIO(png)).convert("RGB"))
