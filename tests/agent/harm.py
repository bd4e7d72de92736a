"""What chaos tests share: a page outside of every world that counts what happened, models, and processes to kill."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import httpx

from agent.model import Model, reply
from agent.prompt import Message
from agent.serving.fake_server import FakeServer, Reply, Turn
from agent.serving.loopback import Handler, LoopbackServer
from agent.trace import Completion
from env.settle import until
from tools.actions import Terminate, Type

ROOT = Path(__file__).resolve().parent.parent.parent
LETTERS = "abcdefghijklmnopqrstuvwxyz"
PATIENCE = 120.0
"""Seconds for a condition on a loaded machine."""
PAGE = b"""<!doctype html><title>Letters</title><h1>Letters</h1><p id="typed"></p>
<script>
addEventListener("keydown", event => {
  if (event.key.length !== 1) return;
  const told = new XMLHttpRequest();  // the key is not taken before the server has answered
  told.open("GET", "/typed?key=" + encodeURIComponent(event.key), false);
  told.send();
  document.querySelector("#typed").append(event.key);
});
</script>"""


class Site(LoopbackServer):
    """A page on this machine's loopback; every letter typed on it is told to its server at once, and kept in `typed`.

    While `held`, the page waits with a letter that has been told, and so does whoever typed it.
    """

    def __init__(self) -> None:
        self.typed = ""
        self.on_letter: Callable[[], None] = lambda: None
        self._free = threading.Event()
        self._free.set()
        super().__init__(_Page)

    def hold(self) -> None:
        self._free.clear()

    def let_go(self) -> None:
        self._free.set()

    def take(self, letter: str) -> None:
        self.typed += letter
        self.on_letter()
        self._free.wait()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.let_go()
        super().__exit__(kind, error, trace)


class _Page(Handler["Site"]):
    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        if asked.path == "/typed":
            self.owner.take(parse_qs(asked.query)["key"][0])
        self.send(200, PAGE, "text/html")


class Gate(FakeServer):
    """A model server that types one letter a turn, each only when it is let; then it says that it is done."""

    def __init__(self, letters: str) -> None:
        super().__init__(*(Reply(text) for text in turns(letters)), by_turn=True)
        self.waiting: list[threading.Event] = []
        self.answered = 0
        self.open = False

    def next_turn(self, request: dict[str, Any]) -> Turn:
        turn = super().next_turn(request)
        if not self.open:
            mine = threading.Event()
            self.waiting.append(mine)
            mine.wait()
        self.answered += 1
        return turn

    def let(self) -> None:
        """Answers whoever asked last."""
        self.waiting[-1].set()

    def let_all(self) -> None:
        self.open = True
        for one in self.waiting:
            one.set()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.let_all()
        super().__exit__(kind, error, trace)


class Runner:
    """`surehand …` in a process of its own."""

    def __init__(self, *arguments: str) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SUREHAND_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "agent", *arguments], env=environment | {"PYTHONPATH": str(ROOT)}, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def kill(self) -> None:
        """As a crash would."""
        assert self.process.poll() is None, self.end()
        self.process.kill()
        self.end()

    def end(self) -> tuple[int, str]:
        """Its exit status and what it said."""
        said, _ = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, said

    async def holds(self, condition: Callable[[], bool], what: str) -> None:
        """Waits until a condition holds, as long as the process lives."""

        async def found() -> bool | None:
            assert self.process.poll() is None, self.end()
            return condition() or None

        await until(found, PATIENCE, what)


class ModelServer:
    """A model server in a process of its own, which can be killed and started again at the same address."""

    def __init__(self, file: Path, letters: str) -> None:
        file.write_text("".join(json.dumps(text) + "\n" for text in turns(letters)), encoding="utf-8")
        self._file, self._port, self.url = file, 0, ""
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "agent.serving.fake_server", str(self._file), str(self._port)]
        self.process = subprocess.Popen(
            command, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        self.url = self.process.stdout.readline().strip()
        self._port = urlsplit(self.url).port or 0

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()


@dataclass
class Hooked:
    """A model that calls a function before each reply, with its number."""

    inner: Model
    hook: Callable[[int], None]
    name: str = "hooked"
    asked: int = 0

    async def decide(self, messages: Sequence[Message]) -> Completion:
        self.asked += 1
        self.hook(self.asked)
        return await self.inner.decide(messages)


def turns(letters: str) -> list[str]:
    """What a model says that types these letters, one a turn."""
    said = [reply("Next.", f"Type {letter}.", Type(text=letter)) for letter in letters]
    return [*said, reply("All.", "End the task.", Terminate(status="success"))]


def lines(file: Path) -> int:
    """How many whole lines a file has."""
    return file.read_bytes().count(b"\n") if file.exists() else 0


def keeper_of(folder: Path) -> int:
    """The process that keeps the world of a run."""
    world = json.loads((folder / "run.json").read_text(encoding="utf-8"))["world"]
    transport = httpx.HTTPTransport(uds=f"{world['folder']}/keeper.sock")
    with httpx.Client(transport=transport, timeout=PATIENCE) as client:
        answer = client.post("http://keeper/renew").json()
    assert answer["keeper"] == world["keeper"], "another run's world has taken the place of this one"
    return int(answer["pid"])


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    """A process that does nothing meanwhile."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def below(pid: int, name: str) -> list[int]:
    """The processes that a process started, and those started by them, whose command line has a name in it."""
    parents, commands = {}, {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with contextlib.suppress(OSError):
                stat = (folder / "stat").read_text()
                parents[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
                commands[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return sorted(one for one in found - {pid} if name in commands.get(one, ""))
