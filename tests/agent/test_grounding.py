import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.grounding import Place, locating, places
from tools.geometry import Box, GridPoint, Point, Rect, Size

SCREEN = Size(1280, 720)
SAVE = {"bbox_2d": [100, 200, 300, 400], "label": "Save"}
OPEN = {"bbox_2d": [500, 500, 600, 550], "label": "Open"}
BOTH = json.dumps([SAVE, OPEN], indent="\t")


def boxes(answer: str) -> list[tuple[str, list[float]]]:
    found = places(answer).found
    return [(at.label, [at.bbox_2d.x1, at.bbox_2d.y1, at.bbox_2d.x2, at.bbox_2d.y2]) for at in found if at.bbox_2d]


@pytest.mark.parametrize(
    "answer",
    [
        BOTH,
        f"```json\n{BOTH}\n```",
        f"There are two buttons.\n```json\n{BOTH}",
        BOTH.rstrip("]").rstrip() + ",\n\t{\"bbox_2d\": [700, 7",  # cut off in the third
        f"{json.dumps(SAVE)} and {json.dumps(OPEN)}",
        json.dumps({"objects": {"buttons": [SAVE, OPEN]}}),
        json.dumps([SAVE, OPEN, SAVE]),
        json.dumps([SAVE, OPEN]).replace("}]", "},]"),
    ],
)  # fmt: skip
def test_a_list_of_boxes_is_read(answer: str) -> None:
    assert boxes(answer) == [("Save", [100, 200, 300, 400]), ("Open", [500, 500, 600, 550])]


@pytest.mark.parametrize(
    ("answer", "point"),
    [
        ('[{"point_2d": [500, 250], "label": "x"}]', GridPoint(500, 250)),
        ('{"name": "computer_use", "arguments": {"action": "left_click", "coordinate": [1, 2]}}', GridPoint(1, 2)),
        ("The middle is at [500, 250].", GridPoint(500, 250)),
    ],
)
def test_points_are_read(answer: str, point: GridPoint) -> None:
    (place,) = places(answer).found
    assert (place.point_2d, place.bbox_2d) == (point, None)


def test_bare_numbers_are_boxes_where_nothing_is_named() -> None:
    assert boxes("[[100, 200, 300.5, 400], [1, 2, 3, 4]]") == [("", [100, 200, 300.5, 400]), ("", [1, 2, 3, 4])]
    assert boxes(f"{BOTH} not [1, 2, 3, 4]") == boxes(BOTH)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ("There is no such button.", ""),
        ("[]", ""),
        ('[{"bbox_2d": [0, 0, 1920, 1080]}]', "bbox_2d [0, 0, 1920, 1080] is outside the grid, which runs from 0 to"),
        ('[{"bbox_2d": [1, 2, 3]}]', "bbox_2d [1, 2, 3] is neither a box of four numbers nor a point of two"),
        ('[{"bbox_2d": null}]', "bbox_2d None is neither a box"),
        ("[1200, 300, 1300, 400]", "bbox_2d [1200.0, 300.0, 1300.0, 400.0] is outside the grid"),
    ],
)
def test_what_is_no_place_is_not_guessed(answer: str, fault: str) -> None:
    found = places(answer)
    assert found.found == ()
    assert found.fault.startswith(fault)
    assert bool(found.fault) == bool(fault)


def test_what_can_be_read_counts_beside_what_cannot() -> None:
    assert boxes(json.dumps([{"bbox_2d": [1]}, SAVE])) == [("Save", [100, 200, 300, 400])]


def test_pixels_are_those_of_the_picture() -> None:
    place = Place(bbox_2d=Box(x1=100, y1=200, x2=300, y2=400))
    assert place.rect(SCREEN) == Rect(128, 144, 384, 288)
    assert place.point(SCREEN) == Point(256, 216)
    assert Place(point_2d=GridPoint(1000, 1000)).point(SCREEN) == Point(1279, 719)


def test_the_words_name_the_form() -> None:
    assert locating("every icon") == "Locate every icon. Report its bbox coordinates in JSON format."
    assert "point coordinates" in locating("it", "point")


@given(st.text(alphabet='[]{}":,0123456789.bbox_2dpoint labe\n', max_size=120))
def test_no_answer_breaks_it(answer: str) -> None:
    for place in places(answer).found:
        assert (place.bbox_2d is None) != (place.point_2d is None)
