"""A recorded test of ten steps, played by surehand and, in turn, by the same steps written by hand with Playwright.

Both drive the same program on pages of the same server, each time in a fresh browser context, of whose end they keep a
picture.
"""

import socket
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from playwright.async_api import Browser, Page, async_playwright
from rich.table import Table

from agent.scripting.results import Ending
from agent.scripting.session import Lane, Means
from agent.scripting.written import Case, read_test
from env.kept import KeptEnvironment
from env.settle import pause
from env.setup import Serve
from env.site import Site
from env.world import WorldSpec, find_chromium
from scenarios.loader import ASSETS
from tests.bench.timing import Sample, milliseconds, p50, p95, table
from tools.geometry import Size

TEST = Path(__file__).resolve().parent.parent / "recorded" / "web" / "order-filter.yaml"
_ROUNDS = 20
_SIZE = Size(1280, 720)


class _Took(NamedTuple):
    """Seconds of the steps, and of the whole test with its fresh context and a last picture."""

    steps: float
    whole: float


async def replay() -> Table:
    """Rounds of both, one after the other; the ratio compares their medians."""
    (case,) = read_test(TEST)
    ours: list[_Took] = []
    theirs: list[_Took] = []
    site = Site(ASSETS)
    listener = socket.create_server(("127.0.0.1", 0))
    await site.open(listener)
    try:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=find_chromium(""))
            with tempfile.TemporaryDirectory() as folder:
                lane = Lane(Means(Path(folder), _world, lambda case, folder: None))
                try:
                    for number in range(_ROUNDS + 1):
                        ours.append(await _by_surehand(lane, case, Path(folder) / str(number)))
                        theirs.append(await _by_hand(browser, site, case, listener.getsockname()[1]))
                finally:
                    await lane.close()
            await browser.close()
    finally:
        await site.close()
    return _table(ours[1:], theirs[1:])  # the first round starts the world


def _world(case: Case) -> KeptEnvironment:
    return KeptEnvironment(WorldSpec(kind="browser", size=case.file.size, assets=case.assets))


async def _by_surehand(lane: Lane, case: Case, folder: Path) -> _Took:
    result = await lane.play(case, folder)
    assert result.ending is Ending.PASSED, result.why
    return _Took(sum(step.seconds for step in result.steps), result.seconds)


async def _by_hand(browser: Browser, site: Site, case: Case, port: int) -> _Took:
    serve, _ = case.prepared
    assert isinstance(serve, Serve)
    began = time.perf_counter()
    site.show(serve.folder, serve.data)
    context = await browser.new_context(viewport={"width": _SIZE.width, "height": _SIZE.height}, locale="en-US")
    page = await context.new_page()
    await page.goto(f"http://127.0.0.1:{port}/index.html")
    ready = time.perf_counter()
    await _ship(page, site)
    done = time.perf_counter()
    await page.screenshot()
    await context.close()
    return _Took(done - ready, time.perf_counter() - began)


async def _ship(page: Page, site: Site) -> None:
    """The steps of the test, in its order."""
    await page.get_by_role("searchbox", name="Search orders").click()
    await page.keyboard.type("Emil Novak")
    await page.get_by_role("combobox", name="Status").click()
    await page.keyboard.type("Ready")
    await page.keyboard.press("Enter")
    await page.get_by_role("checkbox", name="Select all orders on this page").click()
    await page.get_by_role("button", name="Mark as shipped").click()
    await page.locator("#confirm-yes").click()
    while not site.posted:
        await pause(0.005)
    assert [sent.body for sent in site.posted if sent.path == "/api/orders/ship"] == [{"ids": ["26-6166", "26-6181"]}]


def _table(ours: list[_Took], theirs: list[_Took]) -> Table:
    made = table(f"A recorded test of ten steps, {_ROUNDS} times (ms)", "what", "by", "p50", "p95", "ratio", "target")
    for what, mine, hand in (
        ("its steps", [one.steps for one in ours], [one.steps for one in theirs]),
        ("with a fresh context and a picture", [one.whole for one in ours], [one.whole for one in theirs]),
    ):
        _rows(made, what, mine, hand)
    return made


def _rows(made: Table, what: str, mine: Sample, hand: Sample) -> None:
    ratio = f"{p50(mine) / p50(hand):.2f}"
    made.add_row(what, "surehand", milliseconds(p50(mine)), milliseconds(p95(mine)), ratio, "1.5")
    made.add_row("", "Playwright by hand", milliseconds(p50(hand)), milliseconds(p95(hand)), "", "")
