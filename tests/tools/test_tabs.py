"""Tabs, what the browser does on its own, and the change clock, on a real headless Chromium."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest

from tools.base import Frame
from tools.dom import find_elements, page_state
from tools.errors import EnvError
from tools.tabs import PageChanges

if TYPE_CHECKING:
    from playwright.async_api import Playwright, Route

    from tests.tools.browser_fixtures import Screen

pytest_plugins = ("tests.tools.browser_fixtures",)
pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize(
    ("kind", "script", "note"),
    [
        ("alert", "alert('Saved.')", "ok; a dialog (alert) said 'Saved.': accepted"),
        ("confirm", "confirm('Sure?')", "ok; a dialog (confirm) said 'Sure?': accepted"),
        ("prompt", "prompt('Who?', 'Ada')", "ok; a dialog (prompt) said 'Who?': accepted with 'Ada'"),
    ],
)
async def test_a_dialog_is_accepted_and_told(screen: "Screen", kind: str, script: str, note: str) -> None:
    page = await screen.open(f"<script>var got; addEventListener('mousedown', () => got = {script})</script>")
    assert (await screen.do("left_click", at=(5, 5))).note == note
    assert await page.evaluate("got") == {"alert": None, "confirm": True, "prompt": "Ada"}[kind]
    assert (await screen.do("left_click", at=(5, 5))).note == note


async def test_a_page_that_asks_before_it_is_left_is_left(screen: "Screen") -> None:
    await screen.open("<script>onbeforeunload = e => e.preventDefault()</script>")
    await screen.do("left_click", at=(5, 5))  # Chromium asks only after a page was touched
    screen.site["/next"] = "<title>next</title>"
    outcome = await screen.do("goto", url="http://site.test/next")
    assert outcome.ok
    assert "beforeunload" in outcome.note


async def test_many_dialogs_are_cut_short(screen: "Screen") -> None:
    await screen.open("<script>onmousedown = () => { for (let i = 0; i < 8; i++) alert('x'.repeat(400)) }</script>")
    note = (await screen.do("left_click", at=(5, 5))).note
    assert note.count("a dialog (alert) said") == 5
    assert note.endswith("; and 3 more")
    assert len(note) < 2000


async def test_a_file_chooser_is_told(screen: "Screen") -> None:
    await screen.open("<input type=file id=f>")
    assert (await screen.do("left_click", at=(20, 10))).note == "ok; a file chooser opened: no file was chosen"
    assert (await screen.do("left_click", at=(20, 300))).note == "ok"


async def test_a_download_is_told(screen: "Screen") -> None:
    page = await screen.open("<a href='data:text/plain,x' download=x.txt>save</a>")
    async with page.expect_download():
        note = (await screen.do("left_click", at=(10, 10))).note
    assert "a download began: 'x.txt'" in note + (await screen.do("mouse_move", at=(1, 1))).note


async def test_goto_and_back(screen: "Screen") -> None:
    page = await screen.open("<h1>one</h1>", "/one")
    screen.site["/two"] = "<h1>two</h1>"
    assert (await screen.do("goto", url="site.test/two")).note == "ok"
    assert page.url == "http://site.test/two"
    assert (await screen.do("back")).note == "ok"
    assert page.url == "http://site.test/one"
    assert (await screen.do("back")).ok
    assert (await screen.do("back")).note == "there is no page to go back to"


async def test_a_page_is_seen_and_asked_while_another_takes_its_place(screen: "Screen") -> None:
    page = await screen.open("<button>0</button>")
    for number in range(1, 13):
        screen.site[f"/{number}"] = f"<button>{number}</button>"

    async def browse() -> None:
        for number in range(1, 13):
            host = ("site.test", "other.test")[number % 2]  # another site is another process
            await page.goto(f"http://{host}/{number}", wait_until="commit")

    browsing = asyncio.ensure_future(browse())
    asked = 0
    while not browsing.done():
        await asyncio.gather(screen.eyes.grab(), find_elements(page, css="button"), page_state(screen.tabs))
        asked += 1
    await browsing
    assert asked
    assert (await screen.do("back")).note == "ok"


async def test_goto_opens_web_pages_only(screen: "Screen") -> None:
    for url in ("file:///etc/passwd", "javascript:alert(1)", "chrome://version", "about:gpu", ""):
        outcome = await screen.do("goto", url=url)
        assert (outcome.ok, screen.page.url) == (False, "about:blank")
        assert "only http, https and about:blank" in outcome.note


async def test_a_failed_load_is_told(screen: "Screen") -> None:
    outcome = await screen.do("goto", url="http://site.test/missing")
    assert not outcome.ok
    assert outcome.note.startswith("http://site.test/missing did not load: net::ERR_CONNECTION_REFUSED")
    assert (await screen.do("mouse_move", at=(1, 1))).ok


async def test_tabs_open_and_switch(screen: "Screen") -> None:
    first = await screen.open("first")
    screen.site["/second"] = "second"
    assert (await screen.do("new_tab", url="http://site.test/second")).note == "ok"
    second, _ = await screen.tabs.front()
    assert (second.url, screen.tabs.front_index) == ("http://site.test/second", 1)
    assert (await screen.do("switch_tab", tab=0)).ok
    assert (await screen.tabs.front()).page is first
    assert (await screen.do("switch_tab", tab=2)).note == "there is no tab 2: the last is 1"
    assert (await screen.do("new_tab")).ok
    assert (await screen.tabs.front()).page.url == "about:blank"


@pytest.mark.parametrize("how", ["window.open('/popup')", "window.open('/popup', 'w', 'width=300,height=200')"])
async def test_a_popup_comes_to_the_front_and_falls_back(screen: "Screen", how: str) -> None:
    page = await screen.open(f"<script>onclick = () => {{ {how} }}</script>")
    screen.site["/popup"] = "<body onclick='window.close()' style='background:red'>popup"
    await screen.do("left_click", at=(100, 100))
    await screen.until(lambda: len(screen.tabs.pages) == 2)
    popup, _ = await screen.tabs.front()
    assert popup.url == "http://site.test/popup"
    assert (await screen.eyes.grab()).size == screen.size
    await popup.wait_for_load_state()
    assert (await screen.do("left_click", at=(100, 100))).ok
    await screen.until(lambda: screen.tabs.pages == [page])
    assert (await screen.tabs.front()).page is page
    assert (await screen.eyes.grab()).size == screen.size
    assert (await screen.do("mouse_move", at=(1, 1))).ok


async def test_without_a_page_the_world_is_broken(screen: "Screen") -> None:
    await screen.page.close()
    with pytest.raises(EnvError, match="no page is open"):
        await screen.eyes.grab()
    with pytest.raises(EnvError, match="no page is open"):
        await screen.do("left_click", at=(1, 1))


async def test_a_crashed_page_is_a_broken_world(screen: "Screen") -> None:
    _, session = await screen.tabs.front()
    crash = asyncio.ensure_future(session.send("Page.crash"))
    crashed = asyncio.ensure_future(screen.page.wait_for_event("crash"))
    await asyncio.wait([crashed])
    with pytest.raises(EnvError, match="crashed"):
        await screen.do("left_click", at=(1, 1))
    with pytest.raises(EnvError, match="crashed"):
        await screen.eyes.grab()
    crash.cancel()


async def test_a_killed_browser_is_a_broken_world(playwright: "Playwright") -> None:
    from tests.tools.browser_fixtures import CHROMIUM, FLAGS, attach

    browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    screen = await attach(browser)
    await browser.close()
    with pytest.raises(EnvError):
        await screen.eyes.grab()
    with pytest.raises(EnvError):
        await screen.do("type", text="a")
    await screen.hands.release()


async def quiet(screen: "Screen", seconds: float = 0.3) -> float:
    """Waits until all is drawn and nothing changed for a while, and returns when the last change was."""
    await screen.eyes.grab()
    await screen.until(lambda: time.monotonic() - screen.changes.last() > seconds and not screen.changes.busy())
    return screen.changes.last()


async def changed(screen: "Screen", since: float) -> None:
    await screen.until(lambda: screen.changes.last() > since)


async def undisturbed(screen: "Screen", act: Callable[[], Awaitable[object]]) -> bool:
    """Whether something can be done, and a second go by, without a change; a starved machine may need two attempts."""
    for _ in range(4):
        last = await quiet(screen)
        await act()
        for _ in range(10):
            await asyncio.sleep(0.1)
        if screen.changes.last() == last:
            return True
    return False


async def test_an_idle_page_does_not_change(screen: "Screen") -> None:
    page = await screen.open("<input id=i autofocus value=text>")  # its caret stands still
    assert await undisturbed(screen, page.title)
    await page.evaluate("i.style.caretAnimation = 'auto'")  # and now it blinks
    for _ in range(3):
        await changed(screen, screen.changes.last())


async def test_a_picture_taken_is_no_change(screen: "Screen") -> None:
    await screen.open("<input autofocus value=text>")
    pictures: list[Frame] = []

    async def grab() -> None:
        pictures.extend([await screen.eyes.grab() for _ in range(3)])

    assert await undisturbed(screen, grab)
    assert len(set(pictures)) == 1


async def test_a_change_right_after_a_picture_is_noticed(screen: "Screen") -> None:
    page = await screen.open("<p>text")
    for color in ("red", "green", "blue"):
        last = await quiet(screen)
        await screen.eyes.grab()
        await page.evaluate(f"document.body.style.background = '{color}'")
        await changed(screen, last)


@pytest.mark.parametrize(
    "change",
    [
        "document.body.style.background = 'red'",
        "scrollTo(0, 50)",
        "c.getContext('2d').fillRect(0, 0, 9, 9)",
        "i.value = 1",
    ],
)
async def test_every_change_of_the_picture_is_noticed(screen: "Screen", change: str) -> None:
    page = await screen.open("<canvas id=c></canvas><input id=i><div style='height: 3000px'>")
    last = await quiet(screen)
    await page.evaluate(f"void ({change})")
    await changed(screen, last)


async def test_hands_make_changes_and_so_does_the_next_page(screen: "Screen") -> None:
    page = await screen.open("<input id=i style='width:300px; height:50px'>")
    last = await quiet(screen)
    await screen.do("left_click", at=(20, 20))
    await changed(screen, last)
    last = await quiet(screen)
    await screen.do("key", keys="a")
    await changed(screen, last)
    screen.site["http://other.test/"] = "<body style='background:blue' onclick='this.style.background = 0'>"
    last = await quiet(screen)
    await page.goto("http://other.test/")
    await changed(screen, last)
    last = await quiet(screen)
    await page.evaluate("document.body.style.background = 'red'")
    await changed(screen, last)


async def test_an_animation_goes_on_changing(screen: "Screen") -> None:
    await screen.open(
        "<style>@keyframes turn { to { rotate: 1turn } } p { animation: turn 1s infinite }</style><p>turning"
    )
    for _ in range(3):
        last = screen.changes.last()
        await changed(screen, last)


async def test_the_clock_follows_the_front_tab(screen: "Screen") -> None:
    behind = await screen.open("<p>first")
    await screen.do("new_tab")
    await screen.open("<p>second", "/second")
    assert await undisturbed(screen, lambda: behind.evaluate("document.body.style.background = 'red'"))
    last = await quiet(screen)
    await screen.do("switch_tab", tab=0)
    await changed(screen, last)
    last = await quiet(screen)
    await behind.evaluate("document.body.style.background = 'blue'")
    await changed(screen, last)


async def test_a_page_that_loads_is_busy(screen: "Screen") -> None:
    page = await screen.open("<p>quick")
    held = await _hold(screen, "/slow")
    patient = PageChanges(screen.tabs, busy_for=60)
    hasty = PageChanges(screen.tabs, busy_for=0.2)
    await quiet(screen)
    await page.evaluate("void fetch('/slow')")
    await screen.until(lambda: screen.changes.busy() and patient.busy())
    await screen.until(lambda: not hasty.busy())  # as long polls do not say anything
    assert patient.busy()
    await (await held).fulfill(body="done")
    await screen.until(lambda: not patient.busy())


async def test_a_stream_is_not_busy(screen: "Screen") -> None:
    page = await screen.open("<p>quick")
    held = await _hold(screen, "/stream")
    await quiet(screen)
    await page.evaluate("void new EventSource('/stream')")
    route = await held
    assert not screen.changes.busy()
    await route.abort()


async def _hold(screen: "Screen", path: str) -> "asyncio.Future[Route]":
    """Lets requests for a path wait; gives the first of them."""
    first: asyncio.Future[Route] = asyncio.get_running_loop().create_future()
    await screen.context.route(f"**{path}", lambda route: first.set_result(route))
    return first
