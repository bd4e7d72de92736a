"""Places on the grid and on the screen."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from tools.geometry import GRID, Box, GridPoint, Point, Rect, Size, to_grid, to_pixel

sizes = st.builds(Size, st.integers(1, 8000), st.integers(1, 8000))
units = st.floats(0, GRID)
places = st.builds(GridPoint, units, units)
boxes = st.tuples(units, units, units, units).map(list).map(Box.model_validate)


@given(places, sizes)
def test_a_place_is_always_on_the_screen(place: GridPoint, size: Size) -> None:
    x, y = to_pixel(place, size)
    assert 0 <= x < size.width
    assert 0 <= y < size.height


@given(units, units, sizes)
def test_the_conversion_is_monotone(one: float, other: float, size: Size) -> None:
    low, high = sorted((one, other))
    assert to_pixel(GridPoint(low, low), size) <= to_pixel(GridPoint(high, high), size)


@given(st.data(), st.builds(Size, st.integers(1, 1000), st.integers(1, 1000)))
def test_a_pixel_comes_back_within_one_pixel(data: st.DataObject, size: Size) -> None:
    pixel = Point(data.draw(st.integers(0, size.width - 1)), data.draw(st.integers(0, size.height - 1)))
    x, y = to_pixel(to_grid(pixel, size), size)
    assert abs(x - pixel.x) <= 1
    assert abs(y - pixel.y) <= 1


@given(st.data(), sizes)
def test_a_pixel_comes_back_within_a_unit_of_the_grid(data: st.DataObject, size: Size) -> None:
    pixel = Point(data.draw(st.integers(0, size.width - 1)), data.draw(st.integers(0, size.height - 1)))
    place = to_grid(pixel, size)
    TypeAdapter(GridPoint).validate_python(place)
    x, y = to_pixel(place, size)
    assert abs(x - pixel.x) <= size.width / GRID + 1
    assert abs(y - pixel.y) <= size.height / GRID + 1


@pytest.mark.parametrize("size", [Size(1280, 720), Size(1920, 1080), Size(332, 214), Size(2560, 1440), Size(1, 1)])
def test_the_corners_are_the_corners(size: Size) -> None:
    assert to_pixel(GridPoint(0, 0), size) == (0, 0)
    assert to_pixel(GridPoint(1000, 1000), size) == (size.width - 1, size.height - 1)
    assert to_pixel(GridPoint(999, 999), size) < (size.width, size.height)


def test_the_middle_is_the_middle() -> None:
    assert to_pixel(GridPoint(500, 500), Size(1280, 720)) == (640, 360)
    assert to_grid(Point(640, 360), Size(1280, 720)) == (500, 500)


@given(boxes, sizes)
def test_a_rectangle_is_never_empty_and_holds_the_click(box: Box, size: Size) -> None:
    left, top, right, bottom = box.to_rect(size)
    assert left < right
    assert top < bottom
    x, y = to_pixel(box.center, size)
    assert left <= x <= right
    assert top <= y <= bottom


@given(boxes)
def test_a_box_comes_back_from_the_wire(box: Box) -> None:
    assert json.loads(box.model_dump_json()) == [box.x1, box.y1, box.x2, box.y2]
    assert Box.model_validate_json(box.model_dump_json()) == box


@given(boxes)
def test_swapped_corners_are_put_right(box: Box) -> None:
    assert Box.model_validate([box.x2, box.y2, box.x1, box.y1]) == box
    assert box.x1 <= box.x2
    assert box.y1 <= box.y2


@pytest.mark.parametrize(
    "wire",
    [
        [1, 2, 3],
        [1, 2, 3, 4, 5],
        [0, 0, 0, 1001],
        [-1, 0, 1, 1],
        ["1", 2, 3, 4],
        [True, 0, 1, 1],
        [float("nan"), 0, 1, 1],
    ],
)
def test_what_is_no_box_is_refused(wire: list[object]) -> None:
    with pytest.raises(ValidationError):
        Box.model_validate(wire)


@given(sizes, st.data())
def test_a_rectangle_becomes_a_box_about_it(size: Size, data: st.DataObject) -> None:
    left, top = data.draw(st.integers(-50, size.width)), data.draw(st.integers(-50, size.height))
    rect = Rect(left, top, left + data.draw(st.integers(1, 500)), top + data.draw(st.integers(1, 500)))
    box = Box.from_rect(rect, size)
    assert 0 <= box.x1 <= box.x2 <= GRID
    assert 0 <= box.y1 <= box.y2 <= GRID


def test_the_centre_of_a_rectangle_is_inside() -> None:
    assert Rect(10, 20, 11, 21).center == (10, 20)
    assert Rect(0, 0, 100, 50).center == (50, 25)
