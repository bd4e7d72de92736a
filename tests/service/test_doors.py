"""Who gets in: each of these tries to."""

from typing import Any

import httpx
import pytest

from tests.service.conftest import Service

pytestmark = pytest.mark.xdist_group("service")
ORDER = {"scenario": "test/note", "model": "solution"}
SHA = "0" * 64


@pytest.fixture(scope="module")
def ended(service: Service) -> str:
    """The id of a run that has ended."""
    run: str = service.order()["id"]
    service.until(run, state="ended")
    return run


def test_only_with_a_token(service: Service) -> None:
    for token in ("x", "surehand_wrong", service.token[:-1], service.token.upper()):
        with service.as_one(token) as stranger:
            for place in ("/v1/runs", "/v1/me", "/v1/accounts", "/v1/runs/x/events", "/v1/runs/x/report", "/metrics"):
                answer = stranger.get(place)
                assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), place
            assert stranger.post("/v1/runs", json=ORDER).status_code == 401


def test_the_token_is_nowhere_in_the_folder(service: Service) -> None:
    service.order()
    for file in service.setup.folder.rglob("*"):
        if file.is_file():
            assert service.token.encode() not in file.read_bytes(), file


def test_each_role_may_do_its_own(service: Service, ended: str) -> None:
    for role, posts, admits in (("viewer", 403, 403), ("operator", 201, 403), ("admin", 201, 200)):
        made = service.ada.post("/v1/accounts", json={"name": f"a {role}", "role": role}).json()
        with service.as_one(made["token"]) as one:
            assert one.get("/v1/me").json() == {"name": f"a {role}", "role": role}
            assert one.get(f"/v1/runs/{ended}").status_code == 200
            assert one.post("/v1/runs", json=ORDER).status_code == posts
            assert one.get("/v1/accounts").status_code == admits
            for steer in ("cancel", "pause", "resume", "take-over", "hand-back"):
                assert one.post(f"/v1/runs/{ended}/{steer}").status_code == (403 if role == "viewer" else 409)
        assert service.ada.delete(f"/v1/accounts/a {role}").status_code == 204
        with service.as_one(made["token"]) as gone:
            assert gone.get("/v1/me").status_code == 401
    assert service.ada.delete("/v1/accounts/admin").status_code == 409


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "["},
    ],
)
def test_pages_of_other_sites_are_turned_away(service: Service, headers: dict[str, str]) -> None:
    assert service.ada.get("/v1/me", headers=headers).status_code == 403
    assert service.ada.post("/v1/runs", json=ORDER, headers=headers).status_code == 403


@pytest.mark.parametrize(
    "order",
    [
        {"scenario": "../../etc/passwd"},
        {"scenario": "/etc/passwd.yaml"},
        {"scenario": "web/../../x.yaml"},
        {"scenario": "test/note", "model": "replay:/etc"},
        {"scenario": "test/note", "world": {"kind": "desktop"}},
        {"scenario": "test/note", "seed": -1},
        {"scenario": "test/note", "limits": {"steps": 0}},
        {"scenario": "test/note", "unknown": 1},
        {"scenario": "test/note", "webhook": "https://ada:secret@shop.example/"},
        {"scenario": "test/note", "webhook": "ftp://shop.example/"},
        {"goal": "x", "scenario": "test/note"},
        {"goal": "x" * 10_001},
        {"goal": "x", "world": {"kind": "display"}},
        {},
    ],
)
def test_orders_that_are_none(service: Service, order: dict[str, Any]) -> None:
    answer = service.ada.post("/v1/runs", json={"model": "solution"} | order)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["title"]


def test_long_bodies_are_refused(service: Service) -> None:
    """Whether they say how long they are or not."""
    body = b'{"goal": "' + b"x" * (1 << 20) + b'"}'
    for content in (body, iter([body[:500_000], body[500_000:]])):
        answer = service.ada.post("/v1/runs", content=content, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["status"]) == (413, 413)


def test_no_cookie_lets_anybody_in(service: Service) -> None:
    """A browser sends cookies by itself; the service knows none, so that no page can borrow somebody's leave."""
    for cookie in (f"token={service.token}", f"Authorization=Bearer {service.token}", f"session={service.token}"):
        answer = httpx.post(f"{service.address}/v1/runs", json=ORDER, headers={"Cookie": cookie})
        assert (answer.status_code, "set-cookie" in answer.headers) == (401, False)
    form = httpx.post(f"{service.address}/v1/runs", data={"scenario": "test/note", "token": service.token})
    assert form.status_code == 401


def test_words_of_others_stay_words(service: Service) -> None:
    """HTML in a goal, in what a model or a person says: shown as it was written, in a page that may run nothing."""
    bad = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    run = service.order(scenario=None, goal=bad, guard={"rules": [{"effect": "deny", "why": bad}]})
    service.until(run["id"], state="ended")
    report = service.ada.get(f"/v1/runs/{run['id']}/report")
    assert "<script>alert" not in report.text
    assert "<img src=x" not in report.text
    assert report.text.count("&lt;script&gt;alert(1)") >= 2
    assert report.headers["content-security-policy"] == "sandbox"
    told = service.ada.get(f"/v1/runs/{run['id']}")
    assert told.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "place",
    [
        "/v1/runs/..%2f..%2fservice.sqlite/steps",
        "/v1/runs/%2e%2e/screenshot",
        f"/v1/runs/%2e%2e/screenshots/{SHA}",
        "/v1/runs/ID/screenshots/..%2f..%2frun.json",
        "/v1/runs/ID/shots/..%2frun.json",
        "/v1/runs/ID/shots/run.json",
        "/v1/runs/ID/steps?attempt=-1",
        "/v1/runs/ID/../../../etc/passwd",
        f"/v1/runs/ID/screenshots/{SHA}",
    ],
)
def test_paths_lead_nowhere_else(service: Service, ended: str, place: str) -> None:
    answer: httpx.Response = service.ada.get(place.replace("ID", ended))
    assert answer.status_code in (404, 422)
    assert "root:" not in answer.text
