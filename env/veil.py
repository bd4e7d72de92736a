"""Covers what must not be seen in a picture."""

import io
from collections.abc import Iterable

from PIL import Image, ImageDraw

from tools.base import Frame
from tools.geometry import Rect

_COLOUR = "#3c4043"
_MARGIN = 3
"""Pixels around a place; what measures it rounds, and letters reach over their boxes."""


def veiled(frame: Frame, places: Iterable[Rect]) -> Frame:
    """The picture with these rectangles painted over; the same picture where there are none."""
    rects = sorted(set(places))
    if not rects:
        return frame
    with Image.open(io.BytesIO(frame.png)) as source:
        picture = source.convert("RGB")
    pen = ImageDraw.Draw(picture)
    for left, top, right, bottom in rects:
        pen.rectangle((left - _MARGIN, top - _MARGIN, right + _MARGIN - 1, bottom + _MARGIN - 1), fill=_COLOUR)
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=1)
    return Frame(out.getvalue(), frame.size)
