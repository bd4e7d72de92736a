"""Text arrives as it was given: in real programs, on any key map, with the processors busy."""

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tools.editors import EDITORS
from tests.tools.private_desktop import Busy, PrivateDesktop, Window
from tools.errors import EnvError
from tools.typing_x11 import Typist, Untypable
from tools.x11 import Keyboard, connect

pytestmark = [pytest.mark.desktop]

TEXT = "Hello, Wörld! 中文 ~|{}<>\"'\\ 0:9"
LINES = (
    f"{TEXT}\n\tone\ttwo\r\nthree\n\nÅngström: 5 € – „Größe“ 👍🏽 👩‍👩‍👧 e\u0301 ñ ŁÓDŹ Ωμέγα Привет 한글 かな עברית\n"
)
LAYOUTS = ("us", "de", "fr", "ru", "us,ru")


def mixed(seed: int, length: int = 300) -> str:
    """Characters of ten scripts in disorder: more at once than any key map has room for."""
    scripts = [("!", "~"), ("À", "ÿ"), ("Ā", "ſ"), ("Α", "ρ"), ("А", "п"), ("א", "ת"), ("か", "ん"), ("一", "侭")]
    scripts += [("가", "갷"), ("😀", "🙄")]
    chance = random.Random(seed)
    return "".join(chr(chance.randint(ord(first), ord(last))) for first, last in chance.choices(scripts, k=length))


@pytest.mark.parametrize("name", ["xterm", "mousepad", "chromium"])
async def test_text_arrives(desktop: PrivateDesktop, typist: Typist, name: str) -> None:
    lines = LINES.replace("\t", " ") if name == "chromium" else LINES  # there a tab leaves the field
    async with EDITORS[name](desktop, typist) as editor:
        for text in (TEXT, lines, mixed(1, 60)):
            typist.type(text)
            expected = text.replace("\r\n", "\n")
            assert await editor.read(expected) == expected


async def test_text_arrives_in_a_spreadsheet(desktop: PrivateDesktop, typist: Typist) -> None:
    async with EDITORS["calc"](desktop, typist) as editor:
        typist.type(TEXT)
        assert await editor.read(TEXT) == TEXT


async def test_text_arrives_while_the_processors_are_busy(desktop: PrivateDesktop, typist: Typist) -> None:
    async with EDITORS["mousepad"](desktop, typist) as editor:
        with Busy(2):
            typist.type(mixed(2, 100))
            assert await editor.read("") == mixed(2, 100)


@pytest.mark.parametrize("layout", LAYOUTS)
async def test_text_arrives_on_any_key_map(
    desktop: PrivateDesktop, typist: Typist, window: Window, layout: str
) -> None:
    desktop.layout(layout)
    typist.type(LINES)
    assert await window.text() == LINES.replace("\r\n", "\n")


async def test_a_slow_reader_gets_every_character(desktop: PrivateDesktop, typist: Typist) -> None:
    window = Window(desktop, delay=0.003)
    typist.type(mixed(3))
    assert await window.text() == mixed(3)
    window.close()


async def test_a_slow_reader_without_answers_is_given_time(desktop: PrivateDesktop, typist: Typist) -> None:
    window = Window(desktop, delay=0.003, pings=False)
    typist.type(mixed(3, 60))
    assert await window.text() == mixed(3, 60)
    window.close()


async def test_the_next_worker_takes_over_what_the_last_one_lent(desktop: PrivateDesktop, window: Window) -> None:
    for seed in range(4):
        worker = Typist(desktop.name)
        worker.type(mixed(seed, 60))
        worker.close()
        assert await window.text() == mixed(seed, 60)


async def test_what_was_typed_last_needs_no_new_key_map(
    desktop: PrivateDesktop, typist: Typist, window: Window
) -> None:
    typist.type(TEXT)
    before = connect(desktop.name)
    keys = Keyboard(before).keymap()
    typist.type(TEXT[::-1])
    assert Keyboard(before).keymap() == keys
    assert await window.text() == TEXT + TEXT[::-1]
    before.close()


