"""Checks of a picture file."""

import re
from io import BytesIO

from PIL import Image, ImageColor, UnidentifiedImageError
from pydantic import Field, field_validator

from env.base import Probe
from scenarios.base import CheckResult
from scenarios.checkers import NamedCheck, checker, verdict
from scenarios.checks.files import missing
from scenarios.schema import Text

_UNREADABLE = (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError)
_POINT = re.compile(r"\d+,\d+")


@checker("picture")
class Picture(NamedCheck):
    """A picture of `size` pixels, with `colours` (`#rrggbb`) at points in pixels from the top left, written `x,y`.

    Each of red, green and blue may differ by `tolerance` (0–255). `format` is that of the file, such as PNG or JPEG.
    """

    path: Text
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

    async def judge(self, probe: Probe, answer: str | None) -> CheckResult:
        """Says the size and each colour that is not as asked; a file that is no picture does not pass."""
        try:
            data = await probe.read(self.path)
        except FileNotFoundError:
            return await missing(self.path, probe)
        try:
            return self._look(Image.open(BytesIO(data)))
        except _UNREADABLE as error:
            return verdict(False, f"{self.path} should be a picture, but cannot be read as one: {error}")

    def _look(self, picture: Image.Image) -> CheckResult:
        found = f"{picture.width} × {picture.height} pixels"
        if self.format is not None and picture.format != self.format:
            return verdict(False, f"{self.path} should be a {self.format} file and is {picture.format}")
        if self.size is not None and picture.size != self.size:
            return verdict(False, f"{self.path} should have {self.size[0]} × {self.size[1]} pixels and has {found}")
        faults = [fault for point, colour in self.colours.items() if (fault := self._fault(picture, point, colour))]
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
