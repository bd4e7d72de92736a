"""The pages that web scenarios happen on, driven in a real browser: they work, help their users, and differ by seed."""

import json

import pytest
from playwright.async_api import ViewportSize, expect

from tests.scenarios.visits import LOW, SCREENS, WIDE, Go, Visit

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

PAGES = ["web/login", "web/order-filter", "web/registration"]


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
