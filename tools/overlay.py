"""Boxes, clicks, drags and labels drawn on a screenshot, for reports and for people who look for a fault.

Every line has a white casing and a thin dark rim, so that it can be read on light and on dark pictures. Shapes are
drawn four times as large and reduced; text is set at its true size, where hinting keeps it sharp.
"""

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from tools.geometry import Point, Rect

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont, ImageFont

ACCENT = "#e11d48"
"""Rose: rare in user interfaces, and strong on white and on black."""

LONGEST_LABEL = 60
"""Characters; a longer label is cut."""

FINE = 4
"""Shapes are drawn this many times as large."""

LAYERS = (("black", 60, 2.25), ("white", 255, 1.25), (None, 255, 0.0))
"""Rim, casing and line: color (None is the mark's own), opacity 0–255, how far it reaches beyond the line in units."""

FONTS = ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "wqy-zenhei.ttc", "NotoSansCJK-Regular.ttc", "Arial Unicode.ttf")
"""Where letters are looked for that the font inside Pillow has not; Latin looks the same everywhere."""


@dataclass(frozen=True, slots=True)
class BoxMark:
    """A target: its rectangle in pixels."""

    rect: Rect
    label: str = ""
    color: str = ACCENT


@dataclass(frozen=True, slots=True)
class ClickMark:
    """A place that was clicked, in pixels."""

    point: Point
    label: str = ""
    color: str = ACCENT


@dataclass(frozen=True, slots=True)
class DragMark:
    """A way from one pixel to another with the button down."""

    start: Point
    end: Point
    label: str = ""
    color: str = ACCENT


Mark = BoxMark | ClickMark | DragMark


def draw(png: bytes, marks: Sequence[Mark]) -> bytes:
    """The picture with the marks on it, in their order, labels on top: a PNG of the same size, opaque.

    `color` is anything that Pillow's ImageColor reads. Marks may lie outside the picture. Raises ValueError for an
    unknown color, PIL.UnidentifiedImageError (an OSError) when `png` is no picture.
    """
    from PIL import Image

    with Image.open(io.BytesIO(png)) as source:
        canvas = _Canvas(source.convert("RGB"))
    for mark in marks:
        _draw_mark(canvas, mark)
    taken = [area for mark in marks for area in _covered(mark, canvas.unit)]
    for mark in marks:
        if text := " ".join(mark.label.split()):
            taken.append(_draw_label(canvas, text, mark.color, _around(mark, canvas.unit), taken))
    out = io.BytesIO()
    canvas.picture.save(out, "png")
    return out.getvalue()


