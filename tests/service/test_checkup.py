"""`surehand doctor --service`: what it finds at a service that works, and at one that does not."""

import json
from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from agent.cli import app
from agent.service.checkup import examine
from agent.service.orders import SecretOrder
from agent.service.safe import KEY, Safe, make_key
from agent.service.setup import Setup
from agent.service.store import Store
from tests.service.conftest import Service


def states(setup: Setup) -> dict[str, str]:
    return {one.name: one.state for one in examine(setup)}


@pytest.mark.xdist_group("service")
def test_a_service_that_works(service: Service) -> None:
    found = states(service.setup)
    assert found["disk"] != "missing"
    assert {name: state for name, state in found.items() if name != "disk"} == dict.fromkeys(
        ("folder", "database", "runs", "workers", "queue", "secrets"), "ok"
    )


def test_what_is_missing_is_named_with_its_remedy(tmp_path: Path) -> None:
    setup = Setup(folder=tmp_path / "service")
    assert states(setup) == {"folder": "missing"}
    setup.folder.mkdir(mode=0o755)
    assert states(setup)["folder"] == "missing"
    setup.folder.chmod(0o700)
    assert states(setup)["database"] == "missing"
    Store(setup.tables_url).close()
    found = states(setup)
    assert (found["folder"], found["database"], found["workers"], found["queue"]) == ("ok", "ok", "missing", "missing")
    make_key(setup.folder)
    Safe(setup).put("pin", SecretOrder(value=SecretStr("1234"), apps=("Mousepad",)))
    assert states(setup)["secrets"] == "ok"
    (setup.folder / KEY).unlink()
    assert states(setup)["secrets"] == "missing"
    away = states(setup.model_copy(update={"database": "postgresql://nobody@127.0.0.1:1/none"}))
    assert away["database"] == "missing"


def test_programs_can_read_it(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["doctor", "--service", str(tmp_path / "none"), "--json"])
    assert done.exit_code == 1
    (found,) = json.loads(done.stdout)
    assert (found["name"], found["state"], bool(found["remedy"])) == ("folder", "missing", True)
