"""The pages made of one widget each, driven in a real browser by mouse and keyboard, on three screens."""

import json

import pytest
from playwright.async_api import ViewportSize, expect

from tests.scenarios.visits import LOW, OLD, SCREENS, WIDE, Go

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

PAGES = [
    "web/date-picker", "web/drag-board", "web/rich-text", "web/files", "web/menus", "web/two-tabs",
    "web/ticket-injection", "web/review-injection",
]  # fmt: skip


@pytest.mark.parametrize(("seed", "screen"), SCREENS)
async def test_a_stay_is_chosen_from_the_calendar(go: Go, seed: int, screen: ViewportSize) -> None:
    visit = await go("web/date-picker", seed, screen)
    page, drawn = visit.page, visit.task.drawn
    send = page.get_by_role("button", name=drawn["send"])
    await send.click()
    await expect(page.get_by_role("alert")).to_contain_text("Choose the day")
    await expect(page.locator("#when")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await expect(page.get_by_role("button", name="Previous month")).to_be_disabled()
    for _ in range(2):
        await page.get_by_role("button", name="Next month").click()
    taken = (drawn["depart"] + drawn["depart"].resolution * drawn["gaps"][1]).strftime("%-d %B %Y")
    if await page.get_by_role("button", name=taken, exact=True).count():
        await expect(page.get_by_role("button", name=taken, exact=True)).to_be_disabled()
    arrive = page.get_by_role("button", name=drawn["arrive"].strftime("%-d %B %Y"), exact=True)
    await arrive.click()
    await expect(page.get_by_text("When do you leave?")).to_be_visible()
    await expect(arrive).to_have_attribute("aria-pressed", "true")
    await visit.see()
    await page.get_by_role("button", name=drawn["depart"].strftime("%-d %B %Y"), exact=True).click()
    await expect(page.get_by_role("dialog")).to_be_hidden()
    await expect(page.locator("#sums")).to_contain_text(f"{drawn['nights']} nights")
    await page.get_by_role("button", name="More adults").click()
    await visit.see()
    await send.click()
    await expect(page.get_by_role("heading", name="on its way")).to_be_visible()
    stay = {key: drawn[key].isoformat() for key in ("arrive", "depart")}
    assert visit.sent == [("/api/booking", stay | {"adults": drawn["adults"], "children": 0})]
    await visit.see()


async def test_a_calendar_is_left_and_cleared_by_keyboard(go: Go) -> None:
    visit = await go("web/date-picker", 0, WIDE)
    page = visit.page
    await page.locator("#when").press("Enter")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("When do you leave?")).to_be_visible()
    await page.get_by_role("button", name="Clear dates").click()
    await expect(page.get_by_text("When do you arrive?")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_be_hidden()
    await expect(page.locator("#when")).to_be_focused()


@pytest.mark.parametrize("seed", [0, 2])
async def test_cards_are_dragged(go: Go, seed: int) -> None:
    visit = await go("web/drag-board", seed, WIDE if seed == 0 else OLD)
    page, drawn = visit.page, visit.task.drawn
    column = page.get_by_role("list", name=drawn["to"]["name"])
    card = page.get_by_role("listitem", name=drawn["pair"][0])
    await card.drag_to(column.get_by_role("listitem").first, target_position={"x": 40, "y": 5})
    await expect(column.get_by_role("listitem").first).to_have_attribute("data-key", drawn["key"])
    await expect(page.get_by_text("All changes saved")).to_be_visible()
    await visit.see()
    [(path, body)] = visit.sent
    assert path == "/api/board"
    assert body["columns"][drawn["to"]["name"]] == [drawn["key"], *(card["key"] for card in drawn["to"]["cards"])]


@pytest.mark.parametrize(("seed", "screen"), SCREENS)
async def test_cards_are_moved_by_keyboard(go: Go, seed: int, screen: ViewportSize) -> None:
    visit = await go("web/drag-board", seed, screen)
    page, drawn = visit.page, visit.task.drawn
    first, second = drawn["columns"][:2]
    card = page.get_by_role("listitem", name=drawn["pair"][0])
    await card.press("Alt+ArrowUp")
    await card.press("Alt+ArrowRight")
    await expect(page.get_by_text("All changes saved")).to_be_visible()
    await expect(card).to_be_focused()
    await card.press("Alt+ArrowDown")
    await expect(page.get_by_role("list", name=second["name"]).get_by_role("listitem")).to_have_count(3)
    await expect(page.get_by_text("All changes saved")).to_be_visible()
    keys = [[body["columns"][lane["name"]].index(drawn["key"]) for lane in (first, second)
             if drawn["key"] in body["columns"][lane["name"]]] for _, body in visit.sent]  # fmt: skip
    assert keys == [[1], [1], [2]]
    await visit.see()


@pytest.mark.parametrize(("seed", "screen"), SCREENS)
async def test_a_text_is_formatted_undone_and_published(go: Go, seed: int, screen: ViewportSize) -> None:
    visit = await go("web/rich-text", seed, screen)
    page, drawn = visit.page, visit.task.drawn
    line = page.get_by_text(drawn["warning"], exact=True)
    heading = page.get_by_role("button", name="Heading")
    await line.click(click_count=3)
    await heading.click()
    await expect(page.get_by_role("heading", name=drawn["warning"])).to_be_visible()
    await expect(heading).to_have_attribute("aria-pressed", "true")
    await visit.see()
    await heading.click()
    await expect(page.get_by_role("heading", name=drawn["warning"])).to_have_count(0)
    await line.click(click_count=3)
    await page.keyboard.press("Control+b")
    await page.keyboard.press("Control+i")
    await page.get_by_role("button", name="Undo").click()
    await page.get_by_text(drawn["opening"]).click(click_count=3)
    await page.get_by_role("button", name="Quote").click()
    await page.get_by_text(drawn["points"][0], exact=True).click()
    await page.get_by_role("button", name="Bulleted list").click()
    await page.get_by_role("button", name=drawn["publish"]).click()
    await expect(page.get_by_role("status").first).to_have_text("Published")
    await visit.see()
    points = "\n".join([drawn["points"][0], *(f"- {point}" for point in drawn["points"][1:3])])
    assert visit.sent == [("/api/post", {
        "title": drawn["title"],
        "text": f"> {drawn['opening']}\n{drawn['heading']}\n{points}\n**{drawn['warning']}**\n{drawn['thanks']}",
    })]  # fmt: skip


@pytest.mark.parametrize(("seed", "screen"), SCREENS)
async def test_a_receipt_is_sent_and_a_statement_saved(go: Go, seed: int, screen: ViewportSize) -> None:
    visit = await go("web/files", seed, screen)
    page, drawn = visit.page, visit.task.drawn
    add = page.get_by_role("button", name=f"Add receipt to claim {drawn['number']}")
    await add.click()
    await page.get_by_role("button", name="Send receipt").click()
    await expect(page.get_by_role("alert")).to_have_text("Choose a file first.")
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("button", name="Choose a file").click()
    await (await chooser.value).set_files(
        {"name": drawn["receipts"][0], "mimeType": "text/plain", "buffer": drawn["texts"][0].encode()}
    )
    await expect(page.get_by_text(drawn["receipts"][0])).to_be_visible()
    await visit.see()
    await page.get_by_role("button", name="Send receipt").click()
    await expect(add).to_be_disabled()
    async with page.expect_download() as download:
        await page.get_by_role("link", name=drawn["statements"][0]).click()
    saved = await (await download.value).path()
    assert saved.read_text() == drawn["csv"]
    assert visit.sent == [
        ("/api/receipt", {"claim": drawn["number"], "name": drawn["receipts"][0], "text": drawn["texts"][0]})
    ]
    await visit.see()


@pytest.mark.parametrize(("seed", "screen"), SCREENS)
async def test_a_file_is_moved_through_menus_and_back(go: Go, seed: int, screen: ViewportSize) -> None:
    visit = await go("web/menus", seed, screen)
    page, drawn = visit.page, visit.task.drawn
    await page.get_by_role("button", name="Not now").click()
    more = page.get_by_role("button", name=f"More about {drawn['pair'][0]}", exact=True)
    await more.click()
    await page.get_by_role("menuitem", name="Move to").hover()
    await page.get_by_role("menuitem", name=drawn["folders"][drawn["into"]]["name"]).click()
    await expect(page.get_by_role("menu")).to_have_count(3)
    await visit.see()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("menu")).to_have_count(2)
    await page.keyboard.press("ArrowRight")
    inner = drawn["folders"][drawn["into"]]["inner"][drawn["inner"]]
    await page.get_by_role("menuitem", name=inner, exact=True).click()
    await visit.see()
    await page.get_by_role("checkbox", name="by email").click()
    await page.get_by_role("button", name="Move", exact=True).click()
    await expect(more).to_have_count(0)
    await page.get_by_role("button", name="Undo").click()
    await expect(more).to_be_visible()
    assert visit.sent == [
        ("/api/files", {"moved": {drawn["pair"][0]: drawn["to"]}, "told": []}),
        ("/api/files", {"moved": {}, "told": []}),
    ]
    await visit.see()


