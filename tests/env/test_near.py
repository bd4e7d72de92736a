"""Worlds without a keeper: the same contract."""

from pathlib import Path

import pytest

from env.conformance import check_environment
from env.near import NearEnvironment
from env.world import WorldSpec
from tests.env.worlds import CHANGES, OUTSIDE, PAGES, SETUPS, SIZE


@pytest.mark.soak
@pytest.mark.browser
async def test_a_world_in_this_process_keeps_the_contract(tmp_path: Path) -> None:
    spec = WorldSpec(kind="browser", size=SIZE, assets=PAGES)
    await check_environment(
        lambda: NearEnvironment(spec), tmp_path, setup=SETUPS["browser"], change=CHANGES["browser"], outside=OUTSIDE
    )
