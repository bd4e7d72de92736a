"""Hands of an X display: pointer and named keys by pyautogui, characters by tools.typing_x11.

pyautogui looks keys up in the key map of the moment of its import, and characters in that of an American keyboard: what
a character's key is, tools.typing_x11 asks the server.
"""

import asyncio
import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, TypeVar, TypeVarTuple

from tools import keys
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
    MouseMove,
    Outcome,
    RightClick,
    Scroll,
    TripleClick,
    Type,
)
from tools.base import Hands
from tools.errors import EnvError
from tools.geometry import Point, Size, to_pixel
from tools.typing_x11 import Typist, Untypable, symbol_of
from tools.x11 import lost_display

PIXELS_A_NOTCH = 50
"""How far a notch of the wheel goes, about: 53 pixels in Chromium, three lines of text elsewhere."""

MOST_NOTCHES = 200
"""Of one action; more is a slip of the model, and keeps an application busy for long."""

SEPARATE = 0.51
"""Seconds between two clicks that are not to make a double click: GTK and Qt join them up to 0.4 s, others to 0.5."""

NEAR = 10
"""Pixels between two clicks that might make a double click: GTK joins them up to 5."""

BETWEEN = 0.03
"""Seconds between the clicks of a double click: two in one millisecond are one to Chromium."""

DRAG = 0.3
"""Seconds on the way of a drag: programs begin one after some pixels, and look at several points of the way."""

DROP = 0.3
"""Seconds for the last pixels of a drag, and again before the button goes up: in web pages and between programs the
target has to say that it takes what is dragged, and is asked only when the pointer moves over it."""

LAST = 6
"""Pixels that a drag ends slowly on."""

_BUTTONS: dict[type, tuple[str, int]] = {
    LeftClick: ("left", 1),
    RightClick: ("right", 1),
    MiddleClick: ("middle", 1),
    DoubleClick: ("left", 2),
    TripleClick: ("left", 3),
    LeftClickDrag: ("left", 1),
}

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_Pressing = Click | LeftClickDrag
_Pointing = _Pressing | MouseMove | Scroll | HScroll


