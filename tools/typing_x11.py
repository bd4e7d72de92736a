"""Types any Unicode text into whatever has the focus, on any key map, by XTEST.

A character that the key map gives plain or with Shift is typed by its own key, as a person would. Every other is lent
one of the key codes that the map leaves empty (18 of 248 on a PC), and keeps it until the room is needed.

A key press carries a code, not a character: the program looks the code up when it gets round to it. So a code may go to
another character only when everything typed with it has been read, which tools.reading_x11 finds out.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count

from tools.keys import Key
from tools.reading_x11 import PATIENCE, Readers
from tools.x11 import SHIFT, Keyboard, Keymap, connect, lost_display

_BURST = 200  # strokes between two waits for the server: python-xlib counts its requests modulo 65536
_MARK = 0xFFFFFF  # VoidSymbol where no layout has it: on a code that we, or a worker before us, lent to a character
_FIRST_CODE = 9  # code 8 has no name in any key map, and some programs drop such keys
_CONTROLS = {"\n": 0xFF0D, "\t": 0xFF09}  # Return and Tab

Stroke = tuple[int, ...]
"""Key codes, pressed in this order and let go of in reverse: one key, with Shift before it where that is needed."""


class Untypable(ValueError):
    """The text could not be typed, or not to its end; `str()` says why, for the model."""


def symbol_of(key: Key) -> int:
    """X's number for what a key gives, its keysym. Raises Untypable."""
    from Xlib import XK

    if key.char:
        return _symbol(key.char)
    XK.load_keysym_group("xkb")
    return int(XK.string_to_keysym(key.keysym))


def _symbol(character: str) -> int:
    """Latin-1 as it is, the rest from 0x1000000 on (X11 protocol, appendix A)."""
    if character in _CONTROLS:
        return _CONTROLS[character]
    if unicodedata.category(character) in ("Cc", "Cs"):
        raise Untypable(f"no key gives {character!r}; nothing was typed")
    point = ord(character)
    return point if point < 0x100 else 0x1000000 + point


