"""The web site of a world: pages of scenarios/assets on the inside's own loopback, and what they sent back."""

import json
import socket
from html import escape
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from env.base import Posted, Visit
from env.serving import Serving
from tools.errors import ScenarioError

HOST = "site.test"
PORT = 8000
"""Inside, where http://site.test/ and all other hosts below `.test` lead to."""
KIT = "kit"
"""The folder of what pages share: it is served beside whichever folder is shown, as http://site.test/kit/."""
_LARGEST_BODY = 1 << 20
_OPEN_TO_ALL = ("Access-Control-Allow-Origin", "Access-Control-Allow-Headers", "Access-Control-Allow-Methods")


class Site:
    """Serves one folder at a time; `posted` grows by each POST below /api/.

    Other hosts below `.test` answer everything with a page of their own name; what they were asked is in `visited`.
    """

    def __init__(self, assets: Path) -> None:
        self._assets = assets
        self._serving: Serving | None = None
        self._data: dict[str, Any] = {}
        self._pages: StaticFiles | None = None
        self.posted: list[Posted] = []
        self.visited: list[Visit] = []

    async def open(self, listener: socket.socket) -> None:
        """Begins to answer on a listening socket, with nothing to show yet."""
        routes = [
            Route("/data.json", self._give_data),
            Route("/api/{path:path}", self._take, methods=["POST"]),
            Mount(f"/{KIT}", StaticFiles(directory=self._assets / KIT, check_dir=False)),
            Mount("/", self._show_page),
        ]
        own = Starlette(routes=routes)

        async def by_host(scope: Scope, receive: Receive, send: Send) -> None:
            request = Request(scope, receive)
            known = request.url.hostname in (HOST, "127.0.0.1", "localhost")
            await (own if known else await self._foreign(request))(scope, receive, send)

        self._serving = Serving(by_host, listener, log_level="warning")

    def show(self, folder: str, data: dict[str, Any]) -> None:
        """Shows the pages of a folder; what was posted is forgotten. Raises ScenarioError for a bad name."""
        root = (self._assets / folder).resolve()
        if not root.is_dir() or not root.is_relative_to(self._assets.resolve()):
            raise ScenarioError(f"no folder {folder!r} in {self._assets}")
        self.clear()
        self._pages, self._data = StaticFiles(directory=root, html=True), data

    def clear(self) -> None:
        """Shows nothing, and forgets what was posted."""
        self._pages, self._data, self.posted, self.visited = None, {}, [], []

    async def _show_page(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._pages or Response("nothing is served here", status_code=404)
        await app(scope, receive, send)

    async def _give_data(self, request: Request) -> Response:
        return JSONResponse(self._data)

    async def _foreign(self, request: Request) -> Response:
        host = request.url.hostname or ""
        body = await _body(request) or b""
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        self.visited.append(Visit(host=host, method=request.method, path=path, body=body.decode(errors="replace")))
        page = f"<!doctype html><title>{escape(host)}</title><h1>{escape(host)}</h1>"
        return HTMLResponse(page, headers=dict.fromkeys(_OPEN_TO_ALL, "*"))

    async def _take(self, request: Request) -> Response:
        body = await _body(request)
        if body is None:
            return JSONResponse({"ok": False}, status_code=413)
        try:
            sent = json.loads(body) if body else None
        except ValueError:
            sent = body.decode(errors="replace")
        self.posted.append(Posted(path=request.url.path, body=sent))
        return JSONResponse({"ok": True})

    async def close(self) -> None:
        """Stops serving; may be called twice."""
        if self._serving is not None:
            await self._serving.close()


async def _body(request: Request) -> bytes | None:
    """What was sent; None when it is too much."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _LARGEST_BODY:
            return None
    return body
