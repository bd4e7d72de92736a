"""The end of a run is told: signed, again when nobody answered well, and never to addresses inside."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from agent.service.orders import RunView, State
from agent.service.webhook import make_secret, signature, tell
from tests.service.conftest import Service


class Listener(ThreadingHTTPServer):
    """Answers the first time that it is out of order."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Heard)
        self.heard: list[tuple[dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook"


class _Heard(BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(200 if len(self.server.heard) > 1 else 500)
        self.end_headers()

    def do_GET(self) -> None:
        self.server.heard.append(({}, b""))

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@contextmanager
def listening() -> Iterator[Listener]:
    with Listener() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.xdist_group("service")
def test_an_end_is_told_until_it_is_heard(service: Service) -> None:
    with listening() as listener:
        run = service.order(webhook=listener.url)
        service.eventually(lambda: len(listener.heard) == 2)
    headers, body = listener.heard[1]
    told = json.loads(body)
    assert (told["type"], told["data"]["id"], told["data"]["status"]) == ("run.ended", run["id"], "passed")
    assert headers["webhook-id"] == run["id"]
    signed = f"{run['id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(service.secret.removeprefix("whsec_"))
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{wanted}"


def test_the_secret_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    secret = make_secret(tmp_path)
    assert secret
    assert make_secret(tmp_path) is None
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert signature(secret, "a", 1, b"x") != signature(secret, "b", 1, b"x")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0"])
async def test_nothing_inside_is_told(tmp_path: Path, host: str) -> None:
    make_secret(tmp_path)
    now = datetime.now(UTC)
    run = RunView(id="1", owner="a", scenario="goal", seed=0, goal="", model="", priority="low", state=State.ENDED,
                  created=now)  # fmt: skip
    with listening() as listener:
        with pytest.raises(OSError, match="leads to"):
            await tell(run, listener.url.replace("127.0.0.1", host), tmp_path, now, private=False)
        assert listener.heard == []
