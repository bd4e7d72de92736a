"""An application that answers on a listening socket, in this process's own event loop."""

import asyncio
import contextlib
import socket

import uvicorn
from starlette.types import ASGIApp


class Serving:
    """Answers from now on until `close`; the socket is its own."""

    def __init__(self, app: ASGIApp, listener: socket.socket, *, log_level: str) -> None:
        listener.setblocking(False)
        self._listener = listener
        self._server = uvicorn.Server(
            uvicorn.Config(app, log_level=log_level, lifespan="off", ws="none", timeout_graceful_shutdown=1)
        )
        self._task: asyncio.Task[None] | None = asyncio.create_task(self._server._serve([listener]))

    async def close(self) -> None:
        """Answers nobody any more; may be called twice."""
        if self._task is not None:
            self._server.should_exit = self._server.force_exit = True
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        self._listener.close()
