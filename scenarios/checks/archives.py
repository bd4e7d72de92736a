"""Checks of what is in an archive."""

import tarfile
import zipfile
import zlib
from io import BytesIO

from pydantic import Field

from scenarios.base import CheckResult
from scenarios.checkers import checker, graded, verdict
from scenarios.checks.files import FileCheck
from scenarios.schema import Text, counted, shown


@checker("archive")
class Archive(FileCheck):
    """A .zip or .tar archive (packed or not) that holds just these files, each with its UTF-8 text.

    Keys are paths in the archive; null stands for any content. Folders do not count. The score is the part of the
    wanted files that is right; it is 0 when there are others as well.
    """

    kind = "an archive"
    unreadable = (zipfile.BadZipFile, tarfile.TarError, zlib.error, OSError, EOFError, RuntimeError)
    files: dict[str, Text | None] = Field(min_length=1)

    def read(self, data: bytes) -> dict[str, bytes]:
        """The beginning of each file, as long as tells it from the one that is wanted."""
        return _beginnings(data, max(len((text or "").encode()) for text in self.files.values()) + 1)

    def compare(self, content: dict[str, bytes]) -> CheckResult:
        """Names what is missing, wrong, or there without being wanted."""
        wrong = [fault for name, text in self.files.items() if (fault := _fault(name, text, content.get(name)))]
        others = [f"{name} should not be in it" for name in sorted(content.keys() - self.files.keys())]
        if not (wrong or others):
            return verdict(True, f"{self.path} holds just {counted(len(content), 'file')}, as it should")
        score = 0.0 if others else 1 - len(wrong) / len(self.files)
        return graded(score, f"{self.path} is not as it should be: {', '.join(wrong + others)}", found=sorted(content))


def _fault(name: str, text: str | None, there: bytes | None) -> str | None:
    if there is None:
        return f"{name} is missing"
    return None if text is None or there == text.encode() else f"{name} should hold {shown(text)}"


def _beginnings(data: bytes, most: int) -> dict[str, bytes]:
    """The first bytes of each file: one that unpacks to gigabytes is not unpacked. Raises one of `unreadable`."""
    if zipfile.is_zipfile(BytesIO(data)):
        with zipfile.ZipFile(BytesIO(data)) as packed:
            return {entry.filename: _unzip(packed, entry, most) for entry in packed.infolist() if not entry.is_dir()}
    with tarfile.open(fileobj=BytesIO(data)) as tape:
        return {entry.name.removeprefix("./"): _untar(tape, entry, most) for entry in tape if not entry.isdir()}


def _unzip(packed: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    with packed.open(entry) as file:
        return file.read(most)


def _untar(tape: tarfile.TarFile, entry: tarfile.TarInfo, most: int) -> bytes:
    file = tape.extractfile(entry)
    return file.read(most) if file else b""
