"""Checks of what is in an archive."""

import tarfile
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from io import BytesIO

from env.base import Probe
from scenarios.base import CheckResult
from scenarios.checkers import NamedCheck, checker, graded, verdict
from scenarios.checks.files import missing
from scenarios.schema import Text, counted, shown

_UNREADABLE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, OSError, EOFError, RuntimeError)
"""What is raised for archives that are damaged, cut off, encrypted, or packed in a way that Python does not know."""
_Read = Callable[[int], bytes]
"""Gives the first bytes of a file, so that one that unpacks to gigabytes is not unpacked."""


@checker("archive")
class Archive(NamedCheck):
    """A .zip or .tar archive (packed or not) that holds just these files, each with its UTF-8 text.

    Keys are paths in the archive; null stands for any content. Folders do not count. The score is the part of the
    wanted files that is right; it is 0 when there are others as well.
    """

    path: Text
    files: dict[str, Text | None]

    async def judge(self, probe: Probe, answer: str | None) -> CheckResult:
        """Names what is missing, wrong, or there without being wanted."""
        try:
            data = await probe.read(self.path)
        except FileNotFoundError:
            return await missing(self.path, probe)
        try:
            return self._compare(_opened(data))
        except _UNREADABLE as error:
            return verdict(False, f"{self.path} should be an archive, but cannot be read as one: {error}")

    def _compare(self, there: dict[str, _Read]) -> CheckResult:
        wrong = [fault for name, text in self.files.items() if (fault := _fault(name, text, there))]
        others = [f"{name} should not be in it" for name in sorted(there.keys() - self.files.keys())]
        if not (wrong or others):
            return verdict(True, f"{self.path} holds just {counted(len(there), 'file')}, as it should")
        score = 0.0 if others else 1 - len(wrong) / len(self.files)
        return graded(score, f"{self.path} is not as it should be: {', '.join(wrong + others)}", found=sorted(there))


def _fault(name: str, text: str | None, there: dict[str, _Read]) -> str | None:
    if name not in there:
        return f"{name} is missing"
    if text is None or there[name](len(text.encode()) + 1) == text.encode():
        return None
    return f"{name} should hold {shown(text)}"


def _opened(data: bytes) -> dict[str, _Read]:
    """What reads the beginning of each file in an archive. Raises one of _UNREADABLE."""
    if zipfile.is_zipfile(BytesIO(data)):
        packed = zipfile.ZipFile(BytesIO(data))
        return {entry.filename: partial(_unzip, packed, entry) for entry in packed.infolist() if not entry.is_dir()}
    with tarfile.open(fileobj=BytesIO(data)) as tape:
        entries = [entry for entry in tape if not entry.isdir()]
    return {entry.name.removeprefix("./"): partial(_untar, data, entry) for entry in entries}


def _unzip(packed: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    with packed.open(entry) as file:
        return file.read(most)


def _untar(data: bytes, entry: tarfile.TarInfo, most: int) -> bytes:
    with tarfile.open(fileobj=BytesIO(data)) as tape:
        file = tape.extractfile(entry)
        return file.read(most) if file else b""
