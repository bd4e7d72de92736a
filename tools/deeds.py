"""What a person did, gathered from the events of their mouse and keyboard to actions. Pure: no screen, no clock.

One action is held back until the next event shows that it is over: a second click makes a double one, another key
belongs to the same text. Moves of the pointer are no events here; what a drag passes on its way is not kept.
"""

import math
from typing import NamedTuple

from tools.actions import (
    BrowserAction,
    Click,
    ComputerAction,
    DoubleClick,
    HScroll,
    Key,
    LeftClick,
    LeftClickDrag,
    MiddleClick,
    RightClick,
    Scroll,
    TripleClick,
    Type,
)
from tools.geometry import Box, Point, Rect, Size, to_grid

AGAIN = 0.5
"""Seconds within which a second click makes a double click."""
NEAR = 5
"""Pixels that it may be away from the first; GTK's figure."""
STILL = 6
"""Pixels that the pointer may move in a click; farther is a drag. Programs begin one after 4 to 8."""
AROUND = 8
"""Pixels from a place to the sides of the box that stands for it."""
_SAME_PLACE = 50
"""Pixels that the pointer may move while the wheel turns."""


class Target(NamedTuple):
    """What is at a place: words for it, and its rectangle where a click in the middle does the same."""

    words: str = ""
    rect: Rect | None = None


UNKNOWN = Target()


class Press(NamedTuple):
    """A mouse button went down: 1 left, 2 middle, 3 right. `when` is a time in seconds, of one clock for all events.

    `held` are the modifiers held down. `nth` says the how-manieth click of a row it is, 0 where nobody tells.
    """

    button: int
    point: Point
    when: float
    target: Target = UNKNOWN
    held: tuple[str, ...] = ()
    nth: int = 0


class Release(NamedTuple):
    """A mouse button went up."""

    button: int
    point: Point
    when: float


class Wheel(NamedTuple):
    """The wheel turned by so many pixels: up and right are positive."""

    point: Point
    when: float
    up: float = 0
    right: float = 0
    target: Target = UNKNOWN


class Char(NamedTuple):
    """A text was typed, mostly one character; of a secret nothing but that."""

    text: str
    when: float
    target: Target = UNKNOWN
    secret: bool = False


class Chord(NamedTuple):
    """Keys were pressed together, or one that gives no character; names as `tools.keys` has them."""

    keys: tuple[str, ...]
    when: float
    target: Target = UNKNOWN


class Went(NamedTuple):
    """The person used the browser around the page."""

    action: BrowserAction
    when: float


Event = Press | Release | Wheel | Char | Chord | Went


class Gathered(NamedTuple):
    """An action, when it began, what it was done to, in words, and what of it no action can say."""

    action: ComputerAction | BrowserAction
    when: float
    target: str = ""
    lost: str = ""


class _Pressed(NamedTuple):
    first: Press
    last: float
    clicks: int = 1
    up: Point | None = None


_CLICKS: dict[tuple[int, int], type[Click]] = {
    (1, 1): LeftClick, (1, 2): DoubleClick, (1, 3): TripleClick, (2, 1): MiddleClick, (3, 1): RightClick,
}  # fmt: skip


class Gathering:
    """Takes events in order and gives actions on a screen of `size`. `hidden` is what a secret is written as."""

    def __init__(self, size: Size, hidden: str = "") -> None:
        self._size, self._hidden = size, hidden
        self._pending: _Pressed | Wheel | Char | Chord | Went | None = None

    @property
    def began(self) -> float | None:
        """When the action began that is held back, if there is one."""
        if isinstance(self._pending, _Pressed):
            return self._pending.first.when
        return self._pending.when if self._pending else None

    def take(self, event: Event) -> Gathered | None:
        """The action that this event shows to be over, if it does."""
        if isinstance(event, Release):
            if isinstance(self._pending, _Pressed) and self._pending.first.button == event.button:
                self._pending = self._pending._replace(up=event.point)
            return None
        if isinstance(event, Chord) and event.keys == ("backspace",) and isinstance(self._pending, Char):
            self._pending = self._corrected(self._pending)
            return None
        if isinstance(event, Wheel) and not (event.up or event.right):
            return None
        if (more := self._continued(event)) is not None:
            self._pending = more
            return None
        over = self.finish()
        self._pending = _Pressed(event, event.when) if isinstance(event, Press) else event
        return over

    def finish(self) -> Gathered | None:
        """The action that was held back, if any: nothing more comes."""
        pending, self._pending = self._pending, None
        match pending:
            case None:
                return None
            case _Pressed():
                return self._clicked(pending)
            case Wheel():
                action = HScroll if pending.right else Scroll
                box, pixels = _around(pending.point, self._size), pending.right or pending.up
                return Gathered(action(bbox_2d=box, pixels=pixels), pending.when, pending.target.words)
            case Char():
                text = self._hidden if pending.secret else pending.text
                return Gathered(Type(text=text), pending.when, pending.target.words)
            case Chord():
                return Gathered(Key(keys=pending.keys), pending.when, pending.target.words)
            case Went():
                return Gathered(pending.action, pending.when)

    def _corrected(self, typed: Char) -> Char | None:
        """A text less its last character: what was taken back at once was never meant."""
        if typed.secret:
            return typed
        return typed._replace(text=typed.text[:-1]) if len(typed.text) > 1 else None

    def _continued(self, event: Event) -> _Pressed | Wheel | Char | None:
        """What is held back, with the event added that belongs to it."""
        match self._pending, event:
            case _Pressed() as before, Press() if _goes_on(before, event):
                return before._replace(last=event.when, clicks=before.clicks + 1, up=None)
            case Char() as before, Char() if before.secret == event.secret:
                return before._replace(text=before.text + event.text)
            case Wheel() as before, Wheel() if _same_way(before, event):
                return before._replace(up=before.up + event.up, right=before.right + event.right)
        return None

    def _clicked(self, pressed: _Pressed) -> Gathered:
        press, up = pressed.first, pressed.up
        words, lost = press.target.words, ""
        if press.held:
            lost = f"{'+'.join(press.held)} was held down"
        if up is None:
            lost = "where the button went up"
        here = _around(press.point, self._size)
        if press.button == 1 and up is not None and math.dist(press.point, up) > STILL:
            drag = LeftClickDrag(bbox_2d=here, coordinate2=to_grid(up, self._size))
            return Gathered(drag, press.when, words, lost)
        kind = _CLICKS.get((press.button, pressed.clicks)) or _CLICKS[press.button, 1]
        rect = press.target.rect
        box = Box.from_rect(rect, self._size) if rect else here
        return Gathered(kind(bbox_2d=box), press.when, words, lost)


def _goes_on(before: _Pressed, press: Press) -> bool:
    """Whether a press is one click more of a row."""
    first = before.first
    if press.button != 1 or first.button != 1 or before.clicks == 3 or before.up is None:
        return False
    if math.dist(first.point, press.point) > NEAR or math.dist(first.point, before.up) > STILL:
        return False
    return press.nth == before.clicks + 1 if press.nth else press.when - before.last <= AGAIN


def _same_way(before: Wheel, turn: Wheel) -> bool:
    along = before.up * turn.up > 0 or before.right * turn.right > 0
    return along and math.dist(before.point, turn.point) <= _SAME_PLACE


def _around(point: Point, size: Size) -> Box:
    """A small box with a place in its middle, smaller at the edge of the screen."""
    reach = min(AROUND, point.x, point.y, size.width - 1 - point.x, size.height - 1 - point.y)
    half = max(0, reach)
    return Box.from_rect(Rect(point.x - half, point.y - half, point.x + half, point.y + half), size)
