"""Circles that a model goes in: how they are noticed, what is told, when it is enough."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from agent.guard import Circle, circle
from agent.trace import Completion, Decision, Step
from env.base import Effect, Observation
from tools.actions import BrowserAction, ComputerAction, Key, LeftClick, Outcome, Scroll, Type, Wait
from tools.geometry import GridPoint, Size

SIZE = Size(1000, 1000)
A, B, C = Key(keys=("a",)), Key(keys=("b",)), Key(keys=("c",))


def click(x: int, y: int) -> LeftClick:
    return LeftClick(coordinate=GridPoint(x, y))


def seen(picture: str) -> Observation:
    return Observation(path=Path(picture), sha256=picture, size=SIZE, settled=True, waited=0)


def found(
    actions: Sequence[ComputerAction | BrowserAction], pictures: Sequence[str],
    effects: Sequence[Effect | None] = (), ok: bool = True,
) -> Circle | None:  # fmt: skip
    """What is noticed after these actions, one picture before each and one after the last."""
    did = [None, *(effects or [Effect.CHANGED] * len(actions))]
    steps = [
        Step(number=n + 1, seen=seen(pictures[n]), effect_before=did[n], completion=Completion(text=""),
             reply=Decision(thought="", say="", action=action), outcome=Outcome(ok=ok))
        for n, action in enumerate(actions)
    ]  # fmt: skip
    return circle(steps, seen(pictures[len(actions)]), did[len(actions)])


def test_nothing_is_no_circle() -> None:
    assert found([], "p") is None
    assert found([A, A, A], "pqrs") is None
    assert found([A, A], "ppp") is None


@pytest.mark.parametrize(
    ("times", "told", "over"), [(2, False, False), (3, True, False), (4, True, False), (5, True, True)]
)
def test_the_same_action_on_the_same_picture(times: int, told: bool, over: bool) -> None:
    got = found([A] * times, "p" * (times + 1))
    assert (got is not None, bool(got and got.over)) == (told, over)
    if got:
        assert got.words.startswith(f"you did this {times} times, and the screen stays the same; do something else")


def test_a_picture_that_changed_breaks_the_circle() -> None:
    assert found([A] * 4, "pppqq") is None
    assert found([A] * 4, "ppppq") is None


def test_targets_within_five_pixels_are_the_same() -> None:
    near, far = [click(500, 500), click(503, 504), click(500, 500)], [click(500, 500), click(506, 500), click(500, 500)]
    assert found(near, "pppp")
    assert found(far, "pppp") is None
    assert (
        found([Scroll(coordinate=GridPoint(5, 5), pixels=-50), Scroll(coordinate=GridPoint(5, 5), pixels=50)], "ppp")
        is None
    )


@pytest.mark.parametrize(
    ("length", "rounds", "told", "over"),
    [(2, 1, False, False), (2, 2, True, False), (2, 3, True, False), (2, 4, True, True), (3, 2, True, False),
     (3, 4, True, True), (4, 2, True, False), (4, 4, True, True)],
)  # fmt: skip
def test_rounds_that_come_back(length: int, rounds: int, told: bool, over: bool) -> None:
    actions = [Type(text=str(n)) for n in range(length)] * rounds
    pictures = [f"p{n}" for n in range(length)] * rounds + ["p0"]
    got = found(actions, pictures)
    assert (got is not None, bool(got and got.over)) == (told, over)
    if got:
        assert f"you repeat the same {length} actions" in got.words


def test_going_to_and_fro_over_new_pictures_is_work() -> None:
    assert found([A, B] * 4, "abcdefghi") is None


def test_different_actions_without_effect() -> None:
    idle = [Effect.UNCHANGED] * 8
    different = [Type(text=str(n)) for n in range(8)]
    assert found(different[:3], "pqpqp", idle[:3]) is None
    got = found(different[:4], "pqrst", idle[:4])
    assert got
    assert (got.over, got.words.startswith("your last 4 actions had no effect")) == (False, True)
    got = found(different, "pqrstuvwx", idle)
    assert got
    assert got.over
    assert found([*different[:3], Wait(time=1)], "pqrst", idle[:4]) is None
    refused = found(different[:4], "pqrst", [None] * 4, ok=False)
    assert refused
    assert "no effect" in refused.words
