import io

import pytest
from PIL import Image, ImageDraw

from env.patch import cut_patch, find_patch
from tools.geometry import Point, Rect

SAVE, SEND, STOP = (Rect(100, top, 220, top + 40) for top in (100, 200, 300))
"""Two buttons with other words, and a third in another colour."""


def screen(*buttons: tuple[Rect, str, str], back: str = "white", moved: int = 0) -> bytes:
    image = Image.new("RGB", (640, 400), back)
    draw = ImageDraw.Draw(image)
    for rect, words, colour in buttons:
        left, top, right, bottom = (side + moved for side in rect)
        draw.rounded_rectangle((left, top, right, bottom), 6, fill=colour)
        draw.text((left + 40, top + 12), words, fill="white")
    png = io.BytesIO()
    image.save(png, "PNG")
    return png.getvalue()


ALL = ((SAVE, "Save", "#2060c0"), (SEND, "Send", "#2060c0"), (STOP, "Save", "#c02020"))


@pytest.mark.parametrize("rect", [SAVE, SEND, STOP])
async def test_the_one_place_that_looks_like_it_is_found(rect: Rect) -> None:
    patch = cut_patch(screen(*ALL), rect, rect.center)
    assert patch is not None
    assert await find_patch(screen(*ALL), patch) == rect
    moved = Rect(*(side + 37 for side in rect))
    assert await find_patch(screen(*ALL, moved=37), patch) == moved


async def test_two_places_that_are_alike_are_none_and_so_is_what_is_gone() -> None:
    patch = cut_patch(screen(*ALL), SAVE, SAVE.center)
    assert patch is not None
    assert await find_patch(screen(*ALL, (Rect(400, 50, 520, 90), "Save", "#2060c0")), patch) is None
    assert await find_patch(screen(*ALL[1:]), patch) is None


async def test_a_bit_lighter_is_the_same_and_nothing_is_nowhere() -> None:
    patch = cut_patch(screen(*ALL), SAVE, SAVE.center)
    assert patch is not None
    assert await find_patch(screen((SAVE, "Save", "#3070d0"), *ALL[1:], back="#f0f0f0"), patch) == SAVE
    plain = cut_patch(screen(*ALL), Rect(400, 300, 440, 340), Point(420, 320))
    assert plain is not None
    assert await find_patch(screen(*ALL), plain) is None
    assert await find_patch(plain, screen(*ALL)) is None


def test_a_patch_has_the_point_in_its_middle() -> None:
    patch = cut_patch(screen(*ALL), Rect(0, 0, 640, 400), Point(20, 100))
    assert patch is not None
    assert Image.open(io.BytesIO(patch)).size == (40, 80)
    assert cut_patch(screen(*ALL), SAVE, Point(3, 200)) is None