@pytest.mark.parametrize(("seed", "screen"), SCREENS)
async def test_an_invoice_is_read_in_its_tab_and_paid(go: Go, seed: int, screen: ViewportSize) -> None:
    visit = await go("web/two-tabs", seed, screen)
    page, drawn = visit.page, visit.task.drawn
    async with page.context.expect_page() as opened:
        await page.get_by_role("link", name=drawn["wanted"]["number"]).click()
    invoice = await opened.value
    await expect(invoice.locator("#sums")).to_contain_text(f"{drawn['total'] / 100:,.2f}")
    iban = await invoice.locator("#iban").inner_text()
    await page.get_by_role("textbox", name="To").fill(drawn["wanted"]["supplier"])
    await page.get_by_role("textbox", name="IBAN").fill(iban.replace("D", "F", 1))
    await page.get_by_role("textbox", name="Reference").fill(await invoice.locator("#reference").inner_text())
    await page.get_by_role("textbox", name="Amount").fill("a lot")
    send = page.get_by_role("button", name=drawn["send"])
    await send.click()
    await expect(page.get_by_text("This is no IBAN")).to_be_visible()
    await expect(page.get_by_text("Enter an amount")).to_be_visible()
    await visit.see()
    await page.get_by_role("textbox", name="IBAN").fill(iban)
    await page.get_by_role("textbox", name="Amount").fill(f"{drawn['total'] / 100:,.2f}")
    await send.click()
    await expect(page.get_by_text("Waiting for approval")).to_be_visible()
    paid = {"payee": drawn["wanted"]["supplier"], "cents": drawn["total"]}
    assert visit.sent == [("/api/transfer", paid | {key: drawn["wanted"][key] for key in ("iban", "reference")})]
    await visit.see()


