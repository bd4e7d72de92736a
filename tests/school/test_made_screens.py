import numpy as np
import pytest

from agent.school.fonts import FAMILIES, face, families, gather
from agent.school.screens import LEVELS, Level, Screen, draw
from agent.school.sheet import Area, Element

SEEDS = range(12)


def screens(level: Level) -> list[Screen]:
    return [draw(seed, level) for seed in SEEDS]


@pytest.mark.parametrize("level", LEVELS)
def test_a_seed_is_always_the_same_screen_and_no_other(level: Level) -> None:
    once, again, other = draw(3, level), draw(3, level), draw(3, level, again=1)
    assert np.array_equal(once.picture, again.picture)
    assert once.elements == again.elements
    assert once.elements != other.elements or not np.array_equal(once.picture, other.picture)


@pytest.mark.parametrize("level", LEVELS)
def test_everything_lies_on_the_picture_and_every_text_can_be_seen_where_it_is_said_to_stand(level: Level) -> None:
    for screen in screens(level):
        height, width, _ = screen.picture.shape
        for one in screen.elements:
            assert one.box.inside(Area(0, 0, width, height))
            assert one.box.width > 0 < one.box.height
            if one.words:
                left, top, right, bottom = one.words
                spot = screen.picture[max(top, 0) : bottom, max(left, 0) : right].astype(int)
                assert np.ptp(spot.sum(axis=2)) > 60, (one, "no ink")


@pytest.mark.parametrize("level", LEVELS)
def test_no_text_stands_on_another(level: Level) -> None:
    for screen in screens(level):
        told = [one for one in screen.elements if one.words]
        for number, one in enumerate(told):
            for other in told[number + 1 :]:
                assert not overlapping(one, other), (one, other)


def overlapping(one: Element, other: Element) -> bool:
    """By more than the pixel or two that lines of small print share."""
    return bool(one.words and other.words and one.words.inset(0, 2).meets(other.words.inset(0, 2)))


def test_letters_spell_the_texts() -> None:
    screen = draw(5, "few")
    spelt = "".join(letter.sign for letter in screen.letters if letter.sign.strip())
    for one in screen.elements:
        assert "".join(one.text.split()) in spelt


def test_every_font_is_free_and_those_here_can_be_carried_away(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("fonts")
    files = gather(folder)
    assert {file.name for file in files} == {name for one in families() for name in (one.plain, one.bold)}
    free = ("OFL-1.1", "Apache-2.0", "Bitstream Vera", "AGPL-3.0 with the font exception")
    assert all(family.licence in free for family in FAMILIES)


def test_a_text_is_as_wide_as_its_letters() -> None:
    one = face(families()[0], 13)
    assert one.width("Save as") == sum(one.glyph(sign).width for sign in "Save as")
    assert one.width("") == 0
