"""`surehand bench` as it is typed: what it refuses, each in one line, and what it says on Ray."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent.bench.plan import held
from agent.cli import main
from agent.settings import PREFIX

ROOT = Path(__file__).resolve().parent.parent.parent
SAY = """
id: say
title: Say it
world: browser
goal: Say forty-two.
oracle: [{answer: "42"}]
near_miss: [{answer: "41"}]
check: {answer: {equals: "42"}}
"""


@pytest.fixture(autouse=True)
def _somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "say.yaml").write_text(SAY)
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)


def in_its_own_process(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "agent", "bench", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["say.yaml", "--seeds", "few"], "no seeds 'few'; write numbers and ranges, such as 0-2,7"),
        (["say.yaml", "--seeds", "3-1"], "no seeds '3-1'; write numbers and ranges"),
        (["wep"], "no suite 'wep'; did you mean 'web'"),
        (["./nowhere"], "no folder './nowhere'; name a folder that holds scenarios"),
        (["empty"], "no scenarios in 'empty': there is no .yaml file"),
        (["say.yaml", "--baselines", "idel"], "no baseline 'idel'; did you mean 'idle'"),
        (["say.yaml", "--model", "orakel"], "no model 'orakel'; did you mean 'oracle'"),
        (["say.yaml", "--model", "http://127.0.0.1:9/v1"], "no model server at 'http://127.0.0.1:9/v1'"),
        (["say.yaml", "--out", "taken"], "'taken' holds something else: there is 'thesis.doc'; choose a new folder"),
        (["say.yaml", "--out", "busy"], "another bench is at work in 'busy'; wait for its end, or choose another"),
        (["compare", "empty", "empty"], "no result in 'empty': there is no result.json"),
    ],
)
def test_mistakes(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("empty", "taken", "busy"):
        Path(name).mkdir()
    Path("taken/thesis.doc").touch()
    model = [] if {"--model", "compare"} & set(arguments) else ["--model", "oracle"]
    with held(Path("busy")), pytest.raises(SystemExit) as ended:
        main(["bench", *arguments, *model])
    out, err = capsys.readouterr()
    assert (ended.value.code, out, err.count("\n")) == (2, "", 1)
    assert said in err.replace(str(Path.cwd()) + "/", "")


def test_without_a_suite_there_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["bench"])
    assert ended.value.code == 0
    assert "Run SUITE" in capsys.readouterr().out


@pytest.mark.browser
def test_a_bench_is_done_once_and_compared(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["say.yaml", "--model", "oracle", "--world", "headless", "--baselines", "none", "--out", "first"]
    first = in_its_own_process(*command)
    assert (first.returncode, first.stderr) == (0, ""), first.stdout
    assert "oracle  1 of 1  100.0 %  21–100" in " ".join(first.stdout.split("   "))
    written = {path: path.stat().st_mtime_ns for path in Path("first/runs").rglob("*") if path.is_file()}
    with pytest.raises(SystemExit) as ended:  # all is done already, and nothing is begun
        main(["bench", *command])
    assert ended.value.code == 0
    assert {path: path.stat().st_mtime_ns for path in Path("first/runs").rglob("*") if path.is_file()} == written
    with pytest.raises(SystemExit):
        main(["bench", "compare", "first", "first"])
    assert "none of 1 pairs of runs flipped" in capsys.readouterr().out
    refused = in_its_own_process(*command, "--seeds", "0-1")
    assert refused.returncode == 2
    assert "holds another bench: its seeds are 0, not 0-1; repeat its command to go on with it" in refused.stderr


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("127.0.0.1:1", "no Ray cluster at '127.0.0.1:1': "),
        ("ray://127.0.0.1:10001", "'ray://127.0.0.1:10001' is no address of a Ray cluster; write it as host:6379"),
    ],
)
def test_a_ray_that_does_not_answer(address: str, said: str) -> None:
    pytest.importorskip("ray")
    done = in_its_own_process("say.yaml", "--model", "oracle", "--out", "cluster", "--ray", address)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert said in done.stderr
