"""A picture that is being drawn, and the list of what is on it."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from agent.school.fonts import Family, Writing, write
from agent.school.lesson import Letter, Picture

Colour = tuple[int, int, int]
Role = Literal[
    "text", "heading", "button", "link", "input", "checkbox", "radio button", "dropdown", "option", "tab", "list item",
    "cell", "column header", "menu item", "icon",
]  # fmt: skip
State = Literal["", "checked", "unchecked", "selected", "disabled", "focused", "open"]


class Area(NamedTuple):
    """A rectangle in pixels; `right` and `bottom` lie just outside it."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Pixels from left to right."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Pixels from top to bottom."""
        return self.bottom - self.top

    def meets(self, other: "Area") -> bool:
        """Whether they share a pixel."""
        return (self.left < other.right and other.left < self.right
                and self.top < other.bottom and other.top < self.bottom)  # fmt: skip

    def inside(self, other: "Area") -> bool:
        """Whether it lies in the other one."""
        return (other.left <= self.left and other.top <= self.top
                and self.right <= other.right and self.bottom <= other.bottom)  # fmt: skip

    def inset(self, x: int, y: int) -> "Area":
        """Smaller by so many pixels on each side."""
        return Area(self.left + x, self.top + y, self.right - x, self.bottom - y)


@dataclass(frozen=True, slots=True)
class Element:
    """A thing on a screen: `box` is what can be clicked, `words` where its `text` stands, None where there is none.

    `name` is what people call it: its text, or the label beside it.
    """

    role: Role
    name: str
    box: Area
    text: str = ""
    words: Area | None = None
    state: State = ""


@dataclass(frozen=True, slots=True)
class Theme:
    """The looks of a screen. Sizes are in pixels."""

    family: Family
    size: int
    ground: Colour
    ink: Colour
    field: Colour
    line: Colour
    face: Colour
    face_ink: Colour
    accent: Colour
    accent_ink: Colour
    link: Colour
    radius: int
    pad: int
    gap: int


@dataclass(slots=True)
class Sheet:
    """A picture of `width` x `height` pixels under way; elements are kept in reading order, as they are drawn.

    `letters` are all that were written. `hidden` is whether something was drawn over elements, which are on the list no
    more.
    """

    width: int
    height: int
    ground: Colour
    elements: list[Element] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)
    hidden: bool = False
    image: Image.Image = field(init=False)
    draw: ImageDraw.ImageDraw = field(init=False)

    def __post_init__(self) -> None:
        self.image = Image.new("RGB", (self.width, self.height), self.ground)
        self.draw = ImageDraw.Draw(self.image)

    @property
    def area(self) -> Area:
        """All of it."""
        return Area(0, 0, self.width, self.height)

    def write(self, x: int, y: int, writing: Writing, ink: Colour) -> Area:
        """Writes a line whose top left corner is (x, y); where it stands."""
        at, face = x, writing.face
        for sign in writing.text:
            mask, left, top, width = face.glyph(sign)
            if mask is not None:
                self.image.paste(ink, (at + left, y + top), mask)
                self.letters.append(Letter(sign, at, y, at + width, y + writing.height))
            at += width
        return Area(x, y, x + writing.width, y + writing.height)

    def add(
        self, role: Role, name: str, box: Area, text: str = "", words: Area | None = None, state: State = ""
    ) -> None:
        """Puts an element on the list. What reaches beyond the edge is cut to it."""
        edge = self.area
        cut = Area(max(box.left, 0), max(box.top, 0), min(box.right, edge.right), min(box.bottom, edge.bottom))
        self.elements.append(Element(role, name, cut, text, words, state))

    def box(self, area: Area, fill: Colour | None, line: Colour | None = None, radius: int = 0, width: int = 1) -> None:
        """Draws a rectangle, with round corners where `radius` is above 0."""
        if radius and min(area.width, area.height) >= 2 * radius:
            mask = _rounded(area.width, area.height, radius)
            self.image.paste(line or fill or self.ground, (area.left, area.top), mask)
            if line is not None:
                inner = _rounded(area.width - 2 * width, area.height - 2 * width, max(radius - width, 1))
                self.image.paste(fill or self.ground, (area.left + width, area.top + width), inner)
            return
        corners = (area.left, area.top, area.right - 1, area.bottom - 1)
        self.draw.rectangle(corners, fill=fill, outline=line, width=width)

    def cover(self, area: Area) -> None:
        """Forgets what is under an area that is drawn over next."""
        kept = [one for one in self.elements if not one.box.meets(area) and not (one.words and one.words.meets(area))]
        self.letters = [letter for letter in self.letters if not Area(*letter[1:]).meets(area)]
        self.hidden = self.hidden or len(kept) < len(self.elements)
        self.elements = kept

    def picture(self) -> Picture:
        """What was drawn, height x width x 3."""
        return np.array(self.image)


@lru_cache(maxsize=2048)
def _rounded(width: int, height: int, radius: int) -> Image.Image:
    """A mask of a rectangle with smooth round corners."""
    scale = 4
    corner = Image.new("L", (radius * 2 * scale, radius * 2 * scale))
    ImageDraw.Draw(corner).ellipse((0, 0, radius * 2 * scale - 1, radius * 2 * scale - 1), fill=255)
    corner = corner.resize((radius * 2, radius * 2), Image.Resampling.BOX)
    mask = Image.new("L", (width, height), 255)
    for x, left in ((0, 0), (width - radius, radius)):
        for y, top in ((0, 0), (height - radius, radius)):
            mask.paste(corner.crop((left, top, left + radius, top + radius)), (x, y))
    return mask


def broken(text: str, width: int, family: Family, size: int, bold: bool = False) -> list[str]:
    """The lines of a text. A word that is wider than `width` has a line of its own."""
    told: list[str] = []
    for word in text.split():
        longer = f"{told[-1]} {word}" if told else word
        if told and write(longer, family, size, bold).width <= width:
            told[-1] = longer
        else:
            told.append(word)
    return told
