"""The pages that web scenarios happen on, driven in a real browser: they work, help their users, and differ by seed."""

import json
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
from scenarios.base import Task
from scenarios.loader import ASSETS, load

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

PAGES = ["web/login", "web/order-filter", "web/registration"]
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
POLICY = {"Content-Security-Policy": "default-src 'self'"}
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
        file = ASSETS / self.site.folder / address.path.lstrip("/")
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
        made.page.on("console", made.heard)
        made.page.on("pageerror", lambda error: made.problems.append(str(error)))
        await made.page.route("**/*", made.answer)
        await made.page.goto("http://site.test/index.html")
        await made.see()
        return made

    yield visit
    for made in visits:
        await made.page.context.close()
    assert [problem for made in visits for problem in made.problems] == []


@pytest.mark.parametrize(("seed", "screen"), SCREENS)
async def test_a_person_signs_in_after_some_mistakes(go: Go, seed: int, screen: ViewportSize) -> None:
    visit = await go("web/login", seed, screen)
    page, drawn = visit.page, visit.task.drawn
    email, password = page.get_by_role("textbox", name="Email"), page.locator("#password")
    submit = page.get_by_role("button", name=drawn["verb"], exact=True)

    await submit.click()
    await expect(email).to_be_focused()
    await expect(page.get_by_text("Enter your email address.")).to_be_visible()
    await expect(page.get_by_text("Enter your password.")).to_be_visible()
    await email.fill("grace@")
    await expect(page.get_by_text("Enter an address like")).to_be_visible()
    await email.fill(drawn["email"])
    await expect(page.get_by_text("Enter an address like")).to_be_hidden()
    await visit.see()

    await password.fill("not this one")
    await page.get_by_role("button", name="Show password").click()
    await expect(password).to_have_attribute("type", "text")
    await submit.click()
    await expect(page.get_by_role("alert")).to_contain_text("don’t go together")
    await expect(password).to_be_focused()
    await visit.see()

    await page.keyboard.type(drawn["password"])
    await page.get_by_role("checkbox", name=drawn["remember_label"]).click()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name=f"Welcome back, {drawn['people'][0][0]}")).to_be_visible()
    assert visit.sent[-1] == (
        "/api/login",
        {"email": drawn["email"], "password": drawn["password"], "remember": drawn["remember"]},
    )
    assert len(visit.sent) == 2
    await visit.see()


async def test_a_signed_in_person_looks_around_and_leaves(go: Go) -> None:
    visit = await go("web/login", 0, LOW)
    page, drawn = visit.page, visit.task.drawn
    await page.get_by_role("link", name="Forgot password?").click()
    await page.get_by_role("textbox", name="Email").fill(drawn["email"])
    await page.get_by_role("button", name="Send reset link").click()
    await expect(page.get_by_text("a link is on its way")).to_be_visible()
    await visit.see()
    await page.get_by_role("link", name="Back to").click()

    await page.get_by_role("textbox", name="Email").fill(drawn["email"].upper())
    await page.locator("#password").fill(drawn["password"])
    await page.keyboard.press("Enter")
    await page.get_by_role("link", name="Reports").click()
    await expect(page.get_by_role("heading", name="Reports")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("heading", name="Reports")).to_be_visible()
    await page.get_by_role("button", name="Account of").click()
    await visit.see()
    await page.get_by_role("menuitem", name="Sign out").click()
    await expect(page.get_by_role("textbox", name="Email")).to_be_focused()


