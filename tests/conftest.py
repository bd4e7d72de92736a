import asyncio
import fcntl
import os
import subprocess
from collections.abc import Iterator

import pytest

from agent.serving.family import STAND_IN, find
from agent.serving.machine import CPU_PYTHON
from agent.serving.stand_in import cache_folder
from agent.serving.vllm_server import Server, servers, start, stop
from env.folder import FIRST_UID

_WORLDS = 16
"""More than are open at once in a run of the tests."""
_made: list[str] = []


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "vllm: needs .venv-serve (docker/setup-serve.sh) and a minute to start")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Makes the users of worlds without namespaces before any world is there.

    The kernel takes mounts off a file that is replaced, in every namespace; a sandbox's own /etc/passwd is one.
    """
    if os.getuid() == 0 and not hasattr(session.config, "workerinput"):
        for number in range(1, _WORLDS + 1):
            name = f"surehand-{number}"
            command = ["useradd", "--no-create-home", "--user-group", "--uid", str(FIRST_UID + number), name]
            if subprocess.run(command, capture_output=True, check=False).returncode == 0:
                _made.append(name)


def pytest_sessionfinish() -> None:
    """Removes those that were made."""
    while _made:
        subprocess.run(["userdel", _made.pop()], capture_output=True, check=False)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that none of them is left alone at the end while the other processor has nothing to do."""
    items.sort(key=_limit, reverse=True)


def _limit(item: pytest.Item) -> float:
    mark = item.get_closest_marker("timeout")
    return float(mark.args[0]) if mark else 0.0


@pytest.fixture(scope="session")
def stand_in_server() -> Iterator[Server]:
    """The stand-in behind real vLLM, shared with other test processes; the last one stops it, unless it ran before."""
    if not CPU_PYTHON.exists():
        pytest.skip("no .venv-serve: run 'bash docker/setup-serve.sh' to test with real vLLM")
    users = cache_folder() / "serving" / "tests.lock"
    users.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with users.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        ran = servers()
        server = asyncio.run(start(find(STAND_IN)))
        yield server
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        if server not in ran:
            asyncio.run(stop(server))
