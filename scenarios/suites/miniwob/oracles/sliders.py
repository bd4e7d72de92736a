"""Sliders, spinners, and what is made larger or smaller."""

from scenarios.suites.miniwob.page import Page, solves


async def slide(page: Page, slider: str, shown: str, value: int) -> None:
    """Clicks near the value, and goes the rest by keys."""
    low, high, across = await page.script(
        f"(o => [o.min, o.max, o.orientation === 'horizontal'])($('{slider}').slider('option'))"
    )
    share = (value - low) / (high - low)
    left, top, right, bottom = (await page.one(slider)).rect
    x, y = (left + right) / 2, (top + bottom) / 2
    spot = (left + 1 + share * (right - left - 3), y) if across else (x, bottom - 2 - share * (bottom - top - 3))
    await page.click_at(spot, f"{value} on the slider")
    while (now := int((await page.one(shown)).text)) != value:
        await page.press("right" if now < value else "left")


@solves("use-slider")
async def one_slider(page: Page) -> None:
    """Upright or lying."""
    await slide(page, "#slider", "#val", int(page.told(r"Select (-?\d+)")))
    await page.submit()


@solves("use-slider-2")
async def three_sliders(page: Page) -> None:
    """One after the other."""
    values = [int(value) for value in page.told(r"\[(.*)\]").split(",")]
    for number, value in enumerate(values, start=1):
        await slide(page, f"#slider-{number}", f"#val-{number}", value)
    await page.submit()


@solves("form-sequence")
async def slider_and_box(page: Page) -> None:
    """Then one of three boxes."""
    await slide(page, "#slider", "#val", int(page.told(r"Select (-?\d+)")))
    box = page.told(r"the (\d)\w\w checkbox")
    await page.click(f"#checkbox-{box}")
    await page.submit()


@solves("use-spinner")
async def spinner(page: Page) -> None:
    """An arrow key counts one."""
    value = int(page.told(r"Select (-?\d+)"))
    await page.click("#spinner")
    for _ in range(abs(value)):
        await page.press("up" if value > 0 else "down")
    await page.submit()


@solves("resize-textarea")
async def resize(page: Page) -> None:
    """By its lower or its right edge."""
    width = "width" in page.goal
    by = 15 if "larger" in page.goal else -15
    x, y = (await page.one(".ui-resizable-e" if width else ".ui-resizable-s")).rect.center
    await page.drag((x, y), (x + by, y) if width else (x, y + by), "the edge of the text area")
    await page.submit()
