"""Every bundled scenario proves itself: the oracle passes, doing nothing fails, the near miss fails."""

from pathlib import Path

import pytest

from agent.commands.wiring import worlds
from agent.prove import prove
from agent.settings import Settings
from scenarios.loader import files, load

SCENARIOS = sorted(files())


@pytest.mark.desktop
@pytest.mark.browser
@pytest.mark.timeout(400)
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.soak), pytest.param(2, marks=pytest.mark.soak)])
@pytest.mark.parametrize("name", SCENARIOS)
async def test_a_scenario_can_be_trusted(name: str, seed: int, tmp_path: Path) -> None:
    proofs = await prove(load(name), seed, worlds(Settings()), tmp_path)
    assert not proofs.problems
