"""Menus: in lists, in circles, and behind icons."""

from scenarios.suites.miniwob.page import Page, solves


@solves("click-menu")
async def menu(page: Page) -> None:
    """Opens each menu on the way by the pointer alone, for a click would choose it."""
    *way, last = page.told(r"Select (.*)").split(">")
    for item in way:
        await page.hover("#menu li > div", item)
    await page.click("#menu li > div", last)


@solves("click-menu-2")
async def menu_with_icons(page: Page) -> None:
    """An item told by its text or its icon; some are in a menu of their own."""
    await page.click("#open-menu")
    if page.quoted[1:]:
        item = f'#menu div:text-is("{page.quoted[1]}")'
    else:
        icon = (await page.one("#query .ui-icon")).attributes["class"].split()[-1]
        item = f"#menu div:has(> .{icon})"
    if not await page.sees(item):
        await page.hover("#menu > li > div", "Playback")
    await page.click(item)


@solves("click-pie", "click-pie-nodelay")
async def pie(page: Page) -> None:
    """Its middle opens it. Without delay the first item flickers under the pointer, and takes no click."""
    await page.click("#divWheel svg")
    await page.click("#divWheel text", page.quoted[0])
