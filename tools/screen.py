"""Eyes of an X display, and the clock of its changes."""

import asyncio
import select
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from tools.base import Changes, Eyes, Frame
from tools.errors import EnvError
from tools.geometry import Size
from tools.png import encode
from tools.x11 import connect, lost_display

GATHER = 0.005
"""Seconds over which changes count as one: a terminal that scrolls would cost a thousand events a second."""


class Screen(Eyes):
    """Sees a whole display through shared memory, the pointer drawn in. A display that is resized needs a new Screen.

    With `pointer=False` it is left out. Raises EnvError when there is no such display.
    """

    def __init__(self, display: str, *, pointer: bool = True) -> None:
        import mss
        from mss.exception import ScreenShotError

        self._name = display
        # That the connection broke mss only asserts (mss.linux.xcbhelpers); without asserts it reads a null pointer.
        self._broken = (ScreenShotError, AssertionError, ValueError)
        try:
            self._mss = mss.MSS(display=display, with_cursor=pointer)
            self._whole = self._mss.monitors[0]
        except self._broken as error:
            raise self._gone(error) from error
        self._thread = ThreadPoolExecutor(1, "eyes")  # one picture at a time, and none on the event loop

    async def grab(self) -> Frame:
        """One picture of the whole display. Raises EnvError when that is gone."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._grab)

    def close(self) -> None:
        """Gives up the connection. Idempotent."""
        self._thread.shutdown()
        with suppress(*self._broken):  # it may be broken, and is given up all the same
            self._mss.close()

    def _grab(self) -> Frame:
        try:
            shot = self._mss.grab(self._whole)
        except self._broken as error:
            raise self._gone(error) from error
        size = Size(shot.width, shot.height)
        return Frame(encode(shot.raw, size), size)

    def _gone(self, error: Exception) -> EnvError:
        return EnvError(f"display {self._name!r} is gone: {error or 'it does not answer'}")


class DamageClock(Changes):
    """Notices changes of the picture, the pointer left out, by the DAMAGE extension on a thread of its own.

    Raises EnvError when there is no such display.
    """

    def __init__(self, display: str) -> None:
        from Xlib.ext.damage import DamageReportNonEmpty

        self._name = display
        self._last = time.monotonic()
        self._lost: EnvError | None = None
        self._display = connect(display)
        with lost_display(display):
            if not self._display.has_extension("DAMAGE"):
                raise EnvError(f"display {display!r} has no DAMAGE extension")
            self._display.damage_query_version()
            self._damage = self._display.screen().root.damage_create(DamageReportNonEmpty)
            self._display.sync()
        self._closing, self._closed = socket.socketpair()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="damage")
        self._thread.start()

    def last(self) -> float:
        """`time.monotonic()` of the last change, to 5 ms. Raises EnvError when the display is gone."""
        if self._lost:
            raise self._lost
        return self._last

    def busy(self) -> bool:
        """Never: X announces nothing."""
        return False

    def close(self) -> None:
        """Stops watching. Idempotent."""
        self._closing.close()
        self._thread.join()

    def _watch(self) -> None:
        display = self._display
        try:
            with self._closed, lost_display(self._name):
                while self._next_change():
                    while display.pending_events():
                        display.next_event()
                    self._last = time.monotonic()
                    display.damage_subtract(self._damage)  # or nothing more is told
                    display.flush()
                display.close()
        except EnvError as error:
            self._lost = error

    def _next_change(self) -> bool:
        """Waits for a change and those that follow at once; false when closed meanwhile."""
        if not self._display.pending_events():
            readable, _, _ = select.select([self._closed, self._display], [], [])
            if self._closed in readable:
                return False
        readable, _, _ = select.select([self._closed], [], [], GATHER)
        return not readable
