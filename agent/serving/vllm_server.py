"""vLLM as a background process on the loopback address: started, waited for, found again, stopped."""

import asyncio
import contextlib
import fcntl
import hashlib
import json
import os
import re
import secrets
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from agent.serving import machine, processes, stand_in
from agent.serving.family import Adapter, Model
from agent.serving.launch import Device, Plan, check_disk, command, environment, plan
from agent.serving.machine import Machine
from agent.serving.stand_in import cache_folder
from env.settle import until
from tools.errors import ModelError, UserError

_LOOK_EVERY = 0.25
_LONGEST_SILENCE = 1200.0
"""Seconds without a word in the log, after which a start has failed."""
_GRACE = 15.0
_TAIL = 12
_PHASES = (
    (r"Loading safetensors checkpoint shards: +(\d+)%", "loading the weights: {} %"),
    (r"(?:Fetching|Downloading).*?(\d+)%", "downloading the weights: {} %"),
    (r"Application startup complete", "ready"),
    (r"Starting vLLM server|init engine", "opening the door"),
    (r"Capturing CUDA graphs|torch\.compile takes", "compiling"),
    (r"Starting to load model", "loading the model"),
    (r"Initializing a V1 LLM engine", "starting the engine"),
    (r"non-default args", "reading the model's settings"),
)
"""What a line of vLLM's log says about how far it is."""
_MISHAPS = (
    (r"Address already in use", "another program took its port", "try again, or choose one with --port"),
    (r"out of memory|No available memory for the cache|less than desired GPU memory|DefaultCPUAllocator",
     "not enough memory", "close what else uses it, or choose a smaller model or its FP8 version"),
    (r"GatedRepoError|401 Client Error|RepositoryNotFoundError", "the hub does not give it away", "log in there first"),
    (r"LocalEntryNotFoundError|couldn't connect to|Max retries exceeded|Name or service not known",
     "its weights cannot be downloaded", "try --modelscope, or name a folder that holds them"),
    (r"libcuda|CUDA driver|no NVIDIA driver", "no working driver for the graphics card", "try --device cpu"),
)  # fmt: skip

Say = Callable[[str], None]


