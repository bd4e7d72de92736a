"""Finds out whether a program has read the keys that were sent to it.

X delivers events in order and tells nobody when they are read; but a program that answers messages does so after the
keys before them. GTK, Qt, Chromium, Java and Tk answer _NET_WM_PING (freedesktop.org, Extended Window Manager Hints),
those of the X Toolkit, as xterm, the message by which Editres begins (libXmu, EditresCom.c). Others are given time.
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
"""Seconds that a program without answers gets to read its keys; xterm between two busy loops took up to 0.2."""

PATIENCE = 10.0
"""Seconds after which a program that promises answers, or has given one, is said to hang."""

SLOWEST = 0.1
"""Seconds more for each key that it still has to read; LibreOffice takes 0.03."""

_EDITRES_VERSION = 5
_CALLS = 8  # selections to be asked for by turns, so that a late answer is known for one


class _Reader(NamedTuple):
    """A window that reads keys: its id, 0 for an unknown one, whether it promises to answer pings, and its class."""

    window: int
    pings: bool
    kind: tuple[str, ...] = ()


class Readers:
    """The windows of one display that keys are sent to."""

    def __init__(self, display: "Display", patience: float = PATIENCE) -> None:
        from Xlib import X

        self._display, self._patience = display, patience
        self._root = display.screen().root
        self._caller = self._root.create_window(0, 0, 1, 1, 0, 0, X.InputOnly)  # never shown
        self._protocols = display.intern_atom("WM_PROTOCOLS")
        self._ping = display.intern_atom("_NET_WM_PING")
        self._editres = display.intern_atom("Editres")
        self._calls = [display.intern_atom(f"_SUREHAND_CALL_{n}") for n in range(_CALLS)]
        self._serials = count(1)
        self._answering: set[_Reader] = set()
        self._unread: dict[_Reader, tuple[int, float]] = {}  # how many keys, and when the last was sent

    def expect_reading(self, keys: int) -> None:
        """Remembers that the window with the focus has so many more keys to read."""
        reader = self._focus()
        before, _ = self._unread.get(reader, (0, 0.0))
        self._unread[reader] = (before + keys, time.monotonic())

    def await_reading(self) -> bool:
        """Waits until everything expected has been read; false when a program hangs."""
        for reader, (_, sent) in list(self._unread.items()):
            if not self._catches_up(reader, sent + SLACK):
                return False
            self._unread.pop(reader, None)
        return True

    def await_notice(self) -> bool:
        """Waits until the window with the focus knows of a new key map; false when it hangs."""
        return self._catches_up(self._focus(), time.monotonic() + NOTICE)

    def _focus(self) -> _Reader:
        """The window around the focus that promises answers, or else the innermost that has a class."""
        from Xlib import Xatom
        from Xlib.error import BadWindow

        window = self._display.get_input_focus().focus  # 0 for none, 1 for the one under the pointer
        innermost = _Reader(0, False)
        try:
            while not isinstance(window, int):
                protocols = window.get_full_property(self._protocols, Xatom.ATOM)
                if protocols and self._ping in protocols.value:
                    return _Reader(window.id, True)
                if not innermost.window and (kind := window.get_wm_class()):
                    innermost = _Reader(window.id, False, kind)
                window = window.query_tree().parent
        except BadWindow:
            pass  # it closed meanwhile
        return innermost

    def _catches_up(self, reader: _Reader, until: float) -> bool:
        """Waits for answers, of one that may give none only until then; false when there should have been some."""
        if not reader.window:
            select.select([], [], [], max(0, until - time.monotonic()))
            return True
        window = self._display.create_resource_object("window", reader.window)
        sure = reader.pings or reader in self._answering
        keys, _ = self._unread.get(reader, (0, 0.0))
        deadline = time.monotonic() + self._patience + SLOWEST * keys if sure else until
        ask = self._ask_by_ping if reader.pings else self._ask_by_editres
        # Twice: Chromium gets keys by one connection and key maps by another, and turns from one to the other.
        answered = ask(window, deadline) and ask(window, deadline)
        if answered:
            self._answering.add(reader)
            self._unread.pop(reader, None)
        return answered or not sure

    def _ask_by_ping(self, window: "Window", deadline: float) -> bool:
        from Xlib import X

        serial = next(self._serials)  # stands where others put the time
        self._root.change_attributes(event_mask=X.SubstructureNotifyMask)  # answers are sent to the root window
        self._send(window, self._protocols, [self._ping, serial, window.id, 0, 0])
        answered = self._comes(window, deadline, (X.ClientMessage, serial))
        self._root.change_attributes(event_mask=X.NoEventMask)
        return answered

    def _ask_by_editres(self, window: "Window", deadline: float) -> bool:
        """Offers a selection with a command in it, which the program asks for, and gets no command."""
        from Xlib import X

        call = self._calls[next(self._serials) % _CALLS]
        self._caller.set_selection_owner(call, X.CurrentTime)
        self._send(window, self._editres, [X.CurrentTime, call, 0, _EDITRES_VERSION, 0])
        return self._comes(window, deadline, (X.SelectionRequest, call))

    def _send(self, window: "Window", kind: int, words: list[int]) -> None:
        from Xlib.error import BadWindow, CatchError
        from Xlib.protocol.event import ClientMessage

        message = ClientMessage(window=window, client_type=kind, data=(32, words))
        window.send_event(message, onerror=CatchError(BadWindow))
        self._display.flush()

    def _comes(self, window: "Window", deadline: float, answer: tuple[int, int]) -> bool:
        """Waits for an answer; one that closed needs to give none."""
        from Xlib.error import BadWindow

        while True:
            while self._display.pending_events():
                if self._answer(self._display.next_event()) == answer:
                    return True
            rest = deadline - time.monotonic()
            if rest <= 0:
                return False
            if not select.select([self._display], [], [], min(0.1, rest))[0]:
                try:
                    window.get_attributes()
                except BadWindow:
                    return True

    def _answer(self, event: Any) -> tuple[int, int]:
        """The kind of an answer, and the serial number or selection that it is about."""
        from Xlib import X
        from Xlib.protocol.event import SelectionNotify

        if event.type == X.ClientMessage and event.client_type == self._protocols:
            return X.ClientMessage, event.data[1][1]
        if event.type == X.SelectionRequest:
            nothing = {"property": X.NONE, "selection": event.selection, "target": event.target, "time": event.time}
            event.requestor.send_event(SelectionNotify(requestor=event.requestor, **nothing))
            return X.SelectionRequest, event.selection
        return 0, 0
