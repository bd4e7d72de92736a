"""A real browser on the pages of web scenarios: what is served, what is sent, and what a visitor should not meet."""

import mimetypes
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, Route, ViewportSize, async_playwright, expect

from env.setup import Serve
from env.site import KIT
from scenarios.base import Task
from scenarios.loader import ASSETS, load

WIDE = ViewportSize(width=1280, height=720)
LOW = ViewportSize(width=640, height=480)
OLD = ViewportSize(width=1024, height=768)
SCREENS = [
    pytest.param(0, WIDE, id="1280x720"),
    pytest.param(1, LOW, id="640x480"),
    pytest.param(2, OLD, id="1024x768"),
]
PATIENCE = 15_000
"""Milliseconds; only a busy machine needs them."""
POLICY = {"Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'"}
"""Nothing from elsewhere; inline styles are what Chromium's own editing commands leave in a text."""
HARD_TO_READ = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const rgba = (colour) => {
    if (!known.has(colour)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
      known.set(colour, [r, g, b, a / 255]);
    }
    return known.get(colour);
  };
  const over = (below, [r, g, b, a]) => [r, g, b].map((value, i) => below[i] * (1 - a) + value * a);
  const linear = (value) => (value <= 10 ? value / 3295 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const ownText = (el) => [...el.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  const found = document.documentElement.scrollWidth > innerWidth ? ["wider than the window"] : [];
  for (const el of document.body.querySelectorAll("*")) {
    if (!ownText(el) && !el.matches("input:not([type=checkbox], [type=radio])")) continue;
    if (!el.checkVisibility({ visibilityProperty: true }) || el.closest("option, :disabled")) continue;
    const style = getComputedStyle(el);
    const behind = [];
    for (let part = el; part; part = part.parentElement) behind.unshift(rgba(getComputedStyle(part).backgroundColor));
    const ground = behind.reduce(over, [255, 255, 255]);
    const [dark, bright] = [light(ground), light(over(ground, rgba(style.color)))].sort((a, b) => a - b);
    const large = parseFloat(style.fontSize) >= 24;
    const ratio = (bright + 0.05) / (dark + 0.05);
    if (ratio < (large ? 3 : 4.5)) found.push(`${ratio.toFixed(1)}: ${el.tagName} ${el.textContent.slice(0, 40)}`);
  }
  return found;
}"""
"""Texts with less contrast than WCAG asks for, and whether the page is wider than its window."""


@dataclass
class Visit:
    """A page in front, what it sent, and everything that a visitor should not meet."""

    page: Page
    task: Task
    sent: list[tuple[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def site(self) -> Serve:
        [serve] = [step for step in self.task.setup if isinstance(step, Serve)]
        return serve

    async def answer(self, route: Route) -> None:
        """The whole internet of this page: its folder, its data, and an API that takes everything."""
        address = urlsplit(route.request.url)
        path = address.path.lstrip("/")
        file = ASSETS / path if path.startswith(f"{KIT}/") else ASSETS / self.site.folder / path
        if address.netloc != "site.test":
            self.problems.append(f"asked for {route.request.url}")
            await route.abort()
        elif route.request.method == "POST":
            self.sent.append((address.path, route.request.post_data_json))
            await route.fulfill(json={"ok": True})
        elif address.path == "/data.json":
            await route.fulfill(json=self.site.data)
        elif file.is_file():
            await route.fulfill(body=file.read_bytes(), headers=POLICY | {"Content-Type": media_type(file)})
        else:
            self.problems.append(f"there is no {address.path}")
            await route.fulfill(status=404)

    def heard(self, message: ConsoleMessage) -> None:
        self.problems.append(f"{message.type}: {message.text}")

    async def see(self) -> None:
        """Looks at the state that the page is in."""
        await self.page.mouse.move(2, 2)
        await self.page.evaluate("Promise.allSettled(document.getAnimations().map(one => one.finished))")
        assert await self.page.evaluate(HARD_TO_READ) == []


def media_type(file: Path) -> str:
    return mimetypes.guess_type(file.name)[0] or "application/octet-stream"


Go = Callable[[str, int, ViewportSize], Awaitable[Visit]]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def chromium() -> AsyncIterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--disable-gpu"])
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def go(chromium: Browser) -> AsyncIterator[Go]:
    visits: list[Visit] = []

    async def visit(scenario: str, seed: int, screen: ViewportSize) -> Visit:
        context = await chromium.new_context(viewport=screen)
        visits.append(made := Visit(await context.new_page(), load(scenario).at(seed)))
        made.page.set_default_timeout(PATIENCE)
        context.on("console", made.heard)
        context.on("weberror", lambda error: made.problems.append(str(error.error)))
        await context.route("**/*", made.answer)
        await made.page.goto("http://site.test/index.html")
        await made.see()
        return made

    yield visit
    for made in visits:
        await made.page.context.close()
    problems = [problem for made in visits for problem in made.problems]
    assert not problems, problems
