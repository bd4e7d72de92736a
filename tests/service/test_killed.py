"""kill -9 of the processes of a service: every run ends in a true state, and no action is done twice."""

import os
import random
import signal
from pathlib import Path
from typing import Any

import pytest

from agent.trace import RunFolder
from tests.service.conftest import SCRIPT, Service, a_setup, small
from tests.service.test_webhook import listening


@pytest.mark.browser
@pytest.mark.xdist_group("browsing")
def test_a_run_goes_on_in_its_world_when_its_worker_is_killed(browsing: Service) -> None:
    """Nor does its world reach anything on this machine."""
    with listening() as listener:
        (browsing.setup.folder.parent / "script.jsonl").write_text(SCRIPT.format(address=listener.url))
        run = browsing.order(scenario="ask", model="")
        browsing.until(run["id"], steps=2)
        browsing.kill_worker()
        ended = browsing.until(run["id"], state="ended")
        assert listener.heard == []
    assert (ended["status"], ended["steps"]) == ("passed", 4), ended
    told = [(one["number"], one["resumed"], one["after_steps"], one["outcome"]) for one in ended["attempts"]]
    assert told == [(1, False, 0, "its worker died"), (1, True, 2, "passed")]
    folder = RunFolder(browsing.setup.runs / run["id"] / "1")
    assert [step.number for step in folder.steps()] == [1, 2, 3, 4]
    assert "resumed at step" in folder.run().world


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.xdist_group("service")
@pytest.mark.parametrize("victim", ["worker", "service"])
def test_small_runs_while_processes_are_killed(database: str, tmp_path: Path, victim: str) -> None:
    """No run is lost, whatever is killed when; each ends once."""
    setup = a_setup(tmp_path / "service", database, waiting=1000)
    service = Service(setup, small(setup))
    chance = random.Random(7)
    body: dict[str, Any] = {"scenarios": ["test/a", "test/b"], "seeds": [*range(20)], "model": "solution"}
    for _ in range(5):
        batch = service.ada.post("/v1/batches", json=body).json()
        ends(service, batch["id"], chance.randrange(40))
        if victim == "worker":
            service.kill_worker()
        else:
            os.killpg(service.process.pid, signal.SIGKILL)
            service.process.wait()
            service.start()
        ends(service, batch["id"], 40)
        assert service.ada.get(f"/v1/batches/{batch['id']}").json()["statuses"] == {"passed": 40}
    service.stop()


def ends(service: Service, batch: str, count: int) -> None:
    """Waits until so many runs of a batch have ended."""
    service.eventually(lambda: service.ada.get(f"/v1/batches/{batch}").json()["states"].get("ended", 0) >= count)
