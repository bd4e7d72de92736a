import asyncio
import fcntl
from collections.abc import Iterator

import pytest

from agent.serving.family import STAND_IN, find
from agent.serving.machine import CPU_PYTHON
from agent.serving.stand_in import cache_folder
from agent.serving.vllm_server import Server, servers, start, stop


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "vllm: needs .venv-serve (docker/setup-serve.sh) and a minute to start")


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
