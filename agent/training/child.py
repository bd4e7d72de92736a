"""A program as a child: started in a group of its own, watched while it runs, ended with us."""

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from agent.serving import processes
from tools.errors import ModelError, UserError

_LOOK_EVERY = 0.25
_GRACE = 15.0
_TAIL = 12
_MISHAPS = (
    (r"No space left on device", "the disk is full", "make room and go on with --resume"),
    (r"out of memory|DefaultCPUAllocator", "not enough memory",
     "lower --max-length or --lora-rank, take more --cards, or choose a smaller model"),
    (r"GatedRepoError|RepositoryNotFoundError", "the hub does not give it away", "log in there first"),
    (r"LocalEntryNotFoundError|couldn't connect to|Max retries exceeded|Name or service not known|no connection",
     "the hub cannot be reached", "try --modelscope, or name a folder that holds the model"),
    (r"40[13] (?:Client Error|Forbidden|Unauthorized)|Invalid (?:user )?token|AuthenticationError|PermissionDenied",
     "the hub does not let you in", "set HF_TOKEN, or MODELSCOPE_API_TOKEN, to a token that may write there"),
    (r"CUDA driver|no NVIDIA driver", "no working driver for the graphics card", "try --device cpu"),
)  # fmt: skip


def run_child(
    command: Sequence[str], variables: Mapping[str, str], folder: Path, log: Path, look: Callable[[], None]
) -> None:
    """Runs a command in a folder, its output in `log`, and calls `look` a few times a second until it ends.

    Ctrl-C, a hang-up or a polite kill ends it and all that it started. Raises UserError or ModelError, with what its
    log says: it failed.
    """
    with log.open("ab") as file:
        file.write(f"\n$ {' '.join(command)}\n".encode())
    try:
        status = asyncio.run(_run(command, {**os.environ, **variables}, folder, log, look))
    except asyncio.CancelledError:
        raise SystemExit(128 + signal.SIGTERM) from None
    look()
    if status != 0:
        name = command[2] if command[1] == "-m" else f"{Path(command[0]).name} {command[1]}"
        raise _mishap(name, log)


async def _run(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path, look: Callable[[], None]
) -> int:
    with log.open("ab") as file:
        child = await asyncio.create_subprocess_exec(
            *command, cwd=folder, env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=file, stderr=file,
            start_new_session=True,
        )  # fmt: skip
    watching = asyncio.current_task()
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, lambda: watching and watching.cancel())
    try:
        while True:
            with contextlib.suppress(TimeoutError):
                return await asyncio.wait_for(child.wait(), _LOOK_EVERY)
            look()
    finally:
        await processes.end(child.pid, _GRACE)


def _mishap(name: str, log: Path) -> UserError | ModelError:
    text = log.read_text(encoding="utf-8", errors="replace").rpartition("\n$ ")[2]
    for pattern, cause, remedy in _MISHAPS:
        if re.search(pattern, text):
            return UserError(f"{name} stopped", cause=cause, remedy=f"{remedy}; its log: {log}")
    lines = [line.strip()[:300] for line in re.split(r"[\r\n]+", text) if line.strip()]
    return ModelError(f"{name} stopped:\n" + "\n".join(lines[-_TAIL:]) + f"\nIts log: {log}")