class _Area(NamedTuple):
    """A rectangle in fractions of pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def grown(self, by: float) -> "_Area":
        return _Area(self.left - by, self.top - by, self.right + by, self.bottom + by)

    def overlap(self, other: "_Area") -> float:
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0.0, width) * max(0.0, height)


class _Canvas:
    """A picture to draw on; a unit is the pixel of a 1280x720 screen, and grows with the picture."""

    def __init__(self, picture: "Image") -> None:
        self.picture = picture
        self.unit = min(3.0, max(0.9, min(picture.width / 1280, picture.height / 720)))

    def outline(self, area: _Area, color: str, shape: "Callable[[_Stencil, float], None]") -> None:
        """Draws a shape, which is given a stencil and how far to reach beyond itself, on its casing and rim."""
        for own, opacity, reach in LAYERS:
            stencil = _Stencil(self.picture, area, opacity)
            shape(stencil, reach * self.unit)
            stencil.paint(own or color)


class _Stencil:
    """A part of a picture to be painted in one color."""

    def __init__(self, picture: "Image", area: _Area, opacity: int) -> None:
        from PIL import Image, ImageDraw

        left, top = max(0, math.floor(area.left)), max(0, math.floor(area.top))
        right, bottom = min(picture.width, math.ceil(area.right)), min(picture.height, math.ceil(area.bottom))
        self._picture, self._origin, self._opacity = picture, (left, top), opacity
        self._mask = Image.new("L", (max(0, right - left) * FINE, max(0, bottom - top) * FINE))
        self._draw = ImageDraw.Draw(self._mask)

    def _fine(self, *values: float) -> list[float]:
        """Coordinates x, y, x, y … of the picture on the mask."""
        return [(value - self._origin[i % 2]) * FINE for i, value in enumerate(values)]

    def _edge(self, area: _Area) -> list[float]:
        """A rectangle on the mask; Pillow counts its last row and column in."""
        left, top, right, bottom = self._fine(*area)
        return [left, top, right - 1, bottom - 1]

    def frame(self, area: _Area, radius: float, width: float | None = None) -> None:
        """A rounded rectangle, filled or with a border inside its edge."""
        edge, radius = self._edge(area), radius * FINE
        if width is None:
            self._draw.rounded_rectangle(edge, radius, fill=self._opacity)
        else:
            self._draw.rounded_rectangle(edge, radius, outline=self._opacity, width=round(width * FINE))

    def disc(self, center: Point, radius: float) -> None:
        """A filled circle."""
        self._draw.ellipse(self._edge(_disc(center, radius)), fill=self._opacity)

    def ring(self, center: Point, radius: float, width: float) -> None:
        """A circle with a border inside its edge."""
        self._draw.ellipse(self._edge(_disc(center, radius)), outline=self._opacity, width=round(width * FINE))

    def lines(self, points: Sequence[tuple[float, float]], width: float, *, filled: bool = False) -> None:
        """A line through points with round ends, or the polygon that it encloses."""
        flat = self._fine(*(value for point in points for value in point))
        if filled:
            self._draw.polygon(flat, fill=self._opacity)
        self._draw.line(flat, fill=self._opacity, width=round(width * FINE), joint="curve")
        for x, y in points:
            self._draw.ellipse(
                self._fine(x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=self._opacity
            )

    def paint(self, color: str) -> None:
        """Puts the color on the picture."""
        if all(self._mask.size):
            self._picture.paste(color, self._origin, self._mask.reduce(FINE))


def _disc(center: Point, radius: float) -> _Area:
    """The square around a circle; the middle of a pixel is half a pixel from its corner."""
    return _Area(center.x + 0.5, center.y + 0.5, center.x + 0.5, center.y + 0.5).grown(radius)


def _around(mark: Mark, unit: float) -> _Area:
    """Where a label goes beside."""
    match mark:
        case BoxMark(rect=rect):
            return _Area(*rect).grown(4 * unit)
        case ClickMark(point=point) | DragMark(end=point):
            return _disc(point, 13 * unit)


def _covered(mark: Mark, unit: float) -> list[_Area]:
    """What labels should leave free."""
    if not isinstance(mark, DragMark):
        return [_around(mark, unit)]
    (x1, y1), (x2, y2) = mark.start, mark.end
    steps = [step / 32 for step in range(33)]
    return [_disc(Point(round(x1 + (x2 - x1) * t), round(y1 + (y2 - y1) * t)), 8 * unit) for t in steps]


def _draw_mark(canvas: _Canvas, mark: Mark) -> None:
    match mark:
        case BoxMark():
            _draw_box(canvas, mark)
        case ClickMark():
            _draw_click(canvas, mark.point, mark.color)
        case DragMark():
            _draw_drag(canvas, mark)


def _draw_box(canvas: _Canvas, mark: BoxMark) -> None:
    unit, box = canvas.unit, _Area(*mark.rect)
    tint = _Stencil(canvas.picture, box, 36)
    tint.frame(box, 3 * unit)
    tint.paint(mark.color)

    def border(stencil: _Stencil, reach: float) -> None:
        stencil.frame(box.grown(2 * unit + reach), 4 * unit + reach, 2 * unit + 2 * reach)

    canvas.outline(box.grown(8 * unit), mark.color, border)


def _draw_click(canvas: _Canvas, point: Point, color: str) -> None:
    unit = canvas.unit

    def target(stencil: _Stencil, reach: float) -> None:
        stencil.ring(point, 10 * unit + reach, 2.25 * unit + 2 * reach)
        stencil.disc(point, 2.5 * unit + reach)

    canvas.outline(_disc(point, 16 * unit), color, target)


def _draw_drag(canvas: _Canvas, mark: DragMark) -> None:
    unit = canvas.unit
    (x1, y1), (x2, y2) = ((p.x + 0.5, p.y + 0.5) for p in (mark.start, mark.end))
    length = math.hypot(x2 - x1, y2 - y1)
    if length < 16 * unit:  # too short for an arrow
        _draw_click(canvas, mark.end, mark.color)
        return
    dx, dy = (x2 - x1) / length * unit, (y2 - y1) / length * unit
    neck = (x2 - 11 * dx, y2 - 11 * dy)
    tip = [(x2, y2), (neck[0] - 6 * dy, neck[1] + 6 * dx), (neck[0] + 6 * dy, neck[1] - 6 * dx), (x2, y2)]

    def arrow(stencil: _Stencil, reach: float) -> None:
        stencil.lines([(x1 + 6 * dx, y1 + 6 * dy), neck], 3 * unit + 2 * reach)
        stencil.lines(tip, 2 * unit + 2 * reach, filled=True)
        stencil.ring(mark.start, 6 * unit + reach, 2.5 * unit + 2 * reach)

    area = _Area(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)).grown(16 * unit)
    canvas.outline(area, mark.color, arrow)


def _draw_label(canvas: _Canvas, text: str, color: str, anchor: _Area, obstacles: Sequence[_Area]) -> _Area:
    """Draws a bubble beside `anchor`, where it covers least; returns what it covers."""
    from PIL import ImageColor, ImageDraw

    unit = canvas.unit
    text = text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 1].rstrip() + "…"
    font = _font(text, round(13 * unit))
    left, top, right, bottom = font.getbbox(text, anchor="ls")  # from the start of the base line
    ascent, descent = -font.getbbox("Ag", anchor="ls")[1], font.getbbox("Ag", anchor="ls")[3]
    width, height = right - left + 14 * unit, max(ascent, -top) + max(descent, bottom) + 8 * unit
    area = _beside(anchor, width, height, canvas, obstacles)
    canvas.outline(
        area.grown(4 * unit), color, lambda stencil, reach: stencil.frame(area.grown(reach), 5 * unit + reach)
    )
    red, green, blue = ImageColor.getrgb(color)[:3]
    ink = "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 160 else "black"
    base = (round(area.left + 7 * unit - left), round(area.top + 4.75 * unit + max(ascent, -top)))
    ImageDraw.Draw(canvas.picture).text(base, text, ink, font, anchor="ls")
    return area


def _beside(anchor: _Area, width: float, height: float, canvas: _Canvas, obstacles: Sequence[_Area]) -> _Area:
    """Where a label of that size stands best: above, below, right, left or inside; always on the picture."""
    gap, middle = 2 * canvas.unit, (anchor.top + anchor.bottom - height) / 2
    corners = [
        (anchor.left, anchor.top - height - gap),
        (anchor.left, anchor.bottom + gap),
        (anchor.right + gap, middle),
        (anchor.left - width - gap, middle),
        (anchor.left + 3 * gap, anchor.top + 3 * gap),
    ]
    picture, rim = canvas.picture, 3 * canvas.unit
    places = []
    for x, y in corners:
        left = round(max(rim, min(x, picture.width - width - rim)))
        top = round(max(rim, min(y, picture.height - height - rim)))
        places.append(_Area(left, top, left + width, top + height))
    return min(places, key=lambda place: sum(place.overlap(obstacle) for obstacle in obstacles))


@lru_cache(maxsize=256)
def _font(text: str, size: int) -> "FreeTypeFont | ImageFont":
    """The first font that has all letters of a text; the one inside Pillow if none has."""
    from PIL import ImageFont

    own = ImageFont.load_default(size)
    for name in ("", *FONTS):
        try:
            font = ImageFont.truetype(name, size) if name else own
        except OSError:
            continue
        missing = bytes(font.getmask("\U000f0000"))  # a private letter: drawn as the font's sign for none
        if all(letter.isspace() or bytes(font.getmask(letter)) != missing for letter in text):
            return font
    return own
