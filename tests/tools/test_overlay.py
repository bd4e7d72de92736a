"""What overlay.draw does to the pixels of a picture."""

import io
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from tools.geometry import Point, Rect, Size
from tools.overlay import ACCENT, BoxMark, ClickMark, DragMark, Mark, draw

LIGHT, DARK, ROSE, BLUE = (255, 255, 255), (12, 14, 18), (0xE1, 0x1D, 0x48), (0x25, 0x63, 0xEB)
SIZES = [Size(1280, 720), Size(640, 480)]

Pixels = NDArray[np.uint8]


def picture(size: Size, color: tuple[int, ...], mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, color).save(out, "png")
    return out.getvalue()


def pixels(png: bytes) -> Pixels:
    with Image.open(io.BytesIO(png)) as opened:
        assert (opened.format, opened.mode) == ("PNG", "RGB")
        return np.asarray(opened)


def touched(drawn: Pixels, color: tuple[int, ...]) -> Rect:
    """What is not of the background any more."""
    rows, columns = np.nonzero((drawn != np.array(color)).any(axis=2))
    return Rect(int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)


def count(drawn: Pixels, color: tuple[int, ...]) -> int:
    return int((drawn == np.array(color)).all(axis=2).sum())


@pytest.mark.parametrize("size", SIZES)
def test_without_marks_nothing_changes(size: Size) -> None:
    assert (pixels(draw(picture(size, DARK), [])) == np.array(DARK)).all()


@pytest.mark.parametrize("ground", [LIGHT, DARK])
@pytest.mark.parametrize("size", SIZES)
def test_a_box_stands_around_its_target(size: Size, ground: tuple[int, ...]) -> None:
    drawn = pixels(draw(picture(size, ground), [BoxMark(Rect(200, 150, 320, 190))]))
    for x, y in ((260, 149), (260, 190), (199, 170), (320, 170)):  # the line touches the target from outside
        assert tuple(drawn[y, x]) == ROSE
    inside = drawn[160, 210].astype(int)
    assert (abs(inside - np.array(ground)) < 60).all()
    assert tuple(inside) != ground  # a tint only
    left, top, right, bottom = touched(drawn, ground)
    assert (left, top) >= (190, 140)
    assert (right, bottom) <= (330, 200)


@pytest.mark.parametrize("ground", [LIGHT, DARK, ROSE])
def test_a_click_is_a_ring_around_a_dot(ground: tuple[int, ...]) -> None:
    drawn = pixels(draw(picture(SIZES[0], ground), [ClickMark(Point(400, 300))]))
    assert tuple(drawn[300, 400]) == ROSE
    across = [tuple(drawn[300, x]) for x in range(400, 417)]
    assert across.count(ROSE) >= 4
    assert LIGHT in across  # the casing, whatever is below
    assert [tuple(drawn[300, 800 - x]) for x in range(400, 417)] == across  # symmetric about the pixel
    assert [tuple(drawn[y, 400]) for y in range(300, 317)] == across
    box = touched(drawn, ground)
    assert (box.center, box.right - box.left <= 32) == ((400, 300), True)


def test_a_drag_goes_from_ring_to_tip() -> None:
    drawn = pixels(draw(picture(SIZES[0], LIGHT), [DragMark(Point(100, 100), Point(500, 100), color="#2563eb")]))
    assert [x for x in range(110, 500) if tuple(drawn[100, x]) != BLUE] == []
    assert tuple(drawn[100, 100]) == LIGHT  # the ring is open
    height = [int((drawn[:, x] == np.array(BLUE)).all(axis=1).sum()) for x in (300, 491, 498)]
    assert height[1] > height[0]
    assert height[1] > height[2]
    assert touched(drawn, LIGHT).right <= 505


