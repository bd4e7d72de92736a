"""What can be wrong with boxes and pictures: places out of the picture, answers that are no JSON, lost pictures."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from agent.training.conversation import Conversation, Fault
from agent.training.faults import ON_THE_GRID
from scenarios.schema import counted
from tools.geometry import GRID, Size

_PLACEHOLDER = re.compile(r"<ref-object>|<bbox>")
_FORM = 'write [{"bbox_2d": <bbox>, "label": "<ref-object>"}, …]'

SizeOf = Callable[[object], Size | Fault | None]
"""The size of a picture as a row names it, or what is wrong with it; None where it cannot be told from here."""


def faults(told: Conversation, size_of: SizeOf) -> Iterator[Fault]:
    """Everything that is wrong with its pictures and boxes."""
    sizes = [size_of(image) for image in (*told.images, *told.parts)]
    yield from (size for size in sizes if isinstance(size, Fault))
    if told.tags != len(told.images):
        yield Fault(f"{told.tags} <image> in its texts, but {counted(len(told.images), 'picture')}",
                    "write one <image> for each entry of images, in order")  # fmt: skip
    texts = [turn.text for turn in told.turns]
    yield from _counts(texts, told.objects)
    if told.objects:
        yield from _places(told.objects, [size if isinstance(size, Size) else None for size in sizes])
    following = [*(turn.role for turn in told.turns[1:]), ""]
    for turn, text, then in zip(told.turns, _filled(texts, told.objects), following, strict=True):
        if turn.role == "assistant" and turn.learned and then != "tool_call":
            yield from _answer(text.rpartition("</think>")[2])


def _counts(texts: Sequence[str], objects: dict[str, Any] | None) -> Iterator[Fault]:
    for tag, key in (("<ref-object>", "ref"), ("<bbox>", "bbox")):
        wanted, given = sum(text.count(tag) for text in texts), len((objects or {}).get(key) or ())
        if wanted != given:
            yield Fault(f"{wanted} {tag} in its texts, but {given} in objects.{key}",
                        f"each {tag} uses up one: name what stands twice in the texts twice")  # fmt: skip


def _places(objects: dict[str, Any], sizes: Sequence[Size | None]) -> Iterator[Fault]:
    """Faults of the boxes in `objects`, which are in pixels unless they say otherwise."""
    which = objects.get("image_id") or []
    for number, box in enumerate(objects["bbox"]):
        image = which[number] if number < len(which) else 0
        if not _numbers(box) or len(box) not in (2, 4):
            yield Fault(f"the box {box!r}", "give [x1, y1, x2, y2], or [x, y] for a point")
        elif not isinstance(image, int) or not 0 <= image < len(sizes):
            yield Fault(f"a box on picture {image!r}, of {len(sizes)}", "image_id counts the pictures from 0")
        elif objects.get("bbox_type") == "norm1":
            yield from _place(box, Size(1, 1), "bbox_type norm1 wants 0 to 1")
        else:
            yield from _in_pixels(box, sizes[image])


def _in_pixels(box: Sequence[float], size: Size | None) -> Iterator[Fault]:
    if any(box) and all(0 <= value <= 1 for value in box):
        yield Fault(f"the box {_shown(box)} is a share of the picture", 'give pixels, or "bbox_type": "norm1"')
    elif size is not None:
        fits = all(0 <= value <= GRID for value in box)
        grid = "; if it is on the 0–1000 grid, that is x / 1000 * width" if fits else ""
        yield from _place(box, size, f"give pixels of the picture as it is stored{grid}")
    else:
        yield from _corners(box)


def _place(box: Sequence[float], size: Size, remedy: str) -> Iterator[Fault]:
    xs, ys = box[::2], box[1::2]
    if min(box) < 0 or max(xs) > size.width or max(ys) > size.height:
        yield Fault(f"the box {_shown(box)} is out of its picture of {size.width}x{size.height}", remedy)
    else:
        yield from _corners(box)


def _corners(box: Sequence[float]) -> Iterator[Fault]:
    if len(box) == 4 and (box[0] > box[2] or box[1] > box[3]):
        yield Fault(f"the box {_shown(box)} has its corners swapped", "give [x1, y1, x2, y2], top left first")
    elif len(box) == 4 and (box[0] == box[2] or box[1] == box[3]):
        yield Fault(f"the box {_shown(box)} is empty", "leave it out, or give a point as [x, y]")


def _filled(texts: Sequence[str], objects: dict[str, Any] | None) -> Iterator[str]:
    """The texts as ms-swift makes them, every placeholder taking the next entry; boxes are some box on the grid."""
    refs, boxes = iter((objects or {}).get("ref") or []), iter((objects or {}).get("bbox") or [])

    def fill(found: re.Match[str]) -> str:
        if found[0] == "<ref-object>":
            return str(next(refs, found[0]))
        box = next(boxes, None)
        return "[0, 0]" if isinstance(box, list) and len(box) == 2 else "[0, 0, 1, 1]"

    for text in texts:
        yield _PLACEHOLDER.sub(fill, text)


def _answer(text: str) -> Iterator[Fault]:
    """Faults of an answer that gives boxes or points as Qwen3-VL does; calls are looked at elsewhere."""
    if "<tool_call>" in text or not re.search(r"bbox_2d|point_2d", text):
        return
    begin = min(place for place in (text.find("["), text.find("{"), len(text)) if place >= 0)
    try:
        given, end = json.JSONDecoder().raw_decode(text, begin)
    except ValueError as error:
        if re.search(r"\}\s*\{", text):
            yield Fault("no comma between two boxes of an answer", _FORM)
        else:
            yield Fault(f"an answer with boxes is no JSON: {error}", _FORM)
        return
    if re.search(r"bbox_2d|point_2d", text[end:]):
        comma = "no comma between two boxes of an answer" if re.match(r"\s*\{", text[end:]) else "boxes beside a list"
        yield Fault(comma, _FORM)
    for one in given if isinstance(given, list) else [given]:
        yield from _on_the_grid(one)


def _on_the_grid(one: object) -> Iterator[Fault]:
    if not isinstance(one, dict) or not one.keys() & {"bbox_2d", "point_2d"}:
        yield Fault("an answer lists something without bbox_2d", _FORM)
        return
    box: Any = one.get("bbox_2d", one.get("point_2d"))
    if isinstance(box, str):
        yield Fault(f"the box {box!r} stands in quotes", "write <bbox>, or the numbers, without them")
    elif not _numbers(box) or len(box) != (4 if "bbox_2d" in one else 2):
        yield Fault(f"the box {box!r} of an answer", "give [x1, y1, x2, y2], or [x, y] as point_2d")
    elif not all(0 <= value <= GRID for value in box):
        yield Fault(f"the box {_shown(box)} of an answer is not on the 0–1000 grid; these look like pixels", ON_THE_GRID
                    + "; or write <bbox> and give pixels in objects")  # fmt: skip
    else:
        yield from _corners(box)


def _numbers(box: Any) -> bool:
    return isinstance(box, list) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in box)


def _shown(box: Sequence[float]) -> str:
    return f"[{', '.join(f'{value:g}' for value in box)}]"
