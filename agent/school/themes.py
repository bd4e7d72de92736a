"""The looks of screens: colours, fonts and densities, drawn at random so that texts can be read on them."""

from random import Random

from agent.school.fonts import Family, families
from agent.school.sheet import Colour, Theme

_WHITE: Colour = (255, 255, 255)
_BLACK: Colour = (0, 0, 0)


def plain(rng: Random, size: int, few: int = 1) -> Theme:
    """Black on white with grey buttons, as pages without any style are; one of the `few` commonest fonts."""
    return Theme(
        family=rng.choice(families()[:few]), size=size, ground=_WHITE, ink=_BLACK, field=_WHITE, line=(118, 118, 118),
        face=(239, 239, 239), face_ink=_BLACK, accent=(0, 117, 255), accent_ink=_WHITE, link=(0, 0, 238),
        radius=rng.choice((0, 2, 3)), pad=rng.randint(3, 6), gap=rng.randint(4, 8),
    )  # fmt: skip


def styled(rng: Random, least: int, most: int) -> Theme:
    """Any looks at all. `least` and `most` are sizes of its font in pixels."""
    dark = rng.random() < 0.2
    ground = tinted(rng, 15, 55) if dark else rng.choice((_WHITE, _WHITE, tinted(rng, 228, 255)))
    ink = tinted(rng, 205, 255) if dark else tinted(rng, 0, 70)
    accent = vivid(rng)
    face = accent if rng.random() < 0.4 else shifted(ground, 30 if dark else -rng.randint(12, 40))
    return Theme(
        family=pick_family(rng), size=rng.randint(least, most), ground=ground, ink=ink,
        field=shifted(ground, 14) if dark else _WHITE, line=shifted(ground, 70 if dark else -rng.randint(50, 130)),
        face=face, face_ink=readable(face), accent=accent, accent_ink=readable(accent),
        link=shifted(accent, 60) if dark else shifted(accent, -30), radius=rng.choice((0, 0, 2, 3, 4, 6, 8)),
        pad=rng.randint(3, 10), gap=rng.randint(4, 14),
    )  # fmt: skip


def pick_family(rng: Random, few: int | None = None) -> Family:
    """A font; the commonest come more often."""
    here = families()[:few]
    return here[min(int(rng.expovariate(3 / len(here))), len(here) - 1)]


def tinted(rng: Random, least: int, most: int) -> Colour:
    """Nearly grey."""
    middle = rng.randint(least, most)
    red, green, blue = (min(max(middle + rng.randint(-12, 12), 0), 255) for _ in range(3))
    return red, green, blue


def vivid(rng: Random) -> Colour:
    """A strong colour."""
    low, high, middle = rng.randint(0, 70), rng.randint(130, 230), rng.randint(30, 190)
    red, green, blue = rng.sample((low, high, middle), 3)
    return red, green, blue


def shifted(colour: Colour, by: int) -> Colour:
    """Lighter, or darker."""
    red, green, blue = (min(max(part + by, 0), 255) for part in colour)
    return red, green, blue


def readable(ground: Colour) -> Colour:
    """Black or white, whichever is seen on it."""
    red, green, blue = ground
    return _BLACK if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else _WHITE
