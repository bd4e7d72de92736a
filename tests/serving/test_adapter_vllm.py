"""An adapter behind real vLLM: it answers under its own name, and otherwise than its model does."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from agent.commands.served import at_address, manner_for
from agent.serving.adapter import adapted
from agent.serving.family import STAND_IN, find
from agent.serving.machine import CPU_PYTHON
from agent.serving.vllm_server import Server, start, stop
from agent.settings import Settings
from tests.agent.desk import a_task
from tests.serving.adapters import write_adapter

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.soak,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not CPU_PYTHON.exists(), reason="no .venv-serve: run 'make vllm'"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    little = find(STAND_IN)
    folder = tmp_path_factory.mktemp("trained") / "gui, v=1"
    write_adapter(folder, little.size.architecture, rank=12, strength=8.0)
    server = asyncio.run(start(adapted(little, folder)))
    yield server
    asyncio.run(stop(server))


def said(server: Server, model: str) -> str:
    """What it is surest to say."""
    answer = httpx.post(
        f"{server.url}/chat/completions", timeout=300, trust_env=False,
        headers={"Authorization": f"Bearer {server.key.get_secret_value()}"},
        json={"model": model, "messages": [{"role": "user", "content": "Open the File menu."}], "max_tokens": 12,
              "temperature": 0.0, "thinking_token_budget": 0},
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    return str(answer.json()["choices"][0]["message"]["content"])


def test_it_changes_what_its_model_says(server: Server) -> None:
    plain, taught = said(server, STAND_IN), said(server, "stand-in+gui, v=1")
    assert plain == said(server, STAND_IN)
    assert taught != plain


def test_surehand_asks_it_by_its_address_alone(server: Server) -> None:
    settings = Settings(model=server.url)
    endpoint = at_address(settings)
    assert endpoint.model == server.model == "stand-in+gui, v=1"
    assert endpoint.vllm
    assert manner_for(settings, a_task(), endpoint.model).kind == "thinking"
