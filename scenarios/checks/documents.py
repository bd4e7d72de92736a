"""Checks of a text document."""

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from io import BytesIO
from itertools import zip_longest
from typing import NamedTuple
from xml.etree import ElementTree

from pydantic import Field

from scenarios.base import CheckResult
from scenarios.checkers import checker, graded, verdict
from scenarios.checks.files import FileCheck
from scenarios.schema import Text, counted, shown

_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_SPACES = {f"{_TEXT}s": " ", f"{_TEXT}tab": "\t", f"{_TEXT}line-break": "\n"}


class _Paragraph(NamedTuple):
    """The text of a paragraph and its level as a heading; 0 for body text."""

    text: str
    level: int


@checker("document")
class Document(FileCheck):
    """The paragraphs of an OpenDocument text (.odt) in order, empty ones aside.

    `headings` gives the level of the paragraphs that must be headings, by their text; no others may be. The score is
    the part of the paragraphs that is right.
    """

    kind = "an OpenDocument text"
    unreadable = (zipfile.BadZipFile, zlib.error, KeyError, ElementTree.ParseError, RuntimeError)
    paragraphs: tuple[Text, ...] = Field(min_length=1)
    headings: dict[str, int] = Field(default_factory=dict)

    def read(self, data: bytes) -> tuple[_Paragraph, ...]:
        """The paragraphs in order."""
        return tuple(_paragraphs(data))

    def compare(self, content: Sequence[_Paragraph]) -> CheckResult:
        """Names the first paragraphs that are wrong."""
        wanted = [_Paragraph(text, self.headings.get(text, 0)) for text in self.paragraphs]
        faults = [_fault(w, f) for w, f in zip_longest(wanted, content) if w != f]
        if not faults:
            return verdict(True, f"all {counted(len(wanted), 'paragraph')} of {self.path} are right")
        score = max(0.0, 1 - len(faults) / len(wanted))
        more = f", and {len(faults) - 2} more" if len(faults) > 2 else ""
        why = f"{counted(len(faults), 'paragraph')} of {self.path} {'is' if len(faults) == 1 else 'are'} wrong: "
        return graded(score, why + ", ".join(faults[:2]) + more, found=[p.text for p in content])


def _fault(wanted: _Paragraph | None, found: _Paragraph | None) -> str:
    if wanted is None or found is None:
        return f"{shown(found.text)} is too many" if found else f"{shown(wanted.text)} is missing" if wanted else ""
    if wanted.text != found.text:
        return f"{shown(wanted.text)} should be there and is {shown(found.text)}"
    kinds = [f"a heading of level {p.level}" if p.level else "body text" for p in (wanted, found)]
    return f"{shown(wanted.text)} should be {kinds[0]} and is {kinds[1]}"


def _paragraphs(data: bytes) -> Iterator[_Paragraph]:
    """Raises one of `unreadable`."""
    with zipfile.ZipFile(BytesIO(data)) as parts:
        root = ElementTree.fromstring(parts.read("content.xml"))
    for node in root.iter():
        if node.tag in (f"{_TEXT}p", f"{_TEXT}h") and (text := _text(node).strip()):
            level = int(node.get(f"{_TEXT}outline-level", "1")) if node.tag == f"{_TEXT}h" else 0
            yield _Paragraph(text, level)


def _text(node: ElementTree.Element) -> str:
    """The text as a reader sees it: spaces in a row, tabs and line breaks are elements."""
    inner = "".join(_SPACES.get(part.tag, "") + _text(part) + (part.tail or "") for part in node)
    return (node.text or "") + inner
