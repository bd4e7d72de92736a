"""What comes in: no more than a limit of it, and without any secret that the service knows."""

import asyncio

from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent.service.orders import Problem
from agent.service.safe import Mask
from tools.errors import UserError

MOST = 1 << 20
"""Bytes of a request's body."""
_SECRETS = "/v1/secrets/"


class Bodies:
    """Refuses long bodies, and puts placeholders where a body holds a secret's value: nothing behind it sees one.

    Only who puts in a secret is heard as they are.
    """

    def __init__(self, app: ASGIApp, mask: Mask) -> None:
        self._app, self._mask = app, mask

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes on a request with its whole body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = await _read(receive)
        if body is None:
            problem = Problem(title="the request is too long", status=413, remedy=f"send at most {MOST:,} bytes")
            await _refuse(problem, scope, send)
            return
        if body and not scope["path"].startswith(_SECRETS):
            try:
                await asyncio.to_thread(self._mask.refresh)
            except UserError as error:
                await _refuse(
                    Problem(title=error.what, status=503, detail=error.cause, remedy=error.remedy), scope, send
                )
                return
            body = self._mask(body)
            scope = {**scope, "headers": [*scope["headers"]]}
            MutableHeaders(scope=scope)["content-length"] = str(len(body))
        given = False

        async def once() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, once, send)


async def _refuse(problem: Problem, scope: Scope, send: Send) -> None:
    answer = JSONResponse(problem.model_dump(), problem.status, media_type="application/problem+json")
    await answer(scope, _nothing, send)


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


async def _read(receive: Receive) -> bytes | None:
    """A whole body; None for one that is too long or was broken off."""
    parts, size, more = list[bytes](), 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        size, more = size + len(parts[-1]), message.get("more_body", False)
        if size > MOST:
            return None
    return b"".join(parts)
