import asyncio
import os
import signal
import socket
import stat
import sys
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from agent.commands.served import at_address
from agent.serving import processes, vllm_server
from agent.serving.adapter import adapted
from agent.serving.family import SIZES, Model
from agent.serving.machine import Machine
from agent.serving.vllm_server import Server, answers, at, servers, start, stop
from agent.settings import Settings
from tests.serving.adapters import write_adapter
from tools.errors import ModelError, UserError

FAKE = Machine(
    cards=(), memory=1000, gpu_program=None, cpu_program=(sys.executable, str(Path(__file__).with_name("fake_vllm.py")))
)

SHARDS = "Loading safetensors checkpoint shards: {:3}% Completed"


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Model(name="mine", source=str(tmp_path / "mine"), size=SIZES[0], thinking=True)


def shown(server: Server, key: str) -> bool:
    """Whether others can read a key off the log or the command line."""
    return key in server.log.read_text() + Path(f"/proc/{server.pid}/cmdline").read_text()


async def test_a_server_is_started_found_again_and_stopped(model: Model) -> None:
    heard: list[str] = []
    server = await start(model, on=FAKE, say=heard.append)
    try:
        assert await answers(server)
        assert heard[-1] == "ready"
        assert servers() == (server,)
        assert at(server.url + "/") == server
        assert await start(model, on=FAKE) == server
        assert len(processes.members(server.pid)) == 2
    finally:
        await stop(server)
    assert not server.alive
    assert processes.members(server.pid) == ()
    assert servers() == ()
    assert at(server.url) is None
    await stop(server)


async def test_an_adapter_has_a_server_of_its_own_which_is_asked_for_it(model: Model, tmp_path: Path) -> None:
    folder = write_adapter(tmp_path / "gui", model.size.architecture, rank=1, linears=["k_proj"])
    plain, taught = await start(model, on=FAKE), await start(adapted(model, folder), on=FAKE)
    try:
        assert plain.pid != taught.pid
        assert (plain.model, taught.model) == ("mine", "mine+gui")
        assert set(servers()) == {plain, taught}
        assert at_address(Settings(model=taught.url)).model == "mine+gui"
        assert at_address(Settings(model=taught.url, model_name="mine")).model == "mine"
        assert await start(adapted(model, folder), on=FAKE) == taught
        write_adapter(folder, model.size.architecture, rank=1, linears=["k_proj"], seed=1)
        again = await start(adapted(model, folder), on=FAKE)
        assert not taught.alive
        assert set(servers()) == {plain, again}
    finally:
        for server in servers():
            await stop(server)


async def test_two_starts_at_once_are_one_server(model: Model) -> None:
    one, two = await asyncio.gather(start(model, on=FAKE), start(model, on=FAKE))
    await stop(one)
    assert one == two


async def test_the_key_is_for_this_user_only(model: Model, tmp_path: Path) -> None:
    server = await start(model, on=FAKE)
    try:
        key = server.key.get_secret_value()
        assert len(key) >= 32
        assert key not in repr(server)
        assert not shown(server, key)
        async with httpx.AsyncClient(trust_env=False) as stranger:
            assert (await stranger.get(server.url + "/models")).status_code == 401
        (state,) = (tmp_path / "cache" / "surehand" / "serving").glob("*.json")
        assert stat.S_IMODE(state.stat().st_mode) == 0o600
        assert stat.S_IMODE(state.parent.stat().st_mode) == 0o700
    finally:
        await stop(server)


async def test_a_killed_server_is_replaced(model: Model) -> None:
    first = await start(model, on=FAKE)
    os.kill(first.pid, signal.SIGKILL)
    with processes.ending(first.pid) as ended:
        await ended.wait()
    assert servers() == ()
    second = await start(model, on=FAKE)
    await stop(second)
    assert second.pid != first.pid
    assert processes.members(first.pid) == ()


@pytest.mark.soak
async def test_a_server_that_does_not_answer_is_replaced(model: Model) -> None:
    first = await start(model, on=FAKE)
    os.killpg(first.pid, signal.SIGSTOP)
    second = await start(model, on=FAKE)
    await stop(second)
    assert not first.alive


async def test_what_ignores_a_polite_request_is_killed(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_VLLM", "stubborn")
    server = await start(model, on=FAKE)
    await processes.end(server.pid, grace=0.2)
    assert processes.members(server.pid) == ()


async def test_a_start_that_is_given_up_leaves_nothing(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_VLLM", "never ready")
    heard: asyncio.Queue[str] = asyncio.Queue()
    starting = asyncio.create_task(start(model, on=FAKE, say=heard.put_nowait))
    while await heard.get() != "reading the model's settings":
        pass
    (server,) = servers()
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert processes.members(server.pid) == ()
    assert servers() == ()


async def test_a_start_that_fails_shows_the_end_of_the_log(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_VLLM", "dies")
    with pytest.raises(
        ModelError, match=r"vLLM ended before it could serve 'mine':(.|\n)*nobody knows(.|\n)*Its log: /"
    ):
        await start(model, on=FAKE)
    assert servers() == ()


async def test_a_known_mishap_has_a_remedy(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_VLLM", "no memory")
    with pytest.raises(UserError, match="vLLM cannot serve 'mine': not enough memory; close what else uses it"):
        await start(model, on=FAKE)


async def test_a_taken_port_is_refused(model: Model) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(UserError, match=f"port {port} is taken"):
            await start(model, on=FAKE, port=port)


async def test_a_number_that_was_used_again_is_left_alone(model: Model) -> None:
    server = await start(model, on=FAKE)
    stale = server.model_copy(update={"born": server.born - 1})
    await stop(stale)
    assert server.alive
    await stop(server)


@pytest.mark.parametrize(
    ("log", "phase"),
    [
        ("", "loading vLLM"),
        ("INFO non-default args: {}\nnoise\n", "reading the model's settings"),
        (SHARDS.format(0) + "\r" + SHARDS.format(50), "loading the weights: 50 %"),
        ("Fetching 12 files:  42%|####", "downloading the weights: 42 %"),
    ],
)  # fmt: skip
def test_the_log_tells_how_far_a_start_is(log: str, phase: str) -> None:
    assert vllm_server._phase(log) == phase


def test_a_broken_state_file_is_no_server(model: Model) -> None:
    vllm_server._state(model).write_text('{"model": ')
    assert servers() == ()


def test_a_server_of_another_life_is_no_server(model: Model) -> None:
    gone = Server(
        model="mine", source=model.source, url="http://127.0.0.1:1/v1", key=SecretStr("k"), pid=os.getpid(), born=1,
        log=Path("l"),
    )  # fmt: skip
    vllm_server._write(gone)
    assert servers() == ()
