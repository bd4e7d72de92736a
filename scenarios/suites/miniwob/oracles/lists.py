"""Checkboxes, radio buttons and lists to choose from."""

import io
from itertools import pairwise

import numpy as np
from PIL import Image

from scenarios.suites.miniwob.page import Page, solves


@solves("click-checkboxes", "click-checkboxes-large", "click-checkboxes-transfer", "click-option")
async def boxes(page: Page) -> None:
    """Those whose labels are named."""
    labels = await page.texts("#area label")
    named = page.told(r"Select (.*) and click").split(", ")
    for word in named if named != ["nothing"] or "nothing" in labels else []:
        await page.click("#area label", word)
    await page.submit()


@solves("click-checkboxes-soft")
async def boxes_alike(page: Page) -> None:
    """The page holds the groups of words that are alike."""
    named = set(page.told(r"similar to (.*) and click").split(", "))
    alike = {word for group in await page.script("SYNONYMS") if named & set(group) for word in group}
    for label in await page.texts("#area label"):
        if label in alike:
            await page.click("#area label", label)
    await page.submit()


@solves("choose-list")
async def option(page: Page) -> None:
    """Opens the list, and chooses as the keyboard does."""
    await page.click("#options")
    await page.type(page.told(r"Select (.*) from the list"))
    await page.press("enter")
    await page.submit()


@solves("click-scroll-list")
async def options(page: Page) -> None:
    """The second is walked to with Control held, and added with the space bar."""
    names = await page.texts("#options option")
    first, *more = sorted(names.index(name) for name in page.told(r"Select (.*) from the scroll").split(", "))
    await page.click("#options option", nth=first)
    for before, after in pairwise([first, *more]):
        for _ in range(before, after):
            await page.press("ctrl+down")
        await page.press("ctrl+space")
    await page.submit()


@solves("form-sequence-3")
async def list_and_button(page: Page) -> None:
    """A list that the page draws itself."""
    await page.click(".selectric")
    await page.click(".selectric-items li", page.told(r"Choose (.*) from the dropdown"))
    await page.click("#buttons button", page.quoted[0])


@solves("form-sequence-2")
async def radio_and_number(page: Page) -> None:
    """Told by their numbers."""
    radio, field = page.told(r"the (\d)\w\w radio"), page.told(r"the (\d)\w\w textbox")
    await page.click(f'input[type="radio"][value="{radio}"]')
    await page.fill(f"#input-{field}", page.quoted[0])
    await page.submit()


@solves("number-checkboxes")
async def drawn_number(page: Page) -> None:
    """Ticks what is white in the example, whose 4x7 squares are 15 pixels apart."""
    left, top, _, _ = (await page.one(f"#o{page.quoted[0]} img")).rect
    shot = Image.open(io.BytesIO((await page.probe.picture()).png)).convert("L")
    white = np.asarray(shot)[top + 12 : top + 12 + 7 * 15 : 15, left + 13 : left + 13 + 4 * 15 : 15] > 200
    for number in np.flatnonzero(white):
        await page.click("#checkboxes input", nth=int(number))
    await page.submit()
