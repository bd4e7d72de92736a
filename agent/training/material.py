"""What a tuning run is given: rows for training and validation, and how long the longest of them is."""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image
from pydantic import BaseModel, ConfigDict

from agent.training.check import check
from tools.errors import UserError
from tools.geometry import Size

SIDE = 32
"""Pixels of a token's side."""
LEAST_PICTURE, MOST_PICTURE = 64, 2048
"""Tokens of a picture; smaller and larger ones are scaled, as where models are served (agent.serving.launch)."""
_CHARACTERS = 2.2
"""Of a token, in texts full of JSON and numbers; prose has twice as many."""


class Material(BaseModel):
    """Rows in files, and what they ask of a model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path
    """Pictures are named relative to it."""
    train: Path
    validation: Path | None
    rows: int
    validation_rows: int
    tokens: int
    """Of the longest row, estimated from above."""
    pictures: int
    """Most pictures of a row."""
    picture: Size
    """The largest picture, in pixels as the model sees it."""
    tools: bool
    thoughts: bool


class _Seen(NamedTuple):
    rows: int
    tokens: int
    pictures: int
    picture: Size
    tools: bool
    thoughts: bool


def open_material(path: Path) -> Material:
    """A folder with `train.jsonl` and perhaps `validation.jsonl`, or one .jsonl file; every row is looked at.

    Raises UserError: nothing there, or the first row that ms-swift could not use, or would use wrongly.
    """
    path = path.absolute()
    folder, train = (path, path / "train.jsonl") if path.is_dir() else (path.parent, path)
    if not train.is_file():
        raise UserError(
            f"no training data in {str(path)!r}", cause=f"no {train.name}" if path.is_dir() else "no such file",
            remedy="name a .jsonl file, or the folder that `surehand export --format swift` made",
        )  # fmt: skip
    _check(path)
    validation = folder / "validation.jsonl" if path.is_dir() and (folder / "validation.jsonl").is_file() else None
    seen = _look(train, folder)
    also = _look(validation, folder) if validation else None
    return Material(
        folder=folder, train=train, validation=validation, rows=seen.rows, validation_rows=also.rows if also else 0,
        tokens=max(seen.tokens, also.tokens if also else 0), pictures=max(seen.pictures, also.pictures if also else 0),
        picture=seen.picture, tools=seen.tools, thoughts=seen.thoughts,
    )  # fmt: skip


def read_rows(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of a file with the numbers of their lines. Raises UserError: it cannot be read."""
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield number, dict(json.loads(line))
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"cannot read {str(file)!r}", cause=str(error),
                        remedy="`surehand tune check` lists what is wrong in it") from None  # fmt: skip


def size_as_seen(size: Size) -> Size:
    """How large a picture is for the model: whole tokens, not more and not less of them than it takes."""
    width, height = size
    wide, high = (max(1, round(side / SIDE)) for side in size)
    if wide * high > MOST_PICTURE:
        shrink = math.sqrt(width * height / (MOST_PICTURE * SIDE * SIDE))
        wide, high = (max(1, math.floor(side / shrink / SIDE)) for side in size)
    elif wide * high < LEAST_PICTURE:
        grow = math.sqrt(LEAST_PICTURE * SIDE * SIDE / (width * height))
        wide, high = (math.ceil(side * grow / SIDE) for side in size)
    return Size(wide * SIDE, high * SIDE)


def _check(path: Path) -> None:
    """Raises UserError: the first thing that is wrong in a dataset."""
    found = check(path).found
    if found:
        more = f"; `surehand tune check` lists {len(found)} faults" if len(found) > 1 else ""
        raise UserError(f"{found[0]}{more}")


def _look(file: Path, folder: Path) -> _Seen:
    seen = [_row(file, number, row, folder) for number, row in read_rows(file)]
    if not seen:
        raise UserError(f"{file}: there is no row in it", remedy="make the data again")
    largest = max((one.picture for one in seen), key=lambda size: size.width * size.height)
    return _Seen(
        len(seen), max(one.tokens for one in seen), max(one.pictures for one in seen), largest,
        any(one.tools for one in seen), any(one.thoughts for one in seen),
    )  # fmt: skip


def _row(file: Path, number: int, row: Mapping[str, Any], folder: Path) -> _Seen:
    if not all(isinstance(message["content"], str) for message in row.get("messages", [{"content": None}])):
        raise UserError(f"{file}:{number}: no row of ms-swift", remedy="export with --format swift or swift-agent")
    sizes = [size_as_seen(_size(folder / name)) for name in row.get("images", ())]
    text = "".join(message["content"] for message in row["messages"]) + str(row.get("tools", ""))
    tokens = sum(size.width * size.height // SIDE**2 + 2 for size in sizes)
    tokens += math.ceil(len(text) / _CHARACTERS) + 8 * len(row["messages"])
    largest = max(sizes, key=lambda size: size.width * size.height, default=Size(SIDE, SIDE))
    return _Seen(1, tokens, len(sizes), largest, "tools" in row, "</think>" in text)


def _size(path: Path) -> Size:
    with Image.open(path) as picture:
        return Size(*picture.size)
