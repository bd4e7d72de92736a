"""Where on a page given texts can be seen, read from Chromium's own snapshot of the layout.

No script runs in the page, so it can neither learn what is looked for nor hide it. Texts are found in fields, in
rendered text, and across neighbouring pieces of text. A frame of another site, into which the snapshot does not see,
counts as a whole. What a page draws as a picture is not text.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from tools.geometry import Rect, Size

if TYPE_CHECKING:
    from playwright.async_api import CDPSession


class _Piece(NamedTuple):
    """A run of text and its box in the top document's pixels."""

    text: str
    rect: Rect


async def spots(session: "CDPSession", texts: Sequence[str], size: Size) -> tuple[Rect, ...]:
    """The rectangles of a picture of `size` where any of the texts stands. Raises Playwright's Error."""
    shot = await session.send("DOMSnapshot.captureSnapshot", {"computedStyles": []})
    found: list[Rect] = []
    for number, (x, y) in _offsets(shot["documents"]).items():
        document = shot["documents"][number]
        fields = list(_fields(document, shot["strings"], x, y))
        written = list(_written(document, shot["strings"], x, y))
        found += _closed(document, shot["strings"], x, y)
        for pieces in (fields, written):
            found += [rect for text in texts for rect in _covering(pieces, text)]
    return tuple(rect for rect in found if rect.right > 0 and rect.bottom > 0 and rect.left < size.width
                 and rect.top < size.height)  # fmt: skip


def _offsets(documents: Sequence[dict[str, Any]]) -> dict[int, tuple[float, float]]:
    """Where each document that can be seen begins on the picture: a frame's lies at its element's place."""
    top = documents[0]
    found = {0: (-top.get("scrollOffsetX", 0.0), -top.get("scrollOffsetY", 0.0))}
    left = [0]
    while left:
        number = left.pop()
        x, y = found[number]
        boxes = _boxes(documents[number])
        inner = documents[number]["nodes"].get("contentDocumentIndex", {"index": [], "value": []})
        for node, child in zip(inner["index"], inner["value"], strict=True):
            if node in boxes:
                scroll = documents[child].get("scrollOffsetX", 0.0), documents[child].get("scrollOffsetY", 0.0)
                found[child] = (x + boxes[node][0] - scroll[0], y + boxes[node][1] - scroll[1])
                left.append(child)
    return found


def _boxes(document: dict[str, Any]) -> dict[int, list[float]]:
    return dict(zip(document["layout"]["nodeIndex"], document["layout"]["bounds"], strict=True))


def _closed(document: dict[str, Any], strings: Sequence[str], x: float, y: float) -> Iterator[Rect]:
    """Frames whose documents the snapshot lacks: they live in processes of their own."""
    boxes, names = _boxes(document), document["nodes"]["nodeName"]
    open_ones = set(document["nodes"].get("contentDocumentIndex", {"index": []})["index"])
    for node, box in boxes.items():
        if strings[names[node]] in ("IFRAME", "FRAME") and node not in open_ones:
            yield _rect(box, x, y)


def _fields(document: dict[str, Any], strings: Sequence[str], x: float, y: float) -> Iterator[_Piece]:
    """What stands in fields, dots or not."""
    boxes = _boxes(document)
    for kind in ("inputValue", "textValue"):
        values = document["nodes"].get(kind, {"index": [], "value": []})
        for node, value in zip(values["index"], values["value"], strict=True):
            if node in boxes and value >= 0:
                yield _Piece(strings[value], _rect(boxes[node], x, y))


def _written(document: dict[str, Any], strings: Sequence[str], x: float, y: float) -> Iterator[_Piece]:
    """Rendered text, piece by piece in the order of the document."""
    layout = document["layout"]
    for text, box in zip(layout["text"], layout["bounds"], strict=True):
        if text >= 0 and strings[text]:
            yield _Piece(strings[text], _rect(box, x, y))


def _rect(box: Sequence[float], x: float, y: float) -> Rect:
    left, top, width, height = box
    return Rect(int(x + left), int(y + top), int(x + left + width) + 1, int(y + top + height) + 1)


def _covering(pieces: Sequence[_Piece], text: str) -> Iterator[Rect]:
    """The boxes of all pieces that hold a part of an occurrence of the text, in one piece or over several."""
    whole = "".join(piece.text for piece in pieces)
    at = whole.find(text)
    while at >= 0:
        begin = 0
        for piece in pieces:
            end = begin + len(piece.text)
            if begin < at + len(text) and at < end:
                yield piece.rect
            begin = end
        at = whole.find(text, at + 1)
