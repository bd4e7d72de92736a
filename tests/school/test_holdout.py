import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.school.holdout import SEEDS, HeldOutError, Part, require
from agent.school.screens import LEVELS, draw
from agent.school.teach import STAGES, lessons


def test_training_and_figures_share_no_seed_and_nothing_lies_beyond() -> None:
    assert SEEDS["training"] == range(50_000)
    assert SEEDS["figures"] == range(50_000, 60_000)


@given(st.integers(), st.sampled_from(["training", "figures"]))
def test_a_seed_belongs_to_one_part_at_most(seed: int, part: Part) -> None:
    if seed in SEEDS[part]:
        assert require(seed, part) == seed
    else:
        with pytest.raises(HeldOutError, match=str(seed)):
            require(seed, part)


@pytest.mark.parametrize("level", LEVELS)
def test_no_picture_is_drawn_of_a_seed_that_is_held_out(level: str) -> None:
    for seed, part in ((50_000, "training"), (49_999, "figures"), (60_000, "figures"), (60_000, "training")):
        with pytest.raises(HeldOutError):
            draw(seed, level, part=part)  # type: ignore[arg-type]


@pytest.mark.parametrize("stage", STAGES)
def test_no_lesson_is_made_of_a_seed_that_is_held_out(stage: str) -> None:
    for seed, part in ((50_000, "training"), (49_999, "figures"), (60_000, "figures"), (-1, "training")):
        with pytest.raises(HeldOutError):
            lessons(seed, stage, part=part)  # type: ignore[arg-type]
    assert lessons(50_000, stage, part="figures").completion
