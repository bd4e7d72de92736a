"""The scenarios that come with surehand, as far as they can be judged without a world."""

import pytest

from scenarios.loader import files, load
from tests.scenarios.probes import CannedProbe

SEEDS = range(40)


@pytest.mark.parametrize("name", files())
def test_every_seed_can_be_filled(name: str) -> None:
    scenario = load(name)
    draws = set()
    for seed in SEEDS:
        task = scenario.at(seed)
        assert task.oracle
        assert task.near_miss
        draws.add(repr(task.drawn))
    assert len(draws) == len(SEEDS)


@pytest.mark.parametrize("name", files())
async def test_an_empty_world_does_not_pass(name: str) -> None:
    check = load(name).at(0).check
    assert check
    result = await check.judge(CannedProbe(), None)
    assert not result.passed
