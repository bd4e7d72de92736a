"""What a person does in a page, as a script in it tells: input through Chromium's own protocol, which pages trust."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tools.actions import Goto
from tools.deeds import Char, Chord, Event, Press, Release, Target, Went, Wheel
from tools.geometry import Point, Rect
from tools.witness_page import PageWitness

if TYPE_CHECKING:
    from tests.tools.browser_fixtures import OpenScreen, Screen

pytest_plugins = ("tests.tools.browser_fixtures",)
pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

FORM = """
<style>body > * { position: absolute; left: 100px; width: 200px; height: 30px; padding: 0; border: 0 }</style>
<label for=name style='top:20px'>Your name</label><input id=name style='top:60px'>
<input type=password id=word placeholder=Password style='top:100px'>
<button style='top:140px'>Sign <b>in</b></button><textarea style='top:180px'></textarea>
<iframe style='top:250px;height:100px'
  srcdoc="<body style='margin:0'><button style='width:50px;height:20px'>In</button>"></iframe>
"""

Watched = Callable[..., Awaitable[tuple["Screen", list[Event]]]]


@pytest_asyncio.fixture(loop_scope="session")
async def watched(open_screen: "OpenScreen") -> Watched:
    """Opens a page that is watched: `await watched(html, private=True)`."""

    async def begin(html: str, *, private: bool = True) -> tuple["Screen", list[Event]]:
        screen, events = await open_screen(), list[Event]()
        witness = PageWitness(screen.tabs, events.append, private=private)
        await witness.prepare()
        await screen.open(html)
        await witness.begin()
        return screen, events

    return begin


async def heard(screen: "Screen", events: list[Event], last: Event) -> list[Event]:
    """What came, until what was done last has come, too; without the times."""
    await screen.until(lambda: any(event._replace(when=0) == last for event in events), 30)
    return [event._replace(when=0) for event in events]


async def test_a_click_tells_what_it_hit(watched: Watched) -> None:
    screen, events = await watched(FORM)
    await screen.do("left_click", (110, 145))
    assert await heard(screen, events, Release(1, Point(110, 145), 0)) == [
        Press(1, Point(110, 145), 0, Target("the button 'Sign in'", Rect(100, 140, 300, 170)), nth=1),
        Release(1, Point(110, 145), 0),
    ]


async def test_where_a_click_in_a_thing_matters_its_place_is_kept(watched: Watched) -> None:
    screen, events = await watched(FORM)
    await screen.do("left_click", (110, 70))
    await screen.do("type", text="x")
    await screen.do("left_click", (120, 72))
    await screen.do("left_click", (110, 190))
    said = await heard(screen, events, Release(1, Point(110, 190), 0))
    assert [event.target for event in said if isinstance(event, Press)] == [
        Target("the textbox 'Your name'", Rect(100, 60, 300, 90)),
        Target("the textbox 'Your name'"),
        Target("the textbox"),
    ]


@pytest.mark.parametrize("private", [True, False])
async def test_a_password_does_not_leave_the_page(private: bool, watched: Watched) -> None:
    screen, events = await watched(FORM, private=private)
    await screen.do("left_click", (110, 110))
    await screen.do("type", text="hu")
    await screen.do("key", keys=["enter"])
    target = Target("the input 'Password'")
    said = await heard(screen, events, Chord(("enter",), 0, target))
    wanted = [Char("" if private else letter, 0, target, secret=private) for letter in "hu"]
    assert [event for event in said if isinstance(event, Char)] == wanted


async def test_keys_and_the_wheel(watched: Watched) -> None:
    screen, events = await watched(FORM)
    await screen.do("left_click", (110, 70))
    await screen.do("type", text="o")
    await screen.do("key", keys=["ctrl", "shift", "z"])
    await screen.do("key", keys=["pagedown"])
    await screen.do("scroll", (600, 400), pixels=-120)
    name = Target("the textbox 'Your name'")
    turned = Wheel(Point(600, 400), 0, up=-120, target=Target("the page"))
    said = await heard(screen, events, turned)
    assert said[3:] == [Chord(("ctrl", "shift", "z"), 0, name), Chord(("pagedown",), 0, name), turned]


async def test_a_frame_knows_where_it_is(watched: Watched) -> None:
    screen, events = await watched(FORM)
    await screen.do("left_click", (110, 255))
    said = await heard(screen, events, Release(1, Point(110, 255), 0))
    assert said[0] == Press(1, Point(110, 255), 0, Target("the button 'In'", Rect(100, 250, 150, 270)), nth=1)


async def test_what_scripts_make_up_is_nobodys_and_the_way_out_is_gone(watched: Watched) -> None:
    screen, events = await watched(FORM + "<script>document.querySelector('button').click()</script>")
    page, _ = await screen.tabs.front()
    assert await page.evaluate("Object.keys(globalThis).filter(name => name.includes('surehand'))") == []
    await page.evaluate("document.querySelector('button').dispatchEvent(new MouseEvent('mousedown', {bubbles: true}))")
    await screen.do("left_click", (110, 145))
    assert len(await heard(screen, events, Release(1, Point(110, 145), 0))) == 2


async def test_a_reload_goes_to_the_page(watched: Watched) -> None:
    screen, events = await watched(FORM)
    page, _ = await screen.tabs.front()
    await screen.do("left_click", (110, 70))
    await screen.do("key", keys=["f5"])
    assert (await heard(screen, events, Went(Goto(url=page.url), 0)))[-1] == Went(Goto(url=page.url), 0)
