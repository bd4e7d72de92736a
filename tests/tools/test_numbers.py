"""Numbers drawn on a picture."""

import io

import pytest
from PIL import Image, ImageChops, UnidentifiedImageError

from tools.geometry import Rect
from tools.numbers import COLOURS, numbered


def picture(colour: str = "white", size: tuple[int, int] = (320, 200)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "png")
    return out.getvalue()


def drawn(rects: list[Rect], colour: str = "white") -> Image.Image:
    return Image.open(io.BytesIO(numbered(picture(colour), rects)))


def rgb(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour[1:]))


def test_nothing_to_number_leaves_the_picture_as_it_is() -> None:
    assert not ImageChops.difference(drawn([]), Image.open(io.BytesIO(picture()))).getbbox()


@pytest.mark.parametrize("ground", ["white", "black"])
def test_each_rectangle_is_framed_in_a_colour_of_its_own_and_left_free_inside(ground: str) -> None:
    seen = drawn([Rect(20, 40, 120, 90), Rect(160, 40, 260, 90)], ground)
    assert [seen.getpixel((x, 70)) for x in (20, 119, 160, 259)] == [rgb(COLOURS[n]) for n in (0, 0, 1, 1)]
    assert seen.getpixel((70, 65)) == rgb("#ffffff" if ground == "white" else "#000000")
    assert seen.size == (320, 200)


def test_numbers_do_not_hide_each_other() -> None:
    apart = drawn([Rect(50, 50, 200, 120), Rect(50, 50, 200, 120)])
    assert apart.getpixel((52, 50)) == rgb(COLOURS[0])
    assert apart.getpixel((197, 50)) == rgb(COLOURS[1])


@pytest.mark.parametrize(
    "rect", [Rect(-50, -20, 5, 4), Rect(310, 190, 400, 300), Rect(0, 0, 320, 200), Rect(9, 9, 10, 10)]
)
def test_rectangles_at_and_beyond_the_edge_are_numbered(rect: Rect) -> None:
    assert ImageChops.difference(drawn([rect]), Image.open(io.BytesIO(picture()))).getbbox()


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(UnidentifiedImageError):
        numbered(b"text", [])
