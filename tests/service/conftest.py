"""Services in processes of their own, reached over HTTP; on SQLite, and in the soak on a Postgres of their own."""

import asyncio
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import httpx
import pytest

from agent.service.setup import Setup
from env.settle import until
from tools.errors import EnvError

ROOT = Path(__file__).resolve().parent.parent.parent
WITHIN = 40.0
LOOK_EVERY = 0.05
SCENARIO = 'id: ask\ntitle: Say it\nworld: browser\ngoal: Say forty-two.\ncheck: {answer: {equals: "42"}}\n'
TEST = """
title: Buy something
wait: 1
setup:
  - serve: {folder: site}
  - open_url: {url: "http://site.test/index.html"}
steps:
  - click: {role: button, name: Buy}
  - expect: {title: Bought}
"""
SHOP = "<title>Shop</title><button onclick=\"document.title = 'Bought'\">Buy</button>"
SCRIPT = """{{"action": "goto", "url": "{address}"}}
{{"action": "key", "keys": ["b"]}}
{{"action": "wait", "time": 1}}
{{"action": "answer", "text": "42"}}
"""
TOML = 'scenarios = ["{folder}"]\nmodel = "scripted:{folder}/script.jsonl"\nbrowser = "headless"\n'


_NOTE = """
steps:
  - click: {role: textbox, name: Note}
  - type: "{{what}}"
  - click: {role: button, name: Save}
  - expect: {text: "Saved: milk"}
"""
TESTS = {
    "shop/test_note.yaml": "title: Keep a note\nwait: 0.1\ntable: [{id: good, what: milk}, {id: bad one, what: tea}]"
    + _NOTE,
    "test_words.yaml": "title: Do as told\nsteps: [{do: Save a note}]\n",
}


def eventually(true: Callable[[], bool], what: str, within: float = WITHIN) -> None:
    """Waits until something is so. Raises EnvError."""

    async def found() -> bool | None:
        await asyncio.sleep(LOOK_EVERY)  # a request each: more of them would be most of what the service does
        return true() or None

    asyncio.run(until(found, within, what))


