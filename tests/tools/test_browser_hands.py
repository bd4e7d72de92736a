"""Eyes, hands and tabs on a real headless Chromium: what the page itself logged is the proof."""

import asyncio
import io
import time
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from tools.actions import LeftClick, LeftClickDrag, Scroll, Type
from tools.browser import BrowserEyes, BrowserHands
from tools.dom import find_elements
from tools.errors import EnvError
from tools.geometry import Box, GridPoint, Size

if TYPE_CHECKING:
    from playwright.async_api import Playwright

    from tests.tools.browser_fixtures import OpenScreen, Screen

pytest_plugins = ("tests.tools.browser_fixtures",)
pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

BUTTON = "<button id=b style='position:absolute; left:200px; top:100px; width:120px; height:60px'>Press</button>"
FIELD = "<textarea id=t style='position:absolute; left:10px; top:10px; width:600px; height:300px'></textarea>"


def seen(events: list[list[Any]], *types: str) -> list[list[Any]]:
    return [event for event in events if event[0] in types]


ONE = [["mousedown", 1], ["mouseup", 1], ["click", 1]]
TWO = [*ONE, ["mousedown", 2], ["mouseup", 2], ["click", 2], ["dblclick", 2]]
CLICKS = {
    "left_click": ONE,
    "double_click": TWO,
    "triple_click": [*TWO, ["mousedown", 3], ["mouseup", 3], ["click", 3]],
    "right_click": [["mousedown", 1], ["contextmenu", 0], ["mouseup", 1], ["auxclick", 1]],
    "middle_click": [["mousedown", 1], ["mouseup", 1], ["auxclick", 1]],
}


@pytest.mark.parametrize("verb", CLICKS)
async def test_a_click_is_what_a_mouse_does_at_that_pixel(screen: "Screen", verb: str) -> None:
    await screen.open(BUTTON)
    outcome = await screen.do(verb, at=(223, 117))
    assert (outcome.ok, outcome.note, outcome.point) == (True, "ok", (223, 117))
    events = await screen.log()
    clicks = [event for event in events if event[0] != "mousemove"]
    assert {tuple(event[1:4]) for event in clicks} == {("b", 223, 117)}
    assert [[event[0], event[4]] for event in clicks] == CLICKS[verb]


async def test_two_left_clicks_are_no_double_click(screen: "Screen") -> None:
    await screen.open(BUTTON)
    for _ in range(2):
        await screen.do("left_click", at=(223, 117))
    assert [event[4] for event in seen(await screen.log(), "click", "dblclick")] == [1, 1]


async def test_the_pointer_moves_without_a_click(screen: "Screen") -> None:
    await screen.open(BUTTON)
    assert (await screen.do("mouse_move", at=(210, 130))).point == (210, 130)
    events = await screen.log()
    assert events[-1][:4] == ["mousemove", "b", 210, 130]
    assert seen(events, "mousedown") == []


CORNERS = [(x, y) for x in ("left", "right") for y in ("top", "bottom")]
TARGETS = (
    "<style>button { position: absolute; width: 17px; height: 13px; padding: 0 }</style>"
    + "".join(f"<button style='{x}:0; {y}:0' id={x}-{y}></button>" for x, y in CORNERS)
    + "<button style='left:37.3%; top:61.7%' id=inside></button>"
)


async def _click_boxes(screen: "Screen") -> Size:
    page = await screen.open(TARGETS)
    frame = await screen.eyes.grab()
    with Image.open(io.BytesIO(frame.png)) as picture:
        assert picture.size == frame.size
    buttons = await find_elements(page, css="button", picture=frame.size)
    for button in buttons:
        assert button.visible
        outcome = await screen.hands.do(LeftClick(bbox_2d=Box.from_rect(button.rect, frame.size)), frame.size)
        assert outcome.point is not None
        left, top, right, bottom = button.rect
        assert left <= outcome.point.x < right
        assert top <= outcome.point.y < bottom
    clicked = seen(await screen.log(), "click")
    assert [event[1] for event in clicked] == [button.attributes["id"] for button in buttons]
    return frame.size


