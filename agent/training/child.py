"""ms-swift as a child: started in a group of its own, watched while it runs, ended with us."""

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
    (r"GatedRepoError|401 Client Error|RepositoryNotFoundError", "the hub does not give it away", "log in there first"),
    (r"LocalEntryNotFoundError|couldn't connect to|Max retries exceeded|Name or service not known|no connection",
     "the hub cannot be reached", "try --modelscope, or name a folder that holds the model"),
    (r"409 Client Error", "the repository is there already", "choose another name with --push"),
    (r"Please specify a token|403 Forbidden|Invalid (?:user )?token",
     "the hub does not know you", "set HF_TOKEN, or MODELSCOPE_API_TOKEN, to your token"),
    (r"CUDA driver|no NVIDIA driver", "no working driver for the graphics card", "try --device cpu"),
)  # fmt: skip


def run_swift(
    command: Sequence[str], variables: Mapping[str, str], folder: Path, log: Path, look: Callable[[], None]
) -> None:
    """Runs a command of ms-swift in a folder, its output in `log`, and calls `look` a few times a second until it ends.

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
        raise _mishap(log)


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


def _mishap(log: Path) -> UserError | ModelError:
    text = log.read_text(encoding="utf-8", errors="replace").rpartition("\n$ ")[2]
    for pattern, cause, remedy in _MISHAPS:
        if re.search(pattern, text):
            return UserError("ms-swift could not do it", cause=cause, remedy=f"{remedy}; its log: {log}")
    lines = [line.strip()[:300] for line in re.split(r"[\r\n]+", text) if line.strip()]
    return ModelError("ms-swift failed:\n" + "\n".join(lines[-_TAIL:]) + f"\nIts log: {log}")
