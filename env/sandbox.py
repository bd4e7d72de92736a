"""A private machine in miniature: own users, processes, /tmp, HOME and network, made by bubblewrap without privileges.

Only `Sandbox` starts anything inside, through PID 1 (env/inside/pid1.py) and an inherited socket pair. The network is
none: `dial` and `listen` hand out sockets on the inside's own loopback, one connection at a time.
"""

import array
import asyncio
import contextlib
import itertools
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from env.folder import WorldFolder
from tools.errors import EnvError, UserError

HOME = "/home/user"
HOSTNAME = "desktop"
UID_INSIDE = 1000
INSIDE = Path(__file__).parent / "inside"
PYTHON = "/usr/bin/python3"
_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/games"
_LONGEST_PACKET = 1 << 20
_START_LIMIT = 20.0


class Isolation(StrEnum):
    """How a world is kept apart, from the best to the least."""

    UNPRIVILEGED = "bubblewrap, started without privileges"
    PRIVILEGED = "bubblewrap, started as root because user namespaces are refused to others"
    UID = "a separate user only: no namespaces are to be had here; network, processes and /tmp are the container's"


class Finished(NamedTuple):
    """A program that ran to its end."""

    status: int
    stdout: bytes
    stderr: bytes


class Child:
    """A program running inside; `status` is done when it ended."""

    def __init__(self, sandbox: "Sandbox", pid: int) -> None:
        self.pid = pid
        self._sandbox = sandbox
        self.status: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def kill(self, with_signal: int = signal.SIGKILL) -> None:
        """Ends the program and what it started."""
        if not self.status.done():
            with contextlib.suppress(EnvError):
                await self._sandbox.order("kill", pid=self.pid, signal=with_signal)


def find_isolation() -> Isolation:
    """The best that this machine allows, found by trying. Raises UserError when there is nothing.

    SUREHAND_ISOLATION=uid asks for the least (inside a container that is itself the sandbox).
    """
    if os.environ.get("SUREHAND_ISOLATION", "").lower() != "uid":
        if shutil.which("bwrap") is None and os.getuid() != 0:
            raise UserError("no program 'bwrap'", cause="bubblewrap is not installed", remedy="run `make setup`")
        uids = [65534, 0] if os.getuid() == 0 else [os.getuid()]
        for uid in uids:
            if _bwrap_works(uid):
                return Isolation.PRIVILEGED if uid == 0 and len(uids) > 1 else Isolation.UNPRIVILEGED
    if os.getuid() == 0:
        return Isolation.UID
    raise UserError(
        "no way to keep a world apart", cause="user namespaces are refused and this is not root",
        remedy="allow them (sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0) "
        "or run as root in a container",
    )  # fmt: skip


def _bwrap_works(uid: int) -> bool:
    try:
        command = ["bwrap", "--unshare-all", "--unshare-user", "--ro-bind", "/", "/", "--proc", "/proc", "true"]
        done = subprocess.run(command, capture_output=True, timeout=10, user=uid, group=uid, extra_groups=[])
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


