"""Numbers to guess or to generate."""

from scenarios.suites.miniwob.page import Page, solves


@solves("generate-number")
async def generated(page: Page) -> None:
    """Until one fits."""
    while True:
        await page.click("#generate")
        if _fits(int((await page.one("#display-number")).text), page.goal):
            break
    await page.submit()


def _fits(number: int, goal: str) -> bool:
    if "odd" in goal or "even" in goal:
        return number % 2 == ("odd" in goal)
    bound = int(goal.split("than ")[1].split(",")[0])
    return number < bound if "less" in goal else number > bound


@solves("guess-number")
async def guessed(page: Page) -> None:
    """Halves what is left."""
    low, high = 0, 9
    while True:
        guess = (low + high) // 2
        await page.fill("#tt", str(guess))
        await page.submit()
        if await page.sees("#higher"):
            low = guess + 1
        else:
            high = guess - 1