@pytest.mark.parametrize(("seed", "screen"), SCREENS)
async def test_the_wanted_orders_are_found_and_shipped(go: Go, seed: int, screen: ViewportSize) -> None:
    visit = await go("web/order-filter", seed, screen)
    page, drawn = visit.page, visit.task.drawn
    rows = page.get_by_role("checkbox", name="Select order")
    await expect(rows).to_have_count(drawn["per_page"])

    await page.get_by_role("searchbox", name="Search orders").click()
    await page.keyboard.type(drawn["pair"][0])
    await expect(rows).to_have_count(5)
    await page.get_by_role("combobox", name="Status").click()
    await page.keyboard.type(drawn["ready_label"][:5])
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name=f"Remove filter Status: {drawn['ready_label']}")).to_be_visible()
    await expect(rows).to_have_count(drawn["ready"])
    await page.get_by_role("checkbox", name="Select all orders on this page").click()
    await expect(page.get_by_text(f"{drawn['ready']} orders selected")).to_be_visible()
    await visit.see()

    await page.get_by_role("button", name="Mark as shipped").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text(", ".join(drawn["right"]))
    await visit.see()
    await dialog.get_by_role("button", name="Cancel").click()
    assert visit.sent == []
    await page.get_by_role("button", name="Mark as shipped").click()
    await dialog.get_by_role("button", name="Mark as shipped").click()
    await expect(page.get_by_role("status")).to_contain_text(f"{drawn['ready']} orders marked as shipped")
    await expect(page.get_by_text("No orders match")).to_be_visible()
    assert visit.sent == [("/api/orders/ship", {"ids": drawn["right"]})]
    await visit.see()

    await page.reload()
    await page.get_by_role("searchbox").fill(drawn["right"][0])
    await expect(page.get_by_role("row", name=drawn["right"][0])).to_contain_text("Shipped")


@pytest.mark.parametrize(("seed", "screen"), SCREENS[:2])
async def test_orders_are_sorted_paged_filtered_and_opened(go: Go, seed: int, screen: ViewportSize) -> None:
    visit = await go("web/order-filter", seed, screen)
    page, drawn = visit.page, visit.task.drawn
    heading = page.get_by_role("columnheader", name="Customer")
    cells = page.locator("td[data-column=customer]")

    await heading.get_by_role("button").click()
    await expect(heading).to_have_attribute("aria-sort", "ascending")
    names = await cells.all_inner_texts()
    assert names == sorted(names)
    await page.get_by_role("button", name="Page 2").click()
    await expect(page.get_by_text(f"{drawn['per_page'] + 1}–{2 * drawn['per_page']} of 60")).to_be_visible()
    assert names[-1] <= (await cells.all_inner_texts())[0]

    await page.get_by_role("button", name="Filter by channel").click()
    await page.get_by_role("menuitemcheckbox", name="Marketplace").click()
    await expect(page.get_by_role("menuitemcheckbox", name="Marketplace")).to_be_checked()
    await visit.see()
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Remove filter Channel").click()
    await page.get_by_role("searchbox").fill("nobody of that name")
    await expect(page.get_by_text("No orders match")).to_be_visible()
    await visit.see()
    await page.get_by_role("button", name="Clear all filters").click()

    order = page.locator(".order-link").nth(1)
    number = await order.inner_text()
    await order.click()
    drawer = page.get_by_role("dialog", name=f"Order {number}")
    await expect(drawer).to_contain_text("Payment received")
    await visit.see()
    await page.keyboard.press("Escape")
    await expect(drawer).to_be_hidden()
    await expect(page.get_by_role("button", name=number)).to_be_focused()


async def go_on(visit: Visit) -> None:
    await visit.page.get_by_role("button", name="Continue").click()


async def fill_in_about_you(visit: Visit) -> None:
    page, drawn = visit.page, visit.task.drawn
    await go_on(visit)
    await expect(page.get_by_text("Choose your country.")).to_be_visible()
    for label, value in (("First name", drawn["person"][0]), ("Last name", drawn["person"][1])):
        await page.get_by_role("textbox", name=label).fill(value)
    await page.get_by_role("textbox", name="Email").fill("nobody")
    await page.get_by_role("textbox", name="Phone").fill("0123 456")
    await page.get_by_role("combobox", name="Country").click()
    await page.keyboard.type(drawn["person"][2])
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("combobox", name="Country")).to_have_value(drawn["person"][2])
    await go_on(visit)
    await expect(page.get_by_text("Enter an address like")).to_be_visible()
    await expect(page.get_by_text("Start with + and the country code")).to_be_visible()
    await visit.see()
    await page.get_by_role("textbox", name="Email").fill(drawn["email"])
    await page.get_by_role("textbox", name="Phone").fill(drawn["phone"])
    await go_on(visit)