class Sandbox:
    """One running world. Everything inside dies when it is closed, or when the keeper's process ends."""

    def __init__(
        self, folder: WorldFolder, isolation: Isolation, process: subprocess.Popen[bytes], keeper: socket.socket
    ) -> None:
        self.folder, self.isolation = folder, isolation
        self.programs = ""  # a folder, seen from inside, whose programs come first
        self._process, self._socket = process, keeper
        self._numbers = itertools.count(1)
        self._replies: dict[int, asyncio.Future[tuple[dict[str, Any], list[int]]]] = {}
        self._children: dict[int, Child] = {}
        self._exits: dict[int, int] = {}
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    async def start(cls, folder: WorldFolder, binds: Sequence[Path] = ()) -> "Sandbox":
        """Starts PID 1. `home` and `x11` are made in `folder`; `binds` are seen inside, read-only, where they are.

        Raises EnvError when it does not come up.
        """
        isolation = find_isolation()
        home = folder.own("home")
        folder.own("x11", 0o711)
        inside = folder.path / "inside"
        shutil.copytree(INSIDE, inside, ignore=shutil.ignore_patterns("__pycache__"))
        inside.chmod(0o755)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        argv = _uid_command(folder) if isolation is Isolation.UID else _bwrap_command(folder, binds)
        root = os.getuid() == 0
        uid = 0 if isolation is Isolation.PRIVILEGED else folder.uid
        log = (folder.path / "inside.log").open("wb")
        with theirs, log:
            process = subprocess.Popen(
                [PYTHON, "-I", "-c", _MOVE_TO_3, str(theirs.fileno()), *argv],
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=home,
                start_new_session=True, env={"PATH": "/usr/bin:/bin"},
                user=uid if root else None, group=uid if root else None, extra_groups=[] if root else None,
            )  # fmt: skip
        sandbox = cls(folder, isolation, process, ours)
        ours.setblocking(False)
        asyncio.get_running_loop().add_reader(ours.fileno(), sandbox._receive)
        try:
            await asyncio.wait_for(asyncio.shield(sandbox._ready), _START_LIMIT)
        except (TimeoutError, EnvError):
            said = (folder.path / "inside.log").read_text(errors="replace").strip()[-300:]
            await sandbox.close()
            raise EnvError(f"the sandbox did not start ({isolation}): {said or 'no word from it'}") from None
        return sandbox

    @property
    def home(self) -> Path:
        """HOME, seen from outside."""
        return self.folder.path / "home"

    @property
    def home_inside(self) -> str:
        """HOME, seen from inside."""
        return str(self.home) if self.isolation is Isolation.UID else HOME

    def inside(self, path: Path) -> str:
        """Where a path of the world's folder is seen from inside."""
        if self.isolation is Isolation.UID:
            return str(path)
        return "/run/world/" + str(path.relative_to(self.folder.path))

    async def order(self, do: str, fds: Sequence[int] = (), **words: Any) -> tuple[dict[str, Any], list[int]]:
        """Sends PID 1 an order; its reply and the descriptors that came with it. Raises EnvError."""
        if self.gone.done():
            raise EnvError("the world's sandbox is gone")
        number = next(self._numbers)
        reply: asyncio.Future[tuple[dict[str, Any], list[int]]] = asyncio.get_running_loop().create_future()
        self._replies[number] = reply
        try:
            socket.send_fds(self._socket, [json.dumps({"id": number, "do": do, **words}).encode()], list(fds))
        except OSError as error:
            self._replies.pop(number)
            raise EnvError(f"the world's sandbox is gone: {error}") from None
        said, got = await reply
        if "error" in said:
            raise EnvError(f"{do}: {said['error']}")
        return said, got

    async def spawn(
        self, argv: Sequence[str], env: Mapping[str, str], *, stdin: int | None = None, stdout: int | None = None,
        stderr: int | None = None,
    ) -> Child:  # fmt: skip
        """Starts a program in HOME. Descriptors stay the caller's to close; without one, output goes to nowhere."""
        with Path(os.devnull).open("r+b") as nowhere:
            fds = [nowhere.fileno() if fd is None else fd for fd in (stdin, stdout, stderr)]
            said, _ = await self.order("spawn", fds, argv=list(argv), env={**self.env(), **env}, cwd=self.home_inside)
        child = self._children[said["pid"]] = Child(self, said["pid"])
        if (status := self._exits.pop(child.pid, None)) is not None:
            self._children.pop(child.pid).status.set_result(status)
        return child

    async def run(self, argv: Sequence[str], env: Mapping[str, str], timeout: float, stdin: bytes = b"") -> Finished:
        """Runs a program to its end. Raises TimeoutError (and ends it), EnvError."""
        with contextlib.ExitStack() as stack:
            files = [stack.enter_context(os.fdopen(os.memfd_create("std"), "w+b")) for _ in range(3)]
            files[0].write(stdin)
            files[0].seek(0)
            child = await self.spawn(
                argv, env, stdin=files[0].fileno(), stdout=files[1].fileno(), stderr=files[2].fileno()
            )
            try:
                status = await asyncio.wait_for(asyncio.shield(child.status), timeout)
            except TimeoutError:
                await child.kill()
                raise
            for file in files[1:]:
                file.seek(0)
            return Finished(status, files[1].read(), files[2].read())

    async def dial(self, port: int) -> socket.socket:
        """A connection to a port on the inside's loopback. Raises EnvError when nothing listens."""
        _, fds = await self.order("dial", port=port)
        return socket.socket(fileno=fds[0])

    async def listen(self, port: int) -> socket.socket:
        """A socket that listens on the inside's loopback; whoever connects to it is inside."""
        _, fds = await self.order("listen", port=port)
        return socket.socket(fileno=fds[0])

    async def processes(self) -> list[tuple[int, list[str]]]:
        """Every process of the world's user."""
        said, _ = await self.order("processes")
        return [(pid, argv) for pid, argv in said["processes"]]

    def env(self) -> dict[str, str]:
        """The environment that every program starts with."""
        variables = {
            "HOME": self.home_inside, "USER": "user", "LOGNAME": "user",
            "PATH": f"{self.programs}:{_PATH}".removeprefix(":"),
            "LANG": "C.UTF-8", "SHELL": "/bin/bash", "XDG_RUNTIME_DIR": "/run/user/1000", "NO_AT_BRIDGE": "0",
        }  # fmt: skip
        if self.isolation is Isolation.UID:
            variables |= {"XDG_RUNTIME_DIR": str(self.folder.path / "x11"), "TMPDIR": str(self.home)}
        return variables

    async def close(self) -> None:
        """Ends everything inside; may be called twice."""
        if self._socket.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._socket.close()
        self._lost()
        try:
            await asyncio.to_thread(self._process.wait, 2.0)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            await asyncio.to_thread(self._process.wait)

    def _receive(self) -> None:
        fds = array.array("i")
        try:
            packet, got, _, _ = socket.recv_fds(self._socket, _LONGEST_PACKET, 4)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            packet, got = b"", []
        fds.extend(got)
        if not packet:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._lost()
            return
        said = json.loads(packet)
        if "ready" in said:
            self._ready.set_result(None)
        elif "exit" in said:
            self._ended(said["exit"], said["status"])
        elif (reply := self._replies.pop(said["id"], None)) and not reply.done():
            reply.set_result((said, list(fds)))

    def _ended(self, pid: int, status: int) -> None:
        child = self._children.pop(pid, None)
        if child is None:
            self._exits[pid] = status  # ended before the reply to its spawn was read, or an orphan
        elif not child.status.done():
            child.status.set_result(status)

    def _lost(self) -> None:
        if not self.gone.done():
            self.gone.set_result(None)
        if not self._ready.done():
            self._ready.set_exception(EnvError("ended at once"))
        for reply in self._replies.values():
            if not reply.done():
                reply.set_exception(EnvError("the world's sandbox is gone"))
        self._replies.clear()
        for child in self._children.values():
            if not child.status.done():
                child.status.set_result(-signal.SIGKILL)
        self._children.clear()


