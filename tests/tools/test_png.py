"""PNG files, read back by Pillow."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tools.geometry import Size
from tools.png import encode, size_of

sizes = st.builds(Size, st.integers(1, 70), st.integers(1, 70))


def read(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as image:
        assert (image.format, image.mode) == ("PNG", "RGB")
        image.load()  # checks the sums
        return np.asarray(image)


def noise(size: Size, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (size.height, size.width, 4), np.uint8)


def desktop(size: Size, seed: int) -> np.ndarray:
    """Flat rectangles over each other, as windows are."""
    chance = np.random.default_rng(seed)
    frame = np.zeros((size.height, size.width, 4), np.uint8)
    for _ in range(30):
        left, top = chance.integers(0, size.width), chance.integers(0, size.height)
        frame[top : top + chance.integers(1, 300), left : left + chance.integers(1, 500)] = chance.integers(0, 256, 4)
    return frame


@given(sizes, st.integers(0, 1000))
def test_noise_of_any_size_comes_back(size: Size, seed: int) -> None:
    frame = noise(size, seed)
    png = encode(frame.tobytes(), size)
    assert size_of(png) == size
    assert (read(png) == frame[:, :, 2::-1]).all()


@pytest.mark.parametrize("size", [Size(1280, 720), Size(1920, 1080), Size(1, 1), Size(333, 217), Size(1366, 768)])
def test_a_desktop_comes_back(size: Size) -> None:
    frame = desktop(size, 1)
    png = encode(bytearray(frame), size)
    assert (read(png) == frame[:, :, 2::-1]).all()
    assert len(png) < frame.size / 20 + 200


def test_the_fourth_byte_is_ignored() -> None:
    frame = noise(Size(9, 7), 2)
    other = frame.copy()
    other[:, :, 3] = 255 - other[:, :, 3]
    assert encode(frame.tobytes(), Size(9, 7)) == encode(other.tobytes(), Size(9, 7))


def test_bytes_that_do_not_fit_the_size_are_refused() -> None:
    with pytest.raises(ValueError, match="reshape"):
        encode(bytes(100), Size(5, 4))


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"GIF89a" + bytes(40), b"\x89PNG\r\n\x1a\n" + bytes(40)])
def test_what_is_no_png_has_no_size(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a PNG"):
        size_of(data)
