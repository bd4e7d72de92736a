"""Tickets, flights, food and shares."""

import re

from scenarios.suites.miniwob.oracles.calendars import choose_day
from scenarios.suites.miniwob.page import Page, solves


async def _extreme(page: Page, css: str, attribute: str, *, most: bool) -> int:
    """The number of the element whose attribute is least, or greatest."""
    values = [float(element.attributes[attribute]) for element in await page.all(css)]
    return values.index(max(values) if most else min(values))


@solves("buy-ticket")
async def ticket(page: Page) -> None:
    """By price or by duration."""
    if "duration" in page.goal:
        nth = await _extreme(page, ".time-duration", "data-duration", most="longest" in page.goal)
    else:
        nth = await _extreme(page, ".buy-ticket", "data-price", most="most expensive" in page.goal)
    await page.click(".buy-ticket", nth=nth)


@solves("book-flight", "book-flight-nodelay")
async def flight(page: Page) -> None:
    """Fills the form, then books by price or by duration."""
    start, end, date = re.findall(r"from: (.+) to: (.+) on (\S+)\.", page.goal)[0]
    for field, place in (("#flight-from", start), ("#flight-to", end)):
        await page.fill(field, place)
        await page.one(".ui-menu-item")
        await page.show(".ui-autocomplete:visible .ui-menu-item")
        offered = await page.texts(".ui-autocomplete:visible .ui-menu-item")
        nth = next(number for number, text in enumerate(offered) if place in text)
        await page.click(".ui-autocomplete:visible .ui-menu-item", nth=nth)
    await page.click("#datepicker")
    await choose_day(page, date)
    await page.click("#search")
    if "shortest" in page.goal:
        nth = await _extreme(page, ".time-duration", "data-duration", most=False)
    else:
        nth = await _extreme(page, ".flight-price", "data-price", most=False)
    await page.click(".flight-price", nth=nth)


@solves("order-food")
async def food(page: Page) -> None:
    """One each of what is named, or several of a kind."""
    if "items that are" in page.goal:
        count, kind = re.findall(r"Order (\d) items that are (\S+)", page.goal)[0]
        for _ in range(int(count)):
            await page.click(f'.food-item:has(img[alt="{kind}"]) .add')
    else:
        names = [item.attributes["data-item"].strip() for item in await page.all(".food-item")]
        for name in page.told(r"each item: (.*)").split(","):
            await page.click(".food-item .add", nth=names.index(name.strip()))
    await page.click("#submit-order button")


@solves("stock-market")
async def share(page: Page) -> None:
    """Ten times a second the price goes up or down by 1.5 at most, perhaps once more before a click arrives.

    So it is awaited well below what is named, and less so towards the end, which comes with the hundredth price.
    """
    limit = float(page.told(r"less than \$([\d.]+?)\.?$"))
    price = "parseFloat(document.getElementById('stock-price').textContent.slice(1))"
    below = "(document.querySelectorAll('.plot-point').length < 70 ? 1.5 : 0.5)"
    await page.until(f"{price} <= {limit} - {below}", 15)
    await page.click("#buy")
