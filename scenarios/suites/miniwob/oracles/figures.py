"""Figures drawn in SVG or on a canvas: which are of a colour, a size, a kind; and how many sides one has."""

import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from scenarios.suites.miniwob.page import Page, solves
from tools.dom import Element

_KINDS = {"rect": "rectangle", "circle": "circle", "polygon": "triangle"}


class Figure(NamedTuple):
    """What words say of a figure: `large` or `small`, its colour, `shape`, `letter` or `digit`, and which of them."""

    size: str
    colour: str
    kind: str
    name: str
    element: Element

    def fits(self, words: Sequence[str]) -> bool:
        """Whether every word holds; `item` holds of all."""
        return all(word in ("item", self.size, self.colour, self.kind, self.name) for word in words)


def _figure(element: Element) -> Figure:
    given = element.attributes
    if element.tag == "text":
        kind, name, size = "digit" if element.text.isdigit() else "letter", element.text, given["font-size"] == "20px"
    else:
        width = {
            "rect": lambda: float(given["width"]),
            "circle": lambda: 2 * float(given["r"]),
            "polygon": lambda: float(given["points"].split()[2].split(",")[0]) - float(given["points"].split(",")[0]),
        }[element.tag]()
        kind, name, size = "shape", _KINDS[element.tag], width > 15
    return Figure("large" if size else "small", given["fill"], kind, name, element)


async def figures(page: Page) -> list[Figure]:
    """Those in the page's drawing."""
    return [_figure(element) for element in await page.all("#area_svg > *")]


@solves("click-shape")
async def shape(page: Page) -> None:
    """Any that fits."""
    words = page.told(r"Click on a (.*)").split()
    found = next(figure for figure in await figures(page) if figure.fits(words))
    await page.click_on(found.element.rect, " ".join(words))


@solves("count-shape")
async def count(page: Page) -> None:
    """All that fit."""
    words = page.told(r"How many (.*)s are there").split()
    await page.click("#count-buttons button", str(sum(figure.fits(words) for figure in await figures(page))))


@solves("identify-shape")
async def identify(page: Page) -> None:
    """The only one."""
    (figure,) = await figures(page)
    await page.click(f'#area-buttons [data-type="{figure.name if figure.kind == "shape" else figure.kind}"]')


@solves("count-sides")
async def sides(page: Page) -> None:
    """Seen from its middle, a figure of n sides comes nearer and goes farther n times: the strongest wave says n."""
    left, top, right, bottom = (await page.one("#c")).rect
    shot = Image.open(io.BytesIO((await page.probe.picture()).png)).convert("L").crop((left, top, right, bottom))
    y, x = np.nonzero(np.asarray(shot) < 128)
    x, y = x - 75, y - 50
    angles, distances = np.arctan2(y, x), np.hypot(x, y)
    bins = ((angles + np.pi) / (2 * np.pi) * 90).astype(int) % 90
    outline = [distances[bins == number].mean() for number in range(90)]
    waves = np.abs(np.fft.rfft(outline))
    await page.click(f'#form [data-sides="{3 + int(np.argmax(waves[3:8]))}"]')
