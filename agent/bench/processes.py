"""Workers as processes of this machine, told their jobs over a pipe; when the bench dies, its end ends them."""

import asyncio
import contextlib
import json
import os
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from agent.bench.crew import WorkerDied
from agent.bench.plan import Job, at_work
from agent.bench.station import Station
from tools.errors import EnvError, UserError

_READY = "ready"
_START_LIMIT = 120.0
_END_LIMIT = 60.0


class ProcessCrew:
    """Starts `command` for every worker, with `told` as its first line; what they complain of goes to `log`."""

    def __init__(self, command: Sequence[str], told: Mapping[str, Any], log: Path) -> None:
        self._command, self._told, self._log = command, told, log

    async def hire(self) -> "ProcessWorker":
        """A process that has said that it is ready. Raises EnvError."""
        with self._log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *self._command, stdin=PIPE, stdout=PIPE, stderr=log, start_new_session=True
            )  # a session of its own: Ctrl-C is for the bench, which ends its workers in order
        worker = ProcessWorker(process)
        try:
            async with asyncio.timeout(_START_LIMIT):
                said = await worker.say(json.dumps(self._told))
        except (WorkerDied, TimeoutError):
            said = {}
        except asyncio.CancelledError:
            await worker.close()
            raise
        if not said.get(_READY):
            await worker.close()
            raise EnvError(f"a worker does not start: {_last_line(self._log)}")
        return worker

    async def close(self) -> None:
        """There is nothing to let go of: each worker is closed by whom it works for."""


class ProcessWorker:
    """A Worker in a process of this machine."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def say(self, line: str) -> dict[str, Any]:
        """Sends a line and gives back the answer. Raises WorkerDied."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(ConnectionError):
            self._process.stdin.write(line.encode() + b"\n")
            await self._process.stdin.drain()
        answer = await self._process.stdout.readline()
        if not answer.endswith(b"\n"):
            raise WorkerDied(f"worker {self._process.pid} ended with status {await self._process.wait()}")
        said: dict[str, Any] = json.loads(answer)
        return said

    async def play(self, job: Job, folder: Path) -> None:
        """Does a job."""
        said = await self.say(json.dumps({"job": job.model_dump(mode="json"), "folder": str(folder)}))
        if mistake := said.get("mistake"):
            raise UserError(**mistake)

    async def close(self) -> None:
        """Ends the pipe, and waits until the process has ended its worlds; then it is killed."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(_END_LIMIT):
                await self._process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else "it said nothing"


async def serve(make_station: Callable[[dict[str, Any]], Station]) -> None:
    """The other end: what a worker's process does from its start to the end of its pipe.

    The first line is what the station is made of, every further one a job. Standard output belongs to the answers;
    whatever else is printed goes to standard error.
    """
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    lines = asyncio.StreamReader(limit=2**24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), os.fdopen(0, "rb"))
    told = json.loads(await lines.readline())
    station = make_station(told)
    with answers, at_work(Path(told["bench"])):
        answers.write(_line({_READY: True}))
        try:
            async with asyncio.TaskGroup() as group:  # what goes wrong in a job ends the process, and that is noticed
                playing: asyncio.Task[None] | None = None
                while line := await lines.readline():
                    playing = group.create_task(_answer(station, json.loads(line), answers.write))
                if playing is not None:
                    playing.cancel()
        finally:
            await station.close()


async def _answer(station: Station, asked: dict[str, Any], answer: Callable[[bytes], object]) -> None:
    said: dict[str, Any] = {"done": True}
    try:
        await station.play(Job.model_validate(asked["job"]), Path(asked["folder"]))
    except UserError as error:
        said = {"mistake": {"what": error.what, "cause": error.cause, "remedy": error.remedy}}
    answer(_line(said))


def _line(said: dict[str, Any]) -> bytes:
    return json.dumps(said).encode() + b"\n"
