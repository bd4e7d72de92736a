"""The clients of the service: Python's, sync and async, and the tools for other agents, over HTTP and over a pipe."""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from mcp import Client as McpClient
from mcp import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, ImageContent

from agent.service import client
from agent.service.client import AsyncClient, Client, ServiceError
from agent.service.orders import Answer, BatchOrder, Guard, RunOrder, State
from tests.service.conftest import Service

pytestmark = pytest.mark.xdist_group("service")
ORDER = RunOrder(scenario="test/note", model="solution")
PICTURE = b"\x89PNG"


def test_a_run_from_plain_code(service: Service) -> None:
    with Client(service.address, service.token) as runs:
        run = runs.ask(client.create(ORDER, key="plain"))
        assert runs.ask(client.create(ORDER, key="plain")).id == run.id
        assert [event.data["number"] for event in runs.follow(run.id) if event.kind == "step"] == [1, 2, 3, 4]
        assert runs.wait(run.id).status == "passed"
        assert len(runs.ask(client.steps(run.id, after=2)).steps) == 2
        assert run.id in [found.id for found in runs.ask(client.find(status="passed", limit=500)).runs]
        assert runs.screenshot(run.id).startswith(PICTURE)
        with pytest.raises(ServiceError, match=f"409: the run {run.id!r} has ended"):
            runs.ask(client.steer(run.id, "cancel"))
        with pytest.raises(ServiceError, match="404: no run 'none'"):
            next(runs.follow("none"))
        batch = runs.ask(client.create_batch(BatchOrder(scenarios=("test/a",), model="solution")))
        assert runs.ask(client.show_batch(batch.id)).total == 1


async def test_a_run_from_async_code(service: Service) -> None:
    async with AsyncClient(service.address, service.token) as runs:
        order = ORDER.model_copy(update={"guard": Guard(approve=("type",))})
        run = await runs.ask(client.create(order))
        async for event in runs.follow(run.id):
            if event.data.get("state") == State.WAITING:
                said = Answer(question=event.data["question"]["id"], answer="allow")
                await runs.ask(client.answer(run.id, said))
        assert (await runs.wait(run.id)).status == "passed"
        assert (await runs.screenshot(run.id)).startswith(PICTURE)
    async with AsyncClient(service.address, "wrong") as runs:
        with pytest.raises(ServiceError, match="401: no token"):
            await runs.ask(client.show(run.id))


async def use_tools(agent: McpClient) -> None:
    """Orders a run, waits for its end, looks at it."""
    assert sorted(tool.name for tool in (await agent.list_tools()).tools) == [
        "answer", "get_run", "run_task", "screenshot"
    ]  # fmt: skip
    run = told(await agent.call_tool("run_task", {"scenario": "test/note", "model": "solution"}))
    while told(await agent.call_tool("get_run", {"run_id": run["id"]}))["state"] != "ended":
        pass
    (picture,) = (await agent.call_tool("screenshot", {"run_id": run["id"]})).content
    assert isinstance(picture, ImageContent)
    refused = await agent.call_tool("answer", {"run_id": run["id"], "question": "1-1-1", "said": "allow"})
    assert refused.is_error
    assert "409" in str(refused.content)
    assert (await agent.call_tool("run_task", {})).is_error


def told(result: CallToolResult) -> dict[str, str]:
    assert not result.is_error, result.content
    found: dict[str, str] = json.loads(json.dumps(result.structured_content))
    return found


@asynccontextmanager
async def an_agent(service: Service, token: str) -> AsyncIterator[McpClient]:
    """Somebody else's, over HTTP."""
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=30) as http,
        McpClient(streamable_http_client(f"{service.address}/mcp", http_client=http)) as agent,
    ):
        yield agent


async def test_tools_over_http(service: Service) -> None:
    async with an_agent(service, service.token) as agent:
        await use_tools(agent)


async def test_tools_over_a_pipe(service: Service) -> None:
    command = ["-m", "agent", "mcp", "--address", service.address]
    environment = {"SUREHAND_TOKEN": service.token, "PYTHONPATH": ":".join(sys.path)}
    async with McpClient(StdioServerParameters(command=sys.executable, args=command, env=environment)) as agent:
        await use_tools(agent)


async def test_tools_are_no_way_around_a_role(service: Service) -> None:
    made = service.ada.post("/v1/accounts", json={"name": "reader", "role": "viewer"}).json()
    for token, why in ((made["token"], "403"), ("wrong", "401")):
        async with an_agent(service, token) as agent:
            refused = await agent.call_tool("run_task", {"scenario": "test/note", "model": "solution"})
            assert refused.is_error
            assert why in str(refused.content)
    service.ada.delete("/v1/accounts/reader")
