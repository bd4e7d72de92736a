from pathlib import Path
from random import Random

import pytest

from env.base import Environment, Posted, Shots
from env.clock import VirtualClock
from env.screens import Button, Copy, Field, Fill, Label, Post, Screen, Show, Write
from env.scripted import SMALL, ScriptedWorld
from env.setup import Launch, OpenUrl, PutFile, Run, Serve, SetupStep
from scenarios.locate import Locator, locate
from tools.actions import (
    Back,
    BrowserAction,
    ComputerAction,
    DoubleClick,
    Goto,
    Key,
    LeftClick,
    MouseMove,
    NewTab,
    Outcome,
    Scroll,
    TripleClick,
    Type,
    Wait,
)
from tools.errors import EnvError, ScenarioError
from tools.geometry import Box, GridPoint, Point, Rect

NAME, MAIL, SEND, CLEAR = (Rect(20, top, 220, top + 30) for top in (40, 80, 120, 160))
FORM = Screen(
    "Sign up",
    (
        Label("Hello {user}", Rect(20, 200, 220, 230)),
        Field("Name", NAME, (Show("done"),)),
        Field("Mail", MAIL),
        Button("Send", SEND, (Post("/api/sign-up", {"name": "{Name}", "mail": "{Mail}"}), Show("done"))),
        Button("Clear", CLEAR, (Fill("Name", ""), Copy("{Name}!"))),
    ),
    keys={"ctrl+s": (Write("drafts/{Name}.txt", "{Name} <{Mail}>"),)},
    url="http://site.test/",
)
APP = {"form": FORM, "done": Screen("Thank you", (Label("Thank you, {Name}", NAME),), url="http://site.test/done")}
SETUP: tuple[SetupStep, ...] = (Serve(folder="any", data={"user": "Ada"}),)


def on(rect: Rect) -> Box:
    return Box.from_rect(rect, SMALL)


def click(rect: Rect) -> LeftClick:
    return LeftClick(bbox_2d=on(rect))


async def opened(*setup: SetupStep, **trouble: object) -> ScriptedWorld:
    world = ScriptedWorld(APP, **trouble)  # type: ignore[arg-type] # named by the test
    await world.reset((*SETUP, *setup), 7)
    return world


async def play(world: Environment, *actions: ComputerAction | BrowserAction) -> list[Outcome]:
    return [await world.execute(number, action) for number, action in enumerate(actions, start=1)]


async def test_clicks_and_text_go_where_they_should() -> None:
    world = await opened()
    outcomes = await play(world, click(NAME), Type(text="Grace"), click(MAIL), Type(text="g@site.test"), click(SEND))
    assert outcomes[0] == Outcome(ok=True, point=Point(*NAME.center))
    assert await world.probe().posted() == (Posted(path="/api/sign-up", body={"name": "Grace", "mail": "g@site.test"}),)
    assert [window.title for window in await world.probe().windows()] == ["Thank you"]
    assert [line.text for line in await world.probe().screen_text()] == ["Thank you, Grace"]


@pytest.mark.parametrize(
    ("actions", "name"),
    [
        ([Type(text="nowhere")], ""),
        ([Key(keys=("tab",)), Type(text="Ada")], "Ada"),
        ([*[Key(keys=("Tab",))] * 3, Type(text="Ada")], "Ada"),
        ([click(NAME), Type(text="Ada"), Key(keys=("BackSpace",))], "Ad"),
        ([click(NAME), Type(text="Ada"), Key(keys=("ctrl", "a")), Type(text="Bob")], "Bob"),
        ([click(NAME), Type(text="Ada"), Key(keys=("ctrl", "a")), Key(keys=("backspace",)), Type(text="B")], "B"),
        ([click(NAME), Type(text="Ada"), TripleClick(bbox_2d=on(NAME)), Type(text="Bob")], "Bob"),
        ([click(NAME), Type(text="Ada"), DoubleClick(bbox_2d=on(MAIL)), Type(text="Bob")], "Ada"),
        ([click(NAME), Type(text="Ada"), LeftClick(coordinate=GridPoint(999, 999)), Type(text="Bob")], "Ada"),
        ([click(NAME), Type(text="Ada"), click(CLEAR)], ""),
    ],
)
async def test_editing(actions: list[ComputerAction], name: str) -> None:
    world = await opened()
    await play(world, *actions)
    assert world.state().fields["Name"] == name


async def test_enter_keys_clipboard_and_files() -> None:
    world = await opened()
    await play(world, click(NAME), Type(text="Ada"), Key(keys=("Ctrl", "S")), click(CLEAR), Type(text="Eve\n"))
    probe = world.probe()
    assert await probe.glob("drafts/*.txt") == ("drafts/Ada.txt",)
    assert await probe.glob("*.txt") == ()
    assert await probe.read("drafts/Ada.txt") == b"Ada <>"
    assert await probe.clipboard() == "!"
    page = await probe.page()
    assert page
    assert (page.url, page.title, page.front) == ("http://site.test/done", "Thank you", 0)


