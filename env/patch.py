"""Where a small picture is in a large one: normalized cross-correlation of all three colours at once, by FFT.

It finds the same drawing anywhere, lighter or darker, not another size of it. Two places that are alike are none.
"""

import asyncio
import functools
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tools.geometry import Point, Rect, Size

SURE = 0.9
"""The least correlation, of at most 1, that counts as the same drawing."""
APART = 0.05
"""By how much every other place must be less alike."""
_FLAT = 4.0
"""Mean square, in levels of colour, up to which a patch shows nothing: it would be everywhere."""
_LARGEST, _SMALLEST = Size(160, 80), Size(16, 12)


async def find_patch(screen: bytes, patch: bytes | Path) -> Rect | None:
    """The one place on a screen that looks like the patch, in pixels; None where there is none, or another like it.

    Both are PNG, the patch maybe in a file. About 0.4 s for a screen of 1280x720 on one core. Raises OSError for what
    is no picture.
    """
    return await asyncio.to_thread(lambda: _find(screen, patch.read_bytes() if isinstance(patch, Path) else patch))


def cut_patch(screen: bytes, around: Rect, point: Point) -> bytes | None:
    """What a screen shows around a point, as large as a thing there but not too large; None at the very edge.

    The point is the middle of the patch, so that a click on a place that was found is a click on what was meant.
    """
    image = Image.open(io.BytesIO(screen)).convert("RGB")
    widest = min(_LARGEST.width, max(around.right - around.left, 2 * _SMALLEST.width)) // 2
    highest = min(_LARGEST.height, max(around.bottom - around.top, 2 * _SMALLEST.height)) // 2
    half_width = min(widest, point.x, image.width - point.x)
    half_height = min(highest, point.y, image.height - point.y)
    if 2 * half_width < _SMALLEST.width or 2 * half_height < _SMALLEST.height:
        return None
    png = io.BytesIO()
    box = (point.x - half_width, point.y - half_height, point.x + half_width, point.y + half_height)
    image.crop(box).save(png, "PNG", optimize=True)
    return png.getvalue()


@functools.lru_cache(maxsize=16)  # a screen that did not change is searched once
def _find(screen: bytes, patch: bytes) -> Rect | None:
    large, small = _colours(screen), _colours(patch)
    height, width, _ = small.shape
    if height > large.shape[0] or width > large.shape[1] or float(small.var(axis=(0, 1)).sum()) < _FLAT:
        return None
    alike = _correlation(large, small)
    top, left = map(int, np.unravel_index(int(alike.argmax()), alike.shape))
    best = float(alike[top, left])
    alike[max(0, top - height // 2) : top + height // 2 + 1, max(0, left - width // 2) : left + width // 2 + 1] = -1
    if best < SURE or best - float(alike.max()) < APART:
        return None
    return Rect(left, top, left + width, top + height)


def _colours(png: bytes) -> NDArray[np.float32]:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), np.float32) - 128


def _correlation(large: NDArray[np.float32], small: NDArray[np.float32]) -> NDArray[np.float64]:
    """How alike the small picture is to the large one with its corner at each place, from -1 to 1."""
    (height, width), (rows, columns) = small.shape[:2], large.shape[:2]
    small = small - small.mean(axis=(0, 1))
    product = np.zeros((rows - height + 1, columns - width + 1))
    energy = np.zeros_like(product)
    for channel in range(3):
        seen = large[:, :, channel]
        spectrum = np.fft.rfft2(seen) * np.conj(np.fft.rfft2(small[:, :, channel], (rows, columns)))
        product += np.fft.irfft2(spectrum, (rows, columns))[: product.shape[0], : product.shape[1]]
        sums, squares = _sums(seen, height, width), _sums(seen.astype(np.float64) ** 2, height, width)
        energy += squares - sums**2 / (height * width)
    scale = np.sqrt(np.maximum(energy, 1.0) * float((small.astype(np.float64) ** 2).sum()))
    alike: NDArray[np.float64] = product / scale
    return alike


def _sums(values: NDArray[np.floating], height: int, width: int) -> NDArray[np.float64]:
    """The sum of each rectangle of that size, by the place of its corner."""
    table = np.pad(values.astype(np.float64).cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    found: NDArray[np.float64] = (
        table[height:, width:] - table[:-height, width:] - table[height:, :-width] + table[:-height, :-width]
    )
    return found