@pytest.mark.parametrize(("width", "height"), [(390, 844), (640, 480), (1280, 720), (1365, 767), (1920, 1080)])
async def test_a_click_on_a_box_lands_in_it(open_screen: "OpenScreen", width: int, height: int) -> None:
    assert await _click_boxes(await open_screen(width, height)) == (width, height)


async def test_a_click_lands_where_the_scale_is_emulated(open_screen: "OpenScreen") -> None:
    await _click_boxes(await open_screen(800, 600, 2))


async def test_a_click_lands_where_the_device_has_two_pixels_for_one(playwright: "Playwright") -> None:
    from tests.tools.browser_fixtures import CHROMIUM, FLAGS, attach

    flags = [*FLAGS, "--force-device-scale-factor=2"]
    async with await playwright.chromium.launch(executable_path=CHROMIUM, args=flags) as browser:
        for options in ({}, {"no_viewport": True}):
            screen = await attach(browser, 800, 600, **options)
            width, height = await _click_boxes(screen)
            assert [width / 2, height / 2] == await screen.page.evaluate("[innerWidth, innerHeight]")


async def test_keys_go_down_in_order_and_up_in_reverse(screen: "Screen") -> None:
    await screen.open(FIELD)
    await screen.do("left_click", at=(50, 50))
    await screen.log()
    assert (await screen.do("key", keys=["ctrl", "shift", "Page_Down"])).note == "ok"
    pressed = [[event[0], event[5]] for event in await screen.log()]
    names = ["Control", "Shift", "PageDown"]
    assert pressed == [["keydown", name] for name in names] + [["keyup", name] for name in reversed(names)]


async def test_shortcuts_edit_text(screen: "Screen") -> None:
    page = await screen.open(FIELD)
    await screen.do("left_click", at=(50, 50))
    await screen.do("type", text="one two")
    for keys in ("ctrl+a", "ctrl+c", "End", "ctrl+v", "shift+Home", "Delete", "ctrl+z"):
        assert (await screen.do("key", keys=keys)).ok
    assert await page.evaluate("t.value") == "one twoone two"


async def test_an_unknown_key_is_told_and_nothing_is_pressed(screen: "Screen") -> None:
    await screen.open(FIELD)
    outcome = await screen.do("key", keys=["ctrl", "florp"])
    assert not outcome.ok
    assert "florp" in outcome.note
    assert seen(await screen.log(), "keydown") == []


TEXTS = [
    "Hello, Wörld! 中文 ~|{}<>\"'\\ 0:9",
    "Ünïcödé → ☃ 🎉 Привет 한글 e\u0301",
    "a\nb\r\nc\rd",
    "  aa  AA!!",
    "x" * 250,
]


async def test_text_arrives_exactly(screen: "Screen") -> None:
    page = await screen.open(FIELD)
    await screen.do("left_click", at=(50, 50))
    for text in TEXTS:
        await page.evaluate("t.value = ''")
        assert (await screen.do("type", text=text)).note == "ok"
        assert await page.evaluate("t.value") == text.replace("\r\n", "\n").replace("\r", "\n")


async def test_plain_text_is_typed_key_by_key(screen: "Screen") -> None:
    await screen.open("<input id=a autofocus><input id=b>" + FIELD)
    await screen.do("left_click", at=(15, 5))
    await screen.log()
    await screen.do("type", text="aB\té\n")
    events = [[event[0], event[1], event[5]] for event in seen(await screen.log(), "keydown", "keyup", "input")]
    assert events == [
        *(["keydown", "a", "a"], ["input", "a", "a"], ["keyup", "a", "a"]),
        *(["keydown", "a", "B"], ["input", "a", "B"], ["keyup", "a", "B"]),
        *(["keydown", "a", "Tab"], ["keyup", "b", "Tab"]),
        ["input", "b", "é"],
        *(["keydown", "b", "Enter"], ["keyup", "b", "Enter"]),
    ]


