"""Programs to type into, and how to read back what arrived in them."""

import asyncio
import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from itertools import count
from typing import Self

from openpyxl import Workbook, load_workbook
from playwright.async_api import TimeoutError as PageTimeout
from playwright.async_api import async_playwright

from tests.tools.private_desktop import PrivateDesktop, until
from tools.keys import find
from tools.typing_x11 import Typist, symbol_of

CHROMIUM = os.environ.get("SUREHAND_CHROMIUM", "/usr/bin/chromium")
FLAGS = ["--test-type", "--disable-gpu", "--no-first-run", "--window-size=1000,600", "--window-position=0,0"]
PAGE = "data:text/html,<title>{}</title><textarea style='width: 90%; height: 400px'></textarea>"

_NUMBERS = count(1)


class Editor(ABC):
    """A program with the focus; `typist` is for its own commands."""

    def __init__(self, desktop: PrivateDesktop, typist: Typist) -> None:
        self._desktop, self._typist = desktop, typist
        self._name = f"text-{next(_NUMBERS)}"  # an earlier one may still be closing

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as opening:
            opening.callback(self._desktop.clear)
            await self.open(opening)
            self._closing = opening.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._closing.aclose()

    @abstractmethod
    async def open(self, closing: AsyncExitStack) -> None:
        """Starts the program and waits until it takes keys."""

    @abstractmethod
    async def read(self, expected: str) -> str:
        """What was typed since the last call, once as much as expected is there, or after a while."""

    def press(self, *names: str) -> None:
        """Presses keys together."""
        strokes = self._typist.strokes([symbol_of(find(name)) for name in names])
        for stroke in strokes:
            self._typist.press(stroke)
        for stroke in reversed(strokes):
            self._typist.lift(stroke)


async def as_long(length: Callable[[], int], expected: int) -> None:
    """Waits until `length()` is what is expected, but not for ever, and a moment for what may be too much."""
    with suppress(TimeoutError):
        await until(lambda: length() >= expected, within=30)
    await asyncio.sleep(0.05)


class Xterm(Editor):
    """`cat` in a terminal, which writes to a file what it gets when it gets it."""

    async def open(self, closing: AsyncExitStack) -> None:
        self._file = self._desktop.home / self._name
        self._read = 0
        command = f"stty -echoctl -icanon min 1; exec cat > {self._file}"
        self._desktop.start("xterm", "-T", self._name, "-fa", "DejaVu Sans Mono", "-e", "sh", "-c", command)
        await until(lambda: self._desktop.title() == self._name and self._file.exists())

    async def read(self, expected: str) -> str:
        await as_long(lambda: self._file.stat().st_size - self._read, len(expected.encode()))
        text = self._file.read_bytes()[self._read :]
        self._read += len(text)
        return text.decode(errors="replace")


class Mousepad(Editor):
    """A GTK editor, which saves to a file."""

    async def open(self, closing: AsyncExitStack) -> None:
        self._file = self._desktop.home / f"{self._name}.txt"
        self._file.write_text("")
        self._desktop.start("dbus-run-session", "--", "mousepad", str(self._file))
        await until(lambda: self._file.name in self._desktop.title())

    async def read(self, expected: str) -> str:
        before = self._file.stat().st_mtime_ns
        self.press("ctrl", "s")
        await until(lambda: self._file.stat().st_mtime_ns != before, within=60)
        text = self._file.read_text()
        self.press("ctrl", "a")
        self.press("delete")
        return text


class Chromium(Editor):
    """A text field of a page."""

    async def open(self, closing: AsyncExitStack) -> None:
        playwright = await closing.enter_async_context(async_playwright())
        context = await playwright.chromium.launch_persistent_context(
            self._desktop.home / self._name,
            executable_path=CHROMIUM,
            headless=False,
            no_viewport=True,
            env=self._desktop.environment,  # type: ignore[arg-type]
            args=FLAGS,
        )
        closing.push_async_callback(context.close)
        self._page = context.pages[0]
        await self._page.goto(PAGE.format(self._name))
        await until(lambda: self._name in self._desktop.title())
        await self._page.click("textarea")

    async def read(self, expected: str) -> str:
        enough = f"document.querySelector('textarea').textLength >= {len(expected.encode('utf-16-le')) // 2}"
        with suppress(PageTimeout):
            await self._page.wait_for_function(enough, timeout=30_000)
        await asyncio.sleep(0.05)
        text = await self._page.input_value("textarea")
        await self._page.fill("textarea", "")
        return text


class Calc(Editor):
    """A spreadsheet: texts go down its first column, and it saves to a file."""

    async def open(self, closing: AsyncExitStack) -> None:
        self._file = self._desktop.home / f"{self._name}.xlsx"
        Workbook().save(self._file)
        profile = self._desktop.home / f"{self._name}-office"
        quiet = profile / "user/registrymodifications.xcu"
        quiet.parent.mkdir(parents=True, exist_ok=True)
        quiet.write_text(_NO_QUESTIONS)
        options = ["--norestore", "--nologo", "--nofirststartwizard", f"-env:UserInstallation=file://{profile}"]
        self._desktop.start("soffice", "--calc", *options, str(self._file))
        await until(lambda: self._file.name in self._desktop.title(), within=60)
        self._row = 0

    async def read(self, expected: str) -> str:
        self._typist.type("\n")
        before = self._file.stat().st_mtime_ns
        self.press("ctrl", "s")
        await until(lambda: self._file.stat().st_mtime_ns != before, within=60)
        self._row += 1
        return str(load_workbook(self._file)["Sheet"].cell(self._row, 1).value)


def _setting(path: str, name: str) -> str:
    return (
        f'<item oor:path="/org.openoffice.Office.{path}"><prop oor:name="{name}" oor:op="fuse">'
        "<value>false</value></prop></item>"
    )


_CORRECTIONS = ("ReplaceSingleQuote", "ReplaceDoubleQuote", "UseReplacementTable", "TwoCapitalsAtStart")
_NO_QUESTIONS = (
    '<?xml version="1.0" encoding="UTF-8"?><oor:items xmlns:oor="http://openoffice.org/2001/registry">'
    + _setting("Common/Save/Document", "WarnAlienFormat")
    + _setting("Common/Misc", "ShowTipOfTheDay")
    + _setting("Calc/Input", "AutoInput")
    + "".join(_setting("Common/AutoCorrect", name) for name in _CORRECTIONS)
    + "</oor:items>"
)

EDITORS: dict[str, type[Editor]] = {"xterm": Xterm, "mousepad": Mousepad, "chromium": Chromium, "calc": Calc}
