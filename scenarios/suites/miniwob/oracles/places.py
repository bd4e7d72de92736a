"""Places to be reckoned: middles, angles, lines, and one that is only told to be near."""

import numpy as np

from scenarios.suites.miniwob.page import Page, solves
from tools.geometry import Point

_ABOVE = 50
"""Pixels of the page above its drawing."""


async def _points(page: Page, css: str) -> list[np.ndarray]:
    """The middles of circles, in pixels of the screen."""
    found = [element.attributes for element in await page.all(css)]
    return [np.array([float(one["cx"]), float(one["cy"]) + _ABOVE]) for one in found]


@solves("circle-center", "find-midpoint")
async def middle(page: Page) -> None:
    """Of one circle, or between two."""
    x, y = np.mean(await _points(page, "#svg-grid circle"), axis=0)
    await page.click_at((x, y), "the middle")
    await page.submit()


def _ray(start: np.ndarray, way: np.ndarray) -> tuple[float, float]:
    """A place far along a way that is still in the drawing, as near to a whole pixel as there is one."""
    way = way / np.linalg.norm(way)
    spots = [start + way * length for length in np.arange(25, 160, 0.25)]
    inside = [spot for spot in spots if 3 < spot[0] < 147 and 3 < spot[1] - _ABOVE < 127]
    best = min(inside, key=lambda spot: float(np.abs(spot - np.round(spot)).sum()))
    return float(best[0]), float(best[1])


@solves("bisect-angle")
async def bisector(page: Page) -> None:
    """The sum of both sides at one length."""
    (vertex,) = await _points(page, ".init-blue")
    one, two = ((side - vertex) / np.linalg.norm(side - vertex) for side in await _points(page, ".init-black"))
    await page.click_at(_ray(vertex, one + two), "a place between both sides")
    await page.submit()


@solves("right-angle")
async def right_angle(page: Page) -> None:
    """Across the line, to the side with more room."""
    (end,), (vertex,) = await _points(page, "#init-black"), await _points(page, "#init-blue")
    along = end - vertex
    across = np.array([-along[1], along[0]])
    room = np.array([75, 65 + _ABOVE]) - vertex
    await page.click_at(_ray(vertex, across if across @ room > 0 else -across), "a place across the line")
    await page.submit()


@solves("draw-line")
async def line(page: Page) -> None:
    """Through the dot, level or upright."""
    x, y = (await page.one("#circ")).rect.center
    x, y = x - 2, y - 2
    level = "horizontal" in page.goal
    start, end = ((x - 28, y), (x + 32, y)) if level else ((x, y - 20), (x, y + 28))
    await page.drag(start, end, "a line through the dot")
    await page.submit()


@solves("hot-cold")
async def hottest(page: Page) -> None:
    """Asks where the answer tells most apart, until it says HOT."""
    left, top, right, bottom = (await page.one("#touch-area")).rect
    every = np.array([(x, y) for x in range(5, 155) for y in range(_ABOVE + 5, _ABOVE + 120)])
    asked = [Point(x, y) for x in range(left + 8, right - 4, 9) for y in range(top + 8, bottom - 4, 9)]
    spot = Point((left + right) // 2, (top + bottom) // 2)
    while True:
        await page.move(spot, "the area")
        said = (await page.one("#signal")).text
        if said == "HOT":
            break
        every = every[_bands(every, spot) == ("HOT", "WARM", "COLD", "ICE COLD").index(said)]
        some = [Point(int(x), int(y)) for x, y in every[:: max(1, len(every) // 60)]]
        spot = min((*asked, *some), key=lambda at: _left(every, at))
    await page.click_at(spot, "the hot place")


def _left(places: np.ndarray, asked: Point) -> int:
    """How many places an answer other than HOT, which would be the last, leaves at most."""
    return int(np.bincount(_bands(places, asked), minlength=4)[1:].max())


def _bands(places: np.ndarray, seen: Point) -> np.ndarray:
    """What is said of each place when it is looked at from `seen`: 0 for HOT to 3 for ICE COLD."""
    bands: np.ndarray = np.digitize(np.hypot(*(places - np.array(seen)).T), (5, 10, 40))
    return bands
