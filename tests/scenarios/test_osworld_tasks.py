"""OSWorld's task files: read, sorted into what can run here and what cannot, set up and judged by OSWorld's client."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from agent.cli import main
from agent.commands.wiring import worlds
from agent.prove import prove
from agent.settings import Settings
from agent.trace import Status
from env.osworld.client import NAMES
from scenarios.loader import load
from scenarios.suites.osworld import ids, listing
from scenarios.suites.osworld.tasks import CACHE, TASKS
from tools.errors import UserError

SAMPLE = Path(__file__).parents[2].parent / "shared" / "data" / "osworld"
pytestmark = pytest.mark.skipif(not NAMES.is_file(), reason="no .venv-osworld: run 'bash docker/setup-osworld.sh'")
needs_sample = pytest.mark.skipif(not SAMPLE.is_dir(), reason=f"no task files of OSWorld's in {SAMPLE}")


def task(**changed: Any) -> dict[str, Any]:
    plain = {"id": "t1", "instruction": "Do it.", "config": [], "related_apps": ["os"],
             "evaluator": {"func": "exact_match", "result": {"type": "vm_command_line", "command": "date"},
                           "expected": {"type": "rule", "rules": {"expected": "x"}}}}  # fmt: skip
    return plain | changed


def evaluator(**changed: Any) -> dict[str, Any]:
    return {"evaluator": task()["evaluator"] | changed}


def step(kind: str, **parameters: Any) -> list[dict[str, Any]]:
    return [{"type": kind, "parameters": parameters}]


URL = "https://files.example/a/table.xlsx"
KEPT = f"{uuid.uuid5(uuid.NAMESPACE_URL, URL)}_table.xlsx"
DOWNLOAD = {"type": "download", "parameters": {"files": [{"url": URL, "path": "/home/user/table.xlsx"}]}}
REASONS: dict[str, tuple[dict[str, Any], str]] = {
    "plain": (task(), ""),
    "setup": (task(config=step("teleport")), "unknown setup type 'teleport'"),
    "unwritten": (task(config=step("replay")), "setup type 'replay' is named by OSWorld"),
    "getter": (task(**evaluator(result={"type": "vm_mood"})), "unknown getter 'vm_mood'"),
    "metric": (task(**evaluator(func="check_mood")), "unknown metric 'check_mood'"),
    "heavy": (task(**evaluator(func="compare_audios")), "metric 'compare_audios' needs librosa"),
    "program": (task(config=step("launch", command=["nosuch", "-x"])), "1 program missing: nosuch"),
    "shell": (task(config=step("launch", command="A=1 nosuch x", shell=True)), "missing: nosuch"),
    "root": (task(config=step("execute", command="sudo rm x", shell=True)), "it needs root"),
    "account": (task(config=step("login")), "it needs somebody's Google account"),
    "site": (task(config=step("chrome_open_tabs", urls_to_open=["https://a.example/"])), "the live site a.example"),
    "download": (task(config=[DOWNLOAD]), f"1 download not in the cache: t1/{KEPT}"),
    "gold": (task(**evaluator(expected={"type": "cloud_file", "path": URL, "dest": "gold.xlsx"})), "t1/gold.xlsx"),
    "word": (task(evaluator="exact_match"), "evaluator: "),
    "empty": ({}, "Field required"),
}  # fmt: skip


def test_each_file_that_cannot_run_has_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CACHE, raising=False)
    for name, (content, _) in REASONS.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    (tmp_path / "torn.json").write_text('{"id": ')
    found = {one.id.removeprefix("osworld/"): one.reason for one in listing(tmp_path)}
    assert found.pop("torn").startswith("Expecting value")
    assert found["plain"] == ""
    for name, (_, reason) in REASONS.items():
        assert reason in found[name], name
        assert "\n" not in found[name]


def test_a_download_that_was_kept_is_not_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "one.json").write_text(json.dumps(task(config=[DOWNLOAD])))
    (tmp_path / "kept" / "t1").mkdir(parents=True)
    (tmp_path / "kept" / "t1" / KEPT).write_bytes(b"x")
    monkeypatch.setenv(TASKS, str(tmp_path / "tasks"))
    monkeypatch.setenv(CACHE, str(tmp_path / "kept"))
    assert ids() == ("osworld/one",)
    assert load("osworld/one").at(0).goal == "Do it."
    with pytest.raises(UserError, match="no scenario 'osworld/two'"):
        load("osworld/two")


@pytest.mark.parametrize(("argument", "said"), [
    ("nowhere", "no folder"), ("", "SUREHAND_OSWORLD_TASKS is not set"), (".", "it holds no .json file"),
])  # fmt: skip
def test_a_folder_without_tasks_is_one_line(
    argument: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(TASKS, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(CACHE, "")
    with pytest.raises(SystemExit) as ended:
        main(["osworld", "list", *([argument] if argument else [])])
    assert ended.value.code == 2
    line = capsys.readouterr().err
    assert said in line
    assert line.count("\n") == 1
    monkeypatch.delenv(TASKS, raising=False)


@needs_sample
def test_every_file_of_the_sample_runs_or_says_why_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CACHE, raising=False)
    found = listing(SAMPLE)
    assert len(found) == len(list(SAMPLE.rglob("*.json")))
    runs = [one for one in found if not one.reason]
    assert all("missing" in one.reason for one in found if one.solved and one.reason), "solved, so it must run"
    assert all(one.id.startswith("osworld/") for one in runs)


@needs_sample
@pytest.mark.soak
@pytest.mark.desktop
@pytest.mark.timeout(600)
@pytest.mark.parametrize("one", [one for one in (listing(SAMPLE) if SAMPLE.is_dir() and NAMES.is_file() else ())
                                 if not one.reason], ids=lambda one: one.id)  # fmt: skip
async def test_doing_nothing_fails_and_the_reference_solution_passes(
    one: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TASKS, str(SAMPLE))
    proofs = await prove(load(one.id), 0, worlds(Settings()), tmp_path)
    assert proofs.idle.status is Status.FAILED
    if one.solved or not one.feasible:
        assert proofs.problems == ()
    if one.solved:
        assert proofs.oracle is not None
        assert proofs.oracle.result is not None
        assert proofs.oracle.result.score == 1.0
