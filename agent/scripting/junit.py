"""The result of a session as continuous integration reads it."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple
from xml.etree import ElementTree

from agent.scripting.results import Ending, Result
from tools.errors import UserError


class Told(NamedTuple):
    """A test as JUnit tells of it: a failure is what it found, an error what kept it from finding anything."""

    group: str
    name: str
    seconds: float
    outcome: Literal["", "failure", "error", "skipped"] = ""
    why: str = ""
    lines: Sequence[str] = ()
    attached: Sequence[Path] = ()


def write_junit(file: Path, results: Sequence[Result], page: Path) -> None:
    """JUnit XML of tests. Raises UserError.

    The page and the last picture are named as attachments, in the way that Jenkins and GitLab read.
    """
    written = junit([_told(result, page) for result in results])
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(written)
    except OSError as error:
        raise UserError(f"cannot write {str(file)!r}", cause=error.strerror or str(error)) from None


def junit(tests: Sequence[Told], name: str = "surehand") -> bytes:
    """JUnit XML."""
    counts = Counter(test.outcome for test in tests)
    suite = ElementTree.Element(
        "testsuite", name=_plain(name), tests=str(len(tests)), failures=str(counts["failure"]),
        errors=str(counts["error"]), skipped=str(counts["skipped"]), time=f"{sum(test.seconds for test in tests):.3f}",
    )  # fmt: skip
    suite.extend(_case(test) for test in tests)
    written: bytes = ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True)
    return written


def _told(result: Result, page: Path) -> Told:
    group, name, seconds = str(result.file), result.name, result.seconds
    if result.ending is Ending.PASSED:
        return Told(group, name, seconds)
    picture = result.picture()
    attached = [path.absolute() for path in (page, picture) if path]
    outcome: Literal["failure", "error"] = "failure" if result.ending is Ending.FAILED else "error"
    return Told(group, name, seconds, outcome, result.why, result.lines(), attached)


def _case(test: Told) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=_plain(test.group), name=_plain(test.name),
                               time=f"{test.seconds:.3f}")  # fmt: skip
    if test.outcome:
        told = ElementTree.SubElement(case, test.outcome, message=_plain(test.why))
        told.text = _plain("\n".join(test.lines)) or None
    if test.attached:
        attached = "\n".join(f"[[ATTACHMENT|{path}]]" for path in test.attached)
        ElementTree.SubElement(case, "system-out").text = attached
    return case


def _plain(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return "".join(char for char in text if char in "\t\n" or " " <= char < "\ud800" or "\ue000" <= char < "\ufffe")
