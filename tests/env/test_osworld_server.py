"""OSWorld's own client, unmodified, against every route of its contract, in one world."""

import asyncio
import base64
import contextlib
import json
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from env.kept import KeptEnvironment
from env.osworld.client import NAMES
from env.osworld.forward import admits
from env.settle import until
from env.setup import Launch, Osworld, PutFile
from env.world import WorldSpec
from tests.agent.harm import below
from tools.errors import ScenarioError
from tools.geometry import Size

needs_client = pytest.mark.skipif(not NAMES.is_file(), reason="no .venv-osworld: run 'bash docker/setup-osworld.sh'")
PNG, MP4 = b"\x89PNG\r\n\x1a\n", b"ftyp"
PORTS, LISTENS = {5000, 9222, 8080}, "0A"
KNOCK = """
import socket
for host in ("127.0.0.1", "::1", socket.gethostname()):
    for port in (5000, 9222, 8080):
        try:
            socket.create_connection((host, port), 2).close()
            print(host, port)
        except OSError:
            pass
"""
FILE_SERVER = """
cd; python3 -m http.server --bind 127.0.0.1 8080 >/dev/null 2>&1 &
until (: </dev/tcp/127.0.0.1/8080) 2>/dev/null; do sleep 0.1; done
"""
TASK: dict[str, Any] = {
    "id": "00000000-routes", "instruction": "",
    "config": [{"type": "execute", "parameters": {"command": "echo $HOME {SCREEN_WIDTH_HALF}", "shell": True,
                                                  "stdout": "said.txt"}}],
    "evaluator": {"func": "exact_match", "result": {"type": "vm_command_line", "command": ["cat", "~/note.txt"]},
                  "expected": {"type": "rule", "rules": {"expected": "one\n"}},
                  "postconfig": [{"type": "execute", "parameters": {"command": "echo . >> ~/judged", "shell": True}}]},
}  # fmt: skip


@pytest.fixture
async def world() -> AsyncIterator[KeptEnvironment]:
    world = KeptEnvironment(WorldSpec(kind="desktop", size=Size(1024, 768), lease=60))
    try:
        yield world
    finally:
        await world.close()


async def call(world: KeptEnvironment, *calls: tuple[str, dict[str, Any]], part: str = "controller") -> list[Any]:
    order = {"do": "call", "calls": [[part, method, words] for method, words in calls]}
    values: list[Any] = (await world.ask_client(order))["values"]
    return values


async def send(world: KeptEnvironment, *requests: dict[str, Any]) -> list[tuple[int, bytes]]:
    """Requests that no method of the client makes, made beside it, by its own library."""
    answers = (await world.ask_client({"do": "request", "requests": requests}))["answers"]
    return [(status, base64.b64decode(body)) for status, body in answers]


@needs_client
@pytest.mark.desktop
async def test_the_unmodified_client_finds_every_route_and_nobody_else_does(world: KeptEnvironment) -> None:
    editor = Launch(command=("mousepad", "note.txt"), window="note.txt")
    await world.reset([PutFile(path="note.txt", text="one\n"), Osworld(task=TASK), editor], seed=0)
    await _what_it_sees(world)
    await _what_it_runs(world)
    await _what_it_sets_up(world)
    await _what_it_never_asks(world)
    await _who_gets_in(world)
    assert await world.ask_client({"do": "evaluate", "last": "DONE"}) == {"score": 1.0}
    assert await world.ask_client({"do": "evaluate", "last": "FAIL"}) == {"score": 0.0}
    assert await world.probe().read("judged") == b".\n.\n"  # each time once
    with pytest.raises(ScenarioError, match="NotImplementedError"):
        await call(world, ("_replay_setup", {"trajectory": "x"}), part="setup_controller")


async def _what_it_sees(world: KeptEnvironment) -> None:
    screen, size, tree, terminal, platform, desktop, wallpaper, folder, note, none, window = await call(
        world, ("get_screenshot", {}), ("get_vm_screen_size", {}), ("get_accessibility_tree", {}),
        ("get_terminal_output", {}), ("get_vm_platform", {}), ("get_vm_desktop_path", {}), ("get_vm_wallpaper", {}),
        ("get_vm_directory_tree", {"path": "/home/user/Documents"}), ("get_file", {"file_path": "~/note.txt"}),
        ("start_recording", {}), ("get_vm_window_size", {"app_class_name": "mousepad"}),
    )  # fmt: skip
    assert base64.b64decode(screen).startswith(PNG)
    assert size == {"width": 1024, "height": 768}
    assert 'xmlns:st="https://accessibility.ubuntu.example.org/ns/state"' in tree
    assert '<application name="mousepad"' in tree
    assert (terminal, platform, desktop, none) == (None, "Linux", "/home/user/Desktop", None)
    assert base64.b64decode(wallpaper).startswith(PNG)
    assert folder == {"type": "directory", "name": "Documents", "children": []}
    assert base64.b64decode(note) == b"one\n"
    assert window["width"] > 100


async def _what_it_runs(world: KeptEnvironment) -> None:
    moved, python, script, film = await call(
        world, ("execute_python_command", {"command": "pyautogui.moveTo(321, 234)"}),
        ("run_python_script", {"script": "import os, sys; print(os.getuid()); sys.exit(3)"}),
        ("run_bash_script", {"script": "echo one; pwd >&2; exit 4", "working_dir": "/tmp"}),
        ("execute_python_command", {"command": "print(*pyautogui.position())"}),
    )  # fmt: skip
    assert moved["returncode"] == 0, moved
    assert film["output"] == "321 234\n"
    assert (python["output"], python["return_code"], python["status"]) == ("1000\n", 3, "error")
    assert script == {"status": "error", "output": "one\n/tmp\n", "error": "", "returncode": 4}


