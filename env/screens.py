"""Screens of a scripted world: widgets as values, what follows from using them, and how they are drawn."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from PIL import Image, ImageDraw, ImageFont

from tools.geometry import Point, Rect, Size


@dataclass(frozen=True, slots=True)
class Show:
    """Goes to another screen."""

    screen: str


@dataclass(frozen=True, slots=True)
class Write:
    """Writes a file into HOME."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Post:
    """Sends a form to the world's site."""

    path: str
    body: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Fill:
    """Sets a field."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Copy:
    """Puts a text on the clipboard."""

    text: str


Reaction = Show | Write | Post | Fill | Copy
"""What follows from a click or a key. Texts may name a field's content, or a datum of `serve`, in braces."""


@dataclass(frozen=True, slots=True)
class Label:
    """A text."""

    text: str
    rect: Rect


@dataclass(frozen=True, slots=True)
class Button:
    """Something to click."""

    name: str
    rect: Rect
    does: tuple[Reaction, ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """A line to type into, empty at first; `does` follows the Enter key."""

    name: str
    rect: Rect
    does: tuple[Reaction, ...] = ()


Widget = Label | Button | Field


@dataclass(frozen=True, slots=True)
class Screen:
    """All that is to be seen at once; a page when it has an address. `keys` are chords such as `ctrl+s`."""

    title: str
    widgets: tuple[Widget, ...] = ()
    keys: Mapping[str, tuple[Reaction, ...]] = field(default_factory=dict)
    url: str | None = None


App = Mapping[str, Screen]
"""Screens by name; the first is where a world begins."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A widget as it is now: what it is called and what stands in it; `role` by ARIA."""

    role: Literal["text", "button", "textbox"]
    name: str
    text: str
    rect: Rect
    focused: bool = False
    selected: bool = False


_PAPER, _INK, _FRAME, _ACCENT = "#f4f4f2", "#202124", "#9aa0a6", "#1a73e8"
_ARROW = ((0, 0), (0, 16), (4, 12), (7, 18), (9, 17), (6, 11), (11, 11))


def draw(title: str, widgets: Sequence[Shown], size: Size, pointer: Point | None, unrest: int) -> bytes:
    """A PNG of the screen; `unrest` turns a wheel in the corner that never stops."""
    image = Image.new("RGB", size, _PAPER)
    pen = ImageDraw.Draw(image)
    font = ImageFont.load_default(14)
    pen.rectangle((0, 0, size.width, 28), fill="#dfe1e5")
    pen.text((10, 14), title, _INK, font, anchor="lm")
    for widget in widgets:
        _draw(widget, pen, font)
    if unrest:
        corner = size.width - 26
        pen.pieslice((corner, 4, corner + 20, 24), unrest * 40, unrest * 40 + 90, fill=_ACCENT)
    if pointer:
        pen.polygon([(pointer.x + x, pointer.y + y) for x, y in _ARROW], fill="black", outline="white")
    png = io.BytesIO()
    image.save(png, "PNG", compress_level=1)
    return png.getvalue()


def _draw(widget: Shown, pen: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> None:
    left, top, right, bottom = widget.rect
    x, y = widget.rect.center
    match widget.role:
        case "text":
            pen.text((left, y), widget.name, _INK, font, anchor="lm")
        case "button":
            pen.rounded_rectangle((left, top, right - 1, bottom - 1), 5, "#e8eaed", _FRAME)
            pen.text((x, y), widget.name, _INK, font, anchor="mm")
        case "textbox":
            pen.rectangle((left, top, right - 1, bottom - 1), "white", _ACCENT if widget.focused else _FRAME)
            end = left + 6 + pen.textlength(widget.text, font)
            if widget.selected:
                pen.rectangle((left + 6, top + 4, end, bottom - 5), "#c6dafc")
            pen.text((left + 6, y), widget.text or widget.name, _INK if widget.text else _FRAME, font, anchor="lm")
            if widget.focused:
                pen.line((end, top + 5, end, bottom - 6), _ACCENT)