async def test_an_unknown_key_is_refused_with_a_hint() -> None:
    (outcome,) = await play(await opened(), Key(keys=("ctrl", "entr")))
    assert not outcome.ok
    assert "there is no key 'entr'" in outcome.note


async def test_browsing() -> None:
    world = await opened()
    outcomes = await play(world, Goto(url="http://site.test/done"), Back(), Back(), Goto(url="x"), NewTab())
    assert [outcome.ok for outcome in outcomes] == [True, True, False, False, False]
    assert "no page 'x'" in outcomes[3].note


async def test_setup() -> None:
    world = await opened(PutFile(path="notes/a.txt", text="ä"), OpenUrl(url="http://site.test/done"))
    assert await world.probe().read("notes/a.txt") == "ä".encode()
    assert world.state().screen is APP["done"]
    world = await opened(Launch(command=("thanks",), window="thank"))
    assert world.state().screen is APP["done"]
    impossible: list[SetupStep] = [
        Run(command=("ls",)), OpenUrl(url="http://other.test"), Launch(command=("gimp",), window="GIMP"),
        PutFile(path="a.xlsx", rows=((1,),)),
    ]  # fmt: skip
    for step in impossible:
        with pytest.raises(ScenarioError, match="cannot do"):
            await opened(step)


async def test_facts_are_those_of_the_widgets() -> None:
    world = await opened()
    await play(world, click(MAIL), Type(text="a@b"))
    probe = world.probe()
    (mail,) = await probe.elements(role="textbox", name="mail")
    assert (mail.name, mail.value, mail.rect, mail.visible) == ("Mail", "a@b", MAIL, True)
    assert [e.name for e in await probe.elements(text="send")] == ["Send"]
    assert await probe.elements(css="#send") == ()
    nodes = {node.name: node for node in await probe.a11y()}
    assert (nodes["Mail"].role, nodes["Mail"].text, "focused" in nodes["Mail"].states) == ("entry", "a@b", True)
    assert "focused" not in nodes["Send"].states
    assert await probe.size() == SMALL
    assert await probe.script("1 + 1") is None
    assert len(await probe.processes()) == 1
    found = await locate(Locator(role="button", name="Send"), probe)
    assert found
    assert found.rect == SEND


async def test_a_text_that_names_nothing_is_the_scenarios_fault(tmp_path: Path) -> None:
    world = ScriptedWorld({"one": Screen("One", (Label("{nobody}", NAME),))})
    await world.reset((), 7)
    with pytest.raises(ScenarioError, match="names 'nobody'"):
        await world.observe(Shots(tmp_path))


async def test_a_seed_may_draw_the_screens(tmp_path: Path) -> None:
    def shuffled(random: Random) -> dict[str, Screen]:
        top = random.randrange(40, 300)
        return {"one": Screen("One", (Button("Go", Rect(20, top, 100, top + 30)),))}

    world, shots, seen = ScriptedWorld(shuffled), Shots(tmp_path), []
    for seed in (7, 7, 8):
        await world.reset((), seed)
        seen.append((await world.observe(shots)).sha256)
    assert seen[0] == seen[1] != seen[2]


async def test_a_number_is_done_once_and_numbers_grow() -> None:
    world = await opened()
    await world.execute(1, click(NAME))
    assert (await world.execute(4, Type(text="a"))).ok
    assert (await world.execute(4, Type(text="b"))).ok
    refused = await world.execute(3, Type(text="c"))
    assert (refused.ok, refused.note) == (False, "unknown: interrupted")
    assert world.state().fields["Name"] == "a"


async def test_death_to_order(tmp_path: Path) -> None:
    with pytest.raises(EnvError, match="died of its reset"):
        await opened(fail_at=0)
    world = await opened(fail_at=2)
    assert (await world.execute(1, Wait(time=0))).ok
    with pytest.raises(EnvError, match="died of action 3"):
        await world.execute(3, Wait(time=0))
    for use in (world.observe(Shots(tmp_path)), world.execute(4, Wait(time=0)), world.probe().read("a")):
        with pytest.raises(EnvError, match="not open"):
            await use


async def test_slow_and_restless_to_order(tmp_path: Path) -> None:
    clock = VirtualClock()
    world = await opened(slow=2.5, restless=True, clock=clock)
    first, second = [await world.observe(Shots(tmp_path)) for _ in range(2)]
    await world.execute(1, Wait(time=4))
    assert clock() == 9
    assert (first.settled, first.waited) == (False, 2.5)
    assert first.sha256 != second.sha256


async def test_the_pointer_is_drawn(tmp_path: Path) -> None:
    world, shots = await opened(), Shots(tmp_path)
    before = await world.observe(shots)
    await play(world, Scroll(pixels=-3), MouseMove(coordinate=GridPoint(800, 800)))
    after = await world.observe(shots)
    assert before.sha256 != after.sha256
    assert before.size == after.size == SMALL
