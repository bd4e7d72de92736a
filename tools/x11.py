"""What python-xlib lacks: a lost display as EnvError, and the requests of the XKEYBOARD extension that typing needs.

Only XKEYBOARD tells which symbol a key gives under which modifiers, changes many keys at once without harm to those
between, and sets locks without a key press. Layouts of the messages: X.Org, "The X Keyboard Extension: Protocol
Specification", version 1.0, and xorgproto's XKBproto.h.
"""

import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from tools.errors import EnvError

if TYPE_CHECKING:
    from Xlib.display import Display

SHIFT = 1
"""The bit of Shift among the modifiers."""

_USE_EXTENSION, _GET_STATE, _LATCH_LOCK_STATE, _GET_MAP, _SET_MAP = 0, 4, 5, 8, 9
_CORE_KEYBOARD = 0x100  # what is asked of it holds for the keyboards behind it too, XTEST's among them
_KEY_TYPES, _KEY_SYMBOLS = 1, 2  # parts of a key map
_TWO_LEVEL = 1  # a type of key that every key map has: plain and with Shift
_ALL = 0xFF  # modifiers
_WIDTH = 5  # the byte of a key's record that says how many symbols each group has; the first four are the groups' types


@contextmanager
def lost_display(name: str) -> Iterator[None]:
    """Raises EnvError for what python-xlib raises when there is no display `name`, or no more."""
    from Xlib.error import ConnectionClosedError, DisplayError

    try:
        yield
    except (ConnectionClosedError, DisplayError, OSError) as error:
        raise EnvError(f"display {name!r} is gone: {error}") from error


def connect(name: str) -> "Display":
    """A connection of its own to the X server called `name` (":1"). Raises EnvError."""
    from Xlib.display import Display

    with lost_display(name):
        return Display(name)


class State(NamedTuple):
    """Modifiers as bits (Shift 1, Lock 2, Control 4, Mod1 8 ...) that are held down or locked, and the locked group."""

    held: int
    locked: int
    group: int


@dataclass(frozen=True, slots=True)
class XKey:
    """One key code: how many groups it has, its symbols, and all of it as it was sent."""

    groups: int
    symbols: tuple[int, ...]
    record: bytes


@dataclass(frozen=True, slots=True)
class Keymap:
    """The server's keys by their codes, and the types of keys: a mask of modifiers, and the levels that they choose."""

    keys: dict[int, XKey]
    kinds: list[tuple[int, dict[int, int]]]

    def symbol(self, code: int, modifiers: int, group: int = 0) -> int:
        """What a key gives in a group under exactly these modifiers, 0 for nothing; groups it lacks are the first."""
        key = self.keys[code]
        if not key.groups:
            return 0
        group = group if group < key.groups else 0
        mask, levels = self.kinds[key.record[group]]
        return key.symbols[group * key.record[_WIDTH] + levels.get(modifiers & mask, 0)]


class Keyboard:
    """The keyboard of one X server. Everything raises EnvError when the server lacks XKEYBOARD or refuses."""

    def __init__(self, display: "Display") -> None:
        self._display = display
        extension = display.query_extension("XKEYBOARD")
        if not extension:
            raise EnvError(f"display {display.get_display_name()!r} has no XKEYBOARD extension")
        self._opcode = extension.major_opcode
        self._ask(_USE_EXTENSION, struct.pack("=HH", 1, 0))

    def state(self) -> State:
        """What is held down and locked now."""
        answer = self._ask(_GET_STATE, struct.pack("=Hxx", _CORE_KEYBOARD))
        return State(*struct.unpack_from("=BxBxB", answer, 9))

    def lock(self, modifiers: int, group: int) -> None:
        """Locks exactly these modifiers and this group, and drops what is latched."""
        fields = (_CORE_KEYBOARD, _ALL, modifiers, True, group, _ALL, 0, True, 0)
        self._tell(_LATCH_LOCK_STATE, struct.pack("=H6Bx?H", *fields))

    def keymap(self) -> Keymap:
        """The keys as they are now."""
        answer = self._ask(_GET_MAP, struct.pack("=HHH18x", _CORE_KEYBOARD, _KEY_TYPES | _KEY_SYMBOLS, 0))
        kinds, first, keys = struct.unpack_from("=BxBxxB", answer, 15)
        read, at = _read_kinds(answer, 40, kinds)
        return Keymap(_read_keys(answer, at, range(first, first + keys)), read)

    def assign(self, keymap: Keymap, symbols: Mapping[int, tuple[int, int, int, int]]) -> None:
        """Gives keys new symbols: two groups of two levels each.

        One request, hence one notice to every client; the keys between are written back as they are in `keymap`.
        """
        first, last = min(symbols), max(symbols)
        records = {code: keymap.keys[code].record for code in range(first, last + 1)}
        for code, four in symbols.items():
            records[code] = struct.pack("=6BH4I", _TWO_LEVEL, _TWO_LEVEL, 0, 0, 2, 2, 4, *four)
        total = sum(len(record) - 8 for record in records.values()) // 4
        bounds = (min(keymap.keys), max(keymap.keys), first, len(records), total)
        head = struct.pack("=HHHBBxxBBH18x", _CORE_KEYBOARD, _KEY_SYMBOLS, 0, *bounds)
        self._tell(_SET_MAP, head + b"".join(records.values()))

    def _ask(self, request: int, body: bytes) -> bytes:
        question = _Question(self._binary(request, body))
        self._send(question)
        return question.answer

    def _tell(self, request: int, body: bytes) -> None:
        self._send(_Message(self._binary(request, body)))

    def _binary(self, request: int, body: bytes) -> bytes:
        return struct.pack("=BBH", self._opcode, request, 1 + len(body) // 4) + body

    def _send(self, message: "_Message") -> None:
        self._display.display.send_request(message, True)
        self._display.sync()  # what comes back does so in order, hence before the answer to this
        if message.error:
            raise EnvError(f"the X server refused a request of XKEYBOARD: {message.error}")


class _Message:
    """A request as python-xlib's connection carries it (Xlib.protocol.rq): bytes out, nothing or an error back."""

    def __init__(self, binary: bytes) -> None:
        self._binary = binary
        self.error: Exception | None = None

    def _set_error(self, error: Exception) -> bool:
        self.error = error
        return True


class _Question(_Message):
    """A request that is answered; the connection knows one by its `_reply`."""

    _reply = None
    answer = b""
    sequence_number = 0

    def _parse_response(self, data: bytes) -> None:
        self.answer = bytes(data)
        (self.sequence_number,) = struct.unpack_from("=H", data, 2)


def _read_kinds(answer: bytes, at: int, count: int) -> tuple[list[tuple[int, dict[int, int]]], int]:
    """The types of keys that stand at `at`, and where they end."""
    kinds: list[tuple[int, dict[int, int]]] = []
    for _ in range(count):
        mask, entries, preserve = struct.unpack_from("=B4xBB", answer, at)
        rules = (struct.unpack_from("=3B", answer, at + 8 + 8 * n) for n in range(entries))
        kinds.append((mask, {modifiers: level for active, modifiers, level in rules if active}))
        at += 8 + entries * (12 if preserve else 8)
    return kinds, at


def _read_keys(answer: bytes, at: int, codes: range) -> dict[int, XKey]:
    keys: dict[int, XKey] = {}
    for code in codes:
        groups, symbols = struct.unpack_from("=4xBxH", answer, at)
        end = at + 8 + 4 * symbols
        keys[code] = XKey(groups & 0x0F, struct.unpack_from(f"={symbols}I", answer, at + 8), answer[at:end])
        at = end
    return keys
