"""A real headless Chromium for tests: one per session, a fresh context per test, pages from a site in memory."""

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, Playwright, Route, async_playwright

from tools.actions import ACTION, Outcome
from tools.browser import BrowserEyes, BrowserHands
from tools.chooser import Files
from tools.geometry import Point, Size, to_grid
from tools.tabs import PageChanges, Tabs

CHROMIUM = os.environ.get("SUREHAND_CHROMIUM", "/usr/bin/chromium")
FLAGS = ["--test-type", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync", "--disable-quic"]
SITE = "http://site.test"

LOG = """<script>
const log = [], types = 'mousemove mousedown mouseup click dblclick auxclick contextmenu keydown keyup input change';
for (const type of types.split(' '))
  addEventListener(type, e => log.push(
    [e.type, e.target.id ?? '', e.clientX ?? -1, e.clientY ?? -1, e.detail ?? 0, e.key ?? e.data]), true);
</script>"""
"""Put into a page, logs events as [type, id of target, x, y, detail, key or data]."""


@dataclass
class Screen:
    """One browser context with everything of ours attached to it."""

    context: BrowserContext
    tabs: Tabs
    eyes: BrowserEyes
    hands: BrowserHands
    changes: PageChanges
    page: Page
    size: Size
    site: dict[str, str] = field(default_factory=dict)

    async def open(self, html: str, path: str = "/") -> Page:
        """Puts a page on the site and loads it in the front tab."""
        self.site[path] = f"<!doctype html><title>{path}</title><style>body {{ margin: 0 }}</style>{LOG}{html}"
        page, _ = await self.tabs.front()
        await page.goto(SITE + path)
        return page

    async def do(self, action: str, at: tuple[int, int] | None = None, **parameters: Any) -> Outcome:
        """Does an action, given as the model gives it; `at` is a pixel."""
        if at:
            parameters["coordinate"] = to_grid(Point(*at), self.size)
        return await self.hands.do(ACTION.validate_python({"action": action, **parameters}), self.size)

    async def log(self) -> list[list[Any]]:
        """The events since the last call."""
        page, _ = await self.tabs.front()
        events: list[list[Any]] = await page.evaluate("log.splice(0)")
        return events

    async def until(self, condition: Callable[[], bool], within: float = 5.0) -> None:
        """Waits for a condition."""
        end = time.monotonic() + within
        while not condition():
            assert time.monotonic() < end, "the condition never came true"
            await asyncio.sleep(0.005)

    async def serve(self, route: Route) -> None:
        """Answers for the site; what it does not have is an error of the network."""
        path = urlsplit(route.request.url).path
        if path in self.site:
            await route.fulfill(body=self.site[path], content_type="text/html; charset=utf-8")
        else:
            await route.abort("connectionrefused")


OpenScreen = Callable[..., Awaitable[Screen]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def playwright() -> AsyncIterator[Playwright]:
    """Playwright's driver."""
    if not shutil.which(CHROMIUM):
        pytest.skip(f"no Chromium at {CHROMIUM}; set SUREHAND_CHROMIUM")
    async with async_playwright() as driver:
        yield driver


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium(playwright: Playwright) -> AsyncIterator[Browser]:
    """The browser that tests share."""
    browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield browser
    await browser.close()


async def attach(
    browser: Browser, width: int = 1000, height: int = 500, scale: float = 1, files: Any = None, **options: Any
) -> Screen:
    """A new context with one blank page, and eyes, hands and change clock on it."""
    viewport = {"viewport": {"width": width, "height": height}, "device_scale_factor": scale}
    context = await browser.new_context(**(options or viewport))
    tabs = await Tabs.of(context, files)
    page = await context.new_page()
    changes = PageChanges(tabs)
    size = Size(width, height)
    screen = Screen(context, tabs, BrowserEyes(tabs, changes), BrowserHands(tabs), changes, page, size)
    await context.route("**/*", screen.serve)
    return screen


@pytest_asyncio.fixture(loop_scope="session")
async def open_screen(chromium: Browser) -> AsyncIterator[OpenScreen]:
    """Opens screens of any size: `await open_screen(width, height, scale, files)`."""
    opened: list[Screen] = []

    async def open_one(width: int = 1000, height: int = 500, scale: float = 1, files: Files | None = None) -> Screen:
        opened.append(await attach(chromium, width, height, scale, files))
        return opened[-1]

    yield open_one
    for screen in opened:
        await screen.context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def screen(open_screen: OpenScreen) -> Screen:
    """One screen of 1000x500, where a grid unit is a pixel across and half a pixel down."""
    return await open_screen()
