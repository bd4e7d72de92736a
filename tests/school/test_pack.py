from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from agent.school import pack
from agent.school.lesson import Lesson
from agent.school.teach import lessons


def same(one: Lesson, other: Lesson) -> bool:
    pictures = zip(one.pictures, other.pictures, strict=True)
    return (one.kind, one.messages, one.completion, one.letters) == (
        other.kind, other.messages, other.completion, other.letters,
    ) and all(np.array_equal(ours, theirs) and theirs.dtype == np.uint8 for ours, theirs in pictures)  # fmt: skip


def test_lessons_come_back_to_the_last_bit_and_in_their_order(tmp_path: Path) -> None:
    told = [lessons(seed, stage) for stage in ("words", "page", "task") for seed in range(15)]
    told.append(Lesson("two", (told[0].pictures[0], told[20].pictures[0]), told[0].messages, "ä\n\u2028"))
    told.append(Lesson("none", (), told[0].messages, ""))
    assert pack.write(tmp_path / "some.lessons", told, {"seeds": 15}) == len(told)
    back = list(pack.read(tmp_path / "some.lessons"))
    assert all(same(one, other) for one, other in zip(told, back, strict=True))
    anywhere = pack.Pack(tmp_path / "some.lessons")
    assert len(anywhere) == len(told)
    assert all(same(anywhere[number], told[number]) for number in (len(told) - 1, 0, 21, -2))
    assert [one.completion for one in anywhere[5:9]] == [one.completion for one in told[5:9]]
    assert pack.about(tmp_path / "some.lessons") == {"version": 1, "lessons": len(told), "seeds": 15}


@settings(max_examples=25, deadline=None)
@given(st.lists(arrays.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))), max_size=5))
def test_any_pictures_come_back(tmp_path_factory: pytest.TempPathFactory, pictures: list[np.ndarray]) -> None:
    file = tmp_path_factory.mktemp("pack") / "any.lessons"
    pack.write(file, [Lesson("any", tuple(pictures), (), "x"), Lesson("any", tuple(pictures[:1]), (), "y")])
    first, second = pack.read(file)
    assert all(np.array_equal(one, other) for one, other in zip(pictures, first.pictures, strict=True))
    assert len(second.pictures) == len(pictures[:1])


def test_a_picture_that_many_lessons_show_is_kept_once(tmp_path: Path) -> None:
    lesson = replace(lessons(0, "task"), letters=())
    pack.write(tmp_path / "one", [lesson])
    pack.write(tmp_path / "many", [lesson] * 200)
    assert (tmp_path / "many").stat().st_size < 1.5 * (tmp_path / "one").stat().st_size


def test_what_breaks_off_leaves_no_file(tmp_path: Path) -> None:
    def broken() -> Iterator[Lesson]:
        yield lessons(0, "words")
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        pack.write(tmp_path / "half", broken())
    assert not list(tmp_path.iterdir())


def test_another_file_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"PK nothing")
    with pytest.raises(ValueError, match="no file of lessons"):
        list(pack.read(tmp_path / "x"))
