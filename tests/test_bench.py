"""The benchmark's parts run; its figures are for people to read, not for a test to judge."""

from pathlib import Path

import pytest

from env.osworld.client import NAMES
from tests.bench.capture import captures
from tests.bench.demonstrations import demonstrations
from tests.bench.episodes import RIVALS, ROWS, episodes
from tests.bench.osworld import osworld
from tests.bench.replay import replay
from tests.bench.steps import resets, steps


@pytest.mark.soak
@pytest.mark.desktop
@pytest.mark.browser
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("part", "rows"), [(captures, 4), (resets, 3), (steps, 12), (replay, 4), (demonstrations, 2)])
async def test_a_part_of_the_benchmark_gives_its_table(part: object, rows: int) -> None:
    assert callable(part)
    table = await part()
    assert table.row_count == rows


@pytest.mark.soak
@pytest.mark.desktop
@pytest.mark.timeout(600)
@pytest.mark.skipif(not NAMES.is_file(), reason="no .venv-osworld: run 'bash docker/setup-osworld.sh'")
async def test_osworld_s_client_is_compared_in_three_rows() -> None:
    assert (await osworld(rounds=1)).row_count == 6


@pytest.mark.soak
@pytest.mark.browser
@pytest.mark.timeout(600)
@pytest.mark.skipif(not (RIVALS / "setup.stamp").is_file(), reason="no .venv-rivals: run 'bash docker/setup-rivals.sh'")
async def test_every_side_solves_the_same_episodes() -> None:
    table = await episodes(workers=(1,), rounds=1)
    assert table.row_count == 9
    assert list(table.columns[6].cells) == ["3/3"] * 9


@pytest.mark.browser
async def test_without_its_rivals_surehand_plays_alone_and_says_so(tmp_path: Path) -> None:
    table = await episodes(workers=(1,), rounds=1, rows=ROWS[:1], pages=["enter-text"], rivals=tmp_path)
    assert list(table.columns[6].cells) == ["1/1"]
    assert "docker/setup-rivals.sh" in str(table.caption)
