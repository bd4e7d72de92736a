"""A bench on a Ray of this machine, and on a cluster of two on its loopback, of which one dies."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from agent.bench.rows import row_of
from agent.trace import Status
from env.settle import until
from tests.agent.small_bench import PATIENCE, SEEDS, plan

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]
ROOT = Path(__file__).resolve().parent.parent.parent
HELD = (2, 3)


def start(*arguments: str | Path) -> "subprocess.Popen[str]":
    pytest.importorskip("ray")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    return subprocess.Popen(
        [sys.executable, "-m", *map(str, arguments)], env=environment | {"PYTHONPATH": str(ROOT)}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip


def rows(folder: Path) -> list[Status]:
    return [row.status for job in plan().jobs() if (row := row_of(folder, job))]


def told(folder: Path, what: str) -> Sequence[int]:
    log = folder.parent / f"{what}.log"
    return sorted(map(int, log.read_text().split())) if log.exists() else []


def test_a_ray_of_this_machine(tmp_path: Path) -> None:
    with start("tests.agent.small_bench", tmp_path / "bench", "local") as bench:
        said, _ = bench.communicate(timeout=PATIENCE)
    assert (bench.returncode, said.split()) == (0, [])
    assert rows(tmp_path / "bench") == [Status.PASSED] * len(SEEDS)
    assert told(tmp_path / "bench", "done") == list(SEEDS)


async def test_the_runs_of_a_node_that_dies_are_done_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / "bench"
    for seed in HELD:
        (tmp_path / f"hold-{seed}").touch()
    with start("tests.agent.two_nodes") as cluster:
        assert cluster.stdin
        assert cluster.stdout
        address = cluster.stdout.readline().strip()
        with start("tests.agent.small_bench", folder, address) as bench:

            async def stuck() -> bool | None:
                assert bench.poll() is None
                return (len(rows(folder)) == 2 and set(HELD) <= set(told(folder, "asked"))) or None

            await until(stuck, PATIENCE, "a run that waits on each node")
            cluster.stdin.write("kill\n")
            cluster.stdin.flush()
            assert cluster.stdout.readline() == "killed\n"
            for seed in HELD:
                (tmp_path / f"hold-{seed}").unlink()
            said, _ = bench.communicate(timeout=PATIENCE)
            assert bench.returncode == 0
        cluster.communicate(timeout=PATIENCE)
    assert rows(folder) == [Status.PASSED] * len(SEEDS)
    assert [seed in map(str, HELD) for seed in said.split()] == [True]  # the one run that lost its node
    assert told(folder, "done") == list(SEEDS)