async def test_long_text_is_typed_fast(screen: "Screen") -> None:
    page = await screen.open("<textarea id=t style='width:600px; height:300px'></textarea>")
    await screen.do("left_click", at=(50, 50))
    text = ("The quick brown fox jumps over 13 lazy dogs; " * 7)[:300]
    start = time.monotonic()
    await screen.do("type", text=text)
    assert time.monotonic() - start < 5  # 0.6 s on an idle machine
    assert await page.evaluate("t.value") == text


async def test_a_drag_moves_with_the_button_down(screen: "Screen") -> None:
    script = "const held = []; onpointermove = e => held.push([e.clientX, e.clientY, e.buttons])"
    page = await screen.open(f"<script>{script}</script>")
    outcome = await screen.do("left_click_drag", at=(100, 50), coordinate2=(400, 600))
    assert (outcome.ok, outcome.point) == (True, (100, 50))
    moves = await page.evaluate("held")
    assert moves[0] == [100, 50, 0]
    assert moves[-1] == [400, 300, 1]
    assert len([move for move in moves if move[2]]) >= 5
    events = seen(await screen.log(), "mousedown", "mouseup")
    assert [event[:1] + event[2:4] for event in events] == [["mousedown", 100, 50], ["mouseup", 400, 300]]


async def test_a_drag_without_a_second_place_starts_at_the_pointer(screen: "Screen") -> None:
    page = await screen.open("<input type=range id=r min=0 max=100 value=0 style='width:500px; margin:0'>")
    await screen.do("mouse_move", at=(8, 8))
    assert (await screen.do("left_click_drag", at=(400, 8))).point == (400, 8)
    assert 75 <= int(await page.evaluate("r.value")) <= 85


async def test_html5_drag_and_drop(screen: "Screen") -> None:
    page = await screen.open("""
        <div id=d draggable=true style='position:absolute; left:10px; top:20px; width:60px; height:60px'>drag</div>
        <div id=z style='position:absolute; left:500px; top:200px; width:90px; height:90px'>drop</div>
        <script>
          d.ondragstart = e => e.dataTransfer.setData('text/plain', 'cargo');
          z.ondragover = e => e.preventDefault();
          z.ondrop = e => { z.textContent = e.dataTransfer.getData('text/plain') + e.clientX + ',' + e.clientY };
        </script>""")
    assert (await screen.do("left_click_drag", at=(40, 50), coordinate2=(540, 480))).ok
    assert await page.evaluate("z.textContent") == "cargo540,240"


LAND = """
<body style='width:5000px; height:5000px'>
<div id=box style='position:absolute; left:100px; top:100px; width:200px; height:200px; overflow:scroll'>
<div style='width:3000px; height:3000px'></div></div>
<script>const turns = []; onwheel = e => turns.push([e.target.id, e.deltaX, e.deltaY, e.clientX, e.clientY])</script>
"""


@pytest.mark.parametrize(
    ("verb", "pixels", "delta"),
    [("scroll", -300, [0, 300]), ("scroll", 120, [0, -120]), ("hscroll", 200, [200, 0]), ("hscroll", -50, [-50, 0])],
)
async def test_the_wheel_turns_over_the_target(screen: "Screen", verb: str, pixels: int, delta: list[int]) -> None:
    page = await screen.open(LAND)
    await page.evaluate("turns.length = 0, document.scrollingElement.scrollTo(500, 500)")
    assert (await screen.do(verb, at=(700, 400), pixels=pixels)).point == (700, 400)
    await page.wait_for_function("turns.length")
    assert [turn[1:] for turn in await page.evaluate("turns")] == [[*delta, 700, 400]]
    where = [500 + delta[0], 500 + delta[1]]
    await page.wait_for_function(f"[scrollX, scrollY].join() === '{where[0]},{where[1]}'")


