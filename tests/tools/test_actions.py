"""The union of actions on the wire and back."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from tools.actions import (
    ACTION,
    LONGEST_WAIT,
    VERBS,
    Answer,
    Back,
    DoubleClick,
    Goto,
    HScroll,
    Key,
    LeftClick,
    LeftClickDrag,
    MiddleClick,
    MouseMove,
    NewTab,
    Outcome,
    RightClick,
    Scroll,
    SwitchTab,
    Terminate,
    TripleClick,
    Type,
    Wait,
)
from tools.geometry import Box, GridPoint, Point, Size

units = st.integers(0, 1000) | st.floats(0, 1000)
places = st.builds(GridPoint, units, units)
boxes = st.tuples(units, units, units, units).map(list).map(Box.model_validate)
some_place = st.fixed_dictionaries({"coordinate": places}, optional={"bbox_2d": boxes}) | st.fixed_dictionaries(
    {"bbox_2d": boxes}
)
amounts = st.fixed_dictionaries({"pixels": st.floats(-1e6, 1e6)}, optional={"coordinate": places, "bbox_2d": boxes})
ways = st.tuples(some_place, st.none() | places).map(lambda pair: {**pair[0], "coordinate2": pair[1]})
names = st.lists(st.sampled_from(["ctrl", "shift", "a", "+", "F5", "Page_Down"]), min_size=1).map(tuple)


def of(kind: type[BaseModel], fields: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[Any]:
    return fields.map(lambda values: kind(**values))


actions = st.one_of(
    [of(kind, some_place) for kind in (MouseMove, LeftClick, RightClick, MiddleClick, DoubleClick, TripleClick)]
    + [of(kind, amounts) for kind in (Scroll, HScroll)]
    + [
        of(LeftClickDrag, ways),
        st.builds(Key, keys=names),
        st.builds(Type, text=st.text()),
        st.builds(Wait, time=st.floats(0, 100)),
        st.builds(Terminate),
        st.builds(Answer, text=st.text()),
        st.builds(Goto, url=st.text()),
        st.builds(Back),
        st.builds(NewTab, url=st.none() | st.text()),
        st.builds(SwitchTab, tab=st.integers(0, 99)),
    ]
)


@given(actions)
def test_an_action_comes_back_from_json_and_from_the_wire(action: Any) -> None:
    assert ACTION.validate_json(ACTION.dump_json(action)) == action
    wire = action.wire()
    assert wire["name"] == ("browser" if wire["arguments"]["action"] in VERBS["browser"] else "computer_use")
    assert ACTION.validate_python(wire["arguments"]) == action
    assert None not in wire["arguments"].values()


@given(actions, st.builds(Size, st.integers(1, 5000), st.integers(1, 5000)))
def test_an_action_points_onto_the_screen(action: Any, size: Size) -> None:
    if hasattr(action, "point") and (point := action.point(size)):
        assert 0 <= point.x < size.width
        assert 0 <= point.y < size.height


def test_the_verbs_are_those_that_the_model_was_trained_on() -> None:
    assert VERBS["computer_use"] == (
        "key", "type", "mouse_move", "left_click", "left_click_drag", "right_click", "middle_click", "double_click",
        "triple_click", "scroll", "hscroll", "wait", "terminate", "answer",
    )  # fmt: skip
    assert VERBS["browser"] == ("goto", "back", "new_tab", "switch_tab")


@pytest.mark.parametrize(
    ("action", "arguments"),
    [
        (LeftClick(coordinate=GridPoint(500, 20.5)), {"action": "left_click", "coordinate": [500, 20.5]}),
        (LeftClick(bbox_2d=Box(x1=1, y1=2, x2=3, y2=4)), {"action": "left_click", "bbox_2d": [1, 2, 3, 4]}),
        (Scroll(pixels=-300), {"action": "scroll", "pixels": -300}),
        (Key(keys=("ctrl", "c")), {"action": "key", "keys": ["ctrl", "c"]}),
        (Wait(time=2), {"action": "wait", "time": 2}),
        (Terminate(status="success"), {"action": "terminate", "status": "success"}),
        (NewTab(), {"action": "new_tab"}),
    ],
)
def test_the_wire_is_as_the_model_writes_it(action: Any, arguments: dict[str, Any]) -> None:
    wire = action.wire()["arguments"]
    assert wire == arguments
    assert str(wire).replace("'", "").count(".0") == 0


@pytest.mark.parametrize(
    ("written", "keys"),
    [
        ("ctrl+c", ("ctrl", "c")),
        (["ctrl+shift", "t"], ("ctrl", "shift", "t")),
        ("+", ("+",)),
        (["ctrl", "+"], ("ctrl", "+")),
        ("enter", ("enter",)),
    ],
)
def test_keys_are_split_at_plus_signs(written: object, keys: tuple[str, ...]) -> None:
    assert Key.model_validate({"keys": written}).keys == keys


def test_four_numbers_for_a_coordinate_are_a_box() -> None:
    click = ACTION.validate_python({"action": "left_click", "coordinate": [10, 20, 30, 60]})
    assert isinstance(click, LeftClick)
    assert click.place == (20, 40)
    assert click.point(Size(1000, 1000)) == Point(20, 40)


def test_a_box_decides_where_both_are_given() -> None:
    click = LeftClick(coordinate=GridPoint(0, 0), bbox_2d=Box(x1=100, y1=100, x2=300, y2=500))
    assert click.place == (200, 300)


def test_a_long_wait_is_cut() -> None:
    assert Wait(time=1e9).time == LONGEST_WAIT


@pytest.mark.parametrize(
    "arguments",
    [
        {"action": "left_click"},
        {"action": "left_click_drag", "coordinate2": [1, 2]},
        {"action": "left_click", "coordinate": [1, 1001]},
        {"action": "left_click", "coordinate": [1]},
        {"action": "left_click", "coordinate": ["1", "2"]},
        {"action": "left_click", "coordinate": [1, 2], "button": "left"},
        {"action": "scroll", "pixels": float("inf")},
        {"action": "wait", "time": -1},
        {"action": "key", "keys": []},
        {"action": "terminate", "status": "done"},
        {"action": "switch_tab", "tab": -1},
        {"action": "fly"},
        {},
    ],
)
def test_what_is_no_action_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ACTION.validate_python(arguments)


def test_values_are_frozen() -> None:
    with pytest.raises(ValidationError):
        Type(text="a").text = "b"  # type: ignore[misc]
    with pytest.raises(ValidationError):
        Outcome(ok=True).ok = False  # type: ignore[misc]


@given(
    st.builds(
        Outcome, ok=st.booleans(), note=st.text(), point=st.none() | st.builds(Point, st.integers(), st.integers())
    )
)
def test_an_outcome_comes_back_from_json(outcome: Outcome) -> None:
    assert Outcome.model_validate_json(outcome.model_dump_json()) == outcome
