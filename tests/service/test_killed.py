"""kill -9 of the processes of a service: every run ends in a true state, and no action is done twice."""

import itertools
import json
import os
import random
import signal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from agent.trace import RunFolder
from tests.agent.harm import LETTERS, ModelServer, Site, keeper_of
from tests.service.conftest import SCRIPT, Postgres, Service, a_setup, small, up
from tests.service.test_webhook import listening

MOMENTS = 20
"""Random ones at which something is killed."""


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
@pytest.mark.xdist_group("service")
def test_who_is_told_to_end_lets_runs_end(tmp_path: Path) -> None:
    """Those that can, in the time that they are given; the others go on when there is a service again."""
    setup = a_setup(tmp_path / "service", "", drain=5.0)
    with Service(setup, small(setup)) as service:
        hold = setup.folder / "hold"
        hold.touch()
        near, far = (
            service.order(model="held", seed=1)["id"],
            service.order(model="held", guard={"approve": ["type"]})["id"],
        )
        for run in (near, far):
            service.until(run, state="running")
        hold.unlink()
        service.until(far, state="waiting")
        service.stop()
        service.start()
        assert [attempt["outcome"] for attempt in service.run(near)["attempts"]] == ["passed"]
        service.eventually(lambda: (service.run(far)["question"] or {}).get("id") == "2-2-1")
        service.ada.post(f"/v1/runs/{far}/answer", json={"question": "2-2-1", "answer": "allow"})
        assert service.until(far, state="ended")["status"] == "passed"


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.xdist_group("service")
@pytest.mark.parametrize("victim", ["worker", "service", "postgres"])
def test_small_runs_while_processes_are_killed(postgres: Postgres, tmp_path: Path, victim: str) -> None:
    """No run is lost, whatever is killed when; each ends once."""
    setup = a_setup(tmp_path / "service", postgres.fresh() if victim == "postgres" else "", waiting=1000)
    with Service(setup, small(setup)) as service:
        chance = random.Random(7)
        body: dict[str, Any] = {"scenarios": ["test/a", "test/b"], "seeds": [*range(20)], "model": "solution"}
        for _ in range(MOMENTS):
            batch = service.ada.post("/v1/batches", json=body).json()
            ends(service, batch["id"], chance.randrange(40))
            if victim == "worker":
                service.kill_worker()
            elif victim == "service":
                killed(service)
            else:
                postgres.kill()
                postgres.start()
            ends(service, batch["id"], 40)
            assert service.ada.get(f"/v1/batches/{batch['id']}").json()["statuses"] == {"passed": 40}
        for intents in setup.runs.glob("*/*/intents.jsonl"):
            numbers = [json.loads(line)["number"] for line in intents.read_text().splitlines()]
            assert len(numbers) == len({*numbers}), intents


@pytest.mark.soak
@pytest.mark.browser
@pytest.mark.timeout(1800)
@pytest.mark.xdist_group("browsing")
@pytest.mark.parametrize("victim", ["worker", "service", "postgres", "model", "world"])
def test_no_letter_is_typed_twice_whatever_is_killed(postgres: Postgres, tmp_path: Path, victim: str) -> None:
    """A page outside of the world counts what was really done; the model types one letter after the other."""
    chance = random.Random(3)
    with Site() as site, ModelServer(tmp_path / "turns.jsonl", LETTERS[:8]) as model:
        (tmp_path / "surehand.toml").write_text(f'model = "{model.url}"\nlease = 20\n')
        setup = a_setup(tmp_path / "service", postgres.fresh() if victim == "postgres" else "")
        with Service(setup, up(setup, tmp_path / "surehand.toml")) as service:
            for _ in range(MOMENTS):
                site.typed = ""
                moment = chance.randrange(1, 8)
                world = {"kind": "headless", "url": site.url}
                run = service.order(scenario=None, goal="Type the letters.", model=None, world=world)["id"]
                service.eventually(partial(so_far, site, moment))
                if victim == "worker":
                    service.kill_worker()
                elif victim == "service":
                    killed(service)
                elif victim == "postgres":
                    postgres.kill()
                    postgres.start()
                elif victim == "model":
                    model.kill()
                    model.start()
                else:
                    os.kill(keeper_of(setup.runs / run / "1"), signal.SIGKILL)
                ended = service.until(run, state="ended")
                assert ended["status"] in ({"error:env", "unchecked"} if victim == "world" else {"unchecked"}), ended
                assert_once(site.typed, len(ended["attempts"]))


def so_far(site: Site, count: int) -> bool:
    return len(site.typed) >= count


def assert_once(typed: str, attempts: int) -> None:
    """Whether letters go on in their order; they begin anew only with another world."""
    begun = 1 + sum(later <= earlier for earlier, later in itertools.pairwise(typed))
    assert begun <= attempts, typed


def killed(service: Service) -> None:
    """The service, and whatever belongs to its process group."""
    service.kill()
    service.start()


def ends(service: Service, batch: str, count: int) -> None:
    """Waits until so many runs of a batch have ended."""

    def so_many() -> bool:
        answer = service.ada.get(f"/v1/batches/{batch}")
        return answer.is_success and answer.json()["states"].get("ended", 0) >= count

    service.eventually(so_many)
