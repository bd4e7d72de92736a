"""The HTTP interface of the service, below /v1."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException

from agent.service import account_routes, batch_routes, file_routes, run_routes, schedule_routes, secret_routes
from agent.service.access import Accounts, SameOrigin, Viewer
from agent.service.bodies import Bodies
from agent.service.desk import Desk
from agent.service.engine import Queue
from agent.service.mcp_server import over_http
from agent.service.metrics import exposition
from agent.service.orders import Problem
from agent.service.parts import Parts
from agent.service.safe import Mask, Safe
from agent.service.setup import Setup
from agent.service.store import Refused, Store
from tools.errors import UserError

_log = logging.getLogger(__name__)
_PUT_EVERY = 5.0
_PROBLEM = {"application/problem+json": {"schema": Problem.model_json_schema()}}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    "422": {"description": "It cannot be done, or is no request.", "content": _PROBLEM},
    "4XX": {"description": "It is refused.", "content": _PROBLEM},
    "5XX": {"description": "The service cannot do it now.", "content": _PROBLEM},
}
_LATER = {"Retry-After": "30"}
_ABOUT = """Runs of surehand: order them, follow them, steer them, find them again.

Every request carries `Authorization: Bearer TOKEN`. Errors are problem documents (RFC 9457)."""


def make_app(setup: Setup, parts: Parts, mask: Mask) -> FastAPI:
    """The service as an ASGI application. Its lifespan opens the database and the queue."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        setup.runs.mkdir(parents=True, exist_ok=True)
        store = await asyncio.to_thread(Store, setup.tables_url)
        queue = await asyncio.to_thread(Queue, setup)
        app.state.accounts = Accounts(store)
        app.state.safe = Safe(setup)
        app.state.desk = desk = Desk(setup, parts, store, queue)
        putting = asyncio.create_task(_put_on(desk))
        async with tools.router.lifespan_context(tools):
            yield
        putting.cancel()
        await asyncio.to_thread(queue.close)
        app.state.safe.close()
        store.close()

    app = FastAPI(title="surehand", version=version("surehand"), description=_ABOUT, lifespan=lifespan,
                  docs_url=None, redoc_url=None, responses=_PROBLEMS)  # fmt: skip
    for routes in (run_routes, batch_routes, file_routes, account_routes, secret_routes, schedule_routes):
        app.include_router(routes.router, prefix="/v1")
    tools = over_http(app)
    app.router.routes.extend(tools.routes)
    app.add_middleware(Bodies, mask=mask)
    app.add_middleware(SameOrigin, names=setup.known_as)
    app.add_exception_handler(HTTPException, _other)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(UserError, _mistaken)
    app.add_exception_handler(RequestValidationError, _unfit)
    app.add_exception_handler(DBAPIError, _away)

    @app.get("/healthz", tags=["operations"])
    def alive() -> dict[str, str]:
        """Whether the service answers at all."""
        return {"status": "ok"}

    @app.get("/readyz", tags=["operations"])
    def ready(request: Request) -> dict[str, str | int]:
        """Whether runs get done: the database answers, and a worker lives."""
        workers = request.app.state.desk.store.workers(setup.lost_after)
        if not workers:
            raise Refused(503, "no worker lives", "`surehand up` starts one, `surehand work` further ones")
        return {"database": "ok", "workers": workers}

    @app.get("/metrics", tags=["operations"], response_class=PlainTextResponse)
    def metrics(request: Request, caller: Viewer) -> Response:
        """Runs, steps, tokens, workers, in numbers for Prometheus."""
        told = exposition(request.app.state.desk.store, setup.lost_after)
        return Response(told, media_type="text/plain; version=0.0.4; charset=utf-8")

    return app


async def _put_on(desk: Desk) -> None:
    """Tells the engine of runs that it was not told of: this process died before it could, or the engine was away."""
    while True:
        try:
            await asyncio.to_thread(desk.put_left)
        except DBAPIError as error:
            _log.warning("the database cannot be reached: %s", error.orig)
        await asyncio.sleep(_PUT_EVERY)


def _problem(problem: Problem, **headers: str) -> JSONResponse:
    return JSONResponse(problem.model_dump(), problem.status, headers, "application/problem+json")


async def _other(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    problem = Problem(title=str(error.detail), status=error.status_code, remedy="see /openapi.json")
    return _problem(problem, **(error.headers or {}))


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refused)
    headers = {401: {"WWW-Authenticate": "Bearer"}, 429: _LATER, 503: _LATER}.get(error.status, {})
    return _problem(Problem(title=error.title, status=error.status, remedy=error.remedy), **headers)


async def _mistaken(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, UserError)
    return _problem(Problem(title=error.what, status=422, detail=error.cause, remedy=error.remedy))


async def _unfit(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return _problem(Problem(title=f"{where}: {first['msg']}", status=422, remedy="see /openapi.json"))


async def _away(request: Request, error: Exception) -> JSONResponse:
    _log.error("the database cannot be reached", exc_info=error)
    problem = Problem(title="the database cannot be reached", status=503, remedy="try again in a moment")
    return _problem(problem, **{"Retry-After": "5"})
