"""A hub that is none: Hugging Face's and ModelScope's ways to upload, on the loopback address; what came is kept."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, NamedTuple


class Came(NamedTuple):
    """A request as it came."""

    line: str
    token: str
    body: bytes


class Hub(ThreadingHTTPServer):
    """Takes everything, if the token is the right one."""

    daemon_threads = True

    def __init__(self, token: str) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.token = token
        self.came: list[Came] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def lines(self) -> list[str]:
        return [one.line for one in self.came]


@contextmanager
def a_hub(token: str) -> Iterator[Hub]:
    """One that listens inside."""
    with Hub(token) as hub:
        Thread(target=hub.serve_forever, daemon=True).start()
        try:
            yield hub
        finally:
            hub.shutdown()


class _Request(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def _take(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        told = f"{self.headers.get('authorization', '')} {self.headers.get('cookie', '')}"
        self.server.came.append(Came(f"{self.command} {self.path.partition('?')[0]}", told, body))
        if self.server.token in told or b"validate-yaml" in self.path.encode():
            self._say(200, _answer(self.server.url, self.path, body))
        else:
            self._say(
                401, {"error": "Invalid user token.", "Code": 401, "Message": "401 Unauthorized", "Success": False}
            )

    do_GET = do_POST = do_PUT = do_HEAD = _take

    def _say(self, status: int, answer: dict[str, Any]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


def _answer(url: str, path: str, body: bytes) -> dict[str, Any]:
    commit = "a" * 40
    if path == "/api/repos/create":
        return {"url": f"{url}/me/hands", "id": "me/hands", "name": "hands"}
    if "/preupload/" in path:
        files = [one["path"] for one in json.loads(body)["files"]]
        return {
            "files": [{"path": name, "uploadMode": "regular", "shouldIgnore": False, "oid": None} for name in files]
        }
    if "/commit/" in path:
        return {"success": True, "commitOid": commit, "commitUrl": f"{url}/me/hands/commit/{commit}"}
    return {"errors": [], "warnings": []}
