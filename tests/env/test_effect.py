import io
import time
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from env.base import Effect
from env.effect import classify
from tools.geometry import Point, Size

SIZE = Size(1280, 720)
HERE, THERE = Point(1120, 300), Point(1120, 600)
CHANGED, UNCHANGED, ELSEWHERE = Effect.CHANGED, Effect.UNCHANGED, Effect.ELSEWHERE
ARROW = ((0, 0), (0, 16), (4, 12), (7, 18), (9, 17), (6, 11), (11, 11))


class Picture:
    """A window with some text, on which changes are painted."""

    def __init__(self) -> None:
        self.image = Image.new("RGB", SIZE, "#f4f4f2")
        self.pen = ImageDraw.Draw(self.image)
        for row in range(40):
            self.pen.text((30 + row % 5 * 220, 20 + row * 17), f"line {row} of a long text", "black")

    def box(self, at: Point, width: int, height: int, color: str = "#1a73e8") -> "Picture":
        left, top = at.x - width // 2, at.y - height // 2
        self.pen.rectangle((left, top, left + width - 1, top + height - 1), color)
        return self

    def pointer(self, at: Point) -> "Picture":
        self.pen.polygon([(at.x + x, at.y + y) for x, y in ARROW], "black", "white")
        return self

    def png(self, mode: str = "RGB") -> bytes:
        file = io.BytesIO()
        self.image.convert(mode).save(file, "PNG", compress_level=1)
        return file.getvalue()


def effect(after: Picture, point: Point | None, before: Picture | None = None, pointer: Point | None = None) -> Effect:
    return classify((before or Picture()).png(), after.png(), point, SIZE, pointer)


@pytest.mark.parametrize(
    ("what", "after", "point", "expected"),
    [
        ("nothing", Picture(), HERE, UNCHANGED),
        ("nothing, no target", Picture(), None, UNCHANGED),
        ("a button pressed", Picture().box(HERE, 80, 24), HERE, CHANGED),
        ("a tick of 11 pixels", Picture().box(HERE, 11, 11), HERE, CHANGED),
        ("a tick under the arrow", Picture().box(HERE, 13, 13).pointer(HERE), HERE, CHANGED),
        ("a menu beside", Picture().box(Point(1160, 380), 60, 120), HERE, CHANGED),
        ("a whole new page", Picture().box(Point(640, 360), 1280, 720), HERE, CHANGED),
        ("a window far away", Picture().box(THERE, 200, 120), HERE, ELSEWHERE),
        ("the minute of a clock", Picture().box(Point(1250, 700), 14, 12), HERE, UNCHANGED),
        ("a caret that blinks", Picture().box(THERE, 2, 18), HERE, UNCHANGED),
        ("the pointer that came", Picture().pointer(HERE), HERE, UNCHANGED),
        ("two stray pixels", Picture().box(HERE, 2, 1), HERE, UNCHANGED),
        ("a faint shade", Picture().box(HERE, 200, 100, "#f2f2f0"), HERE, UNCHANGED),
        ("the shade of a hover", Picture().box(HERE, 80, 24, "#e8e8e6"), HERE, CHANGED),
        ("typed text", Picture().box(THERE, 9, 11), None, CHANGED),
        ("a typed full stop", Picture().box(THERE, 5, 2), None, CHANGED),
        ("only the caret", Picture().box(THERE, 2, 18), None, UNCHANGED),
        ("a corner", Picture().box(Point(1275, 715), 10, 10), Point(1279, 719), CHANGED),
        ("the other corner", Picture().box(Point(20, 10), 40, 20), Point(0, 0), CHANGED),
    ],
)
def test_what_an_action_did(what: str, after: Picture, point: Point | None, expected: Effect) -> None:
    assert effect(after, point) == expected


def test_a_pointer_that_left_a_known_place_is_no_change() -> None:
    near = Point(HERE.x + 30, HERE.y)
    assert effect(Picture().pointer(HERE), HERE, Picture().pointer(near)) == CHANGED
    assert effect(Picture().pointer(HERE), HERE, Picture().pointer(near), pointer=near) == UNCHANGED
    assert effect(Picture(), None, Picture().pointer(THERE), pointer=THERE) == UNCHANGED  # hidden while one types


def test_files_and_other_kinds_of_png(tmp_path: Path) -> None:
    before, after = tmp_path / "a.png", tmp_path / "b.png"
    before.write_bytes(Picture().png("RGBA"))
    after.write_bytes(Picture().box(HERE, 80, 24).png("RGB"))
    assert classify(before, after, HERE, SIZE) == CHANGED
    assert classify(before, before, HERE, SIZE) == UNCHANGED
    assert classify(Picture().png("RGBA"), Picture().png("RGB"), HERE, SIZE) == UNCHANGED


def test_a_screen_of_another_size_is_a_change() -> None:
    small = io.BytesIO()
    Image.new("RGB", (640, 400)).save(small, "PNG")
    assert classify(Picture().png(), small.getvalue(), THERE, SIZE) == CHANGED


def test_it_is_quick(tmp_path: Path) -> None:
    """10 ms a step with an idle processor; the bound is wide, for tests share theirs."""
    files = [tmp_path / f"{n}.png" for n in range(12)]
    for n, file in enumerate(files):
        file.write_bytes(Picture().box(Point(100 + n * 40, 300), 80, 24).png())
    began = time.process_time()
    for before, after in pairwise(files):
        classify(before, after, HERE, SIZE)
    assert (time.process_time() - began) / (len(files) - 1) < 0.1