async def fill_in_travel(visit: Visit) -> None:
    page, drawn = visit.page, visit.task.drawn
    arrival = page.get_by_role("textbox", name="Arrival date")
    departure = page.get_by_role("textbox", name="Departure date")
    await arrival.fill("2020-02-30")
    await go_on(visit)
    await expect(page.get_by_text("Enter a date like")).to_be_visible()
    await arrival.fill("2020-02-28")
    await expect(page.get_by_text("This date is in the past")).to_be_visible()
    await arrival.fill(drawn["arrival"].strftime(drawn["format"][1]))
    await departure.fill(drawn["today"].strftime(drawn["format"][1]))
    await go_on(visit)
    await expect(page.get_by_text("You can’t leave before you arrive.")).to_be_visible()
    await page.get_by_role("button", name="Choose departure date").click()
    await visit.see()
    await page.get_by_role("button", name=drawn["departure"].strftime("%-d %B %Y"), exact=True).click()
    await expect(departure).to_have_value(drawn["departure"].strftime(drawn["format"][1]))
    await page.get_by_role("combobox", name="Arriving by").select_option(drawn["transport"])
    await go_on(visit)


async def fill_in_options(visit: Visit) -> None:
    page, drawn = visit.page, visit.task.drawn
    await expect(page.get_by_role("heading", name="Options")).to_be_focused()
    await go_on(visit)
    await expect(page.get_by_text("Choose a ticket.")).to_be_visible()
    await page.get_by_role("radio", name=drawn["passes"][drawn["which"]][0]).click()
    for _ in range(drawn["guests"]):
        await page.get_by_role("button", name="One guest more").click()
    await expect(page.get_by_role("spinbutton", name="Dinner guests")).to_have_value(str(drawn["guests"]))
    for switch in ("Shuttle", "Vegetarian"):
        await page.get_by_role("switch", name=switch).click()
    await visit.see()
    await go_on(visit)


@pytest.mark.parametrize(("seed", "screen"), SCREENS)
async def test_a_registration_is_corrected_and_sent(go: Go, seed: int, screen: ViewportSize) -> None:
    visit = await go("web/registration", seed, screen)
    page, drawn = visit.page, visit.task.drawn
    await fill_in_about_you(visit)
    await fill_in_travel(visit)
    await page.get_by_role("button", name="About you").click()
    await expect(page.get_by_role("textbox", name="First name")).to_have_value(drawn["person"][0])
    await go_on(visit)
    await go_on(visit)
    await fill_in_options(visit)
    await page.get_by_role("button", name=drawn["submit"]).click()
    await expect(page.get_by_text("tick this box")).to_be_visible()
    await visit.see()
    assert visit.sent == []
    await page.get_by_role("checkbox", name="code of conduct").click()
    await page.get_by_role("button", name=drawn["submit"]).click()
    await expect(page.get_by_text("".join(drawn["letters"]))).to_be_visible()
    await visit.see()

    [(path, body)] = visit.sent
    wanted = {key: drawn[key] for key in ("email", "transport", "guests", "shuttle", "vegetarian", "listed")}
    wanted |= {key: drawn[key].isoformat() for key in ("arrival", "departure")}
    wanted |= {"phone": drawn["phone"].replace(" ", ""), "pass": drawn["passes"][drawn["which"]][0]}
    assert path == "/api/registration"
    assert body | wanted == body


@pytest.mark.parametrize("scenario", PAGES)
async def test_seeds_look_different(go: Go, scenario: str) -> None:
    visits = [await go(scenario, seed, WIDE) for seed in range(3)]
    looks = {json.dumps(visit.site.data["theme"]) for visit in visits}
    texts = {await visit.page.inner_text("body") for visit in visits}
    assert len(looks) == len(texts) == 3
