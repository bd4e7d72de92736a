"""What an action did to the picture, judged from the pictures before and after it."""

import io
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageChops

from env.base import Effect
from tools.geometry import Point, Rect, Size

_FAINT = 4
"""Levels of a colour channel; a smaller difference is noise."""
_FEW = 4
"""Pixels; fewer than these are noise. A full stop on a small font has four."""
_CARET = 3
"""Pixels; a change no wider than this, without a target, is a text caret that blinks."""
_SMALL = Size(24, 32)
"""A change no larger than this, away from the target, is a pointer that left, a caret, or the minute of a clock."""
_ARROW = Rect(-1, -1, 14, 22)
"""Where the arrow is drawn around its tip. It leaves most of a check box free: a tick is no pointer."""


def classify(
    before: bytes | Path, after: bytes | Path, point: Point | None, size: Size, pointer: Point | None = None
) -> Effect:
    """How a picture changed: around the target, elsewhere only, or not at all but for noise.

    `point` is the pixel that the action aimed at, None where it aimed at none: then any change counts as changed.
    `pointer` is where the mouse pointer was before, as far as known; the arrow drawn at either place is left out.
    """
    if before == after:
        return Effect.UNCHANGED
    old, new = _picture(before), _picture(after)
    if old.size != new.size:
        return Effect.CHANGED
    changed = _changed(old, new)
    for tip in (point, pointer):
        if tip:
            changed.paste(0, _around(tip, _ARROW))
    if point is None:
        return Effect.CHANGED if _exceeds(changed, Size(_CARET, size.height)) else Effect.UNCHANGED
    near = max(48, size.width // 16)
    if _exceeds(changed.crop(_around(point, Rect(-near, -near, near, near))), Size(0, 0)):
        return Effect.CHANGED
    return Effect.ELSEWHERE if _exceeds(changed, _SMALL) else Effect.UNCHANGED


def _picture(source: bytes | Path) -> Image.Image:
    return _stored(source) if isinstance(source, Path) else _decoded(source)


@lru_cache(maxsize=8)
def _stored(path: Path) -> Image.Image:
    """A picture of a run; its name is its hash, and every one is asked for twice: after one action, before the next."""
    return _decoded(path.read_bytes())


def _decoded(png: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(png))
    image.load()
    return image if image.mode == "RGB" else image.convert("RGB")


def _changed(old: Image.Image, new: Image.Image) -> Image.Image:
    """A mask: 255 where any channel differs by more than noise."""
    red, green, blue = ImageChops.difference(old, new).split()
    most = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    return most.point([0] * (_FAINT + 1) + [255] * (255 - _FAINT))


def _around(point: Point, reach: Rect) -> tuple[int, int, int, int]:
    return (point.x + reach.left, point.y + reach.top, point.x + reach.right, point.y + reach.bottom)


def _exceeds(changed: Image.Image, tolerated: Size) -> bool:
    """Whether the mask holds more than noise: a few pixels, or a spot of the tolerated size."""
    box = changed.getbbox()
    if box is None or changed.histogram()[255] < _FEW:
        return False
    left, top, right, bottom = box
    return right - left > tolerated.width or bottom - top > tolerated.height
