"""Eyes and the clock of changes on a real X server."""

import asyncio
import gc
import io
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.tools.private_desktop import SIZE, PrivateDesktop, until
from tools.errors import EnvError
from tools.screen import DamageClock, Screen

pytestmark = [pytest.mark.desktop]


@pytest.fixture
def screen(desktop: PrivateDesktop) -> Iterator[Screen]:
    screen = Screen(desktop.name)
    yield screen
    screen.close()


@pytest.fixture
def clock(desktop: PrivateDesktop) -> Iterator[DamageClock]:
    clock = DamageClock(desktop.name)
    yield clock
    clock.close()


class Patch:
    """A window of one colour, 0xRRGGBB."""

    def __init__(self, desktop: PrivateDesktop, place: tuple[int, int, int, int], colour: int) -> None:
        self._display = desktop.display
        screen = self._display.screen()
        self._window = screen.root.create_window(
            *place, 0, screen.root_depth, background_pixel=colour, override_redirect=True
        )
        self._window.map()
        self._display.sync()

    def paint(self, colour: int) -> None:
        self._window.change_attributes(background_pixel=colour)
        self._window.clear_area()
        self._display.sync()

    def close(self) -> None:
        self._window.destroy()
        self._display.sync()


async def pixels(screen: Screen) -> np.ndarray[Any, Any]:
    frame = await screen.grab()
    assert frame.size == SIZE
    with Image.open(io.BytesIO(frame.png)) as image:
        assert image.size == SIZE
        return np.asarray(image)


async def test_a_picture_shows_what_is_there(desktop: PrivateDesktop, screen: Screen) -> None:
    desktop.root.warp_pointer(0, 0)
    patch = Patch(desktop, (300, 200, 101, 51), 0x12AB34)
    picture = await pixels(screen)
    rows, columns = np.nonzero((picture == (0x12, 0xAB, 0x34)).all(axis=2))
    assert (columns.min(), rows.min(), columns.max(), rows.max()) == (300, 200, 400, 250)
    assert len(rows) == 101 * 51
    patch.paint(0xFFFFFF)
    assert ((await pixels(screen))[200:251, 300:401] == 255).all()
    patch.close()


async def test_a_picture_shows_the_pointer(desktop: PrivateDesktop, screen: Screen) -> None:
    patch = Patch(desktop, (0, 0, *SIZE), 0x808080)
    desktop.root.warp_pointer(500, 400)
    desktop.display.sync()
    rows, columns = np.nonzero((await pixels(screen) != 0x80).any(axis=2))
    assert len(rows) > 20
    assert abs(columns - 500).max() < 30
    assert abs(rows - 400).max() < 30
    patch.close()


async def test_pictures_may_be_asked_for_at_once(screen: Screen) -> None:
    frames = await asyncio.gather(*(screen.grab() for _ in range(10)))
    assert {frame.size for frame in frames} == {SIZE}


async def test_the_clock_notices_a_change(desktop: PrivateDesktop, clock: DamageClock) -> None:
    patch = Patch(desktop, (10, 10, 100, 100), 0)
    for colour in range(5):
        before = time.monotonic()
        patch.paint(colour * 50)
        await until(lambda: clock.last() >= before)  # noqa: B023  asked at once
        assert clock.last() - before < 1
    patch.close()
    assert clock.busy() is False


async def test_the_clock_does_not_notice_the_pointer(desktop: PrivateDesktop, clock: DamageClock) -> None:
    patch = Patch(desktop, (0, 0, *SIZE), 0x202020)  # nothing below it that could answer to the pointer
    await until(lambda: time.monotonic() - clock.last() > 0.2)
    before = clock.last()
    for n in range(50):
        desktop.root.warp_pointer(100 + 10 * n, 100 + 10 * n)
        desktop.display.sync()
    patch.paint(0x202021)
    await until(lambda: clock.last() != before)
    patch.close()


async def test_a_lot_of_changes_costs_little(desktop: PrivateDesktop, clock: DamageClock) -> None:
    patch = Patch(desktop, (10, 10, 500, 500), 0)
    start, used = time.monotonic(), time.process_time()
    painting = time.thread_time()
    while time.monotonic() < start + 1:
        patch.paint(int(time.monotonic() * 1e6) & 0xFFFFFF)
    painting = time.thread_time() - painting
    assert time.process_time() - used - painting < 0.2
    assert time.monotonic() - clock.last() < 1
    patch.close()


@pytest.mark.parametrize("kind", [Screen, DamageClock])
def test_closing_ends_the_thread_and_may_be_done_twice(
    desktop: PrivateDesktop, kind: type[Screen | DamageClock]
) -> None:
    before = threading.active_count()
    for _ in range(3):
        thing = kind(desktop.name)
        thing.close()
        thing.close()
    assert threading.active_count() == before


async def test_a_display_that_dies(tmp_path: Path) -> None:
    with PrivateDesktop(tmp_path) as desktop:
        screen, clock = Screen(desktop.name), DamageClock(desktop.name)
        await screen.grab()
        desktop.server.kill()
        desktop.server.wait()
        for _ in range(2):
            with pytest.raises(EnvError, match=f"display '{desktop.name}' is gone"):
                await screen.grab()
        clock._thread.join()
        for _ in range(2):
            with pytest.raises(EnvError, match=f"display '{desktop.name}' is gone"):
                clock.last()
        screen.close()
        clock.close()


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # python-xlib forgets the socket it tried
@pytest.mark.parametrize("kind", [Screen, DamageClock])
@pytest.mark.parametrize("name", [":987", "nonsense"])
def test_a_display_that_never_was(kind: type[Screen | DamageClock], name: str) -> None:
    with pytest.raises(EnvError, match=f"display '{name}' is gone"):
        kind(name)
    gc.collect()  # while the warning is ignored
