"""The actions of a world as spaces of Gymnasium: fields of numbers and a text, or a model's whole reply as text."""

import json
from collections.abc import Sequence
from typing import Any, Protocol, get_args

import numpy as np
from gymnasium import spaces
from pydantic import ValidationError

from agent.parse import parse
from agent.trace import Completion, Decision, Unreadable
from scenarios.base import AnyWorld
from scenarios.schema import meant
from tools.actions import ACTION, VERBS, BrowserAction, ComputerAction, Pointing
from tools.errors import UserError
from tools.geometry import GRID

LETTERS = "\n\t" + "".join(map(chr, range(32, 127)))
"""What samples of a text are made of; an action may hold any."""
LONGEST_TEXT, LONGEST_REPLY = 200, 8192
FARTHEST = 1000.0
"""Pixels that one action scrolls."""
LONGEST_WAIT = 5.0
"""Seconds that one action waits."""
MOST_TABS = 10
_SHARES = {
    "coordinate": ((0, 0), GRID), "coordinate2": ((0, 0), GRID), "pixels": (0, FARTHEST), "time": (0, LONGEST_WAIT),
}  # fmt: skip
"""Numbers by their fields: none, and the whole of which a field is a share."""
_CLASSES = {
    get_args(cls.model_fields["action"].annotation)[0]: cls for union in (ComputerAction, BrowserAction)
    for cls in get_args(union)
}  # fmt: skip


class Acting(Protocol):
    """How actions are written: a space, and the way to and from the union of actions."""

    space: spaces.Space[Any]

    def read(self, action: Any) -> Decision | Unreadable:
        """What an element of the space means. What is none of a world's actions is unreadable, never an error."""
        ...

    def write(self, action: ComputerAction | BrowserAction) -> Any:
        """The element of the space that means this action, aimed at the middle of its box."""
        ...


class Fields:
    """A verb, and a field for everything that any verb needs; a verb takes what it needs, and leaves the rest.

    `action` is the index of the verb in `verbs`; `coordinate` and `coordinate2` are shares of the screen's width and
    height; `text` is what is typed or answered, an address, or keys such as `ctrl+s`; `pixels` and `time` are shares of
    FARTHEST and LONGEST_WAIT; `success` is how the task ends. Numbers are small because policies learn them so.
    """

    def __init__(self, world: AnyWorld, verbs: Sequence[str] | None = None) -> None:
        """All verbs of a world, or those named. Raises UserError for a verb that it has not."""
        known = [verb for tool, some in VERBS.items() if tool != "browser" or world == "browser" for verb in some]
        for verb in verbs or ():
            if verb not in known:
                raise UserError(f"a {world} has no action {verb!r}", remedy=meant(verb, known) or ", ".join(known))
        self.verbs = tuple(verbs or known)
        self.space: spaces.Space[Any] = spaces.Dict({
            "action": spaces.Discrete(len(self.verbs)),
            "coordinate": spaces.Box(0, 1, (2,), np.float32),
            "coordinate2": spaces.Box(0, 1, (2,), np.float32),
            "text": spaces.Text(LONGEST_TEXT, min_length=0, charset=LETTERS),
            "pixels": spaces.Box(-1, 1, (), np.float32),
            "time": spaces.Box(0, 1, (), np.float32),
            "success": spaces.Discrete(2),
            "tab": spaces.Discrete(MOST_TABS),
        })  # fmt: skip

    def read(self, action: Any) -> Decision | Unreadable:
        """The verb with its fields."""
        verb = self.verbs[int(action["action"])]
        needed = _CLASSES[verb].model_fields.keys() - {"action", "bbox_2d"}
        arguments = {name: _argument(name, action) for name in needed}
        try:
            done = ACTION.validate_python({"action": verb, **arguments})
        except ValidationError as error:
            return Unreadable(why=f"{verb}: {error.errors(include_url=False)[0]['msg']}", raw="")
        return Decision(thought="", say=verb, action=done)

    def write(self, action: ComputerAction | BrowserAction) -> dict[str, Any]:
        """Fields that the verb does not need are zero."""
        given = action.model_dump(exclude_none=True)
        if isinstance(action, Pointing) and action.place:
            given["coordinate"] = action.place
        keys = "+".join("plus" if key == "+" else key for key in given.get("keys", ()))
        numbers = {name: np.array(given.get(name, zero), np.float32) / whole for name, (zero, whole) in _SHARES.items()}
        return numbers | {
            "action": np.int64(self.verbs.index(action.action)),
            "text": given.get("text", given.get("url", keys)),
            "success": np.int64(given.get("status") == "success"),
            "tab": np.int64(given.get("tab", 0)),
        }


def _argument(name: str, action: Any) -> Any:
    match name:
        case "coordinate" | "coordinate2" | "pixels" | "time":
            return np.round(action[name] * _SHARES[name][1], 2).tolist()
        case "status":
            return "success" if action["success"] else "failure"
        case "tab":
            return int(action["tab"])
        case "url":
            return str(action["text"]) or None
    return str(action["text"])  # a text, or keys


class Replies:
    """A model's reply, read as in a run: a thought, a sentence, a call; or only the call as JSON."""

    def __init__(self) -> None:
        self.space: spaces.Space[Any] = spaces.Text(LONGEST_REPLY, min_length=0, charset=LETTERS)

    def read(self, action: Any) -> Decision | Unreadable:
        """The decision in it."""
        return parse(Completion(text=str(action)))

    def write(self, action: ComputerAction | BrowserAction) -> str:
        """The call."""
        return json.dumps(action.wire())
