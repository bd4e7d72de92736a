"""PID 1 of a world. Runs on Debian's own Python, standard library only, and takes orders from the keeper alone.

Orders come over an inherited socket pair (descriptor 3, SOCK_SEQPACKET, one JSON object a packet, descriptors beside
it); nothing here listens and no name leads to the keeper.

    {"id", "do": "spawn", "argv", "env", "cwd"} + [stdin, stdout, stderr]  ->  {"id", "pid"}
    {"id", "do": "dial", "port"}      ->  {"id"} + [a TCP connection to this world's loopback]
    {"id", "do": "listen", "port"}    ->  {"id"} + [a TCP socket listening on this world's loopback]
    {"id", "do": "kill", "pid", "signal"}  ->  {"id"}
    {"id", "do": "processes"}         ->  {"id", "processes": [[pid, [argv...]], ...]}
    anything that fails               ->  {"id", "error": "..."}
    a child that ended                ->  {"exit": pid, "status": exit status or -signal}

When the keeper is gone the socket ends, and with PID 1 everything inside does.
"""

import contextlib
import ctypes
import json
import os
import pathlib
import selectors
import signal
import socket
import subprocess
from typing import Any

KEEPER = 3
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
LONGEST_PACKET = 1 << 20
LONGEST_ARGV = 400


def spawn(order: "dict[str, Any]", fds: "list[int]") -> "dict[str, Any]":
    """Start a program in a session of its own."""
    child = subprocess.Popen(
        order["argv"], env=order["env"], cwd=order["cwd"], start_new_session=True,
        stdin=fds[0], stdout=fds[1], stderr=fds[2],
    )  # fmt: skip
    child.returncode = 0  # PID 1 reaps by itself; Popen must not
    return {"pid": child.pid}


def processes() -> "dict[str, Any]":
    """List the processes of this user."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit() and entry.stat().st_uid == os.getuid():
            argv = (entry / "cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
            if argv != [""]:
                found.append([int(entry.name), [a[:LONGEST_ARGV] for a in argv[:20]]])
    return {"processes": found}


def obey(order: "dict[str, Any]", fds: "list[int]") -> "tuple[dict[str, Any], list[int]]":
    """Carry out one order: the reply, and the descriptors that go with it."""
    what = order["do"]
    if what == "spawn":
        return spawn(order, fds), []
    if what == "dial":
        return {}, [socket.create_connection(("127.0.0.1", order["port"]), timeout=2).detach()]
    if what == "listen":
        listener = socket.create_server(("127.0.0.1", order["port"]))
        return {}, [listener.detach()]
    if what == "kill":
        os.killpg(order["pid"], order["signal"])
        return {}, []
    if what == "processes":
        return processes(), []
    raise ValueError("unknown order " + repr(what))


def answer(keeper: socket.socket) -> bool:
    """Take one order and answer it; False when the keeper is gone."""
    packet, fds, _, _ = socket.recv_fds(keeper, LONGEST_PACKET, 8)
    if not packet:
        return False
    order = json.loads(packet)
    try:
        reply, out = obey(order, fds)
    except (OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
        reply, out = {"error": type(error).__name__ + ": " + str(error)}, []
    finally:
        for fd in fds:
            os.close(fd)
    socket.send_fds(keeper, [json.dumps({"id": order["id"], **reply}).encode()], out)
    for fd in out:
        os.close(fd)
    return True


def reap(keeper: socket.socket) -> None:
    """Report every child that ended."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        keeper.send(json.dumps({"exit": pid, "status": os.waitstatus_to_exitcode(status)}).encode())


def main() -> None:
    """Until the keeper is gone."""
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    keeper = socket.socket(fileno=KEEPER)
    os.set_inheritable(KEEPER, False)
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_read, False)
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for ignored in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(ignored, signal.SIG_IGN)
    waiting = selectors.DefaultSelector()
    waiting.register(keeper, selectors.EVENT_READ)
    waiting.register(wake_read, selectors.EVENT_READ)
    keeper.send(b'{"ready": true}')
    while True:
        ready = [key.fileobj for key, _ in waiting.select()]
        if wake_read in ready:
            os.read(wake_read, 4096)
            reap(keeper)
        if keeper in ready and not answer(keeper):
            break
    if os.getpid() != 1:  # without a PID namespace the children do not die with us; nothing else has this uid
        os.kill(-1, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.wait():
                pass


main()
