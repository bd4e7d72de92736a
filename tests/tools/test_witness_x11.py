"""What a person does on an X display, as its server tells: input by XTEST, which it treats as that of devices."""

from collections.abc import Iterator

import pytest
from Xlib import XK, X
from Xlib.display import Display

from tests.tools.private_desktop import PrivateDesktop, Window, until
from tools.deeds import Char, Chord, Event, Press, Release, Target, Wheel
from tools.geometry import Point
from tools.witness_x11 import XWitness, character_of
from tools.x11 import Keyboard

pytestmark = pytest.mark.desktop
WINDOW = Target("a window")


class Watch:
    """A witness, and what it told."""

    def __init__(self, desktop: PrivateDesktop) -> None:
        self._desktop, self._display = desktop, desktop.display
        self.told: list[Event] = []
        self.ended = False
        self.witness = XWitness(desktop.name, self.told.append, self._end, lambda point: WINDOW)

    def _end(self) -> None:
        self.ended = True

    def key(self, *names: str) -> None:
        """Presses keys together, by X's names of what they give in the key map."""
        XK.load_keysym_group("xkb")
        display = Display(self._desktop.name)  # knows the key map of now
        codes = [display.keysym_to_keycode(XK.string_to_keysym(name)) for name in names]
        assert all(codes), names
        for kind, row in ((X.KeyPress, codes), (X.KeyRelease, codes[::-1])):
            for code in row:
                display.xtest_fake_input(kind, code)
        display.sync()
        display.close()

    def button(self, number: int, at: Point, *, up: Point | None = None) -> None:
        for kind, place in ((X.ButtonPress, at), (X.ButtonRelease, up or at)):
            self._display.xtest_fake_input(X.MotionNotify, x=place.x, y=place.y)
            self._display.xtest_fake_input(kind, number)
        self._display.sync()

    async def all(self, number: int) -> list[Event]:
        """So many events, once they are there, without their times."""
        await until(lambda: len(self.told) >= number, 30)
        return [event._replace(when=0) for event in self.told]


@pytest.fixture
def watch(desktop: PrivateDesktop) -> Iterator[Watch]:
    one = Watch(desktop)
    yield one
    one.witness.close()
    desktop.layout("us")


def chars(text: str) -> list[Event]:
    return [Char(character, 0, WINDOW) for character in text]


async def test_buttons_and_the_wheel(watch: Watch) -> None:
    here, there = Point(300, 200), Point(400, 250)
    watch.button(1, here, up=there)
    watch.button(3, there)
    watch.button(5, there)
    watch.button(6, there)
    assert await watch.all(6) == [
        *(Press(1, here, 0, WINDOW), Release(1, there, 0), Press(3, there, 0, WINDOW), Release(3, there, 0)),
        *(Wheel(there, 0, -50, 0, WINDOW), Wheel(there, 0, 0, -50, WINDOW)),
    ]
    assert [event.when for event in watch.told] == sorted(event.when for event in watch.told)


async def test_keys_are_texts_or_names(watch: Watch) -> None:
    watch.key("a")
    watch.key("Shift_L", "a")
    watch.key("Shift_L", "1")
    watch.key("Return")
    watch.key("Control_L", "s")
    watch.key("Control_L", "Shift_L", "t")
    watch.key("Shift_L", "Tab")
    watch.key("Prior")
    watch.key("KP_Enter")
    watch.key("space")
    chords = [("enter",), ("ctrl", "s"), ("ctrl", "shift", "t"), ("shift", "tab"), ("pageup",), ("enter",)]
    assert await watch.all(10) == [*chars("aA!"), *(Chord(keys, 0, WINDOW) for keys in chords), *chars(" ")]


async def test_a_modifier_tells_only_by_itself(watch: Watch) -> None:
    watch.key("Shift_L")
    watch.key("Control_L")
    watch.key("Super_L")
    watch.key("Alt_L")
    watch.key("Alt_L", "Tab")
    chords = [("meta",), ("alt",), ("alt", "tab")]
    assert await watch.all(3) == [Chord(keys, 0, WINDOW) for keys in chords]


async def test_the_end_is_no_event_and_no_program_gets_it(watch: Watch, desktop: PrivateDesktop) -> None:
    window = Window(desktop)
    try:
        watch.key("Control_L", "Alt_L", "e")
        await until(lambda: watch.ended, 30)
        watch.key("a")
        assert await watch.all(1) == chars("a")
        keys = [event.symbol for event in await window.events() if event.kind == "key"]
        assert ord("e") not in keys
        assert ord("a") in keys
    finally:
        window.close()


@pytest.mark.parametrize(
    ("layout", "group", "pressed", "text"),
    [
        ("us,ru", 1, [("a",), ("Shift_L", "a")], "фФ"),
        ("de", 0, [("udiaeresis",), ("ISO_Level3_Shift", "q")], "ü@"),
        ("us(intl)", 0, [("dead_acute",), ("e",), ("Shift_L", "dead_diaeresis"), ("u",)], "éü"),
    ],
)
async def test_other_layouts(
    layout: str, group: int, pressed: list[tuple[str, ...]], text: str, watch: Watch, desktop: PrivateDesktop
) -> None:
    desktop.layout(layout)
    keyboard = Keyboard(desktop.display)
    keyboard.lock(0, group)
    try:
        for names in pressed:
            watch.key(*names)
        watch.key("Control_L", "a")
        assert await watch.all(len(text) + 1) == [*chars(text), Chord(("ctrl", "a"), 0, WINDOW)]
    finally:
        keyboard.lock(0, 0)


def test_keysyms_of_old_are_characters_too() -> None:
    assert [character_of(symbol) for symbol in (0x6C1, 0x7E1, 0x1B1, 0x20AC, 0xCE0, 0x10020AC)] == list("аαą€א€")
    assert [character_of(symbol) for symbol in (0xFFB7, 0xFF0D, 0xFFE1, 0x5FF)] == ["7", "", "", ""]
