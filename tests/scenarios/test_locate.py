from typing import Any

import pytest

from env.base import Window
from scenarios.locate import Locator, closest, is_further_down, locate, reading_order
from tests.scenarios.probes import CannedProbe, element, front, line, node
from tools.geometry import Rect


async def place(probe: CannedProbe, **locator: Any) -> tuple[int, ...] | None:
    found = await locate(Locator(**locator), probe)
    return found and tuple(found.rect)


async def test_a_text_inside_a_longer_line_is_found_by_its_letters() -> None:
    probe = CannedProbe(lines=(line("File Edit View", left=100, top=40),))
    assert await place(probe, text="Edit") == (150, 40, 190, 60)
    assert await place(probe, text="edit", exact=True) is None


async def test_a_closer_match_wins_over_an_earlier_one() -> None:
    probe = CannedProbe(lines=(line("Saved files"), line("Save As", top=40), line("Save", top=80)))
    assert await place(probe, text="Save") == (0, 80, 40, 100)


async def test_the_first_in_reading_order_or_the_nth() -> None:
    rows = (line("Edit", left=300, top=42), line("Edit", left=10, top=90), line("Edit", left=20, top=40))
    probe = CannedProbe(lines=rows)
    assert await place(probe, text="Edit") == (20, 40, 60, 60)
    assert await place(probe, text="Edit", nth=1) == (300, 42, 340, 62)
    assert await place(probe, text="Edit", nth=2) == (10, 90, 50, 110)
    assert await place(probe, text="Edit", nth=3) is None


async def test_with_other_ways_none_counts_that_leads_to_several() -> None:
    twice = (element("Save", Rect(10, 10, 60, 30)), element("Save", Rect(10, 300, 60, 320)))
    probe = CannedProbe(front=front(), dom={"button": twice, "#save": twice[1:], ".save": twice})
    assert await place(probe, role="button", name="Save") == (10, 10, 60, 30)
    assert await place(probe, role="button", name="Save", **{"or": [{"css": "#save"}]}) == (10, 300, 60, 320)
    assert await place(probe, role="button", name="Save", **{"or": [{"css": ".save"}]}) is None
    assert await place(probe, role="button", name="Save", nth=1, **{"or": [{"css": ".save"}]}) == (10, 300, 60, 320)


def test_reading_order_keeps_lines_together() -> None:
    tall, small = Rect(200, 0, 260, 60), Rect(0, 70, 50, 80)
    assert reading_order([small, tall, Rect(0, 3, 50, 63)]) == [Rect(0, 3, 50, 63), tall, small]


async def test_a_window_confines_the_search() -> None:
    behind = Window(title="Notes - Editor", app="x", rect=Rect(0, 0, 400, 400), active=False)
    dialog = Window(title="Save As", app="x", rect=Rect(500, 100, 900, 400), active=True)
    probe = CannedProbe(lines=(line("Name", top=10), line("Name", left=600, top=200)), open_windows=(behind, dialog))
    assert await place(probe, text="Name") == (0, 10, 40, 30)
    assert await place(probe, text="Name", window="save as") == (600, 200, 640, 220)
    assert await place(probe, text="Name", window="Print") is None


async def test_roles_of_browsers_mean_those_of_desktops() -> None:
    tree = (
        node("push button", "Save As", Rect(10, 10, 60, 30)),
        node("push button", "Save", Rect(70, 10, 120, 30)),
        node("text", "", Rect(0, 50, 500, 90), text="hello"),
        node("push button", "Cancel", Rect(130, 10, 180, 30), showing=False),
    )
    probe = CannedProbe(tree=tree)
    assert await place(probe, role="button", name="Save") == (70, 10, 120, 30)
    assert await place(probe, role="push button") == (10, 10, 60, 30)
    assert await place(probe, role="textbox") == (0, 50, 500, 90)
    assert await place(probe, role="button", name="Cancel") is None


async def test_what_is_empty_or_off_the_screen_is_not_there() -> None:
    tree = (node("icon", "a", Rect(10, 10, 10, 30)), node("icon", "b", Rect(-50, 10, -10, 30)))
    probe = CannedProbe(tree=tree)
    assert await place(probe, role="icon") is None


async def test_in_a_page_only_what_can_be_seen() -> None:
    buttons = (element("Save", Rect(0, 0, 0, 0), visible=False), element("Save", Rect(10, 300, 60, 320)))
    probe = CannedProbe(front=front(), dom={"button": buttons, "#save": buttons[1:], "Save": buttons})
    assert await place(probe, role="button", name="Save") == (10, 300, 60, 320)
    assert await place(probe, css="#save") == (10, 300, 60, 320)
    assert await place(probe, text="Save") == (10, 300, 60, 320)
    assert await place(probe, role="link", name="Save") is None


async def test_a_text_in_a_picture_of_a_page_is_read_off_the_screen() -> None:
    probe = CannedProbe(front=front(), lines=(line("Chart of sales", top=100),))
    assert await place(probe, text="Chart of sales") == (0, 100, 140, 120)


async def test_what_is_further_down_a_page() -> None:
    longer = "document.scrollingElement.scrollHeight > scrollY + innerHeight + 1"
    hidden = {"#end": (element("End", Rect(0, 0, 0, 0), visible=False),)}
    assert await is_further_down(Locator(css="#end"), CannedProbe(front=front(), dom=hidden, scripts={longer: True}))
    assert not await is_further_down(Locator(css="#end"), CannedProbe(front=front(), dom=hidden))
    assert not await is_further_down(Locator(css="#x"), CannedProbe(front=front(), scripts={longer: True}))
    assert not await is_further_down(Locator(text="End"), CannedProbe())
    there = {"#end": (element("End", Rect(0, 0, 9, 9)), element("End", Rect(0, 20, 9, 29)))}
    assert not await is_further_down(Locator(css="#end"), CannedProbe(front=front(), dom=there, scripts={longer: True}))


async def test_what_lies_behind_a_window_is_not_found_in_it() -> None:
    behind = node("push button", "Add", Rect(100, 100, 200, 120), window="backup.zip - Archiver")
    front = node("push button", "Add", Rect(300, 200, 400, 220), window="Add files")
    dialog = Window(title="Add files", app="archiver", rect=Rect(0, 0, 900, 400), active=True)
    probe = CannedProbe(tree=(behind, front), open_windows=(dialog,))
    assert await place(probe, role="button", name="Add", window="add files") == front.rect
    question = node("push button", "OK", Rect(300, 300, 400, 320), window="Question")
    unnamed = CannedProbe(tree=(question,), open_windows=(dialog,))
    assert await place(unnamed, role="button", name="OK", window="Add files") == question.rect


async def test_a_box_is_always_there() -> None:
    assert await place(CannedProbe(), box=[100, 200, 300, 400]) == (100, 100, 300, 200)


@pytest.mark.parametrize(
    ("locator", "label"),
    [
        ({"text": "Save"}, "'Save'"),
        ({"role": "button", "name": "Save"}, "the button 'Save'"),
        ({"role": "button"}, "the button"),
        ({"css": "#save"}, "#save"),
        ({"box": [1, 2, 3, 4]}, "the place"),
        ({"css": "#save", "describe": "the big button"}, "the big button"),
    ],
)
def test_labels(locator: dict[str, Any], label: str) -> None:
    assert Locator(**locator).label == label


async def test_the_closest_texts_come_first() -> None:
    probe = CannedProbe(lines=(line("File"), line("Saved", top=30), line("Send", top=60)))
    assert await closest(Locator(text="Save"), probe) == ["Saved", "Send", "File"]
