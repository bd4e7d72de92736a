"""The benchmark's parts run; its figures are for people to read, not for a test to judge."""

import pytest

from tests.bench.capture import captures
from tests.bench.replay import replay
from tests.bench.steps import resets, steps


@pytest.mark.soak
@pytest.mark.desktop
@pytest.mark.browser
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("part", "rows"), [(captures, 4), (resets, 3), (steps, 12), (replay, 4)])
async def test_a_part_of_the_benchmark_gives_its_table(part: object, rows: int) -> None:
    assert callable(part)
    table = await part()
    assert table.row_count == rows