async def test_the_wheel_turns_where_the_pointer_is(screen: "Screen") -> None:
    page = await screen.open(LAND)
    assert (await screen.do("scroll", pixels=-10)).point is None
    await screen.do("mouse_move", at=(150, 150))
    await screen.do("scroll", pixels=-10)
    await page.wait_for_function("turns.length === 2")
    assert [turn[3:] for turn in await page.evaluate("turns")] == [[500, 250], [150, 150]]
    await page.wait_for_function("box.scrollTop === 10")


async def test_pixels_of_the_wheel_are_those_of_the_picture(screen: "Screen") -> None:
    page = await screen.open(LAND)
    larger = Size(2 * screen.size.width, 2 * screen.size.height)
    await screen.hands.do(Scroll(coordinate=GridPoint(400, 800), pixels=-100), larger)
    await page.wait_for_function("turns.length")
    assert [turn[1:] for turn in await page.evaluate("turns")] == [[0, 50, 400, 400]]


@pytest.mark.parametrize("action", [{"action": "wait", "time": 1}, {"action": "terminate", "status": "success"}])
async def test_what_touches_nothing_is_ok(screen: "Screen", action: dict[str, Any]) -> None:
    await screen.open(BUTTON)
    verb = action.pop("action")
    assert (await screen.do(verb, **action)).note == "ok"
    assert await screen.log() == []


SELECT = """<p>before <select id=s><option>one<option>two<optgroup label=G><option disabled>three<option>four</optgroup>
</select> after</p><button>Behind</button>"""


async def test_an_option_is_picked_where_it_is_seen(screen: "Screen") -> None:
    page = await screen.open(SELECT)
    (select,) = await find_elements(page, css="select")
    await screen.do("left_click", at=select.rect.center)
    (option,) = await find_elements(page, css="option", text="four")
    assert option.visible
    await screen.log()
    await screen.do("left_click", at=option.rect.center)
    assert await page.evaluate("s.value") == "four"
    assert [event[:2] for event in seen(await screen.log(), "input", "change")] == [["input", "s"], ["change", "s"]]
    (again,) = await find_elements(page, css="select")
    assert again.rect == select.rect


@pytest.mark.parametrize("opened", ["left_click", "space", "alt+down", "escape"])
async def test_an_option_is_picked_by_keys(screen: "Screen", opened: str) -> None:
    page = await screen.open(SELECT)
    (select,) = await find_elements(page, css="select")
    await screen.do("left_click", at=select.rect.center)
    if opened != "left_click":
        await screen.do("key", keys="escape")
        await screen.do("key", keys=opened)
    for key in ("down", "down", "enter"):
        await screen.do("key", keys=key)
    assert await page.evaluate("s.value") == "four"


HANG = """<script>
const hang = ms => { console.log('hanging'); const end = Date.now() + ms; while (Date.now() < end); };
</script>"""


async def test_a_page_that_hangs_is_told(screen: "Screen") -> None:
    page = await screen.open(HANG)
    async with page.expect_console_message():
        await page.evaluate("void setTimeout(hang, 20, 2500)")
    outcome = await BrowserHands(screen.tabs, patience=0.3).do(LeftClick(coordinate=GridPoint(1, 1)), screen.size)
    assert (outcome.ok, outcome.note) == (False, "the page did not answer within 0.3 s")
    with pytest.raises(EnvError, match=r"no picture within 0.3 s"):
        await BrowserEyes(screen.tabs, patience=0.3).grab()


async def test_what_a_cut_off_action_held_is_let_go(screen: "Screen") -> None:
    page = await screen.open(FIELD + HANG + "<script>onmousedown = () => hang(500)</script>")
    hands = BrowserHands(screen.tabs)
    drag = LeftClickDrag(coordinate=GridPoint(20, 40), coordinate2=GridPoint(300, 300))
    async with page.expect_console_message():
        running = asyncio.ensure_future(hands.do(drag, screen.size))
    running.cancel()
    await asyncio.wait([running])
    await hands.release()
    assert [event[0] for event in seen(await screen.log(), "mousedown", "mouseup")] == ["mousedown", "mouseup"]
    await hands.do(Type(text="x"), screen.size)
    assert await page.evaluate("t.value") == "x"
