"""Checks of the files in the world's HOME."""

from abc import abstractmethod
from pathlib import PurePosixPath
from typing import Any, ClassVar

from env.base import Probe
from scenarios.base import CheckResult
from scenarios.checkers import NamedCheck, TextTest, checker, verdict
from scenarios.schema import Text, counted


async def _missing(path: str, probe: Probe) -> CheckResult:
    """The verdict on a file that is not there, with what is there instead."""
    there = await probe.glob(str(PurePosixPath(path).parent / "*"))
    return verdict(False, f"{path} should exist, but {_listed(there) or 'its folder holds no file'}", found=there)


def _listed(paths: tuple[str, ...], limit: int = 6) -> str:
    names = ", ".join(PurePosixPath(path).name for path in paths[:limit])
    more = f" and {len(paths) - limit} more" if len(paths) > limit else ""
    return f"there is {names}{more}" if names else ""


class FileCheck(NamedCheck):
    """The part that checks of one file's content share: it must be there, and what it should be."""

    kind: ClassVar[str]
    """What the file should be, to stand after "should be": `a picture`."""
    unreadable: ClassVar[tuple[type[Exception], ...]]
    """What `read` raises for a file that is something else, damaged, cut off or encrypted."""
    path: Text

    async def judge(self, probe: Probe, answer: str | None) -> CheckResult:
        """A file that is missing, or is not what it should be, does not pass."""
        try:
            data = await probe.read(self.path)
        except FileNotFoundError:
            return await _missing(self.path, probe)
        try:
            content = self.read(data)
        except self.unreadable as error:
            return verdict(False, f"{self.path} {self.misread(error)}")
        return self.compare(content)

    @abstractmethod
    def read(self, data: bytes) -> Any:
        """What the file holds, as `compare` takes it. Raises one of `unreadable`."""

    @abstractmethod
    def compare(self, content: Any) -> CheckResult:
        """The verdict on what the file holds."""

    def misread(self, error: Exception) -> str:
        """What to say of a file that is not what it should be, after its name."""
        return f"should be {self.kind}, but cannot be read as one: {error}"


@checker("file_text")
class FileText(FileCheck, TextTest):
    """The UTF-8 text of a file. Newlines at its end do not count unless `strip` is false."""

    kind = "UTF-8 text"
    unreadable = (UnicodeDecodeError,)
    strip: bool = True

    def holds(self, text: str) -> bool:
        """As TextTest, newlines at the end of both texts aside."""
        if self.strip and self.equals is not None:
            return text.rstrip("\r\n") == self.equals.rstrip("\r\n")
        return super().holds(text)

    def read(self, data: bytes) -> str:
        """The text."""
        return data.decode()

    def compare(self, content: str) -> CheckResult:
        """As TextTest says."""
        return self.of(self.path, content)

    def misread(self, error: Exception) -> str:
        """Says what the text should be, and why it is none."""
        assert isinstance(error, UnicodeDecodeError)
        return f"should {self.wanted()}, but it is not {self.kind}: {error.reason}"


@checker("file_exists")
class FileExists(NamedCheck):
    """At least one file matches the pattern, or just `count` of them."""

    path: Text
    count: int | None = None

    async def judge(self, probe: Probe, answer: str | None) -> CheckResult:
        """Says how many were expected and which there are."""
        found = await probe.glob(self.path)
        if not found and self.count is None:
            return await _missing(self.path, probe)
        ok = self.count in (None, len(found))
        wanted = "should exist" if self.count is None else f"should match {counted(self.count, 'file')}"
        return verdict(ok, f"{self.path} {wanted}, and {_listed(found) or 'there is none'}", found=found)


@checker("file_missing")
class FileMissing(NamedCheck):
    """No file matches the pattern."""

    path: Text

    async def judge(self, probe: Probe, answer: str | None) -> CheckResult:
        """Says which files are there all the same."""
        found = await probe.glob(self.path)
        return verdict(not found, f"{self.path} should not exist, and {_listed(found) or 'it does not'}", found=found)
