"""Tells what a person does with the mouse and the keyboard of an X display, whichever window gets it.

The RECORD extension tells of every event of the devices, of keys by their codes; what a key gives is looked up in the
server's key map. What an input method composes of several keys (Chinese, say) does not come from the server.
"""

import struct
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from tools import keys
from tools.deeds import Char, Chord, Event, Press, Release, Target, Wheel
from tools.desktop import PIXELS_A_NOTCH
from tools.errors import EnvError
from tools.geometry import Point
from tools.x11 import Keyboard, connect, lost_display

if TYPE_CHECKING:
    from Xlib.display import Display

END = ("ctrl", "alt", "e")
"""The keys that say that the person is done; no program gets them."""

_EVENT = struct.Struct("=BB2xI4x4x4xhh4xH2x")  # an event of the core protocol: kind, detail, time, root x and y, state
_KEY, _LIFT, _PRESS, _RELEASE = 2, 3, 4, 5
_SHIFT, _LOCK, _CONTROL, _ALT, _NUMLOCK, _SUPER = 1, 2, 4, 8, 16, 64
_HELD = (("ctrl", _CONTROL), ("alt", _ALT), ("meta", _SUPER))
_ALONE = ("alt", "meta")
"""Modifiers that do something by themselves."""
_MODIFIERS = (*_ALONE, "ctrl", "shift", "altgr", "capslock", "numlock")
_WHEEL = {4: (1, 0), 5: (-1, 0), 6: (0, -1), 7: (0, 1)}
_BUTTONS = (1, 2, 3)
_LEFT_TAB = 0xFE20
_DEAD = {0xFE50: 0x300, 0xFE51: 0x301, 0xFE52: 0x302, 0xFE53: 0x303, 0xFE54: 0x304, 0xFE55: 0x306, 0xFE56: 0x307,
         0xFE57: 0x308, 0xFE58: 0x30A, 0xFE59: 0x30B, 0xFE5A: 0x30C, 0xFE5B: 0x327, 0xFE5C: 0x328}  # fmt: skip
"""Keys that change the character after them, each with the combining character that does the same."""
_CODES = {1: "iso8859-2", 2: "iso8859-3", 3: "iso8859-4", 5: "iso8859-6", 6: "koi8-u", 7: "iso8859-7", 12: "iso8859-8",
          13: "tis-620"}  # fmt: skip
"""Older keysyms are a code in a character set, which their second byte names (X11 protocol, appendix A)."""

About = Callable[[Point | None], Target]
"""What is at a place, or has the keyboard."""


