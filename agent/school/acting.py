"""Acting on a made-up screen: what is to be done, and the next action, written as a run reads it."""

import json
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

from agent.school import words
from agent.school.questions import NoQuestionError, called, grid
from agent.school.screens import Screen
from agent.school.sheet import Element


class Done(NamedTuple):
    """A goal, and the completion that does the next thing for it."""

    goal: str
    completion: str


def completion(thought: str, arguments: dict[str, Any], tool: str = "computer_use") -> str:
    """A short thought that names the target, and the call, as `agent.parse` reads it."""
    call = json.dumps({"name": tool, "arguments": arguments}, ensure_ascii=False).replace("</think>", "\\u003c/think>")
    return f"{thought}\n</think>\n\n<tool_call>\n{call}\n</tool_call>"


def act(rng: Random, screen: Screen) -> Done:
    """One instruction and its next step. Raises NoQuestionError: this cannot be asked of this screen."""
    return rng.choices(_ACTS, (8, 3, 4, 1))[0](rng, screen)


_CLICKED = ("button", "link", "tab", "menu item", "icon", "list item", "radio button", "dropdown", "option", "input")
_SAYINGS = (
    "Click {target}.", "Click on {target}.", "Click the {role} {name}.", "Click on the {role} {name}.",
    "Press {target}.", "Click the {name} {role}.", "Use {target}.", "Open {target}.",
    "Select {target}.", "Choose {name}.",
)  # fmt: skip


def _click(rng: Random, screen: Screen) -> Done:
    """One click on what the goal names."""
    one = _one(rng, screen, lambda one: one.role in _CLICKED and one.state != "disabled")
    target = called(one, screen)
    goal = rng.choice(_SAYINGS).format(target=target, role=one.role, name=f'"{one.name}"')
    if target.startswith("the ") and one.role not in goal:
        raise NoQuestionError
    return Done(goal, _clicking(screen, one))


def _check(rng: Random, screen: Screen) -> Done:
    """Checkboxes that are to be checked, and then the button; those that are checked already need nothing."""
    boxes = [one for one in screen.elements if one.role == "checkbox"]
    if not boxes:
        raise NoQuestionError
    wanted = rng.sample(boxes, rng.randint(1, min(len(boxes), 3)))
    button = next((one for one in screen.elements if one.role == "button" and not one.state), None)
    named = ", ".join(one.name for one in wanted)
    for one in wanted:
        called(one, screen)
    goal = f"Select {named} and click {button.name}." if button else f"Select {named}."
    ahead = [one for one in sorted(wanted, key=lambda one: one.box.top) if one.state == "unchecked"]
    if ahead:
        return Done(goal, _clicking(screen, ahead[0]))
    return Done(goal, _clicking(screen, button) if button else _END)


def _fill(rng: Random, screen: Screen) -> Done:
    """A text that belongs into a field: a click first, then the text, where the keyboard is there already."""
    ready = [one for one in screen.elements if one.role == "input" and one.state == "focused" and not one.text]
    one = rng.choice(ready) if ready else _one(rng, screen, lambda one: one.role == "input")
    called(one, screen)  # or it is not clear which is meant
    text = words.text(rng)
    goal = rng.choice((f'Enter "{text}" into the field "{one.name}".', f'Type "{text}" into {one.name}.'))
    if one.state != "focused":
        return Done(goal, _clicking(screen, one))
    if one.text:
        raise NoQuestionError
    return Done(goal, completion(f'Type "{text}".', {"action": "type", "text": text}))


def _nothing(rng: Random, screen: Screen) -> Done:
    """A goal that is reached already."""
    one = _one(rng, screen, lambda one: one.state == "checked")
    called(one, screen)
    return Done(f'Make sure that "{one.name}" is checked.', _END)


_ACTS: tuple[Callable[[Random, Screen], Done], ...] = (_click, _check, _fill, _nothing)
_END = completion("Everything is done.", {"action": "terminate", "status": "success"})


def _clicking(screen: Screen, one: Element) -> str:
    box = grid(screen, one.box)
    return completion(f'Click the {one.role} "{one.name}".', {"action": "left_click", "bbox_2d": box})


def _one(rng: Random, screen: Screen, fits: Callable[[Element], bool]) -> Element:
    those = [one for one in screen.elements if one.name and fits(one)]
    if not those:
        raise NoQuestionError
    return rng.choice(those)
