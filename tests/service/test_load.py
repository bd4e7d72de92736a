"""Many runs at once, on two workers: none lost, none done twice; how long the interface takes meanwhile is printed."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from agent.service.worker import new_name
from agent.trace import RunFolder
from tests.agent.desk import SOLUTION
from tests.service.conftest import ROOT, Service, a_setup, small

RUNS = 200


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_two_hundred_runs_at_once(database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    setup = a_setup(tmp_path / "service", database, waiting=1000, share=16, slots=4)
    service = Service(setup, small(setup))
    command = [sys.executable, "-m", "tests.service.small_service", setup.model_dump_json(), new_name()]
    second = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    service.eventually(lambda: service.ada.get("/readyz").json()["workers"] == 2)
    took: list[float] = []

    def timed(place: str, **asked: str | int) -> Any:
        began = time.monotonic()
        answer = service.ada.get(place, params=asked)
        took.append(time.monotonic() - began)
        return answer.json()

    body = {"scenarios": ["test/a", "test/b"], "seeds": [*range(RUNS // 2)], "model": "solution"}
    batch = service.ada.post("/v1/batches", json=body).json()
    began = time.monotonic()
    while timed(f"/v1/batches/{batch['id']}")["states"].get("ended", 0) < RUNS:
        page = timed("/v1/runs", batch=batch["id"], limit=50)
        timed(f"/v1/runs/{page['runs'][0]['id']}")
        assert time.monotonic() - began < 600
    took.sort()
    took_all = time.monotonic() - began
    with capsys.disabled():
        print(f"\n{RUNS} runs in {took_all:.1f} s; {len(took)} calls, p50 {1000 * took[len(took) // 2]:.0f} ms,"
              f" p95 {1000 * took[len(took) * 95 // 100]:.0f} ms")  # fmt: skip
    runs = service.ada.get("/v1/runs", params={"batch": batch["id"], "limit": 500}).json()["runs"]
    assert {run["status"] for run in runs} == {"passed"}
    assert len({run["attempts"][0]["worker"] for run in runs}) == 2
    for run in runs:
        assert len(run["attempts"]) == 1
        steps = [step.number for step in RunFolder(setup.runs / run["id"] / "1").steps()]
        assert steps == [*range(1, len(SOLUTION) + 1)]
    assert second.stdin
    second.stdin.close()
    assert second.wait(60) == 0
    service.stop()
