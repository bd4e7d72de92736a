"""A curve of training as a picture, drawn by Pillow."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

_SIZE, _EDGE = (960, 420), 48
_COLOURS = (
    "#1f77b4", "#d62728", "#2ca02c", "#ff7f0e", "#9467bd", "#8c564b", "#17becf", "#7f7f7f", "#bcbd22", "#e377c2",
    "#000080", "#ff00ff",
)  # fmt: skip


def draw_curves(looks: Sequence[Mapping[str, Any]], file: Path) -> None:
    """Loss at the left, on a scale of its own, and examinations from 0 to 1 at the right, over lessons.

    Each stage begins at a line with its name. Answers that are exact are left out: marks for near ones say more.
    """
    picture = Image.new("RGB", _SIZE, "white")
    pen = ImageDraw.Draw(picture)
    half = _SIZE[0] // 2
    losses = {name: [(look["lessons"], look[name]) for look in looks] for name in ("loss", "unread")}
    marks: dict[str, list[tuple[float, float]]] = {}
    for look in looks:
        for name, value in look["exam"].items():
            if not name.endswith(" exact"):
                marks.setdefault(name, []).append((look["lessons"], value))
    highest = max((look[name] for look in looks for name in losses), default=1.0)
    begun = _begun(looks)
    _chart(pen, losses, (0, half), highest, begun)
    _chart(pen, marks, (half, _SIZE[0]), 1.0, begun)
    picture.save(file)


def _begun(looks: Sequence[Mapping[str, Any]]) -> dict[int, str]:
    """The stage that begins after so many lessons."""
    before, name, begun = 0, "", dict[int, str]()
    for look in looks:
        if look["stage"] != name:
            begun[before] = name = look["stage"]
        before = look["lessons"]
    return begun


def _chart(
    pen: ImageDraw.ImageDraw, lines: Mapping[str, Sequence[tuple[float, float]]], sides: tuple[int, int], top: float,
    begun: Mapping[int, str],
) -> None:  # fmt: skip
    left, right, floor = sides[0] + _EDGE, sides[1] - _EDGE // 3, _SIZE[1] - _EDGE
    most = max((x for line in lines.values() for x, _ in line), default=1) or 1
    for number in range(5):
        y = floor - (floor - _EDGE) * number / 4
        pen.line([(left, y), (right, y)], fill="#dddddd")
        pen.text((sides[0] + 8, y - 6), f"{top * number / 4:.2f}", fill="black")
    for lessons, name in begun.items():
        x = left + (right - left) * lessons / most
        pen.line([(x, _EDGE), (x, floor)], fill="#bbbbbb")
        pen.text((x + 3, floor - 14), name, fill="#777777")
    pen.text((left, floor + 8), "0", fill="black")
    pen.text((right - 70, floor + 8), f"{most:,.0f} lessons", fill="black")
    for number, (name, line) in enumerate(lines.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        points = [(left + (right - left) * x / most, floor - (floor - _EDGE) * y / (top or 1)) for x, y in line]
        pen.line(points, fill=colour, width=2)
        pen.text((left + 8 + 110 * (number % 4), 8 + 14 * (number // 4)), name, fill=colour)
