"""A file or a folder of training data, read line by line: every fault with its place and its remedy."""

import base64
import hashlib
import io
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from agent.training import boxes, faults
from agent.training.conversation import Fault, Unfit, read
from agent.training.dataset import NOTES
from tools.errors import UserError
from tools.geometry import Size

_GONE = "the picture {name!r} is not there"
_RELATIVE = "paths are seen from the file's folder, from the working directory, or from ROOT_IMAGE_DIR"


class Found(NamedTuple):
    """A fault and where it is; line 0 is the file as a whole."""

    file: Path
    line: int
    fault: Fault

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else str(self.file)
        return f"{place}: {self.fault.what}; {self.fault.remedy}"


@dataclass(slots=True)
class Checked:
    """How much was looked at, and what was found."""

    files: int = 0
    rows: int = 0
    pictures: int = 0
    found: list[Found] = field(default_factory=list)


def check(path: Path) -> Checked:
    """Looks at a .jsonl file, or at all those of a folder. Raises UserError: nothing there, or it cannot be read."""
    checked, pictures, lines = Checked(), _Pictures(), _Lines()
    for file in _files(path):
        checked.files += 1
        rows = 0
        for number, line in enumerate(_read(file).split(b"\n"), start=1):
            if line.strip():
                rows += 1
                among = [*_line(line, partial(pictures.size, file.parent)), *lines.again(file, number, line)]
                checked.found += [Found(file, number, fault) for fault in among]
        checked.found += [Found(file, 0, fault) for fault in _whole(file, rows)]
        checked.rows += rows
    checked.pictures = len(pictures.known)
    return checked


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise UserError(f"no file or folder {str(path)!r}", remedy="name a .jsonl file, or the folder of a dataset")
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    if not files:
        raise UserError(f"no data in {str(path)!r}", cause="there is no .jsonl file in it",
                        remedy="name a .jsonl file, or the folder of a dataset")  # fmt: skip
    return files


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {str(file)!r}", cause=error.strerror or str(error)) from None


def _line(line: bytes, size_of: boxes.SizeOf) -> Iterator[Fault]:
    try:
        row = json.loads(line.decode("utf-8"), parse_constant=_no_number)
        told = read(row)
    except UnicodeDecodeError as error:
        yield Fault(f"it is not UTF-8 ({error.reason})", "save the file as UTF-8")
    except Unfit as unfit:
        yield unfit.fault
    except (ValueError, RecursionError) as error:
        yield Fault(f"it is no JSON: {error}", "a row is one JSON object on one line")
    else:
        yield from faults.faults(told)
        yield from boxes.faults(told, size_of)


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _whole(file: Path, rows: int) -> Iterator[Fault]:
    """Faults of a file as a whole."""
    if rows == 0:
        yield Fault("there is no row in it", "leave the file out, or make the data again")
    try:
        notes = json.loads((file.parent / NOTES).read_text(encoding="utf-8"))
        wanted = notes["rows"].get(file.stem)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return  # another tool's data
    if isinstance(wanted, int) and wanted != rows:
        yield Fault(f"{rows} rows, but {NOTES} counts {wanted}", "make the data again, or correct the number there")


class _Lines:
    """The rows there were, so that none is learned and used to validate, too."""

    def __init__(self) -> None:
        self._files: dict[bytes, tuple[Path, int]] = {}

    def again(self, file: Path, number: int, line: bytes) -> Iterator[Fault]:
        first, at = self._files.setdefault(hashlib.sha256(line.strip()).digest(), (file, number))
        if first != file:
            yield Fault(f"the same row as {first.name}:{at}", "keep what is learned out of what is validated with")


class _Pictures:
    """Pictures as rows name them, each looked at once."""

    def __init__(self) -> None:
        self.known: dict[object, Size | Fault | None] = {}

    def size(self, folder: Path, image: object) -> Size | Fault | None:
        """The size of a picture, or its fault; None where it is on the network."""
        name: Any = image.get("path") or image.get("url") if isinstance(image, dict) else image
        if not isinstance(name, str):
            return Fault(f"a picture that is no path: {image!r:.60}", "name each picture by its path")
        if name.startswith(("http://", "https://")):
            return None
        place: object = name if name.startswith("data:") else _found(folder, name)
        if place is None:
            return Fault(_GONE.format(name=name), _RELATIVE)
        if place not in self.known:
            self.known[place] = _size(name, place)
        return self.known[place]


def _found(folder: Path, name: str) -> Path | None:
    roots = (folder, Path(), Path(os.environ.get("ROOT_IMAGE_DIR", ".")))
    try:
        return next((root / name for root in roots if (root / name).is_file()), None)
    except (OSError, ValueError):  # a name that no file can have
        return None


def _size(name: str, place: object) -> Size | Fault:
    try:
        data = place.read_bytes() if isinstance(place, Path) else base64.b64decode(name.partition(",")[2])
        with Image.open(io.BytesIO(data)) as picture:
            picture.load()
            return Size(*picture.size)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        return Fault(
            f"the picture {name[:100]!r} cannot be read: {error!s:.100}", "make it again, or leave the row out"
        )