def test_a_drag_of_no_length_is_a_click() -> None:
    png = picture(SIZES[0], LIGHT)
    assert draw(png, [DragMark(Point(9, 9), Point(9, 9))]) == draw(png, [ClickMark(Point(9, 9))])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("x", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("y", [0.0, 0.5, 1.0])
def test_a_label_stays_on_the_picture(size: Size, x: float, y: float) -> None:
    point = Point(round(x * (size.width - 1)), round(y * (size.height - 1)))
    png = picture(size, DARK)
    lone = pixels(draw(png, [ClickMark(point)]))
    center = Point(300, 240)
    middle = pixels(draw(png, [ClickMark(center, "left click", "#2563eb"), ClickMark(center)]))
    drawn = pixels(draw(png, [ClickMark(point, "left click", "#2563eb"), ClickMark(point)]))
    assert count(drawn, BLUE) == count(middle, BLUE)  # whole, and not under the ring
    assert count(drawn, ROSE) == count(lone, ROSE)


def test_labels_do_not_cover_each_other() -> None:
    png = picture(SIZES[0], LIGHT)
    marks: list[Mark] = [BoxMark(Rect(300, 300, 340, 320), "first"), ClickMark(Point(345, 318), "second", "#2563eb")]
    both = pixels(draw(png, marks))
    first, second = (pixels(draw(png, [mark])) for mark in marks)
    bubbles = [count(first, ROSE), count(second, BLUE)]
    assert all(abs(count(both, c) - n) < n / 4 for c, n in zip((ROSE, BLUE), bubbles, strict=True))


@pytest.mark.parametrize("label", ["点击 “Пуск”", "Ünïcödé …", "𓀀", "two\nlines\tand  more", "word " * 60])
def test_any_label_can_be_drawn(label: str) -> None:
    drawn = pixels(draw(picture(SIZES[1], LIGHT), [ClickMark(Point(320, 240), label)]))
    left, top, right, bottom = touched(drawn, LIGHT)
    assert right - left <= 640
    assert bottom - top < 70


@pytest.mark.parametrize(
    ("color", "ink"), [("#facc15", (0, 0, 0)), ("navy", (255, 255, 255)), (ACCENT, (255, 255, 255))]
)
def test_the_writing_contrasts_with_its_bubble(color: str, ink: tuple[int, ...]) -> None:
    drawn = pixels(draw(picture(SIZES[0], (128, 128, 128)), [BoxMark(Rect(300, 300, 400, 320), "HHHH", color)]))
    assert count(drawn[270:296], ink) > 10


OUTSIDE: list[Mark] = [
    BoxMark(Rect(-50, -50, 5000, 5000), "all"),
    ClickMark(Point(-100, 9000), "far"),
    DragMark(Point(-500, 10), Point(10, 9000), "away"),
    BoxMark(Rect(1, 1, 2, 2), "tiny"),
]


@pytest.mark.parametrize("marks", [OUTSIDE, OUTSIDE[1:2], OUTSIDE[3:]])
@pytest.mark.parametrize("size", [Size(640, 480), Size(1, 1), Size(30, 2000)])
def test_marks_may_lie_outside(size: Size, marks: Sequence[Mark]) -> None:
    assert pixels(draw(picture(size, LIGHT), marks)).shape == (size.height, size.width, 3)


def test_marks_grow_with_the_picture() -> None:
    widths = []
    for size in (Size(1280, 720), Size(2560, 1440)):
        box = touched(pixels(draw(picture(size, LIGHT), [ClickMark(Point(600, 400))])), LIGHT)
        widths.append(box.right - box.left)
    assert 1.8 <= widths[1] / widths[0] <= 2.2


def test_transparent_and_grey_pictures_are_drawn_on() -> None:
    for mode, color in (("RGBA", (1, 2, 3, 255)), ("L", (7,)), ("P", (0,))):
        png = picture(Size(40, 30), color if len(color) > 1 else color[0], mode)  # type: ignore[arg-type]  # one band
        assert pixels(draw(png, [ClickMark(Point(20, 15))])).shape == (30, 40, 3)


def test_mistakes_are_told() -> None:
    with pytest.raises(ValueError, match="no such color"):
        draw(picture(SIZES[1], LIGHT), [ClickMark(Point(1, 1), color="no such color")])
    with pytest.raises(UnidentifiedImageError):
        draw(b"no picture", [])
