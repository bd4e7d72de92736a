"""What a tuned model is asked about the validation rows, and how right its answers are.

Each answer that was to be learned becomes a question of its own: the row up to it. So all steps of an episode count,
not only the last one.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from agent.grounding import places
from agent.parse import parse
from agent.trace import Completion, Decision
from agent.training.material import read_rows
from tools.actions import BrowserAction, ComputerAction, Pointing
from tools.geometry import GRID, Box, GridPoint, Size

_TAG = re.compile(r"<ref-object>|<bbox>")


class Case(NamedTuple):
    """A question: a row without its answer; and that answer, as it should be."""

    row: dict[str, Any]
    truth: str


class Judged(NamedTuple):
    """One answer. `kind` is `grounding` or `action`; for an action `hit` means the same verb, its place in the box."""

    kind: str
    hit: bool
    overlap: float = 0.0
    """Of the boxes: their common area, as a share of what both cover together."""
    exact: bool = False


class Score(NamedTuple):
    """Of all answers; shares are between 0 and 1."""

    groundings: int
    hits: float
    overlap: float
    actions: int
    exact: float
    close: float


def cases(file: Path, most: int | None = None) -> list[Case]:
    """The questions of a file of rows, the first `most` of them. Raises UserError as `read_rows` does."""
    found = [case for _, row in read_rows(file) for case in _of_row(row, file.parent)]
    return found[:most]


def judge(truth: str, answer: str) -> Judged:
    """How right an answer is, given the one to learn."""
    if (wanted := _action(truth)) is not None:
        done = _action(answer)
        return Judged("action", done is not None and _close(wanted, done), exact=wanted == done)
    boxes, said = [box for box in _places(truth) if isinstance(box, Box)], _places(answer)
    pairs = [(box, said[number] if number < len(said) else None) for number, box in enumerate(boxes)]
    hit = bool(pairs) and all(place is not None and _inside(_middle(place), box) for box, place in pairs)
    overlaps = [_overlap(box, place) if isinstance(place, Box) else 0.0 for box, place in pairs]
    return Judged("grounding", hit, sum(overlaps) / max(1, len(overlaps)))


def score(judged: Sequence[Judged]) -> Score:
    """All of them together."""
    found = [one for one in judged if one.kind == "grounding"]
    done = [one for one in judged if one.kind == "action"]
    return Score(
        len(found), _mean([one.hit for one in found]), _mean([one.overlap for one in found]),
        len(done), _mean([one.exact for one in done]), _mean([one.hit for one in done]),
    )  # fmt: skip


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _of_row(row: Mapping[str, Any], folder: Path) -> Iterator[Case]:
    told = _filled(row, folder)
    number = 0
    while number < len(told):
        end = number
        while end < len(told) and told[end]["role"] in ("assistant", "tool_call"):
            end += 1
        if end > number and all(message.get("loss", True) for message in told[number:end]):
            yield Case(_question(row, told[:number]), _answer(told[number:end]))
        number = max(end, number + 1)


def _question(row: Mapping[str, Any], told: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    pictures = sum(message["content"].count("<image>") for message in told)
    messages = [{key: message[key] for key in ("role", "content")} for message in told]
    asked: dict[str, Any] = {"messages": messages, "images": list(row.get("images", ()))[:pictures]}
    return asked | ({"tools": row["tools"]} if "tools" in row else {})


def _answer(told: Sequence[Mapping[str, Any]]) -> str:
    """Text and calls as the model writes them."""
    return "".join(
        f"<tool_call>\n{message['content']}\n</tool_call>" if message["role"] == "tool_call" else message["content"]
        for message in told
    )


def _filled(row: Mapping[str, Any], folder: Path) -> list[dict[str, Any]]:
    """Its messages with names and boxes in the places of their tags, boxes on the grid."""
    objects = row.get("objects") or {}
    names, boxes = iter(objects.get("ref") or ()), iter(_on_grid(row, objects, folder))

    def fill(found: re.Match[str]) -> str:
        return str(next(names, found[0])) if found[0] == "<ref-object>" else next(boxes, found[0])

    return [message | {"content": _TAG.sub(fill, message["content"])} for message in row["messages"]]


def _on_grid(row: Mapping[str, Any], objects: Mapping[str, Any], folder: Path) -> Iterator[str]:
    pictures = objects.get("image_id") or [0] * len(objects.get("bbox") or ())
    for box, picture in zip(objects.get("bbox") or (), pictures, strict=False):
        with Image.open(folder / row["images"][picture]) as opened:
            size = Size(*opened.size)
        yield str([round(GRID * value / size[number % 2]) for number, value in enumerate(box)])


def _action(text: str) -> ComputerAction | BrowserAction | None:
    reply = parse(Completion(text=text))
    return reply.action if isinstance(reply, Decision) else None


def _close(wanted: ComputerAction | BrowserAction, said: ComputerAction | BrowserAction) -> bool:
    """The same verb; and where it has a box, a place in it; else the same in everything."""
    if isinstance(wanted, Pointing) and isinstance(said, Pointing) and wanted.bbox_2d and said.place:
        rest = {"bbox_2d", "coordinate"}
        same = wanted.model_dump(exclude=rest) == said.model_dump(exclude=rest)
        return same and _inside(said.place, wanted.bbox_2d)
    return wanted == said


def _places(text: str) -> list[Box | GridPoint]:
    """Boxes and points that a text names, in order; a thought names none."""
    found = places(text.rpartition("</think>")[2]).found
    return [where for place in found if (where := place.bbox_2d or place.point_2d)]


def _middle(said: Box | GridPoint) -> GridPoint:
    return said.center if isinstance(said, Box) else said


def _inside(point: GridPoint, box: Box) -> bool:
    return box.x1 <= point.x <= box.x2 and box.y1 <= point.y <= box.y2


def _overlap(one: Box, other: Box) -> float:
    width = min(one.x2, other.x2) - max(one.x1, other.x1)
    height = min(one.y2, other.y2) - max(one.y1, other.y1)
    common = max(0.0, width) * max(0.0, height)
    areas = sum((box.x2 - box.x1) * (box.y2 - box.y1) for box in (one, other))
    return common / (areas - common) if areas > common else float(one == other)
