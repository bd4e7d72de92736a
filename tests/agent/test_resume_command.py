"""`surehand resume` on runs whose process was killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agent.trace import RunFolder, Status

ROOT = Path(__file__).resolve().parent.parent.parent
SCENARIO = 'id: ask\ntitle: Say it\nworld: browser\ngoal: Say forty-two.\ncheck: {answer: {equals: "42"}}\n'
ORACLE = 'oracle: [{press: a}, {press: b}, {answer: "42"}]\nnear_miss: [{answer: "41"}]\n'


def surehand(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "agent", *arguments], cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def killed_after_a_step(folder: Path, *arguments: str) -> None:
    with surehand(folder, "run", "ask.yaml", "--world", "headless", "--out", "first", *arguments) as process:
        assert process.stdout
        assert next(line for line in process.stdout if "press" in line)
        process.kill()
        assert process.wait(60) == -signal.SIGKILL


@pytest.mark.browser
def test_a_killed_run_goes_on_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "ask.yaml").write_text(SCENARIO)
    calls = ('{"action": "key", "keys": ["a"]}', '{"action": "key", "keys": ["b"]}', '{"action": "wait", "time": 3}',
             '{"action": "answer", "text": "42"}')  # fmt: skip
    (tmp_path / "script.jsonl").write_text("\n".join(calls))
    killed_after_a_step(tmp_path, "--model", "scripted:script.jsonl")
    with surehand(tmp_path, "resume", "first") as process:
        out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, ""), out
    assert "✓ Passed" in out
    folder = RunFolder(tmp_path / "first")
    assert folder.run().status == Status.PASSED
    assert [step.number for step in folder.steps()] == [1, 2, 3, 4]
    with surehand(tmp_path, "resume", "first") as process:
        out, err = process.communicate(timeout=120)
    assert (process.returncode, out.count("\n")) == (2, 0)
    assert err == "surehand: the run in 'first' has ended: passed; start a new one\n"


@pytest.mark.browser
def test_an_oracle_says_that_it_cannot_go_on(tmp_path: Path) -> None:
    (tmp_path / "ask.yaml").write_text(SCENARIO + ORACLE)
    killed_after_a_step(tmp_path, "--model", "oracle")
    with surehand(tmp_path, "resume", "first") as process:
        _, err = process.communicate(timeout=120)
    assert process.returncode == 2
    assert err.startswith("surehand: an oracle cannot go on with a run: what it looked at and did before died with its")


def test_no_run_there(tmp_path: Path) -> None:
    with surehand(tmp_path, "resume", "nothing") as process:
        _, err = process.communicate(timeout=120)
    assert (process.returncode, err.count("\n")) == (2, 1)
    assert err.startswith("surehand: no run in 'nothing'")
