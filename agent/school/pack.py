"""A packed dataset: lessons and their pictures in one file, small enough to be carried about.

Screens of one kind repeat each other line by line, so the lines of all pictures of a block are kept once each, as
numbers of colours, and a picture is a list of lines. A block is one array file of numpy in a zip, by LZMA; only numpy
is needed to read it. Pictures come back to the last bit.
"""

import io
import json
import zipfile
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, Self, overload

import numpy as np
from numpy.typing import NDArray

from agent.school.lesson import Lesson, Letter, Picture

VERSION = 1
_ABOUT = "about.json"
_BLOCK = 512
"""Lessons of a block: the more there are, the smaller the file, and the more is read at once."""
_HEAVY = 1 << 28
"""Bytes of pictures that a block has at most, or a lesson more."""


def write(path: Path, lessons: Iterable[Lesson], about: dict[str, Any] | None = None) -> int:
    """Writes a file of lessons in their order, with what is to be said about them; how many there were.

    Lessons of one kind are best kept together. Raises OSError.
    """
    with Writer(path, about) as writer:
        writer.add(lessons)
    return writer.count


class Writer:
    """A file of lessons that is being written; it is there when the `with` ends well, else there is none."""

    def __init__(self, path: Path, about: dict[str, Any] | None = None) -> None:
        self.count = 0
        self._path, self._part, self._about = path, path.with_name(path.name + ".part"), about or {}
        self._block: list[Lesson] = []
        self._weight = 0

    def __enter__(self) -> Self:
        self._file = zipfile.ZipFile(self._part, "w", zipfile.ZIP_STORED)
        return self

    def add(self, lessons: Iterable[Lesson]) -> None:
        """Appends lessons."""
        for lesson in lessons:
            self._block.append(lesson)
            self.count += 1
            self._weight += sum(picture.nbytes for picture in lesson.pictures)
            if len(self._block) == _BLOCK or self._weight > _HEAVY:
                self._flush()

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        try:
            if error is None:
                self._flush()
                self._file.writestr(_ABOUT, json.dumps({"version": VERSION, "lessons": self.count} | self._about))
                self._file.close()
                self._part.replace(self._path)
        finally:
            self._file.close()
            self._part.unlink(missing_ok=True)

    def _flush(self) -> None:
        block, self._block, self._weight = self._block, [], 0
        if block:
            self._file.writestr(f"{self.count:08}.npz", _packed(block), zipfile.ZIP_LZMA)


def about(path: Path) -> dict[str, Any]:
    """What is said about a file. Raises ValueError: it is no such file, or of another version."""
    try:
        with zipfile.ZipFile(path) as file:
            told: dict[str, Any] = json.loads(file.read(_ABOUT))
    except (zipfile.BadZipFile, KeyError) as error:
        raise ValueError(f"{str(path)!r} is no file of lessons: {error}") from None
    if told.get("version") != VERSION:
        raise ValueError(f"{str(path)!r} has version {told.get('version')}, not {VERSION}: make it again")
    return told


def read(path: Path) -> Iterator[Lesson]:
    """The lessons of a file, in its order, a block at a time. Raises ValueError."""
    about(path)
    with zipfile.ZipFile(path) as file:
        for name in _blocks(file):
            yield from _Block(file.read(name))


class Pack(Sequence[Lesson]):
    """The lessons of a file in any order. Lines of pictures are kept in memory, pictures are put together when asked.

    Raises ValueError: it is no such file.
    """

    def __init__(self, path: Path) -> None:
        about(path)
        with zipfile.ZipFile(path) as file:
            self._blocks = [_Block(file.read(name)) for name in _blocks(file)]
        self._ends = list(accumulate(map(len, self._blocks)))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, number: int) -> Lesson: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[Lesson]: ...
    def __getitem__(self, number: int | slice) -> Lesson | Sequence[Lesson]:
        if isinstance(number, slice):
            return [self[one] for one in range(len(self))[number]]
        at = range(len(self))[number]
        block = bisect_right(self._ends, at)
        return self._blocks[block][at - (self._ends[block - 1] if block else 0)]