class Service:
    """A running one: `ada` is its admin."""

    def __init__(self, setup: Setup, command: list[str]) -> None:
        self.setup, self._command = setup, command
        self.token = self.secret = ""
        self._client = httpx.Client()
        self.start()

    def start(self) -> None:
        """Starts it; the token of the first time stays good."""
        self._client.close()
        with (self.setup.folder.parent / "service.log").open("a") as log:
            self.process = subprocess.Popen(
                self._command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        assert self.process.stdout
        for line in self.process.stdout:
            _, _, value = line.strip().rpartition(" ")
            if line.startswith("token"):
                self.token = value
            if line.startswith("secret"):
                self.secret = value
            if "http://" in line:
                self._client = self.as_one(self.token, value)
                break
        try:
            self.eventually(lambda: self.ada.get("/readyz").status_code == 200)
        except AssertionError:
            self.kill()
            raise

    @property
    def ada(self) -> httpx.Client:
        """The admin."""
        return self._client

    def kill(self) -> None:
        """As a crash would; its worker hears that it is gone, and ends."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.stop()
        else:
            self._client.close()
            self.kill()

    def as_one(self, token: str, address: str = "") -> httpx.Client:
        base = address or str(self.ada.base_url)
        return httpx.Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, timeout=20)

    def stop(self) -> None:
        self.ada.close()
        self.process.terminate()
        assert self.process.wait(60) == 0
        assert self.process.stdout
        self.process.stdout.close()

    @property
    def address(self) -> str:
        return str(self.ada.base_url).rstrip("/")

    def workers(self) -> list[int]:
        """Process ids of its workers."""
        found = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=False)
        return [int(line) for line in found.stdout.split()]

    def kill_worker(self) -> None:
        (worker,) = self.workers()
        os.kill(worker, signal.SIGKILL)

    def order(self, **order: Any) -> dict[str, Any]:
        """A run, ordered."""
        body = {"scenario": "test/note", "model": "solution"} | order
        answer = self.ada.post("/v1/runs", json={name: value for name, value in body.items() if value is not None})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def run(self, run_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ada.get(f"/v1/runs/{run_id}").json()
        return found

    def until(self, run_id: str, **facts: Any) -> dict[str, Any]:
        """The run, once it is so."""
        found: dict[str, Any] = {}

        def so() -> bool:
            found.update(self.run(run_id))
            return all(found[name] == value for name, value in facts.items())

        self.eventually(so)
        return found

    def eventually(self, true: Callable[[], bool], within: float = WITHIN) -> None:
        """Waits until something is so."""

        try:
            eventually(true, "the service", within)
        except EnvError as error:
            raise AssertionError((self.setup.folder.parent / "service.log").read_text()[-3000:]) from error


class Postgres:
    """A server of its own, of the Debian package, which can be killed and started again."""

    def __init__(self) -> None:
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        if not programs:
            pytest.skip("no Postgres: apt-get install postgresql")
        # Not below pytest's own folder: every session closes that to other users.
        self._programs, self._folder = programs[-1], Path(tempfile.mkdtemp(prefix="surehand-postgres-"))
        self._user = "postgres" if os.getuid() == 0 else None
        self._numbers = itertools.count()
        self.process: subprocess.Popen[bytes]
        if self._user:
            shutil.chown(self._folder, self._user)
        made = ["initdb", "-D", str(self._folder / "data"), "-A", "trust", "-U", "surehand", "-E", "UTF8", "--no-sync"]
        subprocess.run([self._programs / made[0], *made[1:]], check=True, user=self._user, capture_output=True, cwd="/")
        self.start()

    def start(self) -> None:
        """Starts it, as soon as nothing is left of the last one."""
        options = ["-D", str(self._folder / "data"), "-k", str(self._folder), "-c", "listen_addresses="]
        command = [str(self._programs / "postgres"), *options]
        ready = [str(self._programs / "pg_isready"), "-q", "-h", str(self._folder)]
        log = (self._folder / "postgres.log").open("a")

        def answers() -> bool:
            if self.process.poll() is not None:
                self.process = self._started(command, log)
            return subprocess.run(ready, check=False).returncode == 0

        with log:
            self.process = self._started(command, log)
            eventually(answers, "Postgres")

    def _started(self, command: list[str], log: IO[str]) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(command, user=self._user, cwd="/", stdout=log, stderr=log, start_new_session=True)

    def fresh(self) -> str:
        """The address of a database that nobody has used yet."""
        name = f"d{next(self._numbers)}"
        made = [str(self._programs / "createdb"), "-h", str(self._folder), "-U", "surehand", name]
        subprocess.run(made, check=True, cwd="/")
        return f"postgresql://surehand@/{name}?host={self._folder}"

    def kill(self) -> None:
        """As a crash would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """At once, but in order."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(30)
        shutil.rmtree(self._folder)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server that the tests of one process share."""
    server = Postgres()
    yield server
    server.stop()


PLACES = ["sqlite", pytest.param("postgres", marks=pytest.mark.soak)]


def _fresh(request: pytest.FixtureRequest) -> str:
    """Where a service keeps its tables, which nobody has used yet: the first to come becomes the admin."""
    if request.param == "sqlite":
        return ""
    server: Postgres = request.getfixturevalue("postgres")
    return server.fresh()


@pytest.fixture(params=PLACES)
def database(request: pytest.FixtureRequest) -> str:
    """For a service that a test starts itself."""
    return _fresh(request)


def a_setup(folder: Path, database: str, **more: Any) -> Setup:
    folder.mkdir()
    values = {"port": 0, "lost_after": 5.0, "stop_within": 0.5, "drain": 0.2, "slots": 4, "waiting": 30} | more
    return Setup(folder=folder, database=database, **values)


@pytest.fixture(scope="session", params=PLACES)
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One with small tasks."""
    tests = tmp_path_factory.mktemp("tests")
    for name, text in TESTS.items():
        (tests / name).parent.mkdir(exist_ok=True)
        (tests / name).write_text(text)
    folder = tmp_path_factory.mktemp("service") / "service"
    setup = a_setup(folder, _fresh(request), private=True, share=3, tests=(tests,))
    running = Service(setup, small(setup))
    yield running
    running.stop()


def small(setup: Setup) -> list[str]:
    """The command of a service of small tasks."""
    return [sys.executable, "-m", "tests.service.small_service", setup.model_dump_json()]


@pytest.fixture(scope="session")
def browsing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """`surehand up`, for a scenario in a browser that takes four steps."""
    tmp_path = tmp_path_factory.mktemp("browsing")
    (tmp_path / "ask.yaml").write_text(SCENARIO)
    (tmp_path / "surehand.toml").write_text(TOML.format(folder=tmp_path))
    (tmp_path / "test_page.yaml").write_text(TEST)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text(SHOP)
    setup = a_setup(tmp_path / "service", "", tests=(tmp_path,))
    service = Service(setup, up(setup, tmp_path / "surehand.toml"))
    (tmp_path / "script.jsonl").write_text(SCRIPT.format(address=f"{service.address}/healthz"))
    yield service
    service.stop()


def up(setup: Setup, config: Path) -> list[str]:
    """The command of a person's own service."""
    database = ["--database", setup.database] if setup.database else []
    return [sys.executable, "-u", "-m", "agent", "up", "--port", "0", "--private", "--folder", str(setup.folder),
            "--config", str(config), *(f"--tests={folder}" for folder in setup.tests), *database]  # fmt: skip
