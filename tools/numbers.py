"""Numbered boxes on a screenshot (set-of-marks): thin frames in turning colours, each with its number at a corner."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tools.geometry import Rect

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

COLOURS = ("#c026d3", "#1d4ed8", "#b45309", "#047857", "#dc2626", "#6d28d9")
"""Dark enough for white numbers; neighbours in a list differ."""


def numbered(png: bytes, rects: Sequence[Rect]) -> bytes:
    """The picture with each rectangle framed and numbered from 1, in order: a PNG of the same size, opaque.

    A number stands on the top left corner of its frame, or on another corner where one stands already. Raises
    PIL.UnidentifiedImageError (an OSError) when `png` is no picture.
    """
    from PIL import Image, ImageDraw, ImageFont

    with Image.open(io.BytesIO(png)) as source:
        picture = source.convert("RGB")
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(max(11, round(picture.width / 110)))
    frames = [(rect, COLOURS[place % len(COLOURS)]) for place, rect in enumerate(rects)]
    for rect, colour in frames:
        pen.rectangle((rect.left, rect.top, rect.right - 1, rect.bottom - 1), outline=colour, width=2)
    taken: list[Rect] = []
    for place, (rect, colour) in enumerate(frames, start=1):
        badge = _badge(rect, _extent(str(place), font), taken, picture.size)
        taken.append(badge)
        _stamp(pen, badge, str(place), colour, font)
    out = io.BytesIO()
    picture.save(out, "png", compress_level=1)
    return out.getvalue()


def _extent(text: str, font: "FreeTypeFont | ImageFont") -> tuple[int, int]:
    left, top, right, bottom = font.getbbox(text, anchor="lt")
    return round(right - left) + 6, round(bottom - top) + 6


def _badge(rect: Rect, extent: tuple[int, int], taken: Sequence[Rect], picture: tuple[int, int]) -> Rect:
    """The corner of the frame where a badge covers least of the others; the top left one where all are alike."""
    width, height = extent
    corners = [
        (rect.left, rect.top - height // 2), (rect.right - width, rect.top - height // 2),
        (rect.left, rect.bottom - height // 2), (rect.right - width, rect.bottom - height // 2),
    ]  # fmt: skip
    places = []
    for x, y in corners:
        left, top = max(0, min(x, picture[0] - width)), max(0, min(y, picture[1] - height))
        places.append(Rect(left, top, left + width, top + height))
    return min(places, key=lambda place: sum(_shared(place, other) for other in taken))


def _shared(a: Rect, b: Rect) -> int:
    """Pixels that two rectangles have in common."""
    width, height = min(a.right, b.right) - max(a.left, b.left), min(a.bottom, b.bottom) - max(a.top, b.top)
    return max(0, width) * max(0, height)


def _stamp(pen: "ImageDraw", badge: Rect, text: str, colour: str, font: "FreeTypeFont | ImageFont") -> None:
    pen.rectangle((badge.left, badge.top, badge.right - 1, badge.bottom - 1), fill=colour)
    pen.text((badge.left + 3, badge.top + 3), text, "white", font, anchor="lt")