class Server(BaseModel):
    """A vLLM that was started here. Its key opens it to this user only; it is never printed.

    With an `adapter`, `model` is what it calls the changed model; the unchanged one has its own name there, too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    source: str
    adapter: Adapter | None = None
    url: str
    """Base address of the OpenAI-compatible interface, with /v1."""
    key: SecretStr
    pid: int
    born: int
    log: Path

    @property
    def alive(self) -> bool:
        """Whether its process is still there."""
        return processes.birth(self.pid) == self.born


async def start(
    model: Model,
    *,
    device: Device = "auto",
    port: int | None = None,
    modelscope: bool = False,
    say: Say = lambda _: None,
    on: Machine | None = None,
) -> Server:
    """A server of this model that answers; one that runs already is used as it is. `say` hears how far a start is.

    `on` is this machine, unless it is told otherwise. Raises UserError: the model does not fit it, the port is taken,
    the weights cannot be had. Raises ModelError, with the end of the log: vLLM ended or went silent before it answered.
    """
    async with _turn(model, say):
        if server := await _running(model):
            return server
        decided = plan(model, device, on or machine.look(), modelscope=modelscope)
        number = machine.free_port(port)
        if number is None:
            raise UserError(f"port {port} is taken", remedy="choose another, or leave out --port")
        check_disk(model, modelscope)
        if model.stand_in:
            await _build(decided, say)
        server, ready = _launch(decided, number), False
        try:
            _write(server)
            await _until_ready(server, say)
            ready = True
        finally:
            if not ready:
                await stop(server)
        return server


async def stop(server: Server) -> None:
    """Ends it and everything it started; may be called twice."""
    if processes.birth(server.pid) in (server.born, None):  # else the number is somebody else's by now
        await processes.end(server.pid, _GRACE)
    _state(server).unlink(missing_ok=True)


def servers() -> tuple[Server, ...]:
    """Those of this user whose process is there, ready or not."""
    found = (_read(file) for file in sorted(_folder().glob("*.json")))
    return tuple(server for server in found if server and server.alive)


def at(url: str) -> Server | None:
    """The one behind this address: a client takes its key."""
    return next((server for server in servers() if server.url == url.rstrip("/")), None)


async def answers(server: Server, patience: float = 10) -> bool:
    """Whether it is healthy and serves its model."""
    headers = {"Authorization": f"Bearer {server.key.get_secret_value()}"}
    async with httpx.AsyncClient(headers=headers, timeout=patience, trust_env=False, verify=False) as client:
        try:
            health = await client.get(server.url.removesuffix("/v1") + "/health")
            models = await client.get(server.url + "/models")
            return health.is_success and server.model in [model["id"] for model in models.json()["data"]]
        except (httpx.HTTPError, ValueError, KeyError, TypeError):  # nobody is there, or somebody else
            return False


def _folder() -> Path:
    folder = cache_folder() / "serving"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        remedy = "set XDG_CACHE_HOME to a folder of yours"
        raise UserError(f"cannot make {str(folder)!r}", cause=error.strerror or repr(error), remedy=remedy) from None
    return folder


def _state(of: Model | Server) -> Path:
    """One file for each model and adapter: names may hold slashes."""
    name = f"{of.source}\n{of.adapter.folder}" if of.adapter else of.source
    return _folder() / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.json"


def _read(file: Path) -> Server | None:
    try:
        return Server.model_validate_json(file.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def _write(server: Server) -> None:
    file = _state(server)
    draft = file.with_suffix(".draft")
    text = json.dumps(server.model_dump(mode="json") | {"key": server.key.get_secret_value()})
    try:
        draft.touch(mode=0o600)
        draft.write_text(text, encoding="utf-8")
        draft.rename(file)
    except OSError as error:
        raise UserError(f"cannot write {str(file)!r}", cause=error.strerror or repr(error)) from None


@contextlib.asynccontextmanager
async def _turn(model: Model, say: Say) -> AsyncIterator[None]:
    """One start of a model at a time; the lock goes with this process, however it ends."""
    with _state(model).with_suffix(".lock").open("w") as lock:

        async def take() -> bool | None:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return None
            return True

        if not await take():
            say("waiting for another start of it")
            await until(take, _LONGEST_SILENCE, f"another start of {model.name}")
        yield


async def _running(model: Model) -> Server | None:
    server = _read(_state(model))
    if server is None:
        return None
    if server.alive and server.adapter == model.adapter and await answers(server, patience=30):
        return server
    await stop(server)  # it hangs, what it started outlived it, or its adapter was trained further
    return None


async def _build(decided: Plan, say: Say) -> None:
    """Makes the stand-in where there is none. Raises ModelError."""
    if stand_in.is_built():
        return
    say("building it")
    python = decided.program[0] if "python" in Path(decided.program[0]).name else sys.executable
    variables = os.environ | {"PYTHONPATH": str(machine.ROOT), "HF_HUB_OFFLINE": "1"}
    build = await asyncio.create_subprocess_exec(
        python, "-m", "agent.serving.stand_in", decided.model.source,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env=variables,
    )  # fmt: skip
    said, _ = await build.communicate()
    if build.returncode:
        raise ModelError(f"the stand-in cannot be built:\n{_tail(said.decode(errors='replace'))}")


def _launch(decided: Plan, port: int) -> Server:
    model, key, log = decided.model, secrets.token_urlsafe(24), _state(decided.model).with_suffix(".log")
    try:
        pid = processes.spawn(command(decided, port), os.environ | environment(decided, key), log)
    except OSError as error:
        raise UserError(f"cannot start {decided.program[0]!r}", cause=error.strerror or repr(error)) from None
    return Server(
        model=model.asked, source=model.source, adapter=model.adapter, url=f"http://127.0.0.1:{port}/v1",
        key=SecretStr(key), pid=pid, born=processes.birth(pid) or 0, log=log,
    )  # fmt: skip


async def _until_ready(server: Server, say: Say) -> None:
    said, length, heard = "", 0, time.monotonic()
    with processes.ending(server.pid) as ended:
        while not await answers(server):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), _LOOK_EVERY)
            text = _log(server)
            if ended.is_set():
                raise _mishap(server, text)
            if len(text) != length:
                length, heard = len(text), time.monotonic()
            elif time.monotonic() - heard > _LONGEST_SILENCE:
                raise ModelError(f"vLLM said nothing for {_LONGEST_SILENCE:g} s:\n{_tail(text)}\nIts log: {server.log}")
            if (phase := _phase(text)) != said:
                say(said := phase)


def _log(server: Server) -> str:
    return server.log.read_text(encoding="utf-8", errors="replace") if server.log.exists() else ""


def _phase(text: str) -> str:
    """What the last telling line says."""
    for line in reversed(re.split(r"[\r\n]+", text)):
        for pattern, words in _PHASES:
            if found := re.search(pattern, line):
                return words.format(*found.groups())
    return "loading vLLM"


def _mishap(server: Server, text: str) -> UserError | ModelError:
    for pattern, cause, remedy in _MISHAPS:
        if re.search(pattern, text):
            return UserError(
                f"vLLM cannot serve {server.model!r}", cause=cause, remedy=f"{remedy}; its log: {server.log}"
            )
    return ModelError(f"vLLM ended before it could serve {server.model!r}:\n{_tail(text)}\nIts log: {server.log}")


def _tail(text: str) -> str:
    lines = [line.strip()[:300] for line in re.split(r"[\r\n]+", text) if line.strip()]
    return "\n".join(lines[-_TAIL:])
