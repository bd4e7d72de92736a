"""`surehand bench osworld`: what it refuses, each in one line, and what tasks come to that its client judges."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.bench.plan import Job
from agent.bench.result import read_result
from agent.bench.suite import choose, digest, entry
from agent.cli import main
from agent.commands.bench_worker import station
from agent.settings import PREFIX, Settings
from agent.trace import RunFolder, Status
from env.osworld.client import NAMES
from scenarios.suites.osworld.tasks import CACHE, TASKS

ROOT = Path(__file__).resolve().parent.parent.parent
needs_client = pytest.mark.skipif(not NAMES.is_file(), reason="no .venv-osworld: run 'bash docker/setup-osworld.sh'")
WRITTEN = {"type": "execute", "parameters": {"command": "echo kept > ~/note.txt", "shell": True}}
EVALUATOR: dict[str, Any] = {
    "func": "exact_match", "result": {"type": "vm_command_line", "command": ["cat", "~/note.txt"]},
    "expected": {"type": "rule", "rules": {"expected": "kept\n"}},
}  # fmt: skip
FILES: dict[str, dict[str, Any]] = {
    "done": {"config": [WRITTEN], "evaluator": EVALUATOR},
    "broken": {"config": [WRITTEN], "evaluator": EVALUATOR | {"expected": {"type": "rule", "rules": {}}}},
    "hopeless": {"config": [], "evaluator": {"func": "infeasible"}},
    "setup": {"config": [{"type": "teleport", "parameters": {}}], "evaluator": EVALUATOR},
    "getter": {"config": [], "evaluator": EVALUATOR | {"result": {"type": "vm_mood"}}},
    "metric": {"config": [], "evaluator": EVALUATOR | {"func": "check_mood"}},
}


@pytest.fixture(autouse=True)
def _somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    for name in (TASKS, CACHE):
        monkeypatch.setenv(name, "")  # so that what a command sets is taken back afterwards
    Path("empty").mkdir()
    for name, told in FILES.items():
        place = Path("each", name)
        place.mkdir(parents=True)
        (place / "it.json").write_text(
            json.dumps({"id": name, "instruction": "Do it.", "related_apps": ["os"], **told})
        )


@pytest.mark.parametrize(("arguments", "said"), [
    (["osworld"], "OSWorld's tasks are not part of surehand: SUREHAND_OSWORLD_TASKS is not set; name the folder"),
    (["osworld", "--tasks", "nowhere"], "no folder 'nowhere'; name the folder of OSWorld's task files"),
    (["osworld", "--tasks", "empty"], "no task of OSWorld's in 'empty': it holds no .json file"),
    (["osworld", "--tasks", "each", "--cache", "nowhere"], "no folder 'nowhere'; name the folder of what OSWorld's"),
    (["web", "--tasks", "each"], "--tasks and --cache are of the suite 'osworld', not of 'web'; leave them out"),
])  # fmt: skip
def test_mistakes(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    _refused(arguments, said, capsys)


@needs_client
@pytest.mark.parametrize(("arguments", "said"), [
    (["osworld", "--tasks", "each/setup"], "in 'each/setup' can run here: osworld/it: unknown setup type 'teleport'"),
    (["osworld", "--tasks", "each/getter"], "can run here: osworld/it: unknown getter 'vm_mood'"),
    (["osworld/metric/it", "--tasks", "each"], "'osworld/metric/it' cannot run here: unknown metric 'check_mood'"),
    (["osworld/nosuch", "--tasks", "each"], "no scenario 'osworld/nosuch'"),
    (["osworld/done/it", "--tasks", "each", "--model", "oracle"], "no task of 'osworld/done/it' has an oracle"),
])  # fmt: skip
def test_tasks_that_cannot_run(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    _refused(arguments, said, capsys)


def _refused(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["bench", *arguments, *([] if "--model" in arguments else ["--model", "idle"])])
    out, err = capsys.readouterr()
    assert (ended.value.code, out, err.count("\n")) == (2, "", 1)
    assert said in err.replace(str(Path.cwd()) + "/", "")


def bench(code: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, with surehand from a folder."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    command = [sys.executable, "-m", "agent", "bench", "osworld", *arguments]
    environment = inherited | {"PYTHONPATH": str(code), "COLUMNS": "200"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_without_the_client_a_line_says_how_to_get_it(tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(ROOT / "env", bare / "env", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("agent", "scenarios", "tools"):
        (bare / name).symlink_to(ROOT / name)
    done = bench(bare, "--tasks", "each/done", "--model", "idle")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "surehand: OSWorld's tasks need its own client: there is no .venv-osworld; run `make osworld`\n"
    )


@needs_client
def test_a_worker_is_told_where_the_tasks_are_and_the_hash_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"settings": Settings().model_dump(mode="json"), "variables": {TASKS: str(Path("each").absolute())}}
    job = Job(player="idle", model="idle", scenario="osworld/done/it", source="osworld/done/it", seed=0)
    assert station(told).make_task(job).goal == "Do it."
    hashes = set()
    for cache in ("", "empty"):
        monkeypatch.setenv(CACHE, cache)
        hashes.add(digest([entry(one, (0,)) for one in choose("osworld")]))
    assert len(hashes) == 1


@needs_client
@pytest.mark.soak
@pytest.mark.desktop
@pytest.mark.timeout(600)
@pytest.mark.parametrize("crew", [[], ["--ray", "local"]], ids=["processes", "ray"])
def test_the_original_evaluator_scores_and_what_it_raises_is_no_score(crew: list[str]) -> None:
    if crew:
        pytest.importorskip("ray")
    asked = ["--tasks", "each", "--model", "idle", "--baselines", "fail", "--parallel", "2", "--out", "bench", *crew]
    done = bench(ROOT, *asked)
    assert (done.returncode, done.stderr) == (3, ""), done.stdout
    result = read_result(Path("bench"))
    idle, fail = result.scores
    assert [(one.feasible.passed, one.feasible.of) for one in (idle, fail)] == [(1, 1), (0, 1)]
    assert [(one.infeasible.passed, one.infeasible.of) for one in (idle, fail)] == [(0, 1), (1, 1)]
    assert [one.errors for one in (idle, fail)] == [{"error:scenario": 1}] * 2
    said = " ".join(done.stdout.split())
    assert (
        "idle: 1 of 3 runs have no score, as the machinery failed (1 error:scenario); success is of the other 2" in said
    )
    assert result.plan.deviations[-1] == "3 of 6 task files cannot run here, and are left out"
    assert all(line in said for line in result.plan.deviations)
    assert "3 of 6 task files" in Path("bench/index.html").read_text()
    broken = RunFolder(Path("bench/runs/idle/osworld/broken/it/seed-0")).run()
    assert broken.status is Status.ERROR_SCENARIO
    assert broken.failure is not None
    assert "KeyError" in broken.failure.message
    passed = RunFolder(Path("bench/runs/idle/osworld/done/it/seed-0")).run()
    assert passed.result is not None
    assert passed.result.evidence["evaluator"] == "desktop-env 1.0.2"
