"""Fields to type into, and texts to read, copy, select and scroll."""

import operator
import re

from scenarios.suites.miniwob.page import Page, solves


@solves("enter-text", "enter-text-dynamic")
async def text(page: Page) -> None:
    """As it is."""
    await page.fill("#tt", page.quoted[0])
    await page.submit()


@solves("enter-text-2")
async def text_in_case(page: Page) -> None:
    """In upper or lower case."""
    word = page.quoted[0]
    await page.fill("#tt", word.upper() if "upper case" in page.goal else word.lower())
    await page.submit()


@solves("enter-password")
async def password(page: Page) -> None:
    """Twice."""
    await page.fill("#password", page.quoted[0])
    await page.fill("#verify", page.quoted[0])
    await page.submit()


@solves("login-user", "login-user-popup")
async def login(page: Page) -> None:
    """A question may come up when a field is entered."""
    for field, value in zip(("#username", "#password"), page.quoted, strict=True):
        await page.click(field)
        if await page.all("#popup-cancel"):
            await page.click("#popup-cancel")
            await page.click(field)
        await page.type(value)
    await page.click("#subbtn")


@solves("find-word")
async def nth_word(page: Page) -> None:
    """Without its full stop."""
    words = (await page.one("#area p")).text.split()
    await page.fill("#answer-input", re.sub(r"[^a-zA-Z]", "", words[int(page.told(r"the (\d+)\w\w word")) - 1]))
    await page.submit()


@solves("read-table")
async def table_value(page: Page) -> None:
    """The value beside a name."""
    cells = await page.texts("#tab td")
    await page.fill("#tt", cells[cells.index(page.told(r"value of (.*) into")) + 1])
    await page.submit()


@solves("read-table-2")
async def table_values(page: Page) -> None:
    """The values beside two names."""
    cells = await page.texts("#tab td")
    for number in (1, 2):
        name = (await page.one(f"#ll{number}")).text.rstrip(":")
        await page.fill(f"#tt{number}", cells[cells.index(name) + 1])
    await page.submit()


@solves("simple-arithmetic")
async def arithmetic(page: Page) -> None:
    """Two digits."""
    one, sign, two, *_ = (await page.one("#math-problem")).text.split()
    reckon = {"+": operator.add, "-": operator.sub, "x": operator.mul}[sign]
    await page.fill("#math-answer", str(reckon(int(one), int(two))))
    await page.submit()


@solves("simple-algebra")
async def algebra(page: Page) -> None:
    """One unknown, first or second."""
    one, sign, two, _, result = (await page.one("#math-problem")).text.split()
    if one == "x":
        answer = int(result) - int(two) if sign == "+" else int(result) + int(two)
    else:
        answer = int(result) - int(one) if sign == "+" else int(one) - int(result)
    await page.fill("#math-answer", str(answer))
    await page.submit()


@solves("visual-addition")
async def blocks(page: Page) -> None:
    """As many as there are."""
    await page.fill("#math-answer", str(len(await page.all(".addition-block"))))
    await page.submit()


@solves("text-transform")
async def bent_text(page: Page) -> None:
    """Letter by letter."""
    await page.fill("#tt", "".join(await page.texts("#captcha span")))
    await page.submit()


@solves("copy-paste", "copy-paste-2")
async def copy(page: Page) -> None:
    """By the clipboard."""
    which = int(page.told(r"the (\d)\w\w text area")) - 1 if "text area below" in page.goal else 0
    await page.click("#area textarea", nth=which)
    await page.press("ctrl+a")
    await page.press("ctrl+c")
    await page.click("#answer-input")
    await page.press("ctrl+v")
    await page.submit()


@solves("scroll-text")
async def last_word(page: Page) -> None:
    """What a text area holds is known unscrolled."""
    said = (await page.one("#text-area")).value or ""
    await page.fill("#answer-input", said.split()[-1].rstrip("."))
    await page.submit()


@solves("scroll-text-2")
async def scroll(page: Page) -> None:
    """To an end."""
    await page.scroll("#text-area", -5000 if "bottom" in page.goal else 5000)
    await page.submit()


@solves("sign-agreement")
async def agreement(page: Page) -> None:
    """Cancelled at once, or signed when it was read to the end."""
    if not page.quoted or len(page.quoted) < 2:
        await page.click("#cancel")
        return
    name, button = page.quoted
    await page.scroll("#text-area", -5000)
    await page.fill("#name", name)
    await page.click("#area button", button)


@solves("highlight-text")
async def highlight(page: Page) -> None:
    """Three clicks select a paragraph."""
    await page.triple_click("#randomText")
    await page.submit()


@solves("highlight-text-2")
async def highlight_one(page: Page) -> None:
    """Of three."""
    await page.triple_click("#randomText p", nth=int(page.told(r"the (\d)")) - 1)
    await page.submit()
