"""The loss of a tuning as a picture."""

from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from agent.training.progress import Point

_SIZE = (960, 540)
_LEFT, _TOP, _RIGHT, _BOTTOM = 80, 56, 930, 480
_INK, _PALE, _GRID = "#24292f", "#6e7781", "#d8dee4"
_TRAIN, _VALIDATION = "#0969da", "#cf222e"
_LINES = 5
_TWICE = 2
"""Drawn at this scale and made smaller: smooth lines."""

Place = Callable[[Point], tuple[float, float]]


def draw_curve(points: Sequence[Point], title: str, path: Path) -> None:
    """Writes a PNG: loss over steps, blue of training rows, red of validation rows. `points` may not be empty."""
    picture = Image.new("RGB", (_SIZE[0] * _TWICE, _SIZE[1] * _TWICE), "white")
    pen = _Pen(ImageDraw.Draw(picture))
    low, high = _range([point.loss for point in points])
    last = max(1, *(point.steps for point in points))

    def place(point: Point) -> tuple[float, float]:
        across = _LEFT + (_RIGHT - _LEFT) * point.step / last
        return across, _BOTTOM - (_BOTTOM - _TOP) * (point.loss - low) / (high - low)

    _frame(pen, title, low, high, last)
    for validation, colour in ((False, _TRAIN), (True, _VALIDATION)):
        some = [place(point) for point in points if point.validation is validation]
        pen.line(some, colour)
        for at in some if validation or len(some) <= 60 else ():
            pen.dot(at, colour)
    _legend(pen, points)
    picture.resize(_SIZE, Image.Resampling.LANCZOS).save(path)


class _Pen:
    def __init__(self, draw: ImageDraw.ImageDraw) -> None:
        self._draw = draw

    def line(self, places: Sequence[tuple[float, float]], colour: str, width: float = 2.0) -> None:
        scaled = [(x * _TWICE, y * _TWICE) for x, y in places]
        self._draw.line(scaled, colour, round(width * _TWICE), joint="curve")

    def dot(self, place: tuple[float, float], colour: str) -> None:
        self._draw.circle((place[0] * _TWICE, place[1] * _TWICE), 3 * _TWICE, colour)

    def text(self, place: tuple[float, float], text: str, colour: str, anchor: str, size: int = 14) -> None:
        font = ImageFont.load_default(size * _TWICE)
        self._draw.text((place[0] * _TWICE, place[1] * _TWICE), text, colour, font, anchor=anchor)


def _range(losses: Sequence[float]) -> tuple[float, float]:
    """What the picture spans: a little more than the losses do."""
    low, high = min(losses), max(losses)
    room = max(0.05 * (high - low), 1e-3)
    return low - room, high + room


def _frame(pen: _Pen, title: str, low: float, high: float, last: int) -> None:
    pen.text((_LEFT, 22), title, _INK, "lm", 17)
    for number in range(_LINES):
        share = number / (_LINES - 1)
        y, x = _BOTTOM - (_BOTTOM - _TOP) * share, _LEFT + (_RIGHT - _LEFT) * share
        pen.line([(_LEFT, y), (_RIGHT, y)], _GRID, 1.0)
        pen.text((_LEFT - 10, y), f"{low + (high - low) * share:.4g}", _PALE, "rm")
        pen.text((x, _BOTTOM + 18), f"{last * share:.4g}", _PALE, "mm")
    pen.text(((_LEFT + _RIGHT) / 2, _BOTTOM + 42), "step", _PALE, "mm")


def _legend(pen: _Pen, points: Sequence[Point]) -> None:
    right = float(_RIGHT)
    for validation, colour, word in ((True, _VALIDATION, "validation"), (False, _TRAIN, "training")):
        some = [point for point in points if point.validation is validation]
        if some:
            text = f"{word} {some[-1].loss:.4g}"
            pen.text((right, 22), text, colour, "rm", 15)
            right -= 9.5 * len(text)
