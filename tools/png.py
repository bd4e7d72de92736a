"""A screenshot as PNG, lossless and fast: the "up" filter in numpy and ISA-L's deflate.

Some 2 ms for a desktop of 1280x720 on one core, against 33 ms for Pillow's default; about a fifth larger.
"""

import struct

import numpy as np
from isal import isal_zlib

from tools.geometry import Size

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_UP = 2  # filter type: each byte is stored as its difference from the byte above
_EIGHT_BIT_RGB = (8, 2, 0, 0, 0)  # bits a sample, colour type, and the only compression, filter and interlace methods


def encode(pixels: bytes | bytearray | memoryview, size: Size) -> bytes:
    """An RGB PNG of `pixels`: rows from the top, four bytes each pixel, blue first, the fourth ignored (BGRX)."""
    width, height = size
    frame = np.frombuffer(pixels, np.uint8).reshape(height, width, 4)
    above = np.empty_like(frame)
    above[0] = frame[0]
    np.subtract(frame[1:], frame[:-1], out=above[1:])  # modulo 256, as the filter wants it
    rows = np.empty((height, 1 + 3 * width), np.uint8)
    rows[:, 0] = _UP
    for channel in range(3):  # one strided copy a channel: 20 times faster than one copy that swaps them
        rows[:, 1 + channel :: 3] = above[:, :, 2 - channel]
    header = struct.pack(">II5B", width, height, *_EIGHT_BIT_RGB)
    data = isal_zlib.compress(rows, 1)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = isal_zlib.crc32(data, isal_zlib.crc32(kind))
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def size_of(png: bytes) -> Size:
    """Width and height of a PNG in pixels, from its header. Raises ValueError when it is none."""
    if len(png) < 24 or not png.startswith(_SIGNATURE) or png[12:16] != b"IHDR":
        raise ValueError("not a PNG")
    return Size(*struct.unpack(">II", png[16:24]))
