"""What an order may ask for, of the real scenarios, models and worlds; nothing is begun."""

from pathlib import Path
from typing import Any

import pytest

from agent.service.orders import RunOrder
from agent.service.parts import SurehandParts
from agent.service.prepared import PreparedTask
from agent.service.setup import Setup
from tools.errors import UserError

TOML = """
model = "http://127.0.0.1:9/v1"
steps = 30
allow_domains = ["shop.example"]
approve = ["key"]
[secrets.pin]
domains = ["shop.example"]
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "surehand.toml").write_text(TOML)
    return tmp_path / "surehand.toml"


def browsing(url: str, *allow: str) -> dict[str, Any]:
    return {"goal": "Look.", "world": {"kind": "browser", "url": url, "allow": list(allow)}}


def a_task(parts: SurehandParts, order: RunOrder) -> PreparedTask:
    found = parts.prepared(order)
    assert isinstance(found, PreparedTask)
    return found


def test_an_order_narrows_what_the_service_allows(config: Path) -> None:
    parts = SurehandParts(Setup(config=config))
    order = {"limits": {"steps": 99, "seconds": 5}, "guard": {"approve": ["type"], "actions": ["left_click"]}}
    found = a_task(parts, RunOrder.model_validate(browsing("https://shop.example/a") | order))
    assert (found.task.limits.steps, found.task.limits.seconds) == (30, 5)
    assert found.approve == {"key", "type"}
    assert found.settings["allow_actions"] == ["left_click"]
    assert found.task.allow.domains == ("shop.example",)
    assert found.settings["secrets"] == {}
    assert "api_key" not in found.settings


def test_a_scenario_is_found_by_its_id(config: Path) -> None:
    parts = SurehandParts(Setup(config=config))
    found = a_task(parts, RunOrder(scenario="web/login", seed=2, model="oracle"))
    assert (found.task.scenario, found.task.seed) == ("web/login", 2)
    assert "web/login" in parts.scenarios(["web/*"])


@pytest.mark.parametrize(
    ("url", "allow"),
    [
        ("http://127.0.0.1:8080/v1/runs", ()),
        ("http://localhost:8080/", ()),
        ("http://[::1]:8080/", ()),
        ("http://127.1.1.1:8080/", ()),
        ("http://0.0.0.0:8080/", ()),
        ("http://surehand.example:8080/", ()),
        ("http://127.0.0.1:9000/", ("127.0.0.1",)),
        ("http://127.0.0.1:9000/", ("localhost:8080",)),
    ],
)
def test_no_world_reaches_the_service_itself(tmp_path: Path, url: str, allow: tuple[str, ...]) -> None:
    parts = SurehandParts(Setup(private=True, names=("surehand.example",), port=8080))
    other = a_task(parts, RunOrder.model_validate(browsing("http://127.0.0.1:9000/") | {"model": "idle"}))
    assert other.task.allow.domains == ("127.0.0.1:9000",)
    with pytest.raises(UserError, match="leads to the service itself"):
        parts.prepared(RunOrder.model_validate(browsing(url, *allow) | {"model": "idle"}))


@pytest.mark.parametrize(
    ("order", "why"),
    [
        ({"scenario": "web/no-such-thing"}, "no scenario 'web/no-such-thing'"),
        ({"scenario": "web/login", "model": "http://127.0.0.1:1/v1"}, "offers no model"),
        ({"scenario": "web/login", "model": "scripted:/etc/passwd"}, "offers no model"),
        ({"scenario": "web/login", "secrets": ["other"]}, "no secret 'other'"),
        ({"scenario": "web/login", "guard": {"approve": ["fly"]}}, "there is no action 'fly'"),
        ({"scenario": "web/login", "guard": {"actions": ["fly"]}}, "there is no action 'fly'"),
        ({"scenario": "web/login", "webhook": "http://127.0.0.1:1/"}, "no public address"),
        ({"scenario": "web/login", "webhook": "http://db.internal/"}, "no public address"),
        ({"scenario": "web/login", "webhook": "https://[::ffff:10.0.0.1]/"}, "no public address"),
        (browsing("https://elsewhere.example/"), "is not allowed"),
        (browsing("http://127.0.0.1:8080/v1/runs"), "no public address"),
        (browsing("http://localhost/"), "no public address"),
        (browsing("http://[::1]/"), "no public address"),
        (browsing("http://169.254.169.254/latest"), "no public address"),
        (browsing("http://10.0.0.1/"), "no public address"),
        (browsing("http://2130706433/"), "no public address"),
        (browsing("http://0x7f.1/"), "no public address"),
        (browsing("http://db.internal/"), "no public address"),
        (browsing("file:///etc/passwd"), "no public address"),
        (browsing("https://shop.example/", "127.0.0.1:8080"), "no public address"),
    ],
)
def test_what_is_refused_is_refused_before_it_is_written_down(config: Path, order: dict[str, Any], why: str) -> None:
    with pytest.raises(UserError, match=why):
        SurehandParts(Setup(config=config)).prepared(RunOrder.model_validate(order))
