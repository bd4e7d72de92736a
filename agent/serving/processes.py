"""Process groups that outlive whoever started them: begun, watched and ended without polling."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path


def spawn(command: Sequence[str], environment: Mapping[str, str], log: Path) -> int:
    """Starts a program in a session of its own, its output in `log`; returns its number. Raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    return os.posix_spawn(command[0], [*command], environment, file_actions=files, setsid=True)


def birth(pid: int) -> int | None:
    """When a process began, in the kernel's ticks; None when there is none. A number used again has another birth."""
    fields = _stat(pid)
    return None if fields is None or fields[0] == "Z" else int(fields[19])


def members(group: int) -> tuple[int, ...]:
    """The living processes of a group."""
    numbers = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal())
    return tuple(pid for pid in numbers if (fields := _stat(pid)) and fields[0] != "Z" and int(fields[2]) == group)


def _stat(pid: int) -> list[str] | None:
    """State, parent, group, … as in proc(5); the program's name before them may hold anything."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


@contextlib.contextmanager
def ending(pid: int) -> Iterator[asyncio.Event]:
    """An event that is set when the process ends."""
    event, loop = asyncio.Event(), asyncio.get_running_loop()
    try:
        watch = os.pidfd_open(pid)
    except ProcessLookupError:
        event.set()
        yield event
        return
    loop.add_reader(watch, event.set)
    try:
        yield event
    finally:
        loop.remove_reader(watch)
        os.close(watch)


async def end(group: int, grace: float) -> None:
    """Ends a group: politely, and after `grace` seconds for certain."""
    for number, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, None)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, number)
            os.killpg(group, signal.SIGCONT)  # what was stopped hears it only now
        if await _ended(members(group), patience):
            break
    _reap(group)


def _reap(pid: int) -> None:
    """Takes note of a child's end; a child of somebody else is not ours to note."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


async def _ended(pids: Collection[int], patience: float | None) -> bool:
    with contextlib.ExitStack() as stack:
        events = [stack.enter_context(ending(pid)) for pid in pids]
        try:
            await asyncio.wait_for(asyncio.gather(*(event.wait() for event in events)), patience)
        except TimeoutError:
            return False
    return True
