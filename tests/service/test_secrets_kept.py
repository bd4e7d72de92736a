"""Secrets of the service: sealed where they lie, and told to nobody."""

from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import update

from agent.service.orders import RunOrder, SecretOrder
from agent.service.parts import SurehandParts
from agent.service.prepared import PreparedTask
from agent.service.safe import Mask, Safe, make_key
from agent.service.setup import Setup
from agent.service.store import Store
from agent.service.tables import SecretRow
from tests.service.conftest import Service
from tests.service.test_runs import held, until_heard
from tools.errors import UserError

VALUE = 'Zeppelin"42\\'
SHOP = SecretOrder(value=SecretStr(VALUE), domains=("shop.example",))


@pytest.fixture
def safe(tmp_path: Path) -> Safe:
    make_key(tmp_path)
    return Safe(Setup(folder=tmp_path))


def holds(folder: Path, value: str) -> list[Path]:
    """Files that hold a text."""
    return [file for file in folder.rglob("*") if file.is_file() and value.encode() in file.read_bytes()]


def test_what_is_kept_is_sealed(tmp_path: Path, safe: Safe) -> None:
    safe.put("pin", SHOP)
    assert holds(tmp_path, "Zeppelin") == []
    assert (tmp_path / "secrets.key").stat().st_mode & 0o777 == 0o600
    assert safe.secrets()["pin"].value.get_secret_value() == VALUE
    assert [(one.name, one.domains) for one in safe.all()] == [("pin", ("shop.example",))]
    assert "Zeppelin" not in repr(safe.all())
    assert "Zeppelin" not in repr(safe.secrets())
    safe.remove("pin")
    assert safe.secrets() == {}


def test_who_writes_rows_cannot_send_a_secret_elsewhere(tmp_path: Path, safe: Safe) -> None:
    safe.put("pin", SHOP)
    safe.put("mine", SecretOrder(value=SecretStr("harmless"), domains=("evil.example",)))
    rows = Store(Setup(folder=tmp_path).tables_url)
    with rows.writing() as session:
        sealed = session.get_one(SecretRow, "pin").sealed
        session.execute(update(SecretRow).where(SecretRow.name == "mine").values(sealed=sealed))
        session.commit()
    rows.close()
    with pytest.raises(UserError, match="'mine' cannot be opened"):
        safe.secrets()


def test_another_key_opens_nothing(tmp_path: Path, safe: Safe) -> None:
    safe.put("pin", SHOP)
    (tmp_path / "secrets.key").unlink()
    make_key(tmp_path)
    with pytest.raises(UserError, match="sealed by another key"):
        Safe(Setup(folder=tmp_path)).secrets()


def test_an_order_gets_the_secrets_that_it_names(tmp_path: Path, safe: Safe) -> None:
    safe.put("pin", SHOP)
    safe.put("other", SHOP)
    setup = Setup(folder=tmp_path)
    found = SurehandParts(setup, safe).prepared(RunOrder(scenario="web/login", model="oracle", secrets=("pin",)))
    assert isinstance(found, PreparedTask)
    assert found.settings["secrets"] == {"pin": {"domains": ["shop.example"], "apps": []}}
    assert "Zeppelin" not in repr(found)
    with pytest.raises(UserError, match="no secret 'none'"):
        SurehandParts(setup, safe).prepared(RunOrder(scenario="web/login", model="oracle", secrets=("none",)))


def test_a_mask_takes_out_every_form(safe: Safe) -> None:
    mask = Mask(safe.secrets)
    safe.put("pin", SHOP)
    assert mask(VALUE) == VALUE
    mask.refresh()
    assert mask({"a": [f"x {VALUE}", b'{"b": "Zeppelin\\"42\\\\"}']}) == {
        "a": ["x {{secret:pin}}", b'{"b": "{{secret:pin}}"}']
    }


@pytest.mark.xdist_group("service")
def test_what_people_send_is_kept_without_secrets(service: Service) -> None:
    """A goal, a note and an action by hand that hold a value: nothing behind the door ever sees it."""
    put = service.ada.put("/v1/secrets/pin", json={"value": VALUE, "domains": ["shop.example"]})
    assert (put.status_code, "Zeppelin" in put.text) == (200, False)
    assert "Zeppelin" not in service.ada.get("/v1/secrets").text
    with held(service):
        answer = service.ada.post("/v1/runs", json={"goal": f"Log in with {VALUE}", "model": "held"})
        assert answer.json()["goal"] != f"Log in with {VALUE}"
        run = answer.json()["id"]
        service.until(run, state="running")
        service.ada.post(f"/v1/runs/{run}/take-over")
        until_heard(service)
    service.until(run, state="paused")
    before = service.run(run)["steps"]
    deed = {"action": {"action": "type", "text": VALUE}, "note": f"This is {VALUE}"}
    assert service.ada.post(f"/v1/runs/{run}/act", json=deed).status_code == 202
    steps = service.until(run, state="paused", steps=before + 1)["steps"]
    service.ada.post(f"/v1/runs/{run}/hand-back", json={"note": VALUE})
    service.until(run, state="ended")
    told = service.ada.get(f"/v1/runs/{run}/steps").json()["steps"][steps - 1]
    assert (told["action"]["text"], told["say"]) == ("{{secret:pin}}", "This is {{secret:pin}}")
    assert holds(service.setup.folder, "Zeppelin") == []
    assert "Zeppelin" not in (service.setup.folder.parent / "service.log").read_text()
    assert service.ada.delete("/v1/secrets/pin").status_code == 204


@pytest.mark.xdist_group("service")
def test_only_an_admin_puts_in_secrets(service: Service) -> None:
    made = service.ada.post("/v1/accounts", json={"name": "op", "role": "operator"}).json()
    body = {"value": VALUE, "domains": ["shop.example"]}
    with service.as_one(made["token"]) as operator:
        assert operator.put("/v1/secrets/x", json=body).status_code == 403
        assert operator.delete("/v1/secrets/x").status_code == 403
        assert operator.get("/v1/secrets").status_code == 200
    for bad in ({"value": VALUE}, {"value": "abc", "domains": ["shop.example"]}, body | {"domains": ["/"]}):
        refused = service.ada.put("/v1/secrets/x", json=bad)
        assert (refused.status_code, "Zeppelin" in refused.text) == (422, False)
    assert service.ada.put("/v1/secrets/..%2fx", json=body).status_code in (404, 422)
    service.ada.delete("/v1/accounts/op")