def _blocks(file: zipfile.ZipFile) -> list[str]:
    return sorted(set(file.namelist()) - {_ABOUT})


def _packed(block: list[Lesson]) -> bytes:
    """A block as an .npz: `told` (JSON), `colours`, and for each width of a picture `lines` and `pictures`."""
    numbers: dict[bytes, int] = {}
    pictures: list[NDArray[np.uint32]] = []
    told = []
    for lesson in block:
        shown = []
        for picture in lesson.pictures:
            key = repr(picture.shape).encode() + picture.tobytes()
            if key not in numbers:
                numbers[key] = len(pictures)
                pictures.append(_as_numbers(picture))
            shown.append(numbers[key])
        told.append({"kind": lesson.kind, "messages": lesson.messages, "completion": lesson.completion, "shown": shown,
                     "letters": lesson.letters})  # fmt: skip
    arrays: dict[str, NDArray[Any]] = {"told": np.frombuffer(json.dumps(told, ensure_ascii=False).encode(), np.uint8)}
    lines, shapes = dict[int, NDArray[np.uint32]](), []
    for width in sorted({picture.shape[1] for picture in pictures}):
        those = [number for number, picture in enumerate(pictures) if picture.shape[1] == width]
        index: dict[bytes, int] = {}  # lines in the order in which they come, for neighbours resemble each other
        places = [index.setdefault(line.tobytes(), len(index)) for number in those for line in pictures[number]]
        lines[width] = np.frombuffer(b"".join(index), np.uint32).reshape(-1, width)
        arrays[f"places-{width}"] = np.array(places, np.uint32)
        shapes += [(number, pictures[number].shape[0], width) for number in those]
    colours = np.unique(np.concatenate([some.reshape(-1) for some in lines.values()])) if lines else np.zeros(0)
    small = np.uint8 if len(colours) <= 256 else np.uint16 if len(colours) <= 65_536 else np.uint32
    arrays |= {f"lines-{width}": np.searchsorted(colours, some).astype(small) for width, some in lines.items()}
    arrays["colours"] = colours
    arrays["shapes"] = np.array(shapes, np.int64).reshape(-1, 3)
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)  # LZMA makes half of what deflating would
    return file.getvalue()


class _Block:
    """Lessons as `_packed` writes them."""

    def __init__(self, block: bytes) -> None:
        with np.load(io.BytesIO(block)) as arrays:
            self._told: list[dict[str, Any]] = json.loads(arrays["told"].tobytes())
            self._colours = arrays["colours"].astype(np.uint32)
            self._lines, self._places = dict[int, NDArray[Any]](), dict[int, NDArray[np.uint32]]()
            for width in sorted({int(width) for _, _, width in arrays["shapes"]}):
                lines, places, at = arrays[f"lines-{width}"], arrays[f"places-{width}"], 0
                for number, height, _ in (shape for shape in arrays["shapes"] if shape[2] == width):
                    self._lines[int(number)], self._places[int(number)] = lines, places[at : at + height]
                    at += height

    def __len__(self) -> int:
        return len(self._told)

    def __iter__(self) -> Iterator[Lesson]:
        return (self[number] for number in range(len(self)))

    def __getitem__(self, number: int) -> Lesson:
        one = self._told[number]
        return Lesson(one["kind"], tuple(map(self._picture, one["shown"])), tuple(one["messages"]),
                      one["completion"], tuple(Letter(*letter) for letter in one["letters"]))  # fmt: skip

    def _picture(self, number: int) -> Picture:
        return _as_picture(self._colours[self._lines[number][self._places[number]]])


def _as_numbers(picture: Picture) -> NDArray[np.uint32]:
    """Each pixel as one number."""
    red, green, blue = (picture[..., channel].astype(np.uint32) for channel in range(3))
    return np.asarray(red << 16 | green << 8 | blue, np.uint32)


def _as_picture(numbers: NDArray[np.uint32]) -> Picture:
    return np.stack([numbers >> 16 & 255, numbers >> 8 & 255, numbers & 255], axis=-1).astype(np.uint8)