class Desktop(Hands):
    """Acts on the display that DISPLAY names, on a thread of its own.

    pyautogui keeps to one display for the life of the process: another display needs another process.
    Raises EnvError when there is no such display.
    """

    def __init__(self) -> None:
        self._name = os.environ.get("DISPLAY", "")
        self._last_press = ("", Point(0, 0), 0.0)  # button, pixel, time.monotonic() afterwards
        self._thread = ThreadPoolExecutor(1, "hands")
        try:
            self._thread.submit(self._open).result()
        except EnvError:
            self._thread.shutdown()
            raise

    def _open(self) -> None:
        typist = Typist(self._name)
        try:
            self._gui = _pyautogui(self._name)
        except EnvError:
            typist.close()
            raise
        self._typist = typist

    async def do(self, action: ComputerAction | BrowserAction, size: Size) -> Outcome:
        """Does one action on a screen of `size` pixels; ends when the X server has it.

        An unknown key, a character that no key gives, an application that hangs while it is typed into, a verb of the
        browser: `Outcome(ok=False)`. `wait`, `terminate` and `answer` touch nothing. Raises EnvError when the display
        is gone.
        """
        if isinstance(action, _Pressing):
            await asyncio.sleep(await self._run(self._until_separate, action, size))
        return await self._run(self._do, action, size)

    async def release(self) -> None:
        """Lets go of every key and button that the X server holds for pressed. Raises EnvError."""
        await self._run(self._typist.release)

    def close(self) -> None:
        """Ends the thread and the connection for typing (pyautogui keeps its own). Idempotent."""
        self._thread.shutdown()
        with suppress(EnvError):
            self._typist.close()

    async def _run(self, job: Callable[[*Ts], T], *args: *Ts) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, job, *args)

    def _do(self, action: ComputerAction | BrowserAction, size: Size) -> Outcome:
        refused = ""
        try:
            with lost_display(self._name):
                if isinstance(action, _Pointing):
                    self._point(action, size)
                else:
                    refused = self._act(action)
        except (keys.UnknownKey, Untypable) as error:
            refused = str(error)
        point = action.point(size) if isinstance(action, _Pointing) else None
        return Outcome(ok=not refused, note=refused or "ok", point=point)

    def _act(self, action: ComputerAction | BrowserAction) -> str:
        """Does what needs no pointer; returns why it could not be done, or nothing."""
        match action:
            case Key(keys=names):
                self._chord(names)
            case Type(text=text):
                self._typist.type(text)
            case _ if action.tool == "browser":
                return f"this world has no tool 'browser', hence no {action.action}: use what is on the screen"
        return ""

    def _point(self, action: _Pointing, size: Size) -> None:
        if start := _start(action, size):
            self._gui.moveTo(*start)
        match action:
            case Scroll(pixels=pixels):
                self._gui.scroll(_notches(pixels))
            case HScroll(pixels=pixels):
                self._gui.hscroll(_notches(pixels))
            case MouseMove():
                pass
            case _:
                self._press(action, size)

    def _press(self, action: _Pressing, size: Size) -> None:
        button, times = _BUTTONS[type(action)]
        place = Point(*self._gui.position())
        if isinstance(action, LeftClickDrag):
            self._drag(to_pixel([spot for spot in (action.place, action.coordinate2) if spot][-1], size))
        else:
            self._gui.click(button=button, clicks=times, interval=BETWEEN if times > 1 else 0)
        self._last_press = (button, place, time.monotonic())

    def _drag(self, end: Point) -> None:
        self._gui.mouseDown(button="left")
        try:
            self._gui.moveTo(*_short_of(end, self._gui.position()), duration=DRAG)
            self._gui.moveTo(*end, duration=DROP)
            self._gui.sleep(DROP)
        finally:
            self._gui.mouseUp(button="left")

    def _until_separate(self, action: _Pressing, size: Size) -> float:
        """Seconds until a press there makes no double click with the last one any more."""
        button, place, when = self._last_press
        with lost_display(self._name):
            far = math.dist(place, _start(action, size) or self._gui.position()) > NEAR
        return 0 if far or button != _BUTTONS[type(action)][0] else max(0, when + SEPARATE - time.monotonic())

    def _chord(self, names: Sequence[str]) -> None:
        """Presses keys in order and lets go of them in reverse, come what may."""
        chord = keys.chord(names)
        codes = self._gui.platformModule.keyboardMapping  # None or 0 for what the key map lacks
        others = [key for key in chord if key.char or not codes.get(key.pyautogui)]
        strokes = dict(zip(others, self._typist.strokes([symbol_of(key) for key in others]), strict=True))
        with ExitStack() as held:
            for key in chord:
                if stroke := strokes.get(key):
                    held.callback(self._typist.lift, stroke)
                    self._typist.press(stroke)
                else:
                    held.callback(self._gui.keyUp, key.pyautogui)
                    self._gui.keyDown(key.pyautogui)


def _pyautogui(display: str) -> Any:
    """The module, working this display without pauses. Raises EnvError where it works another one."""
    # It does without these: the one ends the process where Tk is missing, the other starts programs.
    with lost_display(display), _absent("mouseinfo", "pyscreeze"):
        import pyautogui
    bound = pyautogui.platformModule._display.get_display_name()
    if bound != display:
        raise EnvError(f"pyautogui works {bound!r} in this process, and cannot work {display!r} as well")
    pyautogui.PAUSE = 0
    pyautogui.FAILSAFE = False  # it would raise at every call once the pointer is in a corner
    return pyautogui


@contextmanager
def _absent(*modules: str) -> Iterator[None]:
    """Modules that cannot be imported meanwhile, unless they were before."""
    absent = [name for name in modules if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # how the import system spells "absent"
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


def _start(action: _Pointing, size: Size) -> Point | None:
    """The pixel that the pointer goes to first, None where it stays."""
    return None if isinstance(action, LeftClickDrag) and not action.coordinate2 else action.point(size)


def _short_of(end: Point, start: tuple[int, int]) -> tuple[float, float]:
    """The place on the way from `start` where its last pixels begin."""
    rest = LAST / max(LAST, math.dist(start, end))
    return end.x + (start[0] - end.x) * rest, end.y + (start[1] - end.y) * rest


def _notches(pixels: float) -> int:
    """Notches of the wheel for a way in pixels: at least one, unless the way is 0."""
    notches = min(MOST_NOTCHES, max(1, round(abs(pixels) / PIXELS_A_NOTCH))) if pixels else 0
    return int(math.copysign(notches, pixels))
