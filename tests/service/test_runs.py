"""Runs over HTTP: ordered, followed, steered, found again."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from agent.service.worker import HEAR_EVERY
from agent.trace import RunFolder
from tests.agent.desk import CLICK_NOTE, SOLUTION
from tests.service.conftest import Service

pytestmark = pytest.mark.xdist_group("service")
Event = tuple[str, dict[str, Any]]


def followed(service: Service, run_id: str, last: int = 0) -> list[Event]:
    """Every event of a run, to its end."""
    events: list[Event] = []
    with service.ada.stream("GET", f"/v1/runs/{run_id}/events", headers={"Last-Event-ID": str(last)}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        kind = ""
        for line in answer.iter_lines():
            word, _, value = line.partition(": ")
            kind = value if word == "event" else kind
            if word == "data":
                events.append((kind, json.loads(value)))
    return events


@contextmanager
def held(service: Service) -> Iterator[None]:
    """Inside, the model `held` gives no answer."""
    hold = service.setup.folder / "hold"
    hold.touch()
    try:
        yield
    finally:
        hold.unlink()


def until_heard(service: Service) -> None:
    """Long enough for a worker to have asked what is wanted of its runs."""
    end = time.monotonic() + 3 * HEAR_EVERY
    service.eventually(lambda: time.monotonic() > end)


def test_a_run_is_ordered_followed_and_found_again(service: Service) -> None:
    run = service.order(seed=3)
    events = followed(service, run["id"])
    assert [data["state"] for kind, data in events if kind == "state"] == ["queued", "running", "ended"]
    steps = [data for kind, data in events if kind == "step"]
    assert [step["number"] for step in steps] == [1, 2, 3, 4]
    assert followed(service, run["id"], last=10**9) == []
    found = service.run(run["id"])
    assert (found["status"], found["steps"], found["seed"]) == ("passed", 4, 3)
    assert [attempt["outcome"] for attempt in found["attempts"]] == ["passed"]
    page = service.ada.get(f"/v1/runs/{run['id']}/steps", params={"after": 1, "limit": 2}).json()
    assert [step["number"] for step in page["steps"]] == [2, 3]
    assert page["result"]["score"] == 1
    for place in (f"screenshots/{steps[0]['screenshot']}", f"shots/{steps[0]['screenshot']}.png", "screenshot"):
        picture = service.ada.get(f"/v1/runs/{run['id']}/{place}")
        assert (picture.status_code, picture.content[:4]) == (200, b"\x89PNG"), place
    report = service.ada.get(f"/v1/runs/{run['id']}/report")
    assert "Save a note that says milk." in report.text
    assert (report.headers["content-security-policy"], report.headers["x-content-type-options"]) == (
        "sandbox", "nosniff"
    )  # fmt: skip


def test_the_same_key_orders_the_same_run(service: Service) -> None:
    def order(seed: int) -> httpx.Response:
        body = {"scenario": "test/note", "seed": seed, "model": "solution"}
        return service.ada.post("/v1/runs", json=body, headers={"Idempotency-Key": "once"})

    first, again, other = order(1), order(1), order(2)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"]
    assert other.status_code == 422
    assert "was used for another request" in other.json()["title"]


def test_runs_are_listed_page_by_page(service: Service) -> None:
    ids = [service.order(seed=seed, scenario="test/listed")["id"] for seed in range(3)]
    for run_id in ids:
        service.until(run_id, state="ended")
    asked: dict[str, str | int] = {"scenario": "test/listed", "status": "passed", "limit": 2, "words": "MILK"}
    first = service.ada.get("/v1/runs", params=asked).json()
    second = service.ada.get("/v1/runs", params=asked | {"before": first["next"]}).json()
    assert [run["id"] for run in first["runs"] + second["runs"]] == ids[::-1]
    assert second["next"] is None
    assert service.ada.get("/v1/runs", params=asked | {"words": "mi_k"}).json()["runs"] == []


def test_a_person_is_asked_and_what_they_say_counts(service: Service) -> None:
    run = service.order(guard={"approve": ["type"]})
    asks = service.until(run["id"], state="waiting")["question"]
    assert (asks["kind"], asks["step"], asks["action"]["text"]) == ("action", 2, "milk")
    place = f"/v1/runs/{run['id']}/answer"
    assert service.ada.post(place, json={"question": "9-9-9", "answer": "allow"}).status_code == 409
    said = {"question": asks["id"], "answer": "deny", "reason": "not milk"}
    assert service.ada.post(place, json=said).status_code == 200
    assert service.until(run["id"], state="ended")["status"] == "failed"
    step = service.ada.get(f"/v1/runs/{run['id']}/steps").json()["steps"][1]
    assert (step["ok"], step["note"]) == (False, "not done: the user did not allow it (not milk)")


def test_a_person_takes_over_acts_and_hands_back(service: Service) -> None:
    with held(service):
        run = service.order(model="held")
        place = f"/v1/runs/{run['id']}"
        service.until(run["id"], state="running")
        assert service.ada.post(f"{place}/take-over").json()["holder"] == "admin"
        until_heard(service)
    service.until(run["id"], state="paused")
    before = service.run(run["id"])["steps"]
    deed = {"action": CLICK_NOTE.model_dump(mode="json", exclude_none=True), "note": "I show you."}
    assert service.ada.post(f"{place}/act", json=deed).status_code == 202
    service.until(run["id"], state="paused", steps=before + 1)
    assert service.ada.post(f"{place}/hand-back", json={"note": "go on"}).json()["holder"] is None
    assert service.until(run["id"], state="ended")["status"] == "passed"
    steps = service.ada.get(f"{place}/steps").json()["steps"]
    assert [step["by_person"] for step in steps].count(True) == 1
    assert steps[before]["say"] == "I show you."
    recorded = RunFolder(service.setup.runs / run["id"] / "1").steps()
    assert [step.notice for step in recorded if step.notice] == ["the user says: go on"]


def test_nobody_acts_in_a_run_that_they_do_not_hold(service: Service) -> None:
    other = service.ada.post("/v1/accounts", json={"name": "bob", "role": "operator"}).json()
    with held(service), service.as_one(other["token"]) as bob:
        run = service.order(model="held")
        place = f"/v1/runs/{run['id']}"
        service.until(run["id"], state="running")
        bob.post(f"{place}/take-over")
        until_heard(service)
    with service.as_one(other["token"]) as bob:
        service.until(run["id"], state="paused")
        deed = {"action": {"action": "wait", "time": 0}}
        assert service.ada.post(f"{place}/act", json=deed).status_code == 409
        assert service.ada.post(f"{place}/resume").status_code == 409
        assert bob.post(f"{place}/act", json=deed).status_code == 202
        assert bob.post(f"{place}/cancel").status_code == 200
        ended = service.until(run["id"], state="ended")
        assert ended["status"] == "stopped", ended
        assert bob.delete(place).status_code == 403
    assert service.ada.delete("/v1/accounts/bob").status_code == 204


def test_runs_are_cancelled_wherever_they_are(service: Service) -> None:
    with held(service):
        runs = [service.order(model="held", seed=seed)["id"] for seed in range(6)]
        service.eventually(lambda: [service.run(run)["state"] for run in runs].count("running") == 3)
        for run in reversed(runs):
            service.ada.post(f"/v1/runs/{run}/cancel")
        for run in runs:
            ended = service.until(run, state="ended")
            assert (ended["status"], "cancelled" in ended["why"]) == ("stopped", True)
        assert service.ada.post(f"/v1/runs/{runs[0]}/pause").status_code == 409


def test_a_run_is_deleted_with_its_files(service: Service) -> None:
    run = service.order()
    place = f"/v1/runs/{run['id']}"
    service.until(run["id"], state="ended")
    assert service.ada.delete(place).status_code == 204
    assert service.ada.get(place).status_code == 404
    assert not (service.setup.runs / run["id"]).exists()


def test_a_batch_is_many_runs(service: Service) -> None:
    body = {"name": "two by two", "scenarios": ["test/a", "test/b"], "seeds": [0, 1], "model": "solution"}
    batch = service.ada.post("/v1/batches", json=body).json()
    assert batch["total"] == 4
    place = f"/v1/batches/{batch['id']}"
    service.eventually(lambda: service.ada.get(place).json()["statuses"] == {"passed": 4})
    found = service.ada.get("/v1/runs", params={"batch": batch["id"]}).json()["runs"]
    assert sorted((run["scenario"], run["seed"]) for run in found) == [
        ("test/a", 0), ("test/a", 1), ("test/b", 0), ("test/b", 1)
    ]  # fmt: skip


def test_what_happens_is_counted(service: Service) -> None:
    def passed() -> float:
        told = service.ada.get("/metrics")
        assert told.headers["content-type"].startswith("text/plain")
        numbers = dict(line.rsplit(" ", 1) for line in told.text.splitlines() if not line.startswith("#"))
        assert (numbers["surehand_workers"], numbers["surehand_slots"]) == ("1.0", "4.0")
        steps.append(float(numbers.get('surehand_step_seconds_count{phase="act"}', 0)))
        asked.append(float(numbers.get('surehand_model_seconds_bucket{le="+Inf"}', 0)))
        return float(numbers.get('surehand_runs_ended{status="passed"}', 0))

    steps, asked = list[float](), list[float]()
    before = passed()
    service.until(service.order()["id"], state="ended")
    assert passed() == before + 1
    service.eventually(lambda: passed() == before + 1 and steps[-1] >= steps[0] + 3 and asked[-1] >= asked[0] + 4)


def test_too_many_waiting_runs_are_refused(service: Service) -> None:
    body = {"name": "many", "scenarios": ["test/a"], "seeds": [*range(31)], "model": "solution"}
    refused = service.ada.post("/v1/batches", json=body)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "30")


def test_a_run_whose_worker_is_killed_is_done_once_more(service: Service) -> None:
    asked = service.setup.folder / "asked.log"
    asked.unlink(missing_ok=True)
    with held(service):
        run = service.order(model="held", seed=77)
        service.eventually(asked.exists)
        service.kill_worker()
    ended = service.until(run["id"], state="ended")
    assert ended["status"] == "passed"
    first, second = ended["attempts"]
    assert (first["outcome"], second["outcome"]) == ("it cannot be gone on with", "passed")
    assert (second["number"], second["resumed"], first["worker"] != second["worker"]) == (2, False, True)
    assert len(list(RunFolder(service.setup.runs / run["id"] / "2").steps())) == len(SOLUTION)
