"""What is on the screen in words and as numbers, on every kind of world."""

from pathlib import Path

import pytest
from PIL import Image, ImageChops

from env.base import Item, Node, Observation, Shots, Window
from env.conformance import Violation, check_environment
from env.described import DescribedEnvironment, View
from env.items import LONGEST, MOST, on_screen
from env.scripted import ScriptedWorld
from env.setup import Launch, OpenUrl, PutFile, Serve, SetupStep
from tests.agent.desk import APP, CLICK_NOTE
from tests.env.worlds import CHANGES, OUTSIDE, SETUPS, SIZE, make
from tests.scenarios.probes import CannedProbe
from tools.actions import LeftClick, Type
from tools.geometry import Box, Rect, Size

VIEWS = (View.TREE, View.MARKS)


async def look(world: DescribedEnvironment, setup: tuple[SetupStep, ...], shots: Path) -> Observation:
    await world.reset(setup, seed=0)
    return await world.observe(Shots(shots))


def named(seen: Observation, name: str) -> Item:
    found = [item for item in seen.items if name in item.name]
    assert len(found) == 1, seen.items
    return found[0]


@pytest.mark.parametrize("view", View)
async def test_a_described_world_keeps_the_contract(view: View, tmp_path: Path) -> None:
    change = (CLICK_NOTE, Type(text="milk"))
    await check_environment(lambda: DescribedEnvironment(ScriptedWorld(APP), view), tmp_path, change=change)


async def test_pixels_alone_are_what_the_world_gives(tmp_path: Path) -> None:
    world = DescribedEnvironment(ScriptedWorld(APP), View.PIXELS)
    seen = await look(world, (), tmp_path)
    assert (seen.items, seen.marked) == ((), None)
    assert seen == await world.world.observe(Shots(tmp_path))


async def test_items_that_wander_break_the_contract(tmp_path: Path) -> None:
    class Wanders(DescribedEnvironment):
        looks = 0

        async def observe(self, shots: Shots) -> Observation:
            self.looks += 1
            box = Box(x1=self.looks, y1=0, x2=100, y2=100)
            seen = await super().observe(shots)
            return seen.model_copy(update={"items": (Item(role="button", name="Save", acts=True, box=box),)})

    with pytest.raises(Violation, match="words_fit_the_picture: two looks named"):
        await check_environment(lambda: Wanders(ScriptedWorld(APP), View.TREE), tmp_path)


async def test_words_and_picture_are_of_the_same_moment(tmp_path: Path) -> None:
    class Late(ScriptedWorld):
        async def observe(self, shots: Shots) -> Observation:
            seen = await super().observe(shots)
            if len(self.state().trail) == 1:  # a window opens just after the picture was taken
                self.state().trail.append("saved")
            return seen

    late, plain = Late(APP), ScriptedWorld(APP)
    seen = await look(DescribedEnvironment(late, View.TREE), (), tmp_path)
    assert seen.settled
    assert seen.sha256 == (await late.observe(Shots(tmp_path))).sha256
    await plain.reset((), seed=0)
    assert seen.sha256 != (await plain.observe(Shots(tmp_path))).sha256
    assert seen.items == await on_screen(late.probe())
    assert seen.items != await on_screen(plain.probe())


async def test_a_screen_that_never_rests_is_said_to_change(tmp_path: Path) -> None:
    seen = await look(DescribedEnvironment(ScriptedWorld(APP, restless=True), View.MARKS), (), tmp_path)
    assert not seen.settled
    assert seen.items
    assert seen.marked


@pytest.mark.browser
@pytest.mark.desktop
@pytest.mark.parametrize(
    ("kind", "view"),
    [
        ("desktop", View.TREE),
        pytest.param("kiosk", View.MARKS, marks=pytest.mark.soak),
        pytest.param("desktop", View.MARKS, marks=pytest.mark.soak),
        pytest.param("kiosk", View.TREE, marks=pytest.mark.soak),
    ],
)
async def test_real_worlds_keep_the_contract_described(kind: str, view: View, tmp_path: Path) -> None:
    await check_environment(
        lambda: DescribedEnvironment(make(kind), view),
        tmp_path,
        setup=SETUPS[kind],
        change=CHANGES[kind],
        outside=OUTSIDE,
    )


