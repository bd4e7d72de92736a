"""The service under load: many runs at once on two workers, how long calls take meanwhile, how soon followers hear."""

import asyncio
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from rich.table import Table

from agent.service.client import Client
from agent.service.worker import new_name
from agent.trace import RunFolder
from tests.agent.desk import SOLUTION
from tests.service.conftest import ROOT, Service, a_setup, small

SCENARIOS = ("test/a", "test/b")
_PATIENCE = 600.0


@dataclass
class Load:
    """What came of a load: times in seconds; runs by how they ended, those that were lost, those with a step twice."""

    took: float
    idle: list[float]
    busy: list[float]
    heard: list[float]
    statuses: Counter[str] = field(default_factory=Counter)
    workers: int = 0
    attempts: int = 0
    twice: int = 0


def p(times: list[float], share: float) -> float:
    """A percentile, in milliseconds."""
    return 1000 * sorted(times)[min(int(len(times) * share), len(times) - 1)]


async def service(runs: int = 200) -> Table:
    """A table; nothing else is running while it is measured."""
    load = await asyncio.to_thread(measured, runs)
    table = Table(title=f"the service: {runs} runs at once on 2 workers, a scripted world each, SQLite")
    for column in ("what", "p50", "p95", "of so many"):
        table.add_column(column, justify="left" if column == "what" else "right")
    rows = {
        "a call, nothing under way": load.idle,
        "a call, meanwhile": load.busy,
        "a state is heard (SSE)": load.heard,
    }
    for what, times in rows.items():
        table.add_row(what, f"{p(times, 0.5):.0f} ms", f"{p(times, 0.95):.0f} ms", str(len(times)))
    table.add_row("calls, meanwhile : before", f"{p(load.busy, 0.5) / p(load.idle, 0.5):.1f}",
                  f"{p(load.busy, 0.95) / p(load.idle, 0.95):.1f}", "")  # fmt: skip
    table.caption = (
        f"{runs / load.took:.1f} runs a second; ended: {dict(load.statuses)}; on {load.workers} workers,"
        f" {load.attempts} attempts, {load.twice} with a step twice"
    )
    return table


def measured(runs: int, database: str = "") -> Load:
    """Puts a service of its own under load."""
    with tempfile.TemporaryDirectory() as place, two_workers(Path(place), database) as running:
        idle = [_called(running, "/v1/runs", limit=50) for _ in range(50)]
        heard = _heard(running, 20)
        body = {"scenarios": SCENARIOS, "seeds": [*range(runs // 2)], "model": "solution"}
        began = time.monotonic()
        batch = running.ada.post("/v1/batches", json=body).json()["id"]
        busy = list[float]()
        while running.ada.get(f"/v1/batches/{batch}").json()["states"].get("ended", 0) < runs:
            busy += [_called(running, "/v1/runs", batch=batch, limit=50), _called(running, f"/v1/batches/{batch}"),
                     _called(running, "/metrics")]  # fmt: skip
            assert time.monotonic() - began < _PATIENCE, "runs were lost"
        load = Load(time.monotonic() - began, idle, busy, heard)
        _judge(running, batch, load)
        return load


@contextmanager
def two_workers(place: Path, database: str) -> Iterator[Service]:
    """A service of small tasks, with its own worker and another one."""
    setup = a_setup(place / "service", database, waiting=1000, share=16, slots=4, private=True, lost_after=15.0)
    running = Service(setup, small(setup))
    command = [sys.executable, "-m", "tests.service.small_service", setup.model_dump_json(), new_name()]
    second = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        running.eventually(lambda: running.ada.get("/readyz").json()["workers"] == 2)
        yield running
    finally:
        assert second.stdin
        second.stdin.close()
        second.wait(60)
        running.stop()


def _called(running: Service, path: str, **asked: str | int) -> float:
    began = time.monotonic()
    running.ada.get(path, params=asked).raise_for_status()
    return time.monotonic() - began


def _heard(running: Service, rounds: int) -> list[float]:
    """How long after it was done a follower hears that a run was held, and that it goes on."""
    (running.setup.folder / "hold").touch()
    run = running.order(model="held", seed=1)["id"]
    arrived = list[float]()

    def follow() -> None:
        with Client(running.address, running.token) as client:
            for event in client.follow(run):
                if event.kind == "state":
                    arrived.append(time.monotonic())

    follower = threading.Thread(target=follow)
    follower.start()
    running.until(run, state="running")
    _until(lambda: len(arrived) == 2)
    took = []
    for number in range(rounds):
        running.ada.post(f"/v1/runs/{run}/{('pause', 'resume')[number % 2]}").raise_for_status()
        done = time.monotonic()
        _until(partial(_are, arrived, number + 3))
        took.append(max(arrived[-1] - done, 0.0))
    (running.setup.folder / "hold").unlink()
    follower.join()
    return took


def _are(arrived: list[float], count: int) -> bool:
    return len(arrived) >= count


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE
    while not true():
        assert time.monotonic() < end
        threading.Event().wait(0.002)


def _judge(running: Service, batch: str, load: Load) -> None:
    """Reads the runs' own folders: what was done is what stands there."""
    runs: list[dict[str, Any]] = running.ada.get("/v1/runs", params={"batch": batch, "limit": 500}).json()["runs"]
    load.statuses = Counter(run["status"] for run in runs)
    load.workers = len({attempt["worker"] for run in runs for attempt in run["attempts"]})
    load.attempts = sum(len(run["attempts"]) for run in runs)
    for run in runs:
        last = max(attempt["number"] for attempt in run["attempts"])
        steps = [step.number for step in RunFolder(running.setup.runs / run["id"] / str(last)).steps()]
        load.twice += steps != [*range(1, len(SOLUTION) + 1)]
