"""Every verb, as a window that fills the screen got it from the X server, and as Chromium understood it."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, async_playwright

from tests.tools.editors import CHROMIUM, FLAGS
from tests.tools.private_desktop import SIZE, Event, PrivateDesktop, Window, until
from tools.actions import ACTION, Outcome
from tools.desktop import MOST_NOTCHES, Desktop
from tools.errors import EnvError
from tools.geometry import Point, to_grid
from tools.keys import find
from tools.typing_x11 import Typist, symbol_of
from tools.x11 import connect

pytestmark = [pytest.mark.desktop]

HERE, THERE = Point(320, 180), Point(640, 360)


async def do(hands: Desktop, verb: str, at: Point | None = None, **parameters: Any) -> Outcome:
    """Does an action, given as the model gives it; `at` is a pixel."""
    if at:
        parameters["coordinate"] = to_grid(at, SIZE)
    return await hands.do(ACTION.validate_python({"action": verb, **parameters}), SIZE)


def buttons(events: list[Event]) -> list[tuple[str, int, Point]]:
    return [(event.kind, event.detail, event.place) for event in events if event.kind in ("press", "release")]


@pytest.mark.parametrize(
    ("verb", "button", "times"),
    [
        ("left_click", 1, 1),
        ("middle_click", 2, 1),
        ("right_click", 3, 1),
        ("double_click", 1, 2),
        ("triple_click", 1, 3),
    ],
)
async def test_a_click_lands_on_its_pixel(hands: Desktop, window: Window, verb: str, button: int, times: int) -> None:
    assert await do(hands, verb, HERE) == Outcome(ok=True, point=HERE)
    events = await window.events()
    assert events[0].kind == "motion"
    assert buttons(events) == [("press", button, HERE), ("release", button, HERE)] * times
    assert events[-1].time - events[0].time < 400


@pytest.mark.parametrize("corner", [Point(0, 0), Point(SIZE.width - 1, SIZE.height - 1)])
async def test_a_corner_is_a_place_like_any_other(hands: Desktop, window: Window, corner: Point) -> None:
    grid = [0, 0] if corner == (0, 0) else [1000, 1000]
    assert (await do(hands, "left_click", coordinate=grid)).point == corner
    assert (await do(hands, "right_click", THERE)).ok
    assert [place for _, _, place in buttons(await window.events())] == [corner] * 2 + [THERE] * 2


async def test_a_box_is_clicked_at_its_centre(hands: Desktop, window: Window) -> None:
    assert (await do(hands, "left_click", bbox_2d=[200, 200, 300, 300])).point == HERE
    assert buttons(await window.events())[0] == ("press", 1, HERE)


@pytest.mark.parametrize(
    ("second", "at", "apart"),
    [
        ("left_click", HERE, True),
        ("left_click", Point(HERE.x + 6, HERE.y + 5), True),
        ("double_click", HERE, True),
        ("right_click", HERE, False),
        ("left_click", THERE, False),
    ],
)
async def test_two_clicks_make_no_double_click(
    hands: Desktop, window: Window, second: str, at: Point, apart: bool
) -> None:
    await do(hands, "left_click", HERE)
    await do(hands, second, at)
    first, then, *_ = [event.time for event in await window.events() if event.kind == "press"]
    assert (then - first >= 500) == apart


async def test_a_drag_goes_from_the_target_to_the_second_place(hands: Desktop, window: Window) -> None:
    outcome = await do(hands, "left_click_drag", HERE, coordinate2=to_grid(THERE, SIZE))
    assert outcome == Outcome(ok=True, point=HERE)
    check_drag(await window.events(), HERE, THERE)


async def test_a_drag_goes_from_the_pointer_to_the_target(hands: Desktop, window: Window) -> None:
    await do(hands, "mouse_move", THERE)
    assert (await do(hands, "left_click_drag", HERE)).point == HERE
    check_drag(await window.events(), THERE, HERE)


def check_drag(events: list[Event], start: Point, end: Point) -> None:
    assert buttons(events) == [("press", 1, start), ("release", 1, end)]
    press = next(n for n, event in enumerate(events) if event.kind == "press")
    way = {event.place for event in events[press:] if event.kind == "motion"} - {start, end}
    assert len(way) >= 4


@pytest.mark.parametrize(
    ("verb", "pixels", "button", "notches"),
    [
        ("scroll", 100, 4, 2),
        ("scroll", -500, 5, 10),
        ("scroll", 3, 4, 1),
        ("scroll", -0.5, 5, 1),
        ("scroll", 0, 0, 0),
        ("scroll", -1e12, 5, MOST_NOTCHES),
        ("hscroll", 100, 7, 2),
        ("hscroll", -150, 6, 3),
    ],
)
async def test_the_wheel_turns(
    hands: Desktop, window: Window, verb: str, pixels: float, button: int, notches: int
) -> None:
    assert await do(hands, verb, THERE, pixels=pixels) == Outcome(ok=True, point=THERE)
    assert buttons(await window.events()) == [("press", button, THERE), ("release", button, THERE)] * notches


async def test_the_wheel_turns_where_the_pointer_is(hands: Desktop, window: Window) -> None:
    await do(hands, "mouse_move", HERE)
    assert (await do(hands, "scroll", pixels=50)).point is None
    assert buttons(await window.events()) == [("press", 4, HERE), ("release", 4, HERE)]


def keystrokes(events: list[Event]) -> list[tuple[str, int]]:
    return [(event.kind, event.symbol) for event in events if event.kind in ("key", "lift")]


async def test_keys_go_down_in_order_and_up_in_reverse(hands: Desktop, window: Window) -> None:
    assert await do(hands, "key", keys=["ctrl", "Shift", "T"]) == Outcome(ok=True)
    control, shift, capital = 0xFFE3, 0xFFE1, ord("T")
    downs = [("key", control), ("key", shift), ("key", capital)]
    assert keystrokes(await window.events()) == [*downs, *(("lift", symbol) for _, symbol in reversed(downs))]


@pytest.mark.parametrize("layout", ["us", "de", "fr", "ru"])
@pytest.mark.parametrize(
    ("names", "symbols", "states"),
    [
        (["ctrl", "C"], [0xFFE3, ord("c")], [0, 4]),
        (["Return"], [0xFF0D], [0]),
        (["page_down"], [0xFF56], [0]),
        (["F13"], [0xFFCA], [0]),
        (["ö"], [0xF6], [0]),
        (["alt", "F9"], [0xFFE9, 0xFFC6], [0, 8]),
    ],
)
async def test_a_key_gives_its_symbol_on_any_key_map(
    desktop: PrivateDesktop,
    hands: Desktop,
    window: Window,
    layout: str,
    names: list[str],
    symbols: list[int],
    states: list[int],
) -> None:
    desktop.layout(layout)
    assert await do(hands, "key", keys=names) == Outcome(ok=True)
    events = [event for event in await window.events() if event.kind == "key"]
    assert [event.symbol for event in events] == symbols
    assert [event.state for event in events] == states
    assert desktop.pressed() == []


@pytest.mark.parametrize("name", ["ctrl", "?", "+", "A", "plus"])
async def test_a_shifted_character_is_what_a_person_presses(hands: Desktop, window: Window, name: str) -> None:
    await do(hands, "key", keys=[name])
    expected = {"ctrl": [0xFFE3], "?": [0xFFE1, ord("?")], "A": [0xFFE1, ord("A")]}.get(name, [0xFFE1, ord("+")])
    assert [symbol for kind, symbol in keystrokes(await window.events()) if kind == "key"] == expected


async def test_an_unknown_key_is_refused_before_any_is_pressed(hands: Desktop, window: Window) -> None:
    outcome = await do(hands, "key", keys=["ctrl", "retrun"])
    assert not outcome.ok
    assert outcome.note.startswith("there is no key 'retrun'; did you mean return")
    assert await window.events() == []


async def test_every_named_key_has_its_code_in_pyautogui(hands: Desktop, desktop: PrivateDesktop) -> None:
    import pyautogui

    from tools.keys import _KEYS

    codes = pyautogui.platformModule.keyboardMapping
    for key in set(_KEYS.values()):
        if key.pyautogui:
            assert codes[key.pyautogui] == desktop.display.keysym_to_keycode(symbol_of(key)) > 0


async def test_text_is_typed(hands: Desktop, window: Window) -> None:
    assert await do(hands, "type", text="Größe <中> 👍\n") == Outcome(ok=True)
    assert await window.text() == "Größe <中> 👍\n"


async def test_text_that_no_key_gives_is_refused(hands: Desktop, window: Window) -> None:
    outcome = await do(hands, "type", text="bell \x07")
    assert (outcome.ok, outcome.note) == (False, "no key gives '\\x07'; nothing was typed")
    assert await window.events() == []


@pytest.mark.parametrize(
    "action",
    [
        {"action": "wait", "time": 5},
        {"action": "terminate", "status": "success"},
        {"action": "answer", "text": "42"},
    ],
)
async def test_verbs_that_touch_nothing(hands: Desktop, window: Window, action: dict[str, Any]) -> None:
    start = time.monotonic()
    assert await hands.do(ACTION.validate_python(action), SIZE) == Outcome(ok=True)
    assert time.monotonic() - start < 2
    assert await window.events() == []


@pytest.mark.parametrize("action", [{"action": "goto", "url": "http://a"}, {"action": "back"}])
async def test_verbs_of_the_browser_are_refused(hands: Desktop, window: Window, action: dict[str, Any]) -> None:
    outcome = await hands.do(ACTION.validate_python(action), SIZE)
    assert not outcome.ok
    assert outcome.note.startswith(f"this world has no tool 'browser', hence no {action['action']}")
    assert await window.events() == []


async def test_release_lets_go_of_what_the_server_holds(
    desktop: PrivateDesktop, hands: Desktop, typist: Typist
) -> None:
    from Xlib import X

    other = connect(desktop.name)  # whoever pressed it
    typist.press(typist.strokes([symbol_of(find("shift"))])[0])
    other.xtest_fake_input(X.ButtonPress, 3)
    other.sync()
    await hands.release()
    assert desktop.pressed() == []
    assert desktop.root.query_pointer().mask & 0x1FFF == 0
    await hands.release()
    other.close()


DIES = """
import asyncio, subprocess, sys
from pathlib import Path
from tests.tools.private_desktop import SIZE, PrivateDesktop
import os
from tools.actions import ACTION
from tools.desktop import Desktop
from tools.errors import EnvError

