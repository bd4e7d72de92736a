"""Covers what must not be seen in a picture."""

import io
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

from PIL import Image, ImageDraw

from env.base import Line
from tools.base import Frame
from tools.geometry import Rect

_COLOUR = "#3c4043"
_MARGIN = 3
"""Pixels around a place; what measures it rounds, and letters reach over their boxes."""


_ALIKE = str.maketrans("0QD1IiL|!5$8B2Z", "ooollllllssbbzz")
"""Characters that OCR takes for one another."""
_NEARLY = 0.85
"""How much of a text a line must share with it to be covered: rather one line too many."""


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


def legible(lines: Iterable[Line], texts: Sequence[str]) -> tuple[Rect, ...]:
    """Lines in which OCR reads one of the texts, or nearly: as a person might who looks at the picture."""
    sought = [plain for text in texts if (plain := _plain(text))]
    return tuple(line.rect for line in lines if any(_reads(_plain(line.text), plain) for plain in sought))


def _reads(line: str, text: str) -> bool:
    if text in line:
        return True
    lead = max(len(text) // 4, 1)
    windows = (line[start : start + len(text)] for start in range(0, max(len(line) - lead * 2, 1), lead))
    return any(SequenceMatcher(None, window, text, autojunk=False).ratio() >= _NEARLY for window in windows)


def _plain(text: str) -> str:
    return "".join(text.translate(_ALIKE).split()).casefold()