@pytest.mark.parametrize(("seed", "screen"), SCREENS)
async def test_a_ticket_is_answered(go: Go, seed: int, screen: ViewportSize) -> None:
    visit = await go("web/ticket-injection", seed, screen)
    page, drawn = visit.page, visit.task.drawn
    await page.get_by_role("button", name=f"#{drawn['number']}").click()
    await expect(page.locator("#message")).to_contain_text(drawn["collector"])
    await page.get_by_role("button", name="Send answer").click()
    await expect(page.get_by_role("alert")).to_have_text("Choose an answer first.")
    await visit.see()
    await page.get_by_role("combobox", name="Answer").select_option(drawn["kind"][0])
    await expect(page.get_by_text(f"Dear {drawn['customers'][0].split()[0]}")).to_be_visible()
    await page.get_by_role("combobox", name="Then set").select_option(drawn["state"])
    await page.get_by_role("button", name="Send answer").click()
    await expect(page.get_by_text(f"Answer to #{drawn['number']} sent")).to_be_visible()
    await visit.see()
    sent = {"ticket": drawn["number"], "answer": drawn["kind"][0], "state": drawn["state"]}
    assert visit.sent == [("/api/answer", sent)]


@pytest.mark.parametrize(("seed", "screen"), SCREENS)
async def test_reviews_are_checked_and_a_verdict_is_taken_back(go: Go, seed: int, screen: ViewportSize) -> None:
    visit = await go("web/review-injection", seed, screen)
    page, drawn = visit.page, visit.task.drawn
    await expect(page.get_by_role("link", name="Account and billing")).to_have_attribute("href", drawn["account"])
    await page.get_by_role("button", name=f"Publish the review of {drawn['people'][1]}").click()
    await expect(page.get_by_text("2 to go")).to_be_visible()
    await visit.see()
    await page.get_by_role("button", name="Undo").click()
    for verb, who in zip(("Publish", "Reject", "Reject"), drawn["people"], strict=True):
        await page.get_by_role("button", name=f"{verb} the review of {who}").click()
    await expect(page.get_by_text("All done.")).to_be_visible()
    await visit.see()
    numbers = drawn["numbers"]
    assert [[one["number"] for one in body["checked"]] for _, body in visit.sent] == [
        [numbers[1]], [], numbers[:1], numbers[:2], numbers,
    ]  # fmt: skip


@pytest.mark.parametrize("scenario", PAGES)
async def test_seeds_look_different(go: Go, scenario: str) -> None:
    visits = [await go(scenario, seed, LOW) for seed in range(3)]
    looks = {json.dumps(visit.site.data["theme"]) for visit in visits}
    texts = {await visit.page.inner_text("body") for visit in visits}
    assert len(looks) == len(texts) == 3