actions = [{"action": "left_click", "coordinate": [5, 5]}, {"action": "type", "text": "a"},
           {"action": "key", "keys": ["enter"]}, {"action": "scroll", "pixels": 5}]

async def main():
    with PrivateDesktop(Path(sys.argv[1])) as desktop:
        os.environ["DISPLAY"] = desktop.name
        hands = Desktop()
        await hands.do(ACTION.validate_python(actions[0]), SIZE)
        desktop.server.kill()
        desktop.server.wait()
        for job in [*(hands.do(ACTION.validate_python(action), SIZE) for action in actions), hands.release()]:
            try:
                await job
            except EnvError as error:
                print(error)
        hands.close()
        hands.close()

asyncio.run(main())
"""


async def test_a_display_that_dies(tmp_path: Path) -> None:
    answer = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DIES, str(tmp_path), stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": "."}
    )
    output, _ = await answer.communicate()
    lines = output.decode().splitlines()
    assert len(lines) == 5
    assert all("is gone" in line for line in lines)


@pytest.mark.parametrize("name", [":987", "nonsense", ""])
def test_a_display_that_never_was(name: str) -> None:
    code = f"from tools.desktop import Desktop\nimport os\nos.environ['DISPLAY'] = {name!r}\nDesktop()"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert f"EnvError: display {name!r} is gone" in ran.stderr


async def test_a_second_display_in_one_process_is_refused(hands: Desktop, tmp_path: Path) -> None:
    with PrivateDesktop(tmp_path) as other:
        before, os.environ["DISPLAY"] = os.environ["DISPLAY"], other.name
        with pytest.raises(EnvError, match=f"pyautogui works '{before}' in this process"):
            Desktop()
        os.environ["DISPLAY"] = before


PLAYGROUND = """<!doctype html><title>Page</title>
<style>
body { margin: 0 }
div { position: absolute; left: 50px; width: 300px; font: 20px sans-serif }
#card, #slot { top: 50px; width: 100px; height: 60px; background: gold }
#slot { left: 500px; top: 250px }
#text { top: 150px; width: 600px }
#long { top: 200px; height: 200px; overflow: scroll }
#long p { width: 3000px; height: 3000px }
</style>
<div id=card draggable=true>card</div><div id=slot>slot</div>
<div id=text>some words to select</div>
<div id=long><p>long</div>
<script>
const counts = []; let dropped = '';
addEventListener('click', event => counts.push(event.detail));
card.ondragstart = event => event.dataTransfer.setData('text/plain', 'the card');
slot.ondragover = event => event.preventDefault();
slot.ondrop = event => { event.preventDefault(); dropped = event.dataTransfer.getData('text/plain') };
</script>"""


SHOWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
"""Ends when a picture of the page was drawn: before that Chromium drops what the mouse does."""


@pytest_asyncio.fixture
async def page(desktop: PrivateDesktop) -> AsyncIterator[Page]:
    """A page that fills the screen."""
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            desktop.home / "kiosk",
            executable_path=CHROMIUM,
            headless=False,
            no_viewport=True,
            env=desktop.environment,  # type: ignore[arg-type]
            ignore_default_args=["--enable-automation"],
            args=[*FLAGS, "--kiosk", f"--window-size={SIZE.width},{SIZE.height}"],
        )
        page = context.pages[0]
        await page.set_content(PLAYGROUND)
        await until(lambda: "Page" in desktop.title())
        await page.evaluate(SHOWN)
        yield page
        await context.close()


async def test_chromium_understands(hands: Desktop, page: Page) -> None:
    """Clicks are counted right, wheels scroll, text is selected and cards are dropped: one start for all of it."""
    for verb in ("left_click", "left_click", "double_click", "triple_click"):
        await do(hands, verb, Point(100, 260))
    await page.wait_for_function("counts.length >= 7")
    assert await page.evaluate("counts") == [1, 1, 1, 2, 1, 2, 3]

    await do(hands, "scroll", Point(200, 300), pixels=-200)
    await do(hands, "hscroll", Point(200, 300), pixels=100)
    await page.wait_for_function("long.scrollTop >= 150 && long.scrollLeft >= 60")

    await do(hands, "left_click_drag", Point(52, 164), coordinate2=to_grid(Point(600, 164), SIZE))
    await page.wait_for_function("String(getSelection()) == 'some words to select'")

    await do(hands, "left_click_drag", Point(100, 80), coordinate2=to_grid(Point(550, 280), SIZE))
    await page.wait_for_function("dropped == 'the card'", timeout=10_000)
