"""Workers as Ray actors: on this machine without set-up, or on the machines of a cluster; each holds a processor.

Whoever reaches Ray's ports can run programs there. On this machine they are on the loopback only, want a token that
nobody else knows, and there is no dashboard; a cluster is started by hand, and guarded by its token and network.
"""

import asyncio
import contextlib
import io
import logging
import os
import secrets
import shutil
import socket
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from agent.bench.crew import WorkerDied
from agent.bench.plan import Job
from agent.bench.station import Station
from agent.provenance import versions
from tools.errors import EnvError, UserError

LOCAL = "local"
_LOOPBACK = "127.0.0.1"
CPUS, MEMORY = 1, 512 * 2**20
"""What a worker with its worlds is given of a machine: processors, and bytes."""
_ANSWERS = 5.0
_ROOM = 60.0
"""Seconds after which a crew without any worker gives up waiting for one."""
_STORE = 200 * 2**20
MakeStation = Callable[[dict[str, Any]], Station]


def _set_up(address: str) -> None:
    """Variables that Ray reads when it is imported: no statistics sent, and who may come in."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    if address == LOCAL:
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    elif address.rpartition(":")[0] in ("localhost", _LOOPBACK):
        # without this, Ray takes the loopback for the machine's own address, and does not find what listens there only
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"


def _place(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not (host and port.isdecimal() and 0 < int(port) < 2**16) or "/" in host:
        raise UserError(f"{address!r} is no address of a Ray cluster", remedy="write it as host:6379, or local")
    return host, int(port)


class RayCrew:
    """Workers on the Ray at an address, `local` for one of its own. `make_station` is imported by name over there.

    Until it is closed, standard output is `log`: Ray prints there what it has to say, dozens of lines for a dead node.
    Raises UserError: Ray is not installed, or nobody answers at the address.
    """

    def __init__(
        self, address: str, make_station: MakeStation, told: Mapping[str, Any], parallel: int, log: Path
    ) -> None:
        _set_up(address)
        try:
            import ray
        except ModuleNotFoundError:
            raise UserError("Ray is not installed", remedy="`pip install ray`, or leave out --ray") from None
        self._ray, self._make_station, self._told = ray, make_station, dict(told)
        self._temporary: Path | None = None
        self._workers = 0
        self._silence = contextlib.ExitStack()
        with self._silence:
            self._silence.enter_context(contextlib.redirect_stdout(self._silence.enter_context(log.open("a"))))
            if address == LOCAL:
                self._start(parallel)
            else:
                self._join(address)
            self._silence = self._silence.pop_all()

    def _start(self, parallel: int) -> None:
        self._temporary = Path(tempfile.mkdtemp(prefix="surehand-ray-"))
        self._ray.init(
            "local", num_cpus=parallel * CPUS, include_dashboard=False, log_to_driver=False,
            logging_level=logging.ERROR, object_store_memory=_STORE, _node_ip_address=_LOOPBACK,
            _temp_dir=str(self._temporary),
        )  # fmt: skip

    def _join(self, address: str) -> None:
        host, port = _place(address)
        try:
            socket.create_connection((host, port), timeout=_ANSWERS).close()
            self._ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
        except (OSError, RuntimeError, ValueError, self._ray.exceptions.RayError) as error:
            raise UserError(
                f"no Ray cluster at {address!r}", cause=_reason(error),
                remedy="start one with `ray start --head --include-dashboard=false`, and the bench on a machine of it",
            ) from None  # fmt: skip

    async def hire(self) -> "RayWorker":
        """An actor on any machine with room. Raises EnvError when there is none, and UserError for another surehand."""
        actor = self._actor()
        ready = asyncio.ensure_future(actor.ready.remote())
        try:
            theirs = await self._answer(ready)
        except self._ray.exceptions.RayError as error:
            raise EnvError(f"a worker does not start: {_reason(error)}") from None
        except (EnvError, asyncio.CancelledError):
            ready.cancel()
            self._ray.kill(actor)
            raise
        ours = versions()["surehand"]
        if theirs != ours:
            raise UserError(f"a machine of the cluster has surehand {theirs}, and this one {ours}",
                            remedy="install the same one everywhere")  # fmt: skip
        self._workers += 1
        return RayWorker(self._ray, actor, self._left)

    async def _answer(self, ready: asyncio.Future[str]) -> str:
        """What a new actor says, once there is room for it: as long as others work, some will come free."""
        while not (await asyncio.wait([ready], timeout=_ROOM))[0]:
            if not self._workers:
                raise EnvError(f"Ray has no room for a worker, which takes {CPUS} processor and {MEMORY >> 20} MiB")
        return ready.result()

    def _actor(self) -> Any:
        station, told = self._make_station, self._told
        remote = self._ray.remote(num_cpus=CPUS, memory=MEMORY, max_restarts=0)(_Actor)
        return remote.remote(station, told)

    def _left(self) -> None:
        self._workers -= 1

    async def close(self) -> None:
        """Leaves the cluster; a Ray of its own ends."""
        await asyncio.to_thread(self._ray.shutdown)
        self._silence.close()
        if self._temporary is not None:
            await asyncio.to_thread(shutil.rmtree, self._temporary, ignore_errors=True)


class RayWorker:
    """A Worker on some machine. Its runs come back as archives: no disk need be shared."""

    def __init__(self, ray: Any, actor: Any, left: Callable[[], None]) -> None:
        self._ray, self._actor, self._left = ray, actor, left
        self._closed = False

    async def play(self, job: Job, folder: Path) -> None:
        """Does a job."""
        try:
            answer = await self._actor.play.remote(job.model_dump(mode="json"))
        except self._ray.exceptions.RayError as error:
            raise WorkerDied(_reason(error)) from None
        if isinstance(answer, dict):
            raise UserError(**answer)
        await asyncio.to_thread(unpack, answer, folder)

    async def close(self) -> None:
        """Ends it and its worlds."""
        if self._closed:
            return
        self._closed = True
        self._left()
        with contextlib.suppress(self._ray.exceptions.RayError):
            await self._actor.close.remote()
        self._ray.kill(self._actor)


class _Actor:
    """What runs over there: a station, and a folder for the run under way."""

    def __init__(self, make_station: MakeStation, told: dict[str, Any]) -> None:
        self._station = make_station(told)

    async def ready(self) -> str:
        """The version of surehand that is installed there."""
        return versions()["surehand"]

    async def play(self, job: dict[str, Any]) -> bytes | dict[str, str]:
        """Does a job. Returns its run as an archive, or a person's mistake as the parts of its sentence."""
        with tempfile.TemporaryDirectory(prefix="surehand-bench-") as place:
            folder = Path(place) / "run"
            try:
                await self._station.play(Job.model_validate(job), folder)
            except UserError as error:
                return {"what": error.what, "cause": error.cause, "remedy": error.remedy}
            return await asyncio.to_thread(pack, folder)

    async def close(self) -> None:
        """Ends the worlds."""
        await self._station.close()


def pack(folder: Path) -> bytes:
    """A run's folder as an archive."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            archive.write(path, path.relative_to(folder))
    return whole.getvalue()


def unpack(whole: bytes, folder: Path) -> None:
    """A run's folder from its archive, whole or not at all. Raises OSError."""
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        archive.extractall(part)  # which keeps names below the folder
    part.rename(folder)


def _reason(error: Exception) -> str:
    """The first line of what Ray says, which says much."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
