"""A private desktop for each process that runs tests, and hands on it: pyautogui keeps to one display for life."""

import os
from collections.abc import Iterator

import pytest

from tests.tools.private_desktop import PrivateDesktop, Window
from tools.desktop import Desktop
from tools.typing_x11 import Typist


@pytest.fixture(scope="session")
def display(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateDesktop]:
    """The X server and its window manager."""
    with PrivateDesktop(tmp_path_factory.mktemp("home")) as desktop:
        yield desktop


@pytest.fixture(scope="session")
def pyautogui_hands(display: PrivateDesktop) -> Iterator[Desktop]:
    """The only hands of this process."""
    before = os.environ.get("DISPLAY")
    os.environ["DISPLAY"] = display.name
    hands = Desktop()
    yield hands
    hands.close()
    hands._gui.platformModule._display.close()  # which pyautogui never does
    os.environ.pop("DISPLAY") if before is None else os.environ.update(DISPLAY=before)


@pytest.fixture
def desktop(display: PrivateDesktop) -> Iterator[PrivateDesktop]:
    """The desktop with an American key map and nothing on it."""
    display.layout("us")
    yield display
    display.clear()


@pytest.fixture
def hands(desktop: PrivateDesktop, pyautogui_hands: Desktop) -> Desktop:
    """Hands on the desktop."""
    return pyautogui_hands


@pytest.fixture
def window(desktop: PrivateDesktop) -> Iterator[Window]:
    """A window over all of it that writes down what it gets."""
    window = Window(desktop)
    yield window
    window.close()


@pytest.fixture
def typist(desktop: PrivateDesktop) -> Iterator[Typist]:
    """Types on the desktop."""
    typist = Typist(desktop.name)
    yield typist
    typist.close()