_MOVE_TO_3 = "import os, sys; os.dup2(int(sys.argv[1]), 3); os.execvp(sys.argv[2], sys.argv[2:])"


def _bwrap_command(folder: WorldFolder, binds: Sequence[Path]) -> list[str]:
    path = folder.path
    users = path / "users"
    users.mkdir()
    users.chmod(0o755)
    (users / "passwd").write_text(f"root:x:0:0::/:/usr/sbin/nologin\nuser:x:1000:1000:User:{HOME}:/bin/bash\n")
    (users / "group").write_text("root:x:0:\nuser:x:1000:\n")
    command = ["bwrap", "--unshare-all", "--unshare-user", "--die-with-parent", "--as-pid-1", "--new-session"]
    command += [
        "--uid",
        str(UID_INSIDE),
        "--gid",
        str(UID_INSIDE),
        "--hostname",
        HOSTNAME,
        "--ro-bind",
        "/usr",
        "/usr",
    ]
    for name in ("bin", "sbin", "lib", "lib64", "lib32"):
        if (link := Path("/") / name).is_symlink():
            command += ["--symlink", str(link.readlink()), str(link)]
    command += ["--ro-bind", "/etc", "/etc", "--ro-bind", str(users / "passwd"), "/etc/passwd"]
    command += [
        "--ro-bind",
        str(users / "group"),
        "/etc/group",
        "--ro-bind-try",
        "/var/cache/fontconfig",
        "/var/cache/fontconfig",
    ]
    command += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/dev/shm", "--tmpfs", "/tmp", "--tmpfs", "/run"]
    command += ["--perms", "0700", "--dir", "/run/user/1000", "--tmpfs", "/home"]
    command += ["--ro-bind", str(path / "inside"), "/run/world/inside", "--bind", str(path / "x11"), "/tmp/.X11-unix"]
    command += ["--ro-bind", str(path / "x11"), "/run/world/x11", "--bind", str(path / "home"), HOME]
    for bind in binds:
        command += ["--ro-bind", str(bind), str(bind)]
    return [*command, "--clearenv", "--chdir", HOME, PYTHON, "-I", "/run/world/inside/pid1.py"]


def _uid_command(folder: WorldFolder) -> list[str]:
    """Without namespaces there is no user list of the world's own: its user must be in that of the container."""
    try:
        pwd.getpwuid(folder.uid)
    except KeyError:
        name = f"surehand-{folder.number}"
        command = ["useradd", "--no-create-home", "--user-group", "--uid", str(folder.uid), name]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise EnvError(f"no user for the world: {done.stderr.strip()}") from None
    return [PYTHON, "-I", str(folder.path / "inside" / "pid1.py")]