async def _what_it_sets_up(world: KeptEnvironment) -> None:
    verified = {"command": ["touch", "~/made"], "verification": {"command_success": "test -e ~/made"}}
    said = await call(
        world, ("_execute_with_verification_setup", verified),
        ("_launch_setup", {"command": "xterm -T launched"}),
        ("_activate_window_setup", {"window_name": "launched"}), ("_close_window_setup", {"window_name": "launched"}),
        ("_change_wallpaper_setup", {"path": "/home/user/.local/share/surehand/wallpaper.png"}),
        ("_upload_file_setup", {"files": [{"local_path": "/usr/bin/env", "path": "/home/user/new/env"}]}),
        ("_open_setup", {"path": "/home/user/note.txt"}),
        part="setup_controller",
    )  # fmt: skip
    assert said[0]["verification"] == "passed"
    copied = await world.probe().read("new/env")
    (sent,) = await call(world, ("run_bash_script", {"script": "cmp /usr/bin/env ~/new/env && echo same"}))
    assert sent["output"] == "same\n", len(copied)


async def _what_it_never_asks(world: KeptEnvironment) -> None:
    post = {"method": "post"}
    platform, pointer, refused, absent, broken, no_film, begun, again, film = await send(
        world, {"method": "get", "url": ":5000/platform"}, {"method": "get", "url": ":5000/cursor_position"},
        post | {"url": ":5000/setup/download_file", "json": {"url": "http://x.example/a", "path": "a"}},
        post | {"url": ":5000/execute", "json": {"command": ["no-such-program"]}},
        post | {"url": ":5000/execute", "json": {"shell": True}}, post | {"url": ":5000/end_recording"},
        post | {"url": ":5000/start_recording"}, post | {"url": ":5000/start_recording"},
        post | {"url": ":5000/end_recording"},
    )  # fmt: skip
    assert platform == (200, b"Linux")
    assert pointer == (200, b"[321,234]")
    assert refused[0] == 500
    assert absent[0] == 500
    assert b"no-such-program" in absent[1]
    assert (broken[0], json.loads(broken[1])["status"]) == (400, "error")
    assert [no_film[0], begun[0], again[0], film[0]] == [400, 200, 400, 200]
    assert MP4 in film[1][:32]


async def _who_gets_in(world: KeptEnvironment) -> None:
    """Nobody from inside or from this machine, at no time; no web page either; and the client while it is asked."""
    (knocked,) = await call(world, ("run_python_script", {"script": KNOCK}))
    assert (knocked["output"], knocked["return_code"]) == ("", 0)
    keeper = (await world.call("/renew", {})).json()["pid"]
    (client,) = below(keeper, "osworld_worker.py")
    inside = below(keeper, "pcmanfm")[0]
    assert len({network(pid) for pid in (client, inside, os.getpid())}) == 3
    assert not open_doors(client)
    asking = asyncio.create_task(call(world, ("run_bash_script", {"script": "sleep 1"})))

    async def served() -> bool | None:
        return True if open_doors(client) == PORTS else None

    await until(served, 20, "the three ports")
    assert not open_doors(inside)
    async with httpx.AsyncClient(timeout=2) as visitor:
        with contextlib.suppress(httpx.HTTPError):
            assert (await visitor.get("http://127.0.0.1:5000/platform")).text != "Linux"
    await asking
    assert not open_doors(client)
    await _what_web_pages_get(world)


async def _what_web_pages_get(world: KeptEnvironment) -> None:
    """Where VLC would listen there is a server of files, which is passed on; and where Chromium would, nothing."""
    await call(world, ("run_bash_script", {"script": FILE_SERVER}))
    whole = [(status, len(body) > 0) for status, body in await send(
        world, *({"method": "get", "url": f":{port}/platform", "headers": headers} for headers in (
            {"Origin": "http://evil.example"}, {"Host": "evil.example"}, {"Host": "127.0.0.1.evil.example:5000"},
        ) for port in sorted(PORTS)),
        {"method": "get", "url": ":8080/note.txt"},
    )]  # fmt: skip
    assert [status for status, _ in whole] == [403] * 9 + [200]


def network(pid: int) -> str:
    """The network that a process is in."""
    return str(Path(f"/proc/{pid}/ns/net").readlink())


def open_doors(pid: int) -> set[int]:
    """Those of the three ports at which somebody listens in the network of a process, as the kernel tells."""
    rows = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    return {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == LISTENS} & PORTS


@pytest.mark.parametrize(("headers", "wanted"), [
    ({b"host": b"127.0.0.1:5000"}, True), ({b"host": b"localhost"}, True), ({b"host": b"[::1]:5000"}, True),
    ({b"host": b"rebound.example:5000"}, False), ({}, False),
    ({b"host": b"127.0.0.1:5000", b"origin": b"http://evil.example"}, False),
    ({b"host": b"127.0.0.1.example"}, False),
])  # fmt: skip
def test_only_programs_of_this_machine_are_let_in(headers: dict[bytes, bytes], wanted: bool) -> None:
    assert admits(headers) is wanted


def test_the_client_is_pinned_whole_and_takes_no_torch() -> None:
    """What its metadata asks for besides would pull in torch with CUDA: so pip may take nothing that is not listed."""
    docker = Path(__file__).parents[2] / "docker"
    lines = [line for line in (docker / "osworld.lock").read_text().splitlines() if not line.startswith("#")]
    names = {line.partition("==")[0] for line in lines}
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)
    assert not {name for name in names if name.startswith(("torch", "nvidia", "transformers", "easyocr", "triton"))}
    assert "install --no-input --disable-pip-version-check --no-deps" in (docker / "extra-venv.sh").read_text()
