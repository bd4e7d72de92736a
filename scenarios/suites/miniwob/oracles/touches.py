"""Buttons, links, tabs, dialogs and other things that only want a click."""

from scenarios.suites.miniwob.page import Page, solves
from tools.geometry import Rect


@solves("click-test")
async def the_button(page: Page) -> None:
    """The only one."""
    await page.click("#subbtn")


@solves("click-button", "unicode-test")
async def named_button(page: Page) -> None:
    """Told by its text."""
    await page.click("#area button", page.quoted[0])


async def _one_of_two(page: Page, text: str) -> None:
    """Buttons may lie over each other: clicks where only this one is, for the second lies on top."""
    other = next(b.rect for b in await page.all("#area button") if b.text != text)
    button = await page.one("#area button", text)
    left, top, right, bottom = button.rect
    spots = [(x, y) for x in range(left + 2, right - 1, 2) for y in range(top + 2, bottom - 1, 2)]
    free = [spot for spot in spots if not _within(spot, other)]
    middle = button.rect.center
    spot = min(free or spots, key=lambda at: abs(at[0] - middle.x) + abs(at[1] - middle.y))
    await page.click_at(spot, text)


def _within(spot: tuple[int, int], rect: Rect) -> bool:
    return rect.left - 1 <= spot[0] <= rect.right and rect.top - 1 <= spot[1] <= rect.bottom


@solves("click-test-2", "click-test-transfer")
async def button_one(page: Page) -> None:
    """One of two, told by its text."""
    await _one_of_two(page, page.told(r"button (\w+)"))


@solves("click-button-sequence")
async def both_buttons(page: Page) -> None:
    """One after the other."""
    await _one_of_two(page, "ONE")
    await _one_of_two(page, "TWO")


@solves("button-delay")
async def buttons_in_time(page: Page) -> None:
    """The page notes when the first is clicked."""
    seconds = int(page.told(r"wait (\d+)"))
    await _one_of_two(page, "ONE")
    await page.until(f"Date.now() - currentTime >= {seconds * 1000 - 100}", 10)
    await _one_of_two(page, "TWO")


@solves("click-link")
async def link(page: Page) -> None:
    """A word in a text."""
    await page.click(".alink", page.quoted[0])


@solves("click-dialog")
async def close_dialog(page: Page) -> None:
    """By the cross."""
    await page.click(".ui-dialog-titlebar-close")


@solves("click-dialog-2")
async def dialog_button(page: Page) -> None:
    """By the cross or a button."""
    label = page.quoted[0]
    if label == "x":
        await page.click(".ui-dialog-titlebar-close")
    else:
        await page.click(".ui-dialog-buttonpane button", label)


@solves("click-tab")
async def tab(page: Page) -> None:
    """Told by its text."""
    await page.click("#area ul a", page.told(r"(Tab #\d)"))


@solves("click-tab-2", "click-tab-2-easy", "click-tab-2-medium", "click-tab-2-hard")
async def link_in_a_tab(page: Page) -> None:
    """Looks which tab holds the link; where none does, the second tab is what is wanted."""
    word = page.quoted[0] if page.quoted else ""
    for number in range(1, len(await page.all("#area ul a")) + 1):
        if await page.all(f"#tabs-{number} .alink", word):
            if not await page.sees(f"#tabs-{number} .alink", word):
                await page.click(f'#area a[href="#tabs-{number}"]')
            await page.click(f"#tabs-{number} .alink", word)
            return
    await page.click('#area a[href="#tabs-2"]')


@solves("click-collapsible", "click-collapsible-nodelay")
async def expand(page: Page) -> None:
    """The only section."""
    await page.click("#area h3")
    await page.submit()


@solves("click-collapsible-2", "click-collapsible-2-nodelay")
async def link_in_a_section(page: Page) -> None:
    """Opens the section that holds the link."""
    word = page.quoted[0]
    for number in range(3):
        inside = f"#area > div:nth-of-type({number + 1}) .alink"
        if await page.all(inside, word):
            await page.click("#area > h3", nth=number)
            await page.click(inside, word)
            return


@solves("click-color")
async def coloured_box(page: Page) -> None:
    """Told by the name of its colour."""
    colour = page.told(r"on the (\w+) colored")
    await page.click(f'#area [data-color="{colour}"]')


@solves("click-shades")
async def shades(page: Page) -> None:
    """All of one colour."""
    colour = page.told(r"shades of (\w+)")
    css = f'#area [data-color="{colour}"]'
    for number in range(len(await page.all(css))):
        await page.click(css, nth=number)
    await page.submit()


@solves("click-widget")
async def widget(page: Page) -> None:
    """Any of the kind that is named."""
    await page.click(f'#area [data-type="{page.quoted[0]}"]')


@solves("focus-text")
async def text_box(page: Page) -> None:
    """The only one."""
    await page.click("#tt")


@solves("focus-text-2")
async def nth_text_box(page: Page) -> None:
    """Told by its number."""
    number = page.told(r"(\d)(?:st|nd|rd)")
    await page.click(f"#tt{number}")


@solves("find-greatest")
async def greatest_card(page: Page) -> None:
    """Hidden numbers are in the page all the same."""
    numbers = [int(text) for text in await page.texts(".card-value")]
    await page.click(".card", nth=numbers.index(max(numbers)))
    await page.submit()


@solves("odd-or-even")
async def odd_or_even(page: Page) -> None:
    """A button for each number."""
    for number, text in enumerate(await page.texts(".display-number")):
        await page.click(".row .odd" if int(text) % 2 else ".row .even", nth=number)
    await page.submit()


@solves("grid-coordinate")
async def grid_coordinate(page: Page) -> None:
    """Each point bears its coordinate."""
    place = page.told(r"(\(.*\))")
    await page.click(f'[id="{place}"]')


@solves("ascending-numbers")
async def ascending(page: Page) -> None:
    """The first hides the others, whose places stay."""
    await page.click("#area_svg text", "1")
    for _ in range(4):
        await page.click("#area_svg rect")


@solves("social-media")
async def post_action(page: Page) -> None:
    """On the post of a user, some in a menu."""
    user, action = page.told(r"user (\S+),"), page.quoted[0]
    nth = (await page.texts(".media .username")).index(user)
    media = f'.media[data-result="{nth}"]'
    if action in ("Reply", "Retweet", "Like"):
        await _icon(page, f"{media} .{action.lower()}")
    else:
        await _icon(page, f"{media} .more")
        items = await page.texts(f"{media} li")
        await page.click(f"{media} li", nth=next(i for i, text in enumerate(items) if text.startswith(action)))


@solves("social-media-all", "social-media-some")
async def posts_of_a_user(page: Page) -> None:
    """All of them, or as many as are named."""
    action, user = page.quoted[0].lower(), page.told(r"by (\S+)")
    posts = [nth for nth, name in enumerate(await page.texts(".media .username")) if name == user]
    wanted = len(posts) if "all posts" in page.goal else int(page.told(r"on (\d+) post"))
    for nth in posts[:wanted]:
        await _icon(page, f".media .{action}", nth)
    await page.submit()


async def _icon(page: Page, css: str, nth: int = 0) -> None:
    """Under the pointer it takes another picture; while that is fetched, a click would go astray."""
    await page.hover(css, nth=nth)
    await page.click(css, nth=nth)
