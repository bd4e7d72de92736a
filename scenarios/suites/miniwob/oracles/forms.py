"""Forms with labels, lists that complete, pages of results, and a terminal."""

import re

from PIL import ImageColor

from scenarios.suites.miniwob.page import Page, solves


@solves("multi-layouts", "multi-orderings")
async def film_search(page: Page) -> None:
    """Labels and fields come in the same order, however they are laid out."""
    labels = await page.texts("#area span, #area th, #area .row > div, #area .label, #area .ui-label")
    values = {
        "Genre": page.told(r"for (\S+) movies"),
        "Director": page.told(r"directed by (.*) from year"),
        "Year": page.told(r"year (\d+)"),
        "Released": page.told(r"year (\d+)"),
    }
    for number, label in enumerate(labels):
        await page.fill("#area input[type=text]", next(v for k, v in values.items() if k in label), nth=number)
    await page.click("#area button, #area .final, #area .ui-submit")


@solves("use-autocomplete", "use-autocomplete-nodelay")
async def completed(page: Page) -> None:
    """Types how it starts, and walks down to what is offered."""
    start, *end = page.quoted
    await page.fill("#tags", start)
    await page.one(".ui-menu-item")
    for item in await page.texts(".ui-menu-item"):
        await page.press("down")
        if item.startswith(start) and item.endswith(end[0] if end else ""):
            break
    await page.press("enter")
    await page.submit()


@solves("use-colorwheel", "use-colorwheel-2")
async def colour(page: Page) -> None:
    """The field takes a colour's number, too."""
    if swatches := await page.all("#query .cc"):
        number = swatches[0].attributes["style"].partition("#")[2][:6]
    else:
        red, green, blue, *_ = ImageColor.getrgb(page.told(r"Select (\w+) with"))
        number = f"{red:02x}{green:02x}{blue:02x}"
    await page.fill("#col", number)
    await page.click("#query")
    await page.submit()


@solves("search-engine")
async def search_result(page: Page) -> None:
    """Three results a page."""
    await page.fill("#search-text", page.quoted[0])
    await page.click("#search")
    number = int(page.told(r"the (\d)\w\w search result")) - 1
    if number // 3:
        await page.click("#pagination a", str(number // 3 + 1))
    await page.click(f'.search-title[data-result="{number}"]')


@solves("phone-book")
async def contact(page: Page) -> None:
    """One a page."""
    name = page.told(r"(?:Find|find) (.*?) in the")
    what = page.told(r"(phone|email|address)")
    while name not in await page.texts("#contact .name"):
        await page.click("#pagination a", ">")
    await page.click(f"#contact .{what}")


@solves("terminal")
async def terminal(page: Page) -> None:
    """Lists the files, and removes one that fits."""
    await page.click("#terminal")
    await page.type("ls\n")
    names = (await page.texts(".output"))[-1].split()
    ends = re.search(r"extension (\.\S+)", page.goal)
    name = next(name for name in names if (name.endswith(ends[1]) if ends else "." not in name))
    await page.type(f"rm {name}\n")


@solves("navigate-tree")
async def tree(page: Page) -> None:
    """A folder hides what is in it until its plus is clicked."""
    name = page.quoted[0]
    for number in range(1, len(await page.all("#tree > li")) + 1):
        item = f"#tree > li:nth-child({number})"
        if await page.all(f"{item} > span", name):
            await page.click(f"{item} > span", name)
            return
        if await page.all(f"{item} li > span", name):
            await page.click(f"{item} > .hitarea")
            await page.click(f"{item} li > span", name)
            return