@pytest.mark.browser
@pytest.mark.parametrize("view", VIEWS)
async def test_a_page_is_told_by_what_can_be_seen_of_it(view: View, tmp_path: Path) -> None:
    world = DescribedEnvironment(make("browser"), view)
    try:
        seen = await look(world, (Serve(folder="items"), OpenUrl(url="http://site.test/")), tmp_path)
        await world.execute(1, LeftClick(bbox_2d=named(seen, "More").box))
        assert (await world.observe(Shots(tmp_path))).url == "http://site.test/#x"
    finally:
        await world.close()
    said = {item.name: (item.role, item.state) for item in seen.items}
    controls = {
        "Send": ("button", ""), "Wait": ("button", "disabled"), "More": ("link", ""),
        "Name": ("textbox", "value 'Ada'"), "Code": ("password", ""),
        "News": ("checkbox", "checked"), "Over": ("button", ""),
    }  # fmt: skip
    texts = {"Order": ("heading", ""), "Two pears a day.": ("paragraph", "")}
    assert said == controls | (texts if view is View.TREE else {})
    assert "hunter2" not in seen.model_dump_json()
    assert (seen.marked is None) == (view is View.TREE)


@pytest.mark.desktop
async def test_a_desktop_is_told_by_its_accessibility_tree(tmp_path: Path) -> None:
    setup = (
        PutFile(path="Documents/note.txt", text="milk\n"),
        Launch(command=("mousepad", "Documents/note.txt"), window="note.txt"),
    )
    world = DescribedEnvironment(make("desktop"), View.MARKS)
    try:
        seen = await look(world, setup, tmp_path)
        menu = named(seen, "Search")
        await world.execute(1, LeftClick(bbox_2d=menu.box))
        opened = await world.observe(Shots(tmp_path))
    finally:
        await world.close()
    assert menu.role == "menu"
    assert any(item.role == "text" and "milk" in item.state for item in seen.items)
    assert any("Find" in item.name for item in opened.items)
    assert seen.marked
    plain, marked = (Image.open(path).convert("RGB") for path in (seen.path, seen.marked.path))
    assert ImageChops.difference(plain, marked).getbbox()
    assert seen.size == SIZE


def node(role: str, name: str, rect: Rect, *, text: str = "", states: str = "showing enabled") -> Node:
    return Node(role=role, name=name, text=text, rect=rect, states=frozenset(states.split()), app="app")


def window(title: str, rect: Rect) -> Window:
    return Window(title=title, app="app", rect=rect, active=False)


async def test_what_a_window_covers_is_not_told() -> None:
    left, right, small = Rect(0, 0, 500, 500), Rect(500, 0, 1000, 500), Rect(10, 10, 60, 40)
    tree = (
        node("frame", "Below", left), node("push button", "Hidden", small),
        node("frame", "Above", left), node("push button", "Seen", small),
        node("password text", "Code", small, text="hunter2"),
        node("push button", "Off", Rect(2000, 0, 2010, 10)), node("push button", "Away", small, states="enabled"),
        node("frame", "Beside", right), node("check box", "Ticked", Rect(600, 10, 700, 40), states="showing checked"),
        node("label", "", Rect(600, 60, 700, 90), text="x" * 200), node("panel", "Pane", right),
    )  # fmt: skip
    windows = (window("Below", left), window("Above", left), window("Beside", right))
    items = await on_screen(CannedProbe(tree=tree, open_windows=windows))
    assert [(item.role, item.name, item.state) for item in items] == [
        ("push button", "Seen", ""), ("password text", "Code", ""), ("check box", "Ticked", "checked, disabled"),
        ("label", "x" * (LONGEST - 1) + "…", ""),
    ]  # fmt: skip


async def test_a_crowded_screen_is_cut_to_its_controls_first() -> None:
    rows = [Rect(0, 2 * n, 100, 2 * n + 2) for n in range(MOST)]
    tree = (*(node("label", "text", row) for row in rows), *(node("push button", "b", row) for row in rows[: MOST - 5]))
    items = await on_screen(CannedProbe(tree=tree, screen=Size(1000, 500)))
    assert (len(items), sum(item.acts for item in items)) == (MOST, MOST - 5)
