"""Places on a screen: whole pixels, and the 0–1000 grid that Qwen3-VL speaks.

The grid is relative: (0, 0) is the top left corner, (1000, 1000) the bottom right, whatever the picture's size
(QwenLM/Qwen3-VL, cookbooks/computer_use.ipynb and 2d_grounding.ipynb). `to_pixel` is the only conversion.
"""

from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_serializer, model_validator

GRID = 1000

GridValue = Annotated[float, Field(ge=0, le=GRID, allow_inf_nan=False, strict=True)]


class Size(NamedTuple):
    """Width and height in pixels."""

    width: int
    height: int


class Point(NamedTuple):
    """A pixel, counted from the top left corner of the screen."""

    x: int
    y: int


class Rect(NamedTuple):
    """A rectangle in pixels; `right` and `bottom` lie just outside it."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def center(self) -> Point:
        """The pixel in the middle."""
        return Point((self.left + self.right) // 2, (self.top + self.bottom) // 2)


class GridPoint(NamedTuple):
    """A place on the 0–1000 grid."""

    x: GridValue
    y: GridValue


class Box(BaseModel):
    """A rectangle on the 0–1000 grid, on the wire a list `[x1, y1, x2, y2]`; swapped corners are put right."""

    model_config = ConfigDict(frozen=True)

    x1: GridValue
    y1: GridValue
    x2: GridValue
    y2: GridValue

    @model_validator(mode="before")
    @classmethod
    def _from_list(cls, value: object) -> object:
        if not isinstance(value, list | tuple):
            return value
        if len(value) != 4:
            raise ValueError(f"a box has four numbers [x1, y1, x2, y2], not {len(value)}")
        x1, y1, x2, y2 = value
        if all(isinstance(v, int | float) for v in value):
            x1, x2, y1, y2 = min(x1, x2), max(x1, x2), min(y1, y2), max(y1, y2)
        return {"x1": x1, "y1": y1, "x2": x2, "y2": y2}

    @model_serializer
    def _to_list(self) -> list[float]:
        return [self.x1, self.y1, self.x2, self.y2]

    @property
    def center(self) -> GridPoint:
        """The middle of the box, where a click on it goes."""
        return GridPoint((self.x1 + self.x2) / 2, (self.y1 + self.y2) / 2)

    def to_rect(self, size: Size) -> Rect:
        """The same box in pixels of a screen of `size`, never empty."""
        left, top = to_pixel(GridPoint(self.x1, self.y1), size)
        right, bottom = to_pixel(GridPoint(self.x2, self.y2), size)
        return Rect(left, top, max(right, left + 1), max(bottom, top + 1))

    @classmethod
    def from_rect(cls, rect: Rect, size: Size) -> "Box":
        """A rectangle in pixels on the grid, rounded to whole units and clipped to the screen."""

        def unit(value: int, length: int) -> int:
            return min(GRID, max(0, round(value / length * GRID)))

        return cls(
            x1=unit(rect.left, size.width),
            y1=unit(rect.top, size.height),
            x2=unit(rect.right, size.width),
            y2=unit(rect.bottom, size.height),
        )


def to_pixel(place: GridPoint, size: Size) -> Point:
    """The pixel of a grid place on a screen of `size`, clamped to (width - 1, height - 1)."""
    x, y = place
    return Point(
        min(size.width - 1, max(0, round(x / GRID * size.width))),
        min(size.height - 1, max(0, round(y / GRID * size.height))),
    )


def to_grid(pixel: Point, size: Size) -> GridPoint:
    """The grid place of a pixel, rounded to whole units (within a pixel of the way back on screens up to 1000 wide)."""
    return GridPoint(round(pixel.x / size.width * GRID), round(pixel.y / size.height * GRID))
