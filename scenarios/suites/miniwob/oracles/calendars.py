"""Dates and times: typed, chosen from a month, and marked in a day."""

import re

from scenarios.suites.miniwob.page import Page, solves

_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]

_ROOM = 66
"""Pixels above the first half hour of an appointment, into which the page draws it; as many are left below."""


async def choose_day(page: Page, date: str) -> None:
    """Chooses `MM/DD/YYYY` from an open month, going from one to the next."""
    month, day, year = (int(part) for part in date.split("/"))
    wanted = (year, month - 1)
    while True:
        title = (await page.show(".ui-datepicker-month")).text
        shown = (int((await page.one(".ui-datepicker-year")).text), _MONTHS.index(title))
        if shown == wanted:
            break
        await page.click(".ui-datepicker-prev" if shown > wanted else ".ui-datepicker-next")
    await page.click(".ui-datepicker-calendar a", str(day))


@solves("choose-date", "choose-date-easy", "choose-date-medium", "choose-date-nodelay")
async def date(page: Page) -> None:
    """From a month that opens beside the field."""
    await page.click("#datepicker")
    await choose_day(page, page.told(r"(\d\d/\d\d/\d{4})"))
    await page.submit()


@solves("enter-date")
async def typed_date(page: Page) -> None:
    """Month, day and year, from the field's left end on."""
    left, top, _, bottom = (await page.one("#tt")).rect
    await page.click_at((left + 8, (top + bottom) / 2), "the month")
    await page.type(page.told(r"(\d\d/\d\d/\d{4})").replace("/", ""))
    await page.submit()


@solves("enter-time")
async def typed_time(page: Page) -> None:
    """Hours, minutes, and which half of the day."""
    hours, minutes, half = re.findall(r"(\d+):(\d+)\s*([AP])M", page.goal)[0]
    left, top, _, bottom = (await page.one("#tt")).rect
    await page.click_at((left + 8, (top + bottom) / 2), "the hours")
    await page.type(f"{int(hours):02}{minutes}{half}")
    await page.submit()


@solves("daily-calendar")
async def appointment(page: Page) -> None:
    """Drags over as many free half hours as it takes, within the hours that are named."""
    length = _half_hours(page.told(r"Create a ([\d.]+ \w+)"))
    first, last = (_index(time) for time in re.findall(r"(\d+[AP]M)", page.goal))
    free = [start for start in range(first, last - length + 1) if await _free(page, start, length)]
    above, below = f"#hh-{free[0]}", f"#hh-{free[0] + length - 1}"
    await page.scroll("#area", (await page.one("#area")).rect.top + _ROOM - (await page.show(above)).rect.top)
    left, top, _, _ = (await page.show(above)).rect
    _, _, _, bottom = (await page.show(below)).rect
    await page.drag((left + 40, top + 4), (left + 40, bottom - 5), "the time")
    if not await page.all("#event-name"):  # the page draws the event elsewhere than under the pointer that drags it
        await page.click("#newEvent")
    await page.fill("#event-name", page.quoted[0])
    await page.click("#controls .create")


async def _free(page: Page, start: int, length: int) -> bool:
    """Whether no event lies over these half hours, each of which is about 20 pixels high."""
    events = await page.script("[...document.querySelectorAll('.event')].map(e => [e.offsetTop, e.offsetHeight])")
    cells = await page.script("[...document.querySelectorAll('.half-hour')].map(e => [e.offsetTop, e.offsetHeight])")
    top, bottom = cells[start][0], sum(cells[start + length - 1])
    return all(event + height <= top + 2 or event >= bottom - 2 for event, height in events)


def _half_hours(length: str) -> int:
    amount, unit = length.split()
    return round(float(amount) * 2) if unit.startswith("hour") else int(amount) // 30


def _index(time: str) -> int:
    return (int(time[:-2]) % 12 + (12 if time.endswith("PM") else 0)) * 2
