"""What can be done: one frozen union that drives the parser, the hands, the log and the docs.

The verbs are those that Qwen3-VL was trained on (`computer_use`: QwenLM/Qwen3-VL,
cookbooks/utils/agent_function_call.py); `bbox_2d` and `coordinate2` are added parameters. What a page without a browser
frame needs is a second tool, `browser`.
On the wire an action is `{"name": <tool>, "arguments": {"action": <verb>, ...}}`.
"""

from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator, model_validator

from tools.geometry import Box, GridPoint, Point, Size, to_pixel

LONGEST_WAIT = 30.0
"""Seconds; a longer `wait` is cut to this."""


class _Verb(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    tool: ClassVar[str] = "computer_use"

    def wire(self) -> dict[str, Any]:
        """The call as the model writes it, optional parameters left out when unset."""
        arguments = self.model_dump(mode="json", exclude_none=True)
        return {"name": self.tool, "arguments": {"action": arguments.pop("action"), **_whole(arguments)}}


def _whole(value: Any) -> Any:
    """Whole numbers without a decimal point, as the model was trained to write them."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {k: _whole(v) for k, v in value.items()}
        case list():
            return [_whole(v) for v in value]
        case _:
            return value


class Pointing(_Verb):
    """An action with a target: a box (clicked at its centre) or a place; where both are given the box decides."""

    bbox_2d: Box | None = None
    coordinate: GridPoint | None = None

    @model_validator(mode="before")
    @classmethod
    def _box_in_coordinate(cls, value: object) -> object:
        """A `coordinate` of four numbers is a box: models write it now and then."""
        if isinstance(value, dict) and isinstance(c := value.get("coordinate"), list | tuple) and len(c) == 4:
            return {**value, "bbox_2d": value.get("bbox_2d") or c, "coordinate": None}
        return value

    @property
    def place(self) -> GridPoint | None:
        """Where on the grid the action goes."""
        return self.bbox_2d.center if self.bbox_2d else self.coordinate

    def point(self, size: Size) -> Point | None:
        """Where on a screen of `size` the action goes, in pixels."""
        return None if self.place is None else to_pixel(self.place, size)


class Targeted(Pointing):
    """An action that cannot do without a target."""

    @model_validator(mode="after")
    def _needs_a_target(self) -> Self:
        if self.place is None:
            raise ValueError("a target is missing: give bbox_2d [x1, y1, x2, y2] or coordinate [x, y], 0 to 1000")
        return self


class Key(_Verb):
    """Press keys together: down in order, up in reverse."""

    action: Literal["key"] = "key"
    keys: tuple[str, ...] = Field(min_length=1)

    @field_validator("keys", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """`"ctrl+c"` is `["ctrl", "c"]`; a plus sign alone stays itself."""
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, list | tuple) or not all(isinstance(n, str) and n for n in names):
            return names
        return tuple(part for n in names for part in (n.split("+") if "+" in n.strip("+") else [n]))


class Type(_Verb):
    """Type a text exactly, in any script."""

    action: Literal["type"] = "type"
    text: str


class MouseMove(Targeted):
    """Move the pointer."""

    action: Literal["mouse_move"] = "mouse_move"


class LeftClick(Targeted):
    """Click the left button."""

    action: Literal["left_click"] = "left_click"


class LeftClickDrag(Targeted):
    """Drag with the left button from where the pointer is to the target."""

    action: Literal["left_click_drag"] = "left_click_drag"
    coordinate2: GridPoint | None = None
    """Where the drag ends; it then begins at the target."""


class RightClick(Targeted):
    """Click the right button."""

    action: Literal["right_click"] = "right_click"


class MiddleClick(Targeted):
    """Click the middle button."""

    action: Literal["middle_click"] = "middle_click"


class DoubleClick(Targeted):
    """Click the left button twice."""

    action: Literal["double_click"] = "double_click"


class TripleClick(Targeted):
    """Click the left button three times (selects a line)."""

    action: Literal["triple_click"] = "triple_click"


class Scroll(Pointing):
    """Turn the wheel over the target, or where the pointer is: positive pixels up, negative down."""

    action: Literal["scroll"] = "scroll"
    pixels: float = Field(allow_inf_nan=False)


class HScroll(Pointing):
    """Turn the wheel sideways: positive pixels right, negative left."""

    action: Literal["hscroll"] = "hscroll"
    pixels: float = Field(allow_inf_nan=False)


class Wait(_Verb):
    """Let the screen go on for `time` seconds."""

    action: Literal["wait"] = "wait"
    time: float = Field(ge=0, allow_inf_nan=False)

    @field_validator("time")
    @classmethod
    def _capped(cls, value: float) -> float:
        return min(value, LONGEST_WAIT)


class Terminate(_Verb):
    """End the task."""

    action: Literal["terminate"] = "terminate"
    status: Literal["success", "failure"]


class Answer(_Verb):
    """End the task with an answer to the question it asked."""

    action: Literal["answer"] = "answer"
    text: str


class _BrowserVerb(_Verb):
    tool: ClassVar[str] = "browser"


class Goto(_BrowserVerb):
    """Load an address in the current tab."""

    action: Literal["goto"] = "goto"
    url: str


class Back(_BrowserVerb):
    """Go back one page."""

    action: Literal["back"] = "back"


class NewTab(_BrowserVerb):
    """Open a tab, and an address in it."""

    action: Literal["new_tab"] = "new_tab"
    url: str | None = None


class SwitchTab(_BrowserVerb):
    """Bring the tab with this number to the front, counted from 0."""

    action: Literal["switch_tab"] = "switch_tab"
    tab: int = Field(ge=0)


ComputerAction = (
    Key | Type | MouseMove | LeftClick | LeftClickDrag | RightClick | MiddleClick | DoubleClick | TripleClick
    | Scroll | HScroll | Wait | Terminate | Answer
)  # fmt: skip
BrowserAction = Goto | Back | NewTab | SwitchTab
Click = LeftClick | RightClick | MiddleClick | DoubleClick | TripleClick

Action = Annotated[ComputerAction | BrowserAction, Field(discriminator="action")]
ACTION: TypeAdapter[ComputerAction | BrowserAction] = TypeAdapter(Action)

VERBS: dict[str, tuple[str, ...]] = {
    tool: tuple(get_args(cls.model_fields["action"].annotation)[0] for cls in get_args(union))
    for tool, union in (("computer_use", ComputerAction), ("browser", BrowserAction))
}
"""The verbs of each tool, in the order of the trained enum."""


class Outcome(BaseModel):
    """What became of one action, told to the model. `point` is the pixel that was aimed at."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ok: bool
    note: str = "ok"
    point: Point | None = None
