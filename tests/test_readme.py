"""Every command of the README is run, in its order, in an empty folder."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from agent.serving.fake_server import FakeServer, Reply
from agent.serving.machine import CPU_PYTHON
from agent.training.check import check
from tests.agent.harm import ModelServer, Site

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line[2:] for block in re.findall(r"```console\n(.*?)```", README, re.S) for line in block.splitlines() if line
]
FILES = re.findall(r"```\w+\n((?:#|<!--) (\S+\.\w+).*?)```", README, re.S)
"""The text and the name of each file that it shows with its name in the first line."""
FAILS = "  # fails"
IN_ANOTHER_TEST = {"make test": "would run itself", "make bench": "takes minutes; its parts are run by `make soak`"}
MUSEUM, MODEL = "https://museum.example/", "http://127.0.0.1:8000/v1"
"""Addresses that it names; what stands there in the test is a page and a model server of its own."""


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    argv = shlex.split(command)
    if argv[0] in ("surehand", "python"):
        argv[0] = str(ROOT / ".venv" / "bin" / argv[0])
    env = {**os.environ, "SUREHAND_RUNS": str(folder / "runs")}
    cwd = ROOT if argv[0] == "make" else folder
    return subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)


@pytest.mark.desktop
@pytest.mark.browser
@pytest.mark.timeout(900)
def test_every_command_works_as_written(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if CPU_PYTHON.exists():  # `make demo` uses the server that runs; one of its own it would stop under other tests
        request.getfixturevalue("stand_in_server")
    for text, name in FILES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    Image.new("RGB", (640, 360), "white").save(tmp_path / "shot.png")
    seer = FakeServer(Reply('A page with a button: {"bbox_2d": [100, 200, 300, 400], "label": "Save"}'))
    with Site() as site, ModelServer(tmp_path / "said.jsonl", "ab") as server, seer:
        for command in COMMANDS:
            if command in IN_ANOTHER_TEST:
                assert run(f"{command} --dry-run", tmp_path).returncode == 0, f"no such target: {command}"
                continue
            asked = seer if command.split()[1] in ("describe", "ground") else server
            done = run(command.removesuffix(FAILS).replace(MUSEUM, site.url).replace(MODEL, asked.url), tmp_path)
            wanted = 1 if command.endswith(FAILS) else 0
            assert done.returncode == wanted, f"$ {command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        assert site.typed == "ab"
    for name in ("grounding", "episodes"):
        assert [str(found) for found in check(tmp_path / name).found] == []
    assert (tmp_path / "runs" / "login" / "report.html").exists()
    assert "there is &#39;Sign&#39;" in (tmp_path / "runs" / "guests" / "index.html").read_text()


def test_pictures_and_pages_that_it_names_are_there() -> None:
    for name in re.findall(r"\]\(([^)#]+)\)", README):
        assert name.startswith("http") or (ROOT / name).exists(), name
