"""Key names as models write them, as pyautogui, Playwright and X know them.

One table, three views. A key is a character ("a", "+", "ö") or has a name ("ctrl", "Page_Down", "ArrowLeft"); case,
spaces, hyphens and underscores in names do not matter. Right-hand modifiers count as the left-hand ones.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

__all__ = ["Key", "UnknownKey", "chord", "find", "plain_name", "to_playwright"]


class UnknownKey(LookupError):
    """There is no such key; `str()` is what the model is told, with a suggestion where one is near."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a keyboard.

    `pyautogui` is a name out of `pyautogui.KEY_NAMES`, `playwright` one that `keyboard.down` takes; None where there is
    none. `keysym` is X's name of the symbol, `U` and the code point in hex for a character. `char` is the character;
    None for a key with a name.
    """

    pyautogui: str | None
    playwright: str | None
    keysym: str
    char: str | None = None


# Names as models write them; pyautogui's (a dash for none), Playwright's and X's.
_TABLE = """
enter return ret                              : enter       Enter       Return
tab                                           : tab         Tab         Tab
space spacebar                                : space       Space       space
backspace bksp                                : backspace   Backspace   BackSpace
delete del                                    : delete      Delete      Delete
insert ins                                    : insert      Insert      Insert
escape esc                                    : esc         Escape      Escape
home                                          : home        Home        Home
end                                           : end         End         End
pageup pgup prior                             : pageup      PageUp      Prior
pagedown pgdn pgdown next                     : pagedown    PageDown    Next
left arrowleft leftarrow                      : left        ArrowLeft   Left
right arrowright rightarrow                   : right       ArrowRight  Right
up arrowup uparrow                            : up          ArrowUp     Up
down arrowdown downarrow                      : down        ArrowDown   Down
ctrl control ctl                              : ctrl        Control     Control_L
shift                                         : shift       Shift       Shift_L
alt option opt                                : alt         Alt         Alt_L
meta cmd command super win windows            : win         Meta        Super_L
altgr altgraph isolevel3shift                 : -           AltGraph    ISO_Level3_Shift
menu contextmenu apps application             : apps        ContextMenu Menu
capslock caps                                 : capslock    CapsLock    Caps_Lock
numlock                                       : numlock     NumLock     Num_Lock
scrolllock                                    : scrolllock  ScrollLock  Scroll_Lock
printscreen print prtsc prtscr prntscrn sysrq : printscreen PrintScreen Print
pause break                                   : pause       Pause       Pause
"""

_CHARACTERS = {
    "plus": "+", "add": "+", "minus": "-", "hyphen": "-", "dash": "-", "subtract": "-", "underscore": "_",
    "equal": "=", "equals": "=", "comma": ",", "period": ".", "dot": ".", "decimal": ".", "slash": "/", "divide": "/",
    "backslash": "\\", "asterisk": "*", "star": "*", "multiply": "*", "semicolon": ";", "colon": ":",
    "apostrophe": "'", "quote": "'", "singlequote": "'", "quotedbl": '"', "doublequote": '"',
    "grave": "`", "backquote": "`", "backtick": "`", "tilde": "~", "asciitilde": "~", "at": "@", "percent": "%",
    "hash": "#", "numbersign": "#", "dollar": "$", "ampersand": "&", "caret": "^", "asciicircum": "^", "bar": "|",
    "pipe": "|", "exclam": "!", "exclamation": "!", "question": "?", "less": "<", "greater": ">",
    "parenleft": "(", "parenright": ")", "bracketleft": "[", "bracketright": "]", "braceleft": "{", "braceright": "}",
}  # fmt: skip

_PLAIN = re.compile(r"[ _-]")
_SIDE = re.compile(r"(ctrl|control|shift|alt|option|meta|super|win|cmd|command)(left|right|l|r)")
_CODE = re.compile(r"(?:key|digit|numpad|num|kp)(?P<char>[a-z0-9])")
_KEYPAD = re.compile(r"(?:numpad|kp)(?P<name>[a-z]+)")


def _table() -> dict[str, Key]:
    keys = {f"f{n}": Key(f"f{n}" if n <= 12 else None, f"F{n}" if n <= 12 else None, f"F{n}") for n in range(1, 25)}
    for line in _TABLE.strip().splitlines():
        names, views = line.split(":")
        pyautogui, playwright, keysym = views.split()
        key = Key(None if pyautogui == "-" else pyautogui, playwright, keysym)
        keys |= dict.fromkeys(names.split(), key)
    return keys


_KEYS = _table()


def find(name: str) -> Key:
    """The key that `name` means. Raises UnknownKey."""
    if len(name) == 1:
        return _character(name)
    plain = _PLAIN.sub("", name.lower())
    if side := _SIDE.fullmatch(plain):
        plain = side[1]
    elif keypad := _KEYPAD.fullmatch(plain):
        plain = keypad["name"]
    if key := _KEYS.get(plain):
        return key
    if plain in _CHARACTERS:
        return _character(_CHARACTERS[plain])
    if code := _CODE.fullmatch(plain):
        return _character(code["char"])
    near = get_close_matches(plain, [*_KEYS, *_CHARACTERS], n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else "to write text use the action type"
    raise UnknownKey(f"there is no key {name!r}; {hint}")


def chord(names: Sequence[str]) -> list[Key]:
    """The keys to press together. Raises UnknownKey.

    Among others a letter means its key, not its capital: "ctrl+C" is pressed without Shift.
    """
    together = len(names) > 1
    return [find(name.lower() if together and len(name) == 1 and name.isascii() else name) for name in names]


def plain_name(name: str) -> str:
    """The first of a key's names, whichever this one is; a character is its own. Raises UnknownKey."""
    key = find(name)
    return key.char or next(first for first, other in _KEYS.items() if other == key)


def _character(char: str) -> Key:
    named = {" ": "space", "\n": "enter", "\r": "enter", "\t": "tab", "\b": "backspace", "\x1b": "escape"}.get(char)
    if named:
        return _KEYS[named]
    if not char.isprintable():
        raise UnknownKey(f"there is no key {char!r}")
    simple = char if char.isascii() else None
    return Key(simple and simple.lower(), simple, f"U{ord(char):04X}", char)


def to_playwright(name: str) -> str:
    """What Playwright's `keyboard.down` calls the key; it has only a US keyboard. Raises UnknownKey."""
    if (view := find(name).playwright) is None:
        raise UnknownKey(f"a web page gets no key {name!r}; to write text use the action type")
    return view
