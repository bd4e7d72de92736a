"""Hands of an X display: the pointer and named keys by pyautogui, characters by tools.typing_x11."""

import asyncio
import os
import sys
import time
import types
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

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
from tools.errors import EnvError, UserError
from tools.geometry import Point, Size, to_pixel
from tools.keys import Key as NamedKey
from tools.keys import UnknownKey, find
from tools.typing_x11 import Typist, Untypable, symbol_of
from tools.x11 import lost_display

PIXELS_A_NOTCH = 50
"""How far one notch of the wheel goes, roughly: 53 pixels in Chromium, three lines of text elsewhere."""

MOST_NOTCHES = 200
"""Of one action: more is a slip of the model, and would keep the application busy for minutes."""

SEPARATE = 0.51
"""Seconds between clicks that are to count as two: toolkits take up to 0.5 s for a double click (GTK and Qt 0.4)."""

NEAR = 10
"""Pixels within which toolkits may see a double click (GTK 5)."""

DRAG = 0.3
"""Seconds that a drag takes: HTML's drag and drop begins in another process after some pixels, and misses faster ones."""

_CLICKS: dict[type, tuple[str, int]] = {
    LeftClick: ("left", 1),
    RightClick: ("right", 1),
    MiddleClick: ("middle", 1),
    DoubleClick: ("left", 2),
    TripleClick: ("left", 3),
    LeftClickDrag: ("left", 1),
}

_Pointing = Click | MouseMove | LeftClickDrag | Scroll | HScroll


class Desktop(Hands):
    """Acts on the display that DISPLAY names, on a thread of its own.

    pyautogui keeps to one display for the life of the process: another display needs another process.
    Raises EnvError when there is no such display.
    """

    def __init__(self) -> None:
        self._name = os.environ.get("DISPLAY", "")
        self._last_press: tuple[str, Point, float] | None = None  # button, pixel, time.monotonic() of its release
        self._thread = ThreadPoolExecutor(1, "hands")
        self._thread.submit(self._open).result()

    def _open(self) -> None:
        with lost_display(self._name):
            self._typist = Typist(self._name)
            # pyautogui only offers its window, opens a display for it, and ends the process where Tk is missing.
            sys.modules.setdefault("mouseinfo", types.ModuleType("mouseinfo"))
            import pyautogui
        pyautogui.PAUSE = 0
        pyautogui.FAILSAFE = False  # else a pointer in a corner makes every later call raise
        self._gui: Any = pyautogui
        bound = pyautogui.platformModule._display.get_display_name()
        if bound != self._name:
            raise EnvError(f"pyautogui works display {bound!r} in this process, and cannot work {self._name!r} as well")

    async def do(self, action: ComputerAction | BrowserAction, size: Size) -> Outcome:
        """Does one action on a screen of `size` pixels; ends when the X server has it.

        An unknown key, a character that no key can give, an application that hangs while it is typed into, a verb of
        the browser: `Outcome(ok=False)`. `wait`, `terminate` and `answer` touch nothing. Raises EnvError when the
        display is gone.
        """
        await asyncio.sleep(self._apart(action, size))
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._do, action, size)

    async def release(self) -> None:
        """Lets go of every key and button that the X server holds for pressed. Raises EnvError."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._typist.release)

    def close(self) -> None:
        """Gives up the thread and the connection for typing; pyautogui's stays. Idempotent."""
        self._thread.shutdown()
        with suppress(EnvError):
            self._typist.close()

    def _apart(self, action: ComputerAction | BrowserAction, size: Size) -> float:
        """Seconds to wait so that the click does not make a double click of the one before it."""
        if self._last_press is None or not isinstance(action, Click | LeftClickDrag):
            return 0
        button, place, when = self._last_press
        point = action.point(size)
        if button != _CLICKS[type(action)][0] or point is None or math.dist(place, point) > NEAR:
            return 0
        return max(0.0, when + SEPARATE - time.monotonic())

    def _do(self, action: ComputerAction | BrowserAction, size: Size) -> Outcome:
        point = action.point(size) if isinstance(action, _Pointing) else None
        try:
            with lost_display(self._name):
                refused = self._act(action, point, size)
        except (UnknownKey, Untypable) as error:
            refused = str(error)
        return Outcome(ok=not refused, note=refused or "ok", point=point)

    def _act(self, action: ComputerAction | BrowserAction, point: Point | None, size: Size) -> str:
        """Does it, and returns why it could not be done, or nothing."""
        if point:
            self._gui.moveTo(*point)
        match action:
            case Key(keys=names):
                self._chord(names)
            case Type(text=text):
                self._typist.type(text)
            case LeftClickDrag(coordinate2=end):
                self._drag(to_pixel(end, size) if end else None)
