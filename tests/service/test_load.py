"""Many runs at once, on two workers: none lost, none done twice. How fast that goes is told by `make bench`."""

import pytest

from tests.bench.service import measured, p, service


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.xdist_group("service")
def test_two_hundred_runs_at_once(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    load = measured(200, database)
    with capsys.disabled():
        print(f"\n{load.took:.1f} s; calls p95 {p(load.busy, 0.95):.0f} ms, heard p95 {p(load.heard, 0.95):.0f} ms")
    assert load.statuses == {"passed": 200}
    assert (load.workers, load.attempts, load.twice) == (2, 200, 0)


@pytest.mark.soak
async def test_the_service_s_part_of_the_benchmark_gives_its_table() -> None:
    assert (await service(runs=10)).row_count == 4
