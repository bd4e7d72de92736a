"""Finds out whether a program has read the keys that were sent to it.

X delivers events in order and tells nobody when they are read; but a program that answers messages does so after the
keys before them. GTK, Qt, Chromium, Java and Tk answer `_NET_WM_PING` (freedesktop.org, Extended Window Manager Hints),
those on the X Toolkit, as xterm, the first message of Editres (libXmu, EditresCom.c). Others are given time.
"""

import select
import time
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from Xlib.display import Display
    from Xlib.xobject.drawable import Window

NOTICE = 0.02
"""Seconds that a program without answers gets to learn of a new key map, should it not read its events in order."""

SLACK = 1.0
"""Seconds that a program without answers gets to read its keys; between two busy loops xterm needs up to 0.2."""

PATIENCE = 10.0
"""Seconds after which a program that has answered before, or promises to, is said to hang."""

_EDITRES_VERSION = 5
_CALLS = 8  # as many selections to call by, so that a late answer is known for one


class Hangs(Exception):
    """A program does not answer any more."""


class Reader(NamedTuple):
    """A window that reads keys: its id, 0 for an unknown one, and whether it promises to answer pings."""

    window: int
    pings: bool


class Readers:
    """The windows of one display that keys are sent to."""

    def __init__(self, display: "Display", patience: float) -> None:
        from Xlib import X

        self._display, self._patience = display, patience
        self._root = display.screen().root
        self._own = self._root.create_window(-1, -1, 1, 1, 0, 0, X.InputOnly, X.CopyFromParent, override_redirect=True)
        self._protocols, self._ping, self._editres = map(display.intern_atom, ("WM_PROTOCOLS", "_NET_WM_PING", "Editres"))
        self._calls = [display.intern_atom(f"SUREHAND_CALL_{n}") for n in range(_CALLS)]
        self._serials = count(1)
        self._answered: set[int] = set()  # windows that are known to
        self._unread: dict[Reader, float] = {}  # and when keys were sent there last

    def expect_reading(self) -> None:
        """Remembers that the window with the focus has keys to read."""
        self._unread[self._focus()] = time.monotonic()

    def await_reading(self) -> None:
        """Waits until everything expected has been read. Raises Hangs."""
        for reader, since in self._unread.items():
            self._await(reader, since + SLACK)
        self._unread.clear()

    def await_notice(self) -> None:
        """Waits until the window with the focus knows of a new key map. Raises Hangs."""
        self._await(self._focus(), time.monotonic() + NOTICE)

    def _focus(self) -> Reader:
        """The window around the focus that answers pings, or else the first that belongs to a program."""
        from Xlib import Xatom
        from Xlib.error import BadWindow

        window = self._display.get_input_focus().focus  # 0 for none, 1 for the one under the pointer
        first = 0
        try:
            while not isinstance(window, int):
                protocols = window.get_full_property(self._protocols, Xatom.ATOM)
                if protocols and self._ping in protocols.value:
                    return Reader(window.id, True)
                if not first and window.get_wm_class():
                    first = window.id
                window = window.query_tree().parent
        except BadWindow:
            pass  # it closed meanwhile
        return Reader(first, False)

    def _await(self, reader: Reader, until: float) -> None:
        """Waits for answers, of a window that may give none only `until` then."""
        if not reader.window:
            return _pause(until)
        window = self._display.create_resource_object("window", reader.window)
        sure = reader.pings or reader.window in self._answered
        deadline = time.monotonic() + self._patience if sure else until
        for _ in range(2):  # Chromium gets keys by one connection and key maps by another, and turns between them
            if not (self._exchange_pings if reader.pings else self._exchange_calls)(window, deadline):
                if sure:
                    raise Hangs(f"the application has not answered for {self._patience:g} seconds")
                return None
        self._answered.add(reader.window)
        return None

    def _exchange_pings(self, window: "Window", deadline: float) -> bool:
        from Xlib import X

        serial = next(self._serials)  # in the place of a time
        self._root.change_attributes(event_mask=X.SubstructureNotifyMask)  # answers are sent there
        self._send(window, self._protocols, [self._ping, serial, window.id, 0, 0])
        try:
            return self._comes(window, deadline, lambda e: e.type == X.ClientMessage and list(e.data[1])[:2] == [self._ping, serial])
        finally:
            self._root.change_attributes(event_mask=X.NoEventMask)

    def _exchange_calls(self, window: "Window", deadline: float) -> bool:
        from Xlib import X

        call = self._calls[next(self._serials) % _CALLS]
        self._own.set_selection_owner(call, X.CurrentTime)
        self._send(window, self._editres, [X.CurrentTime, call, 0, _EDITRES_VERSION, 0])
        return self._comes(window, deadline, lambda e: e.type == X.SelectionRequest and e.selection == call)