class Typist:
    """Types on one display, from one thread. Every method raises EnvError when the display is gone."""

    def __init__(self, display: str, patience: float = PATIENCE) -> None:
        self._name = display
        self._display = connect(display)
        with lost_display(display):
            self._keyboard = Keyboard(self._display)
            self._readers = Readers(self._display, patience)
        self._uses = count(1)
        self._used: dict[int, int] = {}  # codes, by when they were typed last

    def close(self) -> None:
        """Gives up the connection. Lent codes stay as they are: somebody may still have to look one up."""
        with lost_display(self._name):
            self._display.close()

    def type(self, text: str) -> None:
        """Types a text; ends when the server has it. Raises Untypable.

        What is held down is let go of first, and locks such as Caps Lock are lifted meanwhile.
        """
        symbols = [_symbol(character) for character in text.replace("\r\n", "\n").replace("\r", "\n")]
        done = 0
        try:
            with lost_display(self._name), self._neutral():
                while done < len(symbols):
                    strokes = self._strokes(symbols[done:])
                    with self._noted(strokes):
                        for start in range(0, len(strokes), _BURST):
                            self._send(event for stroke in strokes[start : start + _BURST] for event in _tap(stroke))
                    done += len(strokes)
        except Untypable as error:
            raise Untypable(f"{error}; {done} of {len(symbols)} characters were typed") from None

    def strokes(self, symbols: Sequence[int]) -> list[Stroke]:
        """How to press keys with these keysyms, all at once if need be. Raises Untypable."""
        with lost_display(self._name):
            strokes = self._strokes(symbols) if symbols else []
        if len(strokes) < len(symbols):
            raise Untypable("the key map has no room for so many keys at once")
        return strokes

    def press(self, stroke: Stroke) -> None:
        """Presses a key and keeps it down."""
        with lost_display(self._name), self._noted([stroke]):
            self._send((code, True) for code in stroke)

    def lift(self, stroke: Stroke) -> None:
        """Lets go of a key."""
        with lost_display(self._name):
            self._send((code, False) for code in reversed(stroke))

    def release(self) -> None:
        """Lets go of every key and button that the server holds for pressed."""
        from Xlib import X

        with lost_display(self._name):
            held = self._display.query_keymap()
            self._send((code, False) for code in range(256) if held[code // 8] >> code % 8 & 1)
            mask = self._display.screen().root.query_pointer().mask
            for button in range(1, 6):
                if mask & X.Button1Mask << (button - 1):
                    self._display.xtest_fake_input(X.ButtonRelease, button)
            self._display.sync()

    def _send(self, events: Iterable[tuple[int, bool]]) -> None:
        from Xlib import X

        for code, down in events:
            self._display.xtest_fake_input(X.KeyPress if down else X.KeyRelease, code)
        self._display.sync()

    @contextmanager
    def _noted(self, strokes: Sequence[Stroke]) -> Iterator[None]:
        """Remembers what is typed meanwhile, and who has to read it before its codes mean something else."""
        self._readers.expect_reading(0)
        yield
        self._readers.expect_reading(len(strokes))  # the text may have closed the window, or moved the focus
        self._used |= {stroke[-1]: next(self._uses) for stroke in strokes}

    @contextmanager
    def _neutral(self) -> Iterator[None]:
        """No key down, no lock on and the first group chosen: keys give what the key map says."""
        self.release()
        state = self._keyboard.state()
        if state.held:
            raise Untypable("a modifier key is held down on another keyboard")
        if state.locked or state.group:
            self._keyboard.lock(0, 0)
        try:
            yield
        finally:
            if state.locked or state.group:
                self._keyboard.lock(state.locked, state.group)

    def _strokes(self, symbols: Sequence[int]) -> list[Stroke]:
        """Strokes for as many of the first symbols as the key map has room for at once, at least for one."""
        keymap = self._keyboard.keymap()
        own = self._own_strokes(keymap) if self._keyboard.state().group == 0 else {}
        lent = _lent_codes(keymap)
        wanted: set[int] = set()
        fitting = 0
        for symbol in symbols:
            if symbol not in own and symbol not in wanted:
                if len(wanted) == len(lent):
                    break
                wanted.add(symbol)
            fitting += 1
        if not fitting:
            raise Untypable("the key map has no key code left to lend to a character")
        if not wanted.issubset(lent.values()):
            self._lend(keymap, lent, wanted)
        codes = {symbol: code for code, symbol in lent.items()}
        return [own.get(symbol) or (codes[symbol],) for symbol in symbols[:fitting]]

    def _own_strokes(self, keymap: Keymap) -> dict[int, Stroke]:
        """What the key map gives plain or with Shift; of several keys the one with the lowest code: the main block."""
        from Xlib import X

        shift = next(filter(None, self._display.get_modifier_mapping()[X.ShiftMapIndex]), 0)
        own: dict[int, Stroke] = {}
        for code in sorted(keymap.keys, reverse=True):
            if _MARK not in keymap.keys[code].symbols:
                if shift:
                    own[keymap.symbol(code, SHIFT)] = (shift, code)
                own[keymap.symbol(code, 0)] = (code,)
        own.pop(0, None)  # what gives nothing
        return own

    def _lend(self, keymap: Keymap, lent: dict[int, int], wanted: set[int]) -> None:
        """Finds codes for what is wanted: free ones first, then those that were not used for longest."""
        idle = [code for code, symbol in lent.items() if symbol not in wanted]
        idle.sort(key=lambda code: (lent[code] != 0, self._used.get(code, 0)))
        new = dict(zip(idle, sorted(wanted.difference(lent.values())), strict=False))
        if any(lent[code] for code in new):
            self._check(self._readers.await_reading())
        # The same on both levels of both groups: whatever is held or locked, the code gives its character.
        self._keyboard.assign(keymap, {code: (symbol, symbol, symbol, _MARK) for code, symbol in new.items()})
        lent.update(new)
        self._check(self._readers.await_notice())

    def _check(self, reads: bool) -> None:
        if not reads:
            raise Untypable("the application does not react")


def _tap(stroke: Stroke) -> list[tuple[int, bool]]:
    return [(code, True) for code in stroke] + [(code, False) for code in reversed(stroke)]


def _lent_codes(keymap: Keymap) -> dict[int, int]:
    """The codes to lend, with the symbol each has now: none (0), or one that we or a worker before us gave it."""
    lent: dict[int, int] = {}
    for code, key in keymap.keys.items():
        if code >= _FIRST_CODE and not key.symbols:
            lent[code] = 0
        elif key.symbols[3:] == (_MARK,):
            lent[code] = key.symbols[0]
    return lent
