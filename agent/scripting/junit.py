"""The result of a session as continuous integration reads it."""

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from agent.scripting.results import Ending, Result
from tools.errors import UserError


def write_junit(file: Path, results: Sequence[Result], page: Path) -> None:
    """JUnit XML: a failure is what a test found, an error what kept it from finding anything. Raises UserError.

    The page and the last picture are named as attachments, in the way that Jenkins and GitLab read.
    """
    endings = [result.ending for result in results]
    suite = ElementTree.Element(
        "testsuite", name="surehand", tests=str(len(results)), failures=str(endings.count(Ending.FAILED)),
        errors=str(endings.count(Ending.ERROR)), skipped="0", time=f"{sum(one.seconds for one in results):.3f}",
    )  # fmt: skip
    for result in results:
        suite.append(_case(result, page))
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        ElementTree.ElementTree(suite).write(file, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise UserError(f"cannot write {str(file)!r}", cause=error.strerror or str(error)) from None


def _case(result: Result, page: Path) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=str(result.file), name=_plain(result.name),
                               time=f"{result.seconds:.3f}")  # fmt: skip
    if result.ending is not Ending.PASSED:
        kind = "failure" if result.ending is Ending.FAILED else "error"
        told = ElementTree.SubElement(case, kind, message=_plain(result.why))
        told.text = _plain("\n".join(result.lines()))
        picture = result.picture()
        attached = [f"[[ATTACHMENT|{path.absolute()}]]" for path in (page, picture) if path]
        ElementTree.SubElement(case, "system-out").text = "\n".join(attached)
    return case


def _plain(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return "".join(char for char in text if char in "\t\n" or " " <= char < "\ud800" or "\ue000" <= char < "\ufffe")