class XWitness:
    """Calls `tell` with each event and `end` when the person is done, both on a thread of its own.

    Times are those of `time.monotonic`. Raises EnvError when there is no such display, or it does not record.
    """

    def __init__(self, display: str, tell: Callable[[Event], object], end: Callable[[], object], about: About) -> None:
        self._name, self._tell, self._end, self._about = display, tell, end, about
        self._control, self._data, self._map = connect(display), connect(display), connect(display)
        with lost_display(display):
            if not self._control.has_extension("RECORD"):
                raise EnvError(f"display {display!r} has no RECORD extension, by which a person's input is seen")
            self._behind = _server_time_behind(self._control)
            self._keyboard = Keyboard(self._map)  # a connection that speaks XKEYBOARD is not told of new key maps
            self._keymap = self._keyboard.keymap()
            self._grab_end()
            self._context = self._record()
        self._dead = 0
        self._alone = 0
        self._thread = threading.Thread(target=self._watch, daemon=True, name="witness")
        self._thread.start()

    def close(self) -> None:
        """Stops watching. Idempotent."""
        if self._thread.is_alive():
            with lost_display(self._name):
                self._control.record_disable_context(self._context)
                self._control.sync()
            self._thread.join()
        with lost_display(self._name):
            for connection in (self._data, self._map, self._control):
                connection.close()

    def _record(self) -> int:
        from Xlib.ext import record

        nothing, none = (0, 0), (0, 0, 0, 0)
        ranges = {
            "core_requests": nothing, "core_replies": nothing, "ext_requests": none, "ext_replies": none,
            "delivered_events": nothing, "device_events": (_KEY, _RELEASE), "errors": nothing,
            "client_started": False, "client_died": False,
        }  # fmt: skip
        context: int = self._control.record_create_context(0, [record.AllClients], [ranges])
        self._control.sync()
        return context

    def _grab_end(self) -> None:
        """Keeps the keys of the end from the programs; somebody who has taken them before keeps them."""
        from Xlib import X
        from Xlib.error import BadAccess, CatchError

        root, refused = self._control.screen().root, CatchError(BadAccess)
        code = self._control.keysym_to_keycode(ord(END[-1]))
        for locks in (0, _LOCK, _NUMLOCK, _LOCK | _NUMLOCK):
            root.grab_key(code, _CONTROL | _ALT | locks, False, X.GrabModeAsync, X.GrabModeAsync, onerror=refused)
        self._control.sync()

    def _watch(self) -> None:
        from Xlib.error import ConnectionClosedError, DisplayError

        try:
            self._data.record_enable_context(self._context, self._hear)
        except (ConnectionClosedError, DisplayError, OSError):
            self._end()  # the display is gone, which the next look at it says

    def _hear(self, reply: Any) -> None:
        for at in range(0, len(reply.data) // 32 * 32, 32):
            kind, detail, moment, x, y, state = _EVENT.unpack_from(reply.data, at)
            for event in self._events(kind & 0x7F, detail, moment / 1000 + self._behind, Point(x, y), state):
                self._tell(event)

    def _events(self, kind: int, detail: int, when: float, point: Point, state: int) -> Iterator[Event]:
        if kind == _LIFT:
            if detail == self._alone and (name := self._named(detail, state)):
                yield Chord((name,), when, self._about(None))
            return
        if kind != _RELEASE:
            self._alone = 0
        if kind == _KEY:
            yield from self._key(detail, when, state)
        elif detail in _WHEEL:
            if kind == _PRESS:
                up, right = (PIXELS_A_NOTCH * way for way in _WHEEL[detail])
                yield Wheel(point, when, up, right, self._about(point))
        elif detail in _BUTTONS:
            held = tuple(name for name, bit in (*_HELD, ("shift", _SHIFT)) if state & bit)
            press = kind == _PRESS
            yield Press(detail, point, when, self._about(point), held) if press else Release(detail, point, when)

    def _key(self, code: int, when: float, state: int) -> Iterator[Event]:
        symbol = self._symbol(code, state)
        if symbol in _DEAD:
            self._dead = _DEAD[symbol]
            return
        held = [name for name, bit in _HELD if state & bit]
        character = character_of(symbol)
        if character and not held:
            dead, self._dead = self._dead, 0
            composed = unicodedata.normalize("NFC", character + chr(dead)) if dead else character
            yield Char(composed, when, self._about(None))
        elif name := self._named(code, state):
            if name in _MODIFIERS:
                self._alone = code if name in _ALONE else 0
                return
            chord = (*held, *(["shift"] if state & _SHIFT else []), name)
            if chord == END:
                self._end()
            else:
                yield Chord(chord, when, self._about(None))

    def _named(self, code: int, state: int) -> str:
        """What a model calls a key, whatever Shift makes of it; that of another alphabet by its place among ours."""
        groups = dict.fromkeys((state >> 13 & 3, 0, 1, 2, 3))
        names = [_name(self._symbol(code, group << 13)) for group in groups]
        return next((name for name in names if name.isascii() and name), names[0])

    def _symbol(self, code: int, state: int) -> int:
        """What a key gives, by the key map of this moment."""
        from Xlib import X

        while self._control.pending_events():
            if self._control.next_event().type == X.MappingNotify:
                self._keymap = self._keyboard.keymap()
        found = self._keymap.symbol(code, state & 0xFF, state >> 13 & 3)
        if not found:  # a key that was given a symbol just now
            self._keymap = self._keyboard.keymap()
            found = self._keymap.symbol(code, state & 0xFF, state >> 13 & 3)
        return found


def character_of(symbol: int) -> str:
    """The character that a keysym stands for; empty for a key that gives none."""
    if symbol >= 0x1000000:
        return chr(symbol & 0xFFFFFF)
    if 0xFFAA <= symbol <= 0xFFB9:  # on the key pad
        return chr(symbol & 0x7F)
    page, code = symbol >> 8, symbol & 0xFF
    if page == 0:
        return chr(code) if code >= 0x20 else ""
    if page == 0x20:
        return chr(symbol)
    found = bytes([code]).decode(_CODES[page], errors="replace") if page in _CODES else ""
    return found if found.isalpha() else ""


def _name(symbol: int) -> str:
    if symbol == _LEFT_TAB:
        return "tab"
    try:
        return keys.plain_name(character_of(symbol) or _x_names().get(symbol, ""))
    except keys.UnknownKey:
        return ""


@cache
def _x_names() -> dict[int, str]:
    """X's names of the keys that give no character, by their numbers."""
    from Xlib import XK

    XK.load_keysym_group("xkb")
    return {number: name.removeprefix("XK_") for name, number in vars(XK).items() if name.startswith("XK_")}


def _server_time_behind(display: "Display") -> float:
    """Seconds to add to the server's time to have that of `time.monotonic`."""
    from Xlib import X, Xatom

    root = display.screen().root
    window = root.create_window(0, 0, 1, 1, 0, 0, X.InputOnly, event_mask=X.PropertyChangeMask)
    window.change_property(Xatom.WM_NAME, Xatom.STRING, 8, b"")
    event = display.next_event()
    while event.type != X.PropertyNotify:
        event = display.next_event()
    behind: float = time.monotonic() - event.time / 1000
    window.destroy()
    return behind
