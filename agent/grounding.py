"""Questions about one picture, and where an answer says that things are. Pure.

The model is asked in the manner of QwenLM/Qwen3-VL, cookbooks/2d_grounding.ipynb: the picture before the words, and a
list of `{"bbox_2d": [x1, y1, x2, y2], "label": …}` on the 0–1000 grid for an answer, or of `point_2d`.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from agent.calls import found_objects
from agent.prompt import Image, Message, System, Text, User
from tools.geometry import Box, GridPoint, Point, Rect, Size, to_pixel

SYSTEM = "You are a helpful assistant."
Form = Literal["bbox", "point"]
_PLACES = {"bbox_2d", "point_2d", "coordinate"}
_NUMBER = r"\s*\d+(?:\.\d+)?\s*"
_BARE = re.compile(rf"\[{_NUMBER},{_NUMBER}(?:,{_NUMBER},{_NUMBER})?\]")
"""A box or a point without its name."""


def locating(target: str, form: Form = "bbox") -> str:
    """The words that ask where a thing is; training data asks in the same."""
    return f"Locate {target}. Report its {form} coordinates in JSON format."


def about(picture: Image, words: str) -> tuple[Message, ...]:
    """A question about a picture."""
    return (System(text=SYSTEM), User(parts=(picture, Text(text=words))))


class Place(BaseModel):
    """Where a thing is on the 0–1000 grid: a box, or a point."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    label: Annotated[str, BeforeValidator(lambda value: value if isinstance(value, str) else "")] = ""
    bbox_2d: Box | None = None
    point_2d: GridPoint | None = Field(None, validation_alias=AliasChoices("point_2d", "coordinate"))

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        if self.bbox_2d is None and self.point_2d is None:
            raise ValueError("neither a box nor a point")
        return self

    def rect(self, size: Size) -> Rect | None:
        """Its box in pixels of a picture of `size`."""
        return self.bbox_2d.to_rect(size) if self.bbox_2d else None

    def point(self, size: Size) -> Point:
        """The pixel to click, of a picture of `size`: the middle of a box."""
        where = self.bbox_2d.center if self.bbox_2d else self.point_2d
        assert where, "a place has one of both"
        return to_pixel(where, size)


class Places(NamedTuple):
    """What was found in an answer, and the first reason why something in it is no place."""

    found: tuple[Place, ...]
    fault: str = ""


def places(answer: str) -> Places:
    """Every place in the order of the answer: in a fence or not, in a list that was cut off, or as bare numbers.

    Numbers outside the grid are no place: what they were meant to count is not guessed.
    """
    named = [place for found in found_objects(answer) for place in _inside(found.call)]
    bare = [] if named else [_of_numbers(found[0]) for found in _BARE.finditer(answer)]
    read, faults = list[Place](), list[str]()
    for values in named or bare:
        try:
            place = Place.model_validate(values)
        except ValidationError as error:
            faults.append(_explained(values, error))
        else:
            if place not in read:
                read.append(place)
    return Places(tuple(read), faults[0] if faults else "")


def _inside(value: Any) -> Iterator[dict[str, Any]]:
    """The objects in it that name a place."""
    match value:
        case dict() if _PLACES & value.keys():
            yield value
        case dict():
            for inner in value.values():
                yield from _inside(inner)
        case list():
            for inner in value:
                yield from _inside(inner)


def _of_numbers(text: str) -> dict[str, Any]:
    numbers = [float(number) for number in text.strip("[]").split(",")]
    return {"bbox_2d" if len(numbers) == 4 else "point_2d": numbers}


def _explained(values: dict[str, Any], error: ValidationError) -> str:
    name = next(name for name in _PLACES if name in values)
    if any(fault["type"] in ("greater_than_equal", "less_than_equal") for fault in error.errors()):
        return f"{name} {values[name]} is outside the grid, which runs from 0 to 1000"
    return f"{name} {str(values[name])[:60]} is neither a box of four numbers nor a point of two"