@pytest.mark.parametrize("group", [0, 1])
@pytest.mark.parametrize("locks", [0, 2, 0x12], ids=["no lock", "Caps Lock", "Caps and Num Lock"])
async def test_locks_are_lifted_meanwhile(
    desktop: PrivateDesktop, typist: Typist, window: Window, locks: int, group: int
) -> None:
    desktop.layout("us,ru")
    display = connect(desktop.name)
    keyboard = Keyboard(display)
    keyboard.lock(locks, group)
    typist.type(TEXT)
    assert await window.text() == TEXT
    assert keyboard.state() == (0, locks, group)
    keyboard.lock(0, 0)
    display.close()


async def test_held_keys_are_let_go_of_first(desktop: PrivateDesktop, typist: Typist, window: Window) -> None:
    for symbol in (0xFFE1, 0xFFE3):  # Shift, Control
        typist.press(typist.strokes([symbol])[0])
    assert len(desktop.pressed()) == 2
    typist.type("aB")
    assert [event.state for event in await window.events() if event.kind == "key"][2:] == [0, 0, 1]
    assert desktop.pressed() == []


@pytest.mark.parametrize("character", ["\x07", "\x7f", "\x9b", "\ud83d"])
async def test_what_is_no_character_is_refused(typist: Typist, window: Window, character: str) -> None:
    with pytest.raises(Untypable, match=r"no key gives .*nothing was typed"):
        typist.type(f"ab{character}")
    assert await window.text() == ""


async def test_an_application_that_hangs_is_told_of(desktop: PrivateDesktop) -> None:
    typist = Typist(desktop.name, patience=0.3)
    window = Window(desktop, delay=1)
    typist.type("п")
    with pytest.raises(Untypable, match="the application does not react; 0 of 2 characters were typed"):
        typist.type("да")
    assert await window.text() == "п"
    window.close()
    typist.close()


async def test_a_window_that_closes_is_not_waited_for(desktop: PrivateDesktop, typist: Typist) -> None:
    first = Window(desktop)
    typist.type(mixed(5, 18))
    first.close()
    second = Window(desktop)
    start = time.monotonic()
    typist.type(mixed(6, 60))
    assert time.monotonic() - start < 5
    assert await second.text() == mixed(6, 60)
    second.close()


async def test_a_full_key_map_is_told_of(desktop: PrivateDesktop, typist: Typist, window: Window) -> None:
    display = connect(desktop.name)
    keyboard = Keyboard(display)
    keymap = keyboard.keymap()
    keyboard.assign(keymap, {code: (65, 65, 65, 65) for code, key in keymap.keys.items() if not key.symbols})
    typist.type("all on the map")
    with pytest.raises(Untypable, match=r"no key code left .*; 0 of 5 characters"):
        typist.type("öße中文")
    assert await window.text() == "all on the map"
    display.close()


def test_a_display_that_is_gone(tmp_path: Path) -> None:
    with PrivateDesktop(tmp_path) as desktop:
        typist = Typist(desktop.name)
        desktop.server.kill()
        desktop.server.wait()
        attempts: list[Callable[[], None]] = [lambda: typist.type("a"), typist.release, typist.close]
        for attempt in attempts:
            with pytest.raises(EnvError, match=f"display '{desktop.name}' is gone"):
                attempt()


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("busy", [0, 2], ids=["idle", "busy"])
@pytest.mark.parametrize("name", EDITORS)
async def test_every_text_of_many_arrives(desktop: PrivateDesktop, typist: Typist, name: str, busy: int) -> None:
    wrong: list[tuple[int, str, str]] = []
    async with EDITORS[name](desktop, typist) as editor:
        with Busy(busy):
            for seed in range(20):
                for text in (TEXT, mixed(seed, 60 if name == "calc" else 300)):
                    typist.type(text)
                    if (arrived := await editor.read(text)) != text:
                        wrong.append((seed, text, arrived))
    assert not wrong


@pytest.mark.soak
@pytest.mark.parametrize("name", ["xterm", "mousepad", "chromium"])
@pytest.mark.parametrize("layout", LAYOUTS)
async def test_every_layout_in_every_program(desktop: PrivateDesktop, typist: Typist, name: str, layout: str) -> None:
    desktop.layout(layout)
    async with EDITORS[name](desktop, typist) as editor:
        for text in (TEXT, mixed(7)):
            typist.type(text)
            assert await editor.read(text) == text
