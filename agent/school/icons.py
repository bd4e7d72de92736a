"""Icons: a few signs that people know by a name, drawn from lines."""

from collections.abc import Sequence

from PIL import ImageDraw

from agent.school.sheet import Area, Colour

Line = Sequence[tuple[float, float]]
_STROKES: dict[str, tuple[Line, ...]] = {
    "close": (((0.15, 0.15), (0.85, 0.85)), ((0.85, 0.15), (0.15, 0.85))),
    "plus": (((0.5, 0.1), (0.5, 0.9)), ((0.1, 0.5), (0.9, 0.5))),
    "minus": (((0.1, 0.5), (0.9, 0.5)),),
    "check": (((0.1, 0.55), (0.4, 0.85), (0.9, 0.15)),),
    "menu": (((0.1, 0.2), (0.9, 0.2)), ((0.1, 0.5), (0.9, 0.5)), ((0.1, 0.8), (0.9, 0.8))),
    "back": (((0.6, 0.1), (0.2, 0.5), (0.6, 0.9)), ((0.2, 0.5), (0.95, 0.5))),
    "forward": (((0.4, 0.1), (0.8, 0.5), (0.4, 0.9)), ((0.8, 0.5), (0.05, 0.5))),
    "up": (((0.15, 0.65), (0.5, 0.3), (0.85, 0.65)),),
    "down": (((0.15, 0.35), (0.5, 0.7), (0.85, 0.35)),),
    "mail": (((0.05, 0.2), (0.95, 0.2), (0.95, 0.8), (0.05, 0.8), (0.05, 0.2), (0.5, 0.55), (0.95, 0.2)),),
    "home": (((0.05, 0.5), (0.5, 0.1), (0.95, 0.5)), ((0.2, 0.45), (0.2, 0.9), (0.8, 0.9), (0.8, 0.45))),
    "trash": (((0.1, 0.25), (0.9, 0.25)), ((0.35, 0.25), (0.4, 0.1), (0.6, 0.1), (0.65, 0.25)),
              ((0.2, 0.25), (0.27, 0.92), (0.73, 0.92), (0.8, 0.25)), ((0.5, 0.4), (0.5, 0.78))),
    "star": (((0.5, 0.05), (0.63, 0.37), (0.97, 0.4), (0.7, 0.61), (0.8, 0.95), (0.5, 0.75), (0.2, 0.95), (0.3, 0.61),
              (0.03, 0.4), (0.37, 0.37), (0.5, 0.05)),),
    "heart": (((0.5, 0.9), (0.08, 0.45), (0.1, 0.2), (0.3, 0.1), (0.5, 0.28), (0.7, 0.1), (0.9, 0.2), (0.92, 0.45),
               (0.5, 0.9)),),
    "edit": (((0.1, 0.9), (0.17, 0.63), (0.75, 0.07), (0.93, 0.25), (0.37, 0.83), (0.1, 0.9)),),
    "download": (((0.5, 0.05), (0.5, 0.65)), ((0.25, 0.42), (0.5, 0.67), (0.75, 0.42)), ((0.1, 0.92), (0.9, 0.92))),
    "play": (((0.2, 0.1), (0.85, 0.5), (0.2, 0.9), (0.2, 0.1)),),
    "pause": (((0.32, 0.12), (0.32, 0.88)), ((0.68, 0.12), (0.68, 0.88))),
    "flag": (((0.2, 0.95), (0.2, 0.08), (0.85, 0.3), (0.2, 0.52)),),
}  # fmt: skip
_ROUND: dict[str, tuple[tuple[float, float, float, float], Line]] = {
    "search": ((0.08, 0.08, 0.66, 0.66), ((0.6, 0.6), (0.95, 0.95))),
    "clock": ((0.05, 0.05, 0.95, 0.95), ((0.5, 0.22), (0.5, 0.52), (0.72, 0.62))),
    "person": ((0.32, 0.05, 0.68, 0.41), ((0.12, 0.95), (0.18, 0.65), (0.5, 0.52), (0.82, 0.65), (0.88, 0.95))),
    "info": ((0.05, 0.05, 0.95, 0.95), ((0.5, 0.42), (0.5, 0.78))),
}
ICONS = (*_STROKES, *_ROUND)
"""Their names."""


def draw_icon(draw: ImageDraw.ImageDraw, name: str, area: Area, ink: Colour) -> None:
    """Draws one that fills the area."""
    thick = max(1, area.width // 10)
    wide, tall = area.width - 1, area.height - 1

    def placed(line: Line) -> list[tuple[float, float]]:
        return [(area.left + x * wide, area.top + y * tall) for x, y in line]

    strokes = _STROKES.get(name, ())
    if name in _ROUND:
        (left, top, right, bottom), stroke = _ROUND[name]
        strokes = (stroke,)
        draw.ellipse(placed(((left, top), (right, bottom))), outline=ink, width=thick)
    for stroke in strokes:
        draw.line(placed(stroke), fill=ink, width=thick, joint="curve")
