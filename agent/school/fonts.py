"""Fonts that screens are written in: free ones that Debian packages bring, found where they are installed.

Nothing is copied into the repository. `SUREHAND_FONTS` names a further folder, such as one that `gather` filled, on a
machine without these packages. Only pictures of texts leave here, which each of the licences allows.
"""

import math
import os
import shutil
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

VARIABLE = "SUREHAND_FONTS"
_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".local/share/fonts")


@dataclass(frozen=True, slots=True)
class Family:
    """A typeface: files of its plain and its bold cut, the Debian package that has them, and its licence."""

    name: str
    plain: str
    bold: str
    package: str
    licence: str


_VERA, _URW, _OFL, _APACHE = "Bitstream Vera", "AGPL-3.0 with the font exception", "OFL-1.1", "Apache-2.0"
_DEJAVU, _BASE35, _LIBERATION = "fonts-dejavu-core", "fonts-urw-base35", "fonts-liberation2"
FAMILIES = (
    Family("DejaVu Sans", "DejaVuSans.ttf", "DejaVuSans-Bold.ttf", _DEJAVU, _VERA),
    Family("Liberation Sans", "LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf", _LIBERATION, _OFL),
    Family("Nimbus Sans", "NimbusSans-Regular.otf", "NimbusSans-Bold.otf", _BASE35, _URW),
    Family("DejaVu Sans Mono", "DejaVuSansMono.ttf", "DejaVuSansMono-Bold.ttf", _DEJAVU, _VERA),
    Family("DejaVu Serif", "DejaVuSerif.ttf", "DejaVuSerif-Bold.ttf", _DEJAVU, _VERA),
    Family("Open Sans", "OpenSans-Regular.ttf", "OpenSans-Bold.ttf", "fonts-open-sans", _APACHE),
    Family("Roboto", "Roboto-Regular.ttf", "Roboto-Bold.ttf", "fonts-roboto-unhinted", _APACHE),
    Family("Cantarell", "Cantarell-Regular.otf", "Cantarell-Bold.otf", "fonts-cantarell", _OFL),
    Family("Carlito", "Carlito-Regular.ttf", "Carlito-Bold.ttf", "fonts-crosextra-carlito", _OFL),
    Family("Liberation Serif", "LiberationSerif-Regular.ttf", "LiberationSerif-Bold.ttf", _LIBERATION, _OFL),
    Family("Nimbus Roman", "NimbusRoman-Regular.otf", "NimbusRoman-Bold.otf", _BASE35, _URW),
    Family("Liberation Mono", "LiberationMono-Regular.ttf", "LiberationMono-Bold.ttf", _LIBERATION, _OFL),
    Family("Nimbus Mono", "NimbusMonoPS-Regular.otf", "NimbusMonoPS-Bold.otf", _BASE35, _URW),
    Family("Nimbus Sans Narrow", "NimbusSansNarrow-Regular.otf", "NimbusSansNarrow-Bold.otf", _BASE35, _URW),
    Family("URW Gothic", "URWGothic-Book.otf", "URWGothic-Demi.otf", _BASE35, _URW),
    Family("C059", "C059-Roman.otf", "C059-Bold.otf", _BASE35, _URW),
    Family("P052", "P052-Roman.otf", "P052-Bold.otf", _BASE35, _URW),
    Family("URW Bookman", "URWBookman-Light.otf", "URWBookman-Demi.otf", _BASE35, _URW),
)  # fmt: skip
"""Commonest on screens first. DejaVu Sans is what the pages of `scenarios/` are shown in on a bare machine."""


@lru_cache(maxsize=1)
def families() -> tuple[Family, ...]:
    """Those that are installed, in the order of FAMILIES. Raises FileNotFoundError: there is none."""
    found = _files()
    here = tuple(family for family in FAMILIES if {family.plain, family.bold} <= found.keys())
    if not here:
        packages = sorted({family.package for family in FAMILIES})
        raise FileNotFoundError(f"no font to write with: install one of {', '.join(packages)}, or name a folder with"
                                f" such fonts in {VARIABLE}")  # fmt: skip
    return here


class Glyph(NamedTuple):
    """A sign as it is drawn: its strength at each pixel, where that lies from the top left of its line, its width."""

    mask: Image.Image | None
    left: int
    top: int
    width: int


class Face:
    """A font at a size. Signs are drawn once and kept: nearly all texts are new, but nearly no letters are.

    Each begins at a whole pixel, as browsers place them on a plain screen; pairs are not moved closer.
    """

    def __init__(self, file: Path, size: int) -> None:
        self._font = ImageFont.truetype(str(file), size, layout_engine=ImageFont.Layout.BASIC)
        self.height = sum(self._font.getmetrics())
        """Of a line, in pixels."""
        self._glyphs: dict[str, Glyph] = {}

    def glyph(self, sign: str) -> Glyph:
        """One sign."""
        found = self._glyphs.get(sign)
        if found is None:
            left, top, right, bottom = self._font.getbbox(sign)
            mask = None
            if right > left and bottom > top:
                mask = Image.new("L", (math.ceil(right - left), math.ceil(bottom - top)))
                ImageDraw.Draw(mask).text((-left, -top), sign, 255, self._font)
            found = self._glyphs[sign] = Glyph(mask, round(left), round(top), round(self._font.getlength(sign)))
        return found

    def width(self, text: str) -> int:
        """How far a text goes on, in pixels."""
        return sum(self.glyph(sign).width for sign in text)


@lru_cache(maxsize=1024)
def face(family: Family, size: int, bold: bool = False) -> Face:
    """A font at a size, in pixels of an em as CSS counts them."""
    return Face(_files()[family.bold if bold else family.plain], size)


@dataclass(frozen=True, slots=True)
class Writing:
    """A line of text as it is going to be written, in pixels."""

    text: str
    face: Face
    width: int
    height: int


def write(text: str, family: Family, size: int, bold: bool = False) -> Writing:
    """A line of text in a font."""
    chosen = face(family, size, bold)
    return Writing(text, chosen, chosen.width(text), chosen.height)


def gather(folder: Path) -> tuple[Path, ...]:
    """Copies every font file that is used to a folder, to be carried to another machine."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [_files()[name] for family in families() for name in (family.plain, family.bold)]
    return tuple(Path(shutil.copy(file, folder)) for file in files)


@lru_cache(maxsize=1)
def _files() -> dict[str, Path]:
    """Every font file by its name; those of a named folder first."""
    named = [Path(os.environ[VARIABLE])] if os.environ.get(VARIABLE) else []
    found: dict[str, Path] = {}
    for folder in (*named, *_FOLDERS):
        for path in sorted(folder.rglob("*.[ot]tf")):
            found.setdefault(path.name, path)
    return found
