"""Events of a person's mouse and keyboard, gathered to actions."""

from collections.abc import Iterable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tools.actions import (
    Back,
    DoubleClick,
    HScroll,
    Key,
    LeftClick,
    LeftClickDrag,
    MiddleClick,
    RightClick,
    Scroll,
    TripleClick,
    Type,
)
from tools.deeds import AGAIN, NEAR, STILL, Char, Chord, Event, Gathered, Gathering, Press, Release, Target, Went, Wheel
from tools.geometry import Box, GridPoint, Point, Rect, Size

SIZE = Size(1000, 1000)
HERE = Point(500, 400)
BOX = Box(x1=492, y1=392, x2=508, y2=408)
BUTTON = Target("the button 'Save'", Rect(450, 390, 550, 410))


def gathered(*events: Event, hidden: str = "") -> list[Gathered]:
    gathering = Gathering(SIZE, hidden)
    found = [gathering.take(event) for event in events]
    return [one for one in (*found, gathering.finish()) if one]


def actions(*events: Event) -> list[object]:
    return [one.action for one in gathered(*events)]


def click(when: float, point: Point = HERE, button: int = 1, **about: Any) -> list[Event]:
    return [Press(button, point, when)._replace(**about), Release(button, point, when + 0.05)]


def typed(text: str, when: float = 0) -> list[Event]:
    return [Char(character, when + n / 10) for n, character in enumerate(text)]


def test_a_click_goes_to_the_middle_of_what_it_hit_or_to_its_place() -> None:
    assert actions(*click(1)) == [LeftClick(bbox_2d=BOX)]
    assert gathered(*click(1, target=BUTTON)) == [
        Gathered(LeftClick(bbox_2d=Box(x1=450, y1=390, x2=550, y2=410)), 1, "the button 'Save'")
    ]
    assert actions(*click(1, button=3)) == [RightClick(bbox_2d=BOX)]
    assert actions(*click(1, button=2)) == [MiddleClick(bbox_2d=BOX)]


def test_clicks_in_a_row_are_one_action_up_to_three() -> None:
    assert actions(*click(1), *click(1.2)) == [DoubleClick(bbox_2d=BOX)]
    assert actions(*click(1), *click(1.2), *click(1.4)) == [TripleClick(bbox_2d=BOX)]
    assert actions(*click(1), *click(1.2), *click(1.4), *click(1.6)) == [
        TripleClick(bbox_2d=BOX),
        LeftClick(bbox_2d=BOX),
    ]
    assert actions(*click(1, button=3), *click(1.2, button=3)) == [RightClick(bbox_2d=BOX)] * 2
    late, far = click(1.01 + AGAIN), click(1.2, Point(HERE.x + NEAR + 1, HERE.y))
    assert [type(one) for one in actions(*click(1), *late)] == [LeftClick, LeftClick]
    assert [type(one) for one in actions(*click(1), *far)] == [LeftClick, LeftClick]


def test_who_counts_the_clicks_is_believed() -> None:
    assert actions(*click(1, nth=1), *click(9, nth=2)) == [DoubleClick(bbox_2d=BOX)]
    assert actions(*click(1, nth=1), *click(1.1, nth=1)) == [LeftClick(bbox_2d=BOX)] * 2


def test_a_drag_goes_from_where_the_button_went_down_to_where_it_went_up() -> None:
    there = Point(700, 400)
    assert actions(Press(1, HERE, 1, BUTTON), Release(1, there, 2)) == [
        LeftClickDrag(bbox_2d=BOX, coordinate2=GridPoint(700, 400))
    ]
    assert actions(Press(1, HERE, 1), Release(1, Point(HERE.x + STILL, HERE.y), 2)) == [LeftClick(bbox_2d=BOX)]


def test_a_text_is_one_action_until_something_else_is_done() -> None:
    assert actions(*typed("Ada"), *typed(" L", 60)) == [Type(text="Ada L")]
    assert actions(*typed("a"), Chord(("enter",), 3), *typed("b", 4)) == [
        Type(text="a"),
        Key(keys=("enter",)),
        Type(text="b"),
    ]
    assert actions(*typed("a"), *click(3), *typed("b", 4)) == [Type(text="a"), LeftClick(bbox_2d=BOX), Type(text="b")]


