"""Every bundled scenario proves itself: the oracle passes, doing nothing fails, the near miss fails."""

from pathlib import Path

import pytest

from agent.commands.wiring import worlds
from agent.prove import prove
from agent.settings import Settings
from scenarios.loader import files, load

LONGEST = [
    f"desktop/{name}"
    for name in ("browser-settings", "calc-total", "document-to-form", "web-to-sheet", "writer-letter")
]
"""Those that take longest; `make soak` proves them."""
PROOFS = [
    pytest.param(name, seed, marks=pytest.mark.soak if seed or name in LONGEST else ())
    for name in sorted(files())
    for seed in (0, 1, 2)
]


@pytest.mark.desktop
@pytest.mark.browser
@pytest.mark.timeout(400)
@pytest.mark.parametrize(("name", "seed"), PROOFS)
async def test_a_scenario_can_be_trusted(name: str, seed: int, tmp_path: Path) -> None:
    proofs = await prove(load(name), seed, worlds(Settings()), tmp_path)
    assert not proofs.problems
