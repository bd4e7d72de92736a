"""An OpenAI-compatible server that says what it was told to say, or goes wrong in a named way. For tests and teaching.

Real HTTP on the loopback address, standard library only: whoever uses it is a client like any other. As a program,
`python -m agent.serving.fake_server FILE [PORT]`, it says the replies of a file, one JSON string a line, by the turn.
"""

import json
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from agent.serving.loopback import Handler, LoopbackServer

Mishap = Literal["down", "slow", "garbage", "empty", "html", "wrong type"]
"""It hangs up; says nothing until it is closed; sends no JSON; no choices; a page; an answer that claims to be one."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the model. Calls are pairs of a name and arguments as text, as vLLM's parser would give them."""

    text: str = ""
    reasoning: str | None = None
    calls: tuple[tuple[str, str], ...] = ()
    finish: str = "stop"


@dataclass(frozen=True, slots=True)
class Fault:
    """An answer with a status that is none of success."""

    status: int
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)


OVERFLOW = Fault(
    400, "This model's maximum context length is 4096 tokens. However, your request has 5000 input tokens."
)
ENDLESS = Reply(reasoning="I wonder. " * 50, finish="length")

Turn = Reply | Fault | Mishap


class FakeServer(LoopbackServer):
    """Gives its turns one after the other, the last one again and again; `requests` holds what was asked.

    `refuses` are fields that it answers with a 400 naming them. With `vllm` it says that it is vLLM, and then knows
    pictures by their uuid as vLLM does. With a `key`, only those who have it are answered. `by_turn` goes by how many
    turns of a model the conversation has, not by how often it was asked, and so knows its place after a restart.
    """

    def __init__(
        self,
        *turns: Turn,
        model: str = "fake-thinking",
        vllm: bool = True,
        key: str = "",
        refuses: tuple[str, ...] = (),
        by_turn: bool = False,
        port: int = 0,
    ) -> None:
        self.turns, self.model, self.vllm, self.key, self.refuses = turns, model, vllm, key, refuses
        self.by_turn = by_turn
        self.requests: list[dict[str, Any]] = []
        self.given = 0
        self.pictures: set[str] = set()
        self.closing = threading.Event()
        super().__init__(_Handler, port)

    @property
    def url(self) -> str:
        """Its address, with /v1."""
        return f"{super().url}v1"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        super().__exit__(kind, error, trace)

    def next_turn(self, request: dict[str, Any]) -> Turn:
        """What comes of a request."""
        self.requests.append(request)
        if (named := next((name for name in self.refuses if name in json.dumps(request)), None)) is not None:
            return Fault(400, f"Unsupported parameter: '{named}' is not supported with this model.")
        for part in _pictures(request):
            if part["image_url"]:
                self.pictures.add(part.get("uuid", ""))
            elif part["uuid"] not in self.pictures:
                return Fault(400, "Cache miss for image at index 0 but data is not provided.")
        self.given += 1
        said = sum(message["role"] == "assistant" for message in request["messages"])
        return self.turns[min(said if self.by_turn else self.given - 1, len(self.turns) - 1)]


class _Handler(Handler[FakeServer]):
    timeout = 30

    def do_GET(self) -> None:
        """The models, and vLLM's version."""
        fake = self.owner
        if fake.key and self.headers["Authorization"] != f"Bearer {fake.key}":
            self._fault(Fault(401, "Unauthorized"))
        elif self.path == "/v1/models":
            owner = "vllm" if fake.vllm else "somebody"
            self._send(200, json.dumps({"object": "list", "data": [{"id": fake.model, "owned_by": owner}]}))
        elif self.path == "/version" and fake.vllm:
            self._send(200, json.dumps({"version": "0.0"}))
        else:
            self._fault(Fault(404, "Not Found"))

    def do_POST(self) -> None:
        """The next turn."""
        fake = self.owner
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if fake.key and self.headers["Authorization"] != f"Bearer {fake.key}":
            self._fault(Fault(401, f"no such key: {self.headers['Authorization']}"))
            return
        match fake.next_turn(request):
            case Fault() as fault:
                self._fault(fault)
            case Reply() as reply:
                self._send(200, _answer(fake.model, reply))
            case "down":
                self.close_connection = True
            case "slow":
                fake.closing.wait()
            case "garbage":
                self._send(200, '{"choices": [{')
            case "empty":
                self._send(200, '{"choices": []}')
            case "html":
                self._send(200, "<html><body>Please wait</body></html>", "text/html")
            case "wrong type":
                self._send(200, "ok", "text/plain")

    def _fault(self, fault: Fault) -> None:
        body = json.dumps({"error": {"message": fault.message, "type": "error", "code": fault.status}})
        self._send(fault.status, body, headers=fault.headers)

    def _send(
        self, status: int, body: str, kind: str = "application/json", headers: Mapping[str, str] | None = None
    ) -> None:
        self.send(status, body.encode(), kind, headers)


def _pictures(request: dict[str, Any]) -> list[dict[str, Any]]:
    parts = (part for message in request["messages"] for part in message["content"] if isinstance(part, dict))
    return [part for part in parts if part["type"] == "image_url"]


def _answer(model: str, reply: Reply) -> str:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None}
    if reply.reasoning is not None:
        message["reasoning"] = reply.reasoning
    if reply.calls:
        message["tool_calls"] = [
            {"id": f"c{number}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for number, (name, arguments) in enumerate(reply.calls)
        ]
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "prompt_tokens_details": {"cached_tokens": 60}}
    choice = {"index": 0, "message": message, "finish_reason": reply.finish}
    return json.dumps({"id": "x", "object": "chat.completion", "model": model, "choices": [choice], "usage": usage})


def main() -> None:
    """Serves until it is ended; says its address first."""
    lines = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    with FakeServer(*(Reply(json.loads(line)) for line in lines), by_turn=True, port=port) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main()
