"""Checks of a picture file."""

import re
from io import BytesIO

from PIL import Image, ImageColor, UnidentifiedImageError
from pydantic import Field, field_validator

from scenarios.base import CheckResult
from scenarios.checkers import checker, verdict
from scenarios.checks.files import FileCheck
from scenarios.schema import Text

_POINT = re.compile(r"\d+,\d+")


@checker("picture")
class Picture(FileCheck):
    """A picture of `size` pixels, with `colours` (`#rrggbb`) at points in pixels from the top left, written `x,y`.

    Each of red, green and blue may differ by `tolerance` (0–255). `format` is that of the file, such as PNG or JPEG.
    """

    kind = "a picture"
    unreadable = (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError)
    size: tuple[int, int] | None = None
    colours: dict[str, Text] = Field(default_factory=dict)
    tolerance: int = Field(default=16, ge=0)
    format: Text | None = None

    @field_validator("colours")
    @classmethod
    def _are_points(cls, value: dict[str, str]) -> dict[str, str]:
        for point, colour in value.items():
            if not _POINT.fullmatch(point):
                raise ValueError(f"{point!r} is no point; write it as 120,45")
            ImageColor.getrgb(colour)
        return value

    def read(self, data: bytes) -> Image.Image:
        """The picture, decoded to its end."""
        picture = Image.open(BytesIO(data))
        picture.load()
        return picture

    def compare(self, content: Image.Image) -> CheckResult:
        """Says the size and each colour that is not as asked."""
        found = f"{content.width} × {content.height} pixels"
        if self.format is not None and content.format != self.format:
            return verdict(False, f"{self.path} should be a {self.format} file and is {content.format}")
        if self.size is not None and content.size != self.size:
            return verdict(False, f"{self.path} should have {self.size[0]} × {self.size[1]} pixels and has {found}")
        faults = [fault for point, colour in self.colours.items() if (fault := self._fault(content, point, colour))]
        if faults:
            return verdict(False, f"{self.path} has other colours than it should: {', '.join(faults)}", faults=faults)
        return verdict(True, f"{self.path} is a picture as it should be, of {found}")

    def _fault(self, picture: Image.Image, point: str, colour: str) -> str | None:
        x, y = map(int, point.split(","))
        if x >= picture.width or y >= picture.height:
            return f"{point} is outside"
        there, wanted = picture.convert("RGB").getpixel((x, y)), ImageColor.getrgb(colour)
        assert isinstance(there, tuple)
        if all(abs(a - b) <= self.tolerance for a, b in zip(there, wanted, strict=False)):
            return None
        return f"{point} should be {colour} and is #{there[0]:02x}{there[1]:02x}{there[2]:02x}"
