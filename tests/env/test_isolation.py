"""Worlds side by side try to reach each other and the machine around them, and must not."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from env.kept import KeptEnvironment
from env.setup import PutFile, Run
from tests.env.worlds import make

PRYING = """
import glob, json, os, socket, sys
port, secret, display = int(sys.argv[1]), sys.argv[2], sys.argv[3]
def reaches(address, family=socket.AF_INET):
    try:
        with socket.socket(family) as s:
            s.settimeout(2); s.connect(address)
        return True
    except OSError:
        return False
def readable(path):
    try:
        with open(path, "rb") as file: file.read(1)
        return True
    except OSError:
        return False
found = {
    "uid": os.getuid(),
    "host loopback": reaches(("127.0.0.1", port)),
    "host file": readable(secret),
    "shadow": readable("/etc/shadow"),
    "root": readable("/root/.bashrc"),
    "host display": reaches("/tmp/.X11-unix/" + display, socket.AF_UNIX),
    "abstract host display": reaches("\\0/tmp/.X11-unix/" + display, socket.AF_UNIX),
    "displays": sorted(os.path.basename(p) for p in glob.glob("/tmp/.X11-unix/X*")),
    "homes": os.listdir("/home"),
    "worlds": glob.glob("/tmp/surehand-*"),
    "commands": [open(p, "rb").read().decode() for p in glob.glob("/proc/[0-9]*/cmdline")],
    "interfaces": [i for _, i in socket.if_nameindex()],
    "may write usr": os.access("/usr", os.W_OK),
}
json.dump(found, open("found.json", "w"))
"""


@pytest.fixture
async def host_display(tmp_path: Path) -> AsyncIterator[str]:
    """An X server of the machine's own, open to everybody who can reach it."""
    server = await asyncio.create_subprocess_exec(
        "Xvfb", "-displayfd", "1", "-ac", "-nolisten", "tcp",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert server.stdout is not None
    number = (await server.stdout.readline()).decode().strip()
    yield f"X{number}"
    server.terminate()
    await server.wait()


async def pry(world: KeptEnvironment, port: int, secret: Path, display: str) -> dict[str, object]:
    command = ("/usr/bin/python3", "pry.py", str(port), str(secret), display)
    await world.reset([PutFile(path="pry.py", text=PRYING), Run(command=command)], seed=0)
    found: dict[str, object] = json.loads(await world.probe().read("found.json"))
    return found


@pytest.mark.desktop
@pytest.mark.browser
async def test_worlds_side_by_side_reach_nothing_of_each_other_or_the_machine(
    tmp_path: Path, host_display: str
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("host")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        async with contextlib.AsyncExitStack() as stack:
            worlds = [make(kind) for kind in ("desktop", "desktop", "browser", "kiosk")]
            for world in worlds:
                stack.push_async_callback(world.close)
            found = await asyncio.gather(*(pry(world, port, secret, host_display) for world in worlds))
    for world, seen in zip(worlds, found, strict=True):
        assert seen["uid"] == 1000
        for place in ("host loopback", "host file", "shadow", "root", "host display", "abstract host display"):
            assert seen[place] is False, f"{world.spec.kind} reaches the {place}"
        assert seen["may write usr"] is False
        assert seen["homes"] == ["user"]
        assert seen["worlds"] == []
        assert seen["interfaces"] == ["lo"]
        displays = seen["displays"]
        assert isinstance(displays, list)
        assert len(displays) == (0 if world.spec.kind == "browser" else 1)
        assert not any(name in str(seen["commands"]) for name in ("env.keeper", "env.worker"))
    assert found[0]["displays"] != found[1]["displays"]


@pytest.mark.desktop
async def test_two_desktops_have_homes_of_their_own() -> None:
    one, two = make("desktop"), make("desktop")
    try:
        await one.reset([PutFile(path="Documents/mine.txt", text="1")], seed=0)
        await two.reset([], seed=0)
        assert await one.probe().glob("Documents/*") == ("Documents/mine.txt",)
        assert await two.probe().glob("Documents/*") == ()
    finally:
        await one.close()
        await two.close()
