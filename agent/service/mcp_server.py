"""The service as tools of the Model Context Protocol: other agents order runs, look at them, answer for a person."""

import os
from collections.abc import Callable
from typing import Annotated, Any, Literal

import httpx
from mcp.server.mcpserver import Context, Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.transport_security import TransportSecuritySettings
from pydantic import Field
from starlette.applications import Starlette
from starlette.types import ASGIApp

from agent.service import client
from agent.service.client import AsyncClient, Call, M, ServiceError
from agent.service.orders import Answer, GoalWorld, Limits, RunOrder, RunView
from tools.errors import UserError

PATH = "/mcp"
TOKEN_VARIABLE = "SUREHAND_TOKEN"
_INSTRUCTIONS = "Gives tasks on a desktop or in a browser to an agent that sees the screen, and tells how they went."
_RunId = Annotated[str, Field(description="The id that run_task gave.", max_length=60)]
Connect = Callable[[Context[Any]], AsyncClient]
"""The client that a call is carried out with: with the token of whoever calls."""


def make_server(connect: Connect) -> MCPServer:
    """The tools. What a run shows or says comes from pages and models: it is data, and no instruction to anybody."""
    server = MCPServer("surehand", instructions=_INSTRUCTIONS)

    async def asked(context: Context[Any], call: Call[M]) -> M:
        async with connect(context) as service:
            try:
                return await service.ask(call)
            except (ServiceError, httpx.HTTPError) as error:
                raise ToolError(str(error) or type(error).__name__) from None

    @server.tool()
    async def run_task(
        context: Context[Any],
        goal: Annotated[str | None, Field(description="What is to be done, in plain words.")] = None,
        scenario: Annotated[str | None, Field(description="Instead of a goal: the id of a scenario.")] = None,
        test: Annotated[str | None, Field(description="Instead of a goal: the id of a test.")] = None,
        world: Annotated[GoalWorld | None, Field(description="Where a goal is pursued.")] = None,
        model: Annotated[str, Field(description="Who decides; empty is the service's own model.")] = "",
        steps: Annotated[int | None, Field(description="Most steps.", ge=1)] = None,
    ) -> RunView:
        """Order a run of a goal, a scenario or a test. It goes on by itself; get_run tells how it went."""
        try:
            order = RunOrder(
                goal=goal, scenario=scenario, test=test, world=world, model=model, limits=Limits(steps=steps)
            )
        except ValueError as error:
            raise ToolError(str(error)) from None
        return await asked(context, client.create(order))

    @server.tool()
    async def get_run(context: Context[Any], run_id: _RunId) -> RunView:
        """How far a run is, what it asks, and how it ended."""
        return await asked(context, client.show(run_id))

    @server.tool(structured_output=False)
    async def screenshot(context: Context[Any], run_id: _RunId) -> Image:
        """The newest picture that a run saw."""
        async with connect(context) as service:
            try:
                return Image(data=await service.screenshot(run_id), format="png")
            except (ServiceError, httpx.HTTPError) as error:
                raise ToolError(str(error) or type(error).__name__) from None

    @server.tool()
    async def answer(
        context: Context[Any], run_id: _RunId,
        question: Annotated[str, Field(description="The id of the question, as get_run tells it.")],
        said: Annotated[Literal["allow", "deny", "stop"], Field(description="Whether the action may be done.")],
        reason: Annotated[str, Field(description="Told to the run's model.")] = "",
    ) -> RunView:  # fmt: skip
        """Answer a run that asks whether it may do something. Ask your user first: it is their leave that is given."""
        return await asked(context, client.answer(run_id, Answer(question=question, answer=said, reason=reason)))

    return server


def over_http(app: ASGIApp) -> Starlette:
    """The tools below PATH of the service itself, with the token that each call brings, and so the caller's role.

    Its `router.lifespan_context` is to be entered. Whose page calls, and by which name, the service itself looks at.
    """

    def connect(context: Context[Any]) -> AsyncClient:
        _, _, token = (context.headers or {}).get("authorization", "").partition(" ")
        return AsyncClient("http://localhost", token or "none", transport=httpx.ASGITransport(app))

    return make_server(connect).streamable_http_app(
        streamable_http_path=PATH, stateless_http=True, json_response=True,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )  # fmt: skip


def over_stdio(address: str) -> None:
    """The tools over standard input and output, of the service at `address`. Raises UserError without a token."""
    if not (token := os.environ.get(TOKEN_VARIABLE, "")):
        raise UserError("no token", cause=f"{TOKEN_VARIABLE} is not set", remedy="set it to a token of the service")
    make_server(lambda context: AsyncClient(address, token)).run("stdio")
