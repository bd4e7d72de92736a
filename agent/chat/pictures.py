"""Screenshots as a server gets them: as they are, or scaled down to a budget of tokens. Files on the disk stay.

Qwen3-VL takes one token for 32 x 32 pixels. Coordinates are relative, so a smaller picture needs no bookkeeping.
"""

import base64
import io
from functools import lru_cache
from math import floor, sqrt
from pathlib import Path
from typing import NamedTuple

from tools.errors import EnvError
from tools.geometry import Size
from tools.png import size_of

_PATCH = 32


class Picture(NamedTuple):
    """What is sent: an address with the picture in it, and a name that no other pixels have."""

    url: str
    uuid: str


def tokens(size: Size) -> int:
    """What a picture costs: it is rounded to whole patches."""
    return max(1, round(size.width / _PATCH)) * max(1, round(size.height / _PATCH))


def fitted(size: Size, most: int) -> Size:
    """The largest size of the same aspect that costs at most so many tokens; `size` itself where it fits."""
    scale = min(1.0, sqrt(most * _PATCH**2 / (size.width * size.height)))
    while tokens(small := Size(floor(size.width * scale) or 1, floor(size.height * scale) or 1)) > max(most, 1):
        scale *= 0.995
    return size if tokens(size) <= most else small


@lru_cache(maxsize=32)
def picture(path: Path, sha256: str, most: int) -> Picture:
    """A screenshot for a server that is to spend at most so many tokens on it. Raises EnvError when it is gone."""
    try:
        png = path.read_bytes()
        size = size_of(png)
    except (OSError, ValueError) as error:
        raise EnvError(f"a screenshot of this run cannot be read: {path}: {error}") from error
    small, name = fitted(size, most), sha256
    if small != size:
        png, name = _scaled(png, small), f"{sha256}-{small.width}x{small.height}"
    return Picture("data:image/png;base64," + base64.b64encode(png).decode("ascii"), name)


def _scaled(png: bytes, size: Size) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    with Image.open(io.BytesIO(png)) as shot:
        shot.convert("RGB").resize(size, Image.Resampling.LANCZOS).save(file, "PNG")
    return file.getvalue()