def test_what_was_taken_back_at_once_was_never_typed() -> None:
    back = Chord(("backspace",), 9)
    assert actions(*typed("Adb"), back, *typed("a", 10)) == [Type(text="Ada")]
    assert actions(*typed("A"), back) == []
    assert actions(*typed("A"), back, back) == [Key(keys=("backspace",))]
    assert actions(*click(1), back) == [LeftClick(bbox_2d=BOX), Key(keys=("backspace",))]


def test_a_secret_is_written_as_what_hides_it() -> None:
    done = gathered(
        *typed("me"), *[Char("", n, secret=True) for n in (3, 4, 5)], Chord(("backspace",), 6), hidden="***"
    )
    assert [one.action for one in done] == [Type(text="me"), Type(text="***")]


def test_turns_of_the_wheel_one_way_are_one_action() -> None:
    down = [Wheel(HERE, n, up=-50) for n in range(3)]
    assert actions(*down) == [Scroll(bbox_2d=BOX, pixels=-150)]
    assert actions(*down, Wheel(HERE, 4, up=50)) == [Scroll(bbox_2d=BOX, pixels=-150), Scroll(bbox_2d=BOX, pixels=50)]
    assert actions(Wheel(HERE, 4, right=50), Wheel(HERE, 5)) == [HScroll(bbox_2d=BOX, pixels=50)]
    assert len(actions(Wheel(HERE, 4, up=50), Wheel(Point(700, 700), 5, up=50))) == 2


def test_what_no_action_says_is_told() -> None:
    (held,) = gathered(*click(1, held=("ctrl", "shift")))
    assert (held.action, held.lost) == (LeftClick(bbox_2d=BOX), "ctrl+shift was held down")
    unreleased, _ = gathered(Press(1, HERE, 1), *typed("a"))
    assert (unreleased.action, unreleased.lost) == (LeftClick(bbox_2d=BOX), "where the button went up")


def test_what_was_done_around_the_page_stays_as_it_is() -> None:
    assert actions(*typed("a"), Went(Back(), 3)) == [Type(text="a"), Back()]


POINTS = st.builds(Point, st.integers(0, 999), st.integers(0, 999))
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.integers(1, 3), POINTS).map(lambda given: Press(*given, when=0)),
        st.tuples(st.integers(1, 3), POINTS).map(lambda given: Release(*given, when=0)),
        st.tuples(POINTS, st.sampled_from([50, -50])).map(lambda given: Wheel(given[0], 0, given[1])),
        st.sampled_from("abc").map(lambda given: Char(given, 0)),
        st.sampled_from([("enter",), ("ctrl", "s")]).map(lambda given: Chord(given, 0)),
    )
)


@settings(deadline=None)
@given(EVENTS)
def test_nothing_is_added_and_no_character_lost(events: list[Event]) -> None:
    events = _in_order(events)
    done = gathered(*events)
    text = "".join(event.text for event in events if isinstance(event, Char))
    assert "".join(one.action.text for one in done if isinstance(one.action, Type)) == text
    chords = [event.keys for event in events if isinstance(event, Chord)]
    assert [one.action.keys for one in done if isinstance(one.action, Key)] == chords
    turned = sum(event.up for event in events if isinstance(event, Wheel))
    assert sum(one.action.pixels for one in done if isinstance(one.action, Scroll)) == turned
    times = [one.when for one in done]
    assert times == sorted(times)


@settings(deadline=None)
@given(POINTS)
def test_the_middle_of_a_click_is_where_it_was(point: Point) -> None:
    (done,) = gathered(*click(1, point))
    assert isinstance(done.action, LeftClick)
    assert done.action.point(SIZE) == point


def _in_order(events: Iterable[Event]) -> list[Event]:
    return [event._replace(when=float(n)) for n, event in enumerate(events)]
