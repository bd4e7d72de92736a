"""A service that goes on for long: as large after thousands of runs as after the first hundred, and nothing is left."""

import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.agent.harm import below
from tests.service.conftest import Service, a_setup, small

SMALL_RUNS, BROWSER_RUNS = 2000, 100
MORE = 1.05
"""How much larger it may be afterwards."""
_AT_ONCE = 100


class Size(NamedTuple):
    """Of a service with its worker: MiB in memory, open handles, processes below it."""

    mib: float
    handles: int
    processes: int


def size_of(service: Service) -> Size:
    pids = [service.process.pid, *service.workers()]
    pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids]
    handles = sum(len([*Path(f"/proc/{pid}/fd").iterdir()]) for pid in pids)
    return Size(sum(pages) * 4096 / 2**20, handles, len(below(service.process.pid, "")))


def left_behind() -> set[str]:
    """Folders of worlds."""
    return {path.name for path in Path(tempfile.gettempdir()).glob("surehand*/*")}


def many(service: Service, count: int, **order: Any) -> None:
    """Runs of a batch, to their ends."""
    for first in range(0, count, _AT_ONCE):
        seeds = [*range(first, min(first + _AT_ONCE, count))]
        batch = service.ada.post("/v1/batches", json={"seeds": seeds} | order).json()
        done(service, batch["id"], len(seeds))


def done(service: Service, batch: str, count: int) -> None:
    place = f"/v1/batches/{batch}"
    service.eventually(lambda: service.ada.get(place).json()["states"].get("ended", 0) == count, within=600)
    assert service.ada.get(place).json()["statuses"] == {"passed": count}


def stays_flat(service: Service, count: int, **order: Any) -> None:
    """Warms up with a tenth of the runs, and compares after all of them."""
    many(service, count // 10, **order)
    before, worlds = size_of(service), left_behind()
    many(service, count, **order)
    after = size_of(service)
    print(f"\n{count} runs: {before} -> {after}")
    assert after.mib <= MORE * before.mib
    assert after.handles <= before.handles + 5
    assert after.processes == before.processes
    assert left_behind() <= worlds


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.xdist_group("service")
def test_memory_is_flat_over_small_runs(tmp_path: Path) -> None:
    setup = a_setup(tmp_path / "service", "", waiting=1000)
    with Service(setup, small(setup)) as service:
        stays_flat(service, SMALL_RUNS, scenarios=["test/a"], model="solution")


@pytest.mark.soak
@pytest.mark.browser
@pytest.mark.timeout(3600)
@pytest.mark.xdist_group("browsing")
def test_memory_is_flat_over_browser_runs(browsing: Service) -> None:
    stays_flat(browsing, BROWSER_RUNS, scenarios=["ask"])
