"""The whole interface as its OpenAPI tells it, asked in every way that schemathesis can think of: never a 500."""

import threading
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
import uvicorn
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from agent.service.app import make_app
from agent.service.house import first_words
from agent.service.safe import Mask
from agent.service.setup import Setup
from tests.service.conftest import eventually
from tests.service.small_service import SmallParts

schema = schemathesis.pytest.from_fixture("interface")
TOKEN: list[dict[str, str]] = []
CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance]


@pytest.fixture
def interface(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A service without a worker: what is ordered waits."""
    setup = Setup(folder=tmp_path_factory.mktemp("interface"), waiting=10**6, private=True)
    token = next(first_words(setup)).rpartition(" ")[2]
    parts = SmallParts(setup)
    config = uvicorn.Config(make_app(setup, parts, Mask(parts.secrets)), port=0, log_config=None, ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    eventually(lambda: server.started, "the service")
    port = server.servers[0].sockets[0].getsockname()[1]
    headers = {"Authorization": f"Bearer {token}"}
    TOKEN.append(headers)
    found = schemathesis.openapi.from_url(f"http://127.0.0.1:{port}/openapi.json", headers=headers)
    found.config.phases.coverage.enabled = request.node.get_closest_marker("soak") is not None
    yield found
    server.should_exit = True
    thread.join()


def asked(case: Any) -> None:
    response = case.call(timeout=20, headers=TOKEN[-1])
    if (response.status_code, case.path) != (503, "/readyz"):  # nobody works here, and it says so
        case.validate_response(response, checks=CHECKS)


@schema.parametrize()
@hypothesis.settings(max_examples=2, deadline=None, derandomize=True)
def test_a_few_requests_of_every_kind(case: Any) -> None:
    asked(case)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@schema.parametrize()
@hypothesis.settings(max_examples=200, deadline=None)
def test_many_requests_of_every_kind(case: Any) -> None:
    asked(case)
