"""`surehand export` of runs: which are taken, how they are divided, what is on the disk, and what a mistake is told."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.commands.export import DATA
from agent.prompt import Style
from agent.training.check import check
from agent.training.dataset import make, validation_tasks
from agent.training.rows import FORMATS, Telling
from tests.agent.test_cli import Surehand
from tests.training.runs import rows_of

ROOT = Path(__file__).parents[2]


def test_the_command_knows_the_formats() -> None:
    assert tuple(FORMATS) == DATA


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_without_a_fault(form: str, runs: Path, tmp_path: Path, surehand: Surehand) -> None:
    out = tmp_path / "data"
    status, said, err = surehand("export", str(runs), "--format", form, "--out", str(out))
    assert (status, err) == (0, "")
    assert said.startswith("✓ 3 runs as data: ")
    assert "left out: 1 run that a failure of the machinery broke off; 1 run that did not pass; " in said
    assert "1 run that nobody checked; 1 run without an end" in said
    notes = json.loads((out / "dataset.json").read_text())
    assert (notes["format"], notes["version"]) == (form, 1)
    parts = {name: rows_of(out / f"{name}.jsonl") for name in ("train", "validation")}
    assert notes["rows"] == {name: len(rows) for name, rows in parts.items()}
    assert {run["seed"]: run["part"] for run in notes["runs"]}.keys() == {1, 2}
    assert len({run["part"] for run in notes["runs"] if run["seed"] == 2}) == 1
    assert {file.name for file in out.iterdir()} == {"dataset.json", "images", "train.jsonl", "validation.jsonl"}
    assert len(list((out / "images").iterdir())) == notes["pictures"]
    checked = check(out)
    assert not checked.found, [str(found) for found in checked.found]
    assert (checked.rows, checked.pictures) == (sum(notes["rows"].values()), notes["pictures"])


def test_a_dataset_can_be_moved_and_is_always_the_same(runs: Path, tmp_path: Path) -> None:
    make([runs], tmp_path / "one", "swift-agent", Telling(Style()))
    shutil.copytree(runs, tmp_path / "elsewhere")  # so can runs, whose records hold older paths
    for shots in runs.rglob("shots"):
        assert str(shots) not in (tmp_path / "one" / "train.jsonl").read_text()
    make([tmp_path / "elsewhere" / "a", tmp_path / "elsewhere"], tmp_path / "two", "swift-agent", Telling(Style()))
    for name in ("train.jsonl", "validation.jsonl"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    (tmp_path / "one").rename(tmp_path / "three")
    assert not check(tmp_path / "three").found


def test_any_run_if_you_ask_for_it(runs: Path, tmp_path: Path, surehand: Surehand) -> None:
    out = tmp_path / "data"
    surehand("export", str(runs), "--format", "swift-agent", "--any", "--out", str(out))
    notes = json.loads((out / "dataset.json").read_text())
    assert sorted(run["status"] for run in notes["runs"]) == ["failed", "passed", "passed", "passed", "unchecked"]
    assert notes["left_out"] == [
        "1 run that a failure of the machinery broke off", "1 run without an end", "1 row equal to one before",
    ]  # fmt: skip


def test_thoughts_and_history_go_by_the_settings(
    runs: Path, tmp_path: Path, surehand: Surehand, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exported(*options: str) -> str:
        out = tmp_path / f"data{len(list(tmp_path.iterdir()))}"
        assert surehand("export", str(runs / "a"), "--format", "swift-agent", "--out", str(out), *options)[0] == 0
        return (out / "train.jsonl").read_text()

    assert "<think>" in exported()
    assert "<think>" not in exported("--thoughts", "strip")
    assert exported("--history", "user").count('"role": "tool_response"') == 0
    monkeypatch.setenv("SUREHAND_MODEL_KIND", "instruct")
    assert "<think>" not in exported()
    assert "<think>" in exported("--thoughts", "keep")
    monkeypatch.setenv("SUREHAND_HISTORY", "user")
    assert exported().count('"role": "tool_response"') == 0


@given(st.sets(st.text(), max_size=40), st.floats(0, 1))
def test_tasks_are_divided(tasks: set[str], share: float) -> None:
    kept = validation_tasks(tasks, share)
    assert kept <= tasks
    assert kept == validation_tasks(list(tasks)[::-1], share)
    if len(tasks) >= 2 and share > 0:
        assert 1 <= len(kept) <= len(tasks) - 1
        assert abs(len(kept) - share * len(tasks)) <= 1 or len(kept) == len(tasks) - 1
    else:
        assert not kept


def test_one_task_alone_is_all_for_learning(runs: Path, tmp_path: Path, surehand: Surehand) -> None:
    said = surehand("export", str(runs / "a"), "--format", "swift", "--out", str(tmp_path / "data")).out
    assert said.startswith("✓ 1 run as data: 2 rows to learn from, none to validate with, 2 pictures\n")
    assert not (tmp_path / "data" / "validation.jsonl").exists()


def test_what_a_mistake_is_told(
    runs: Path, tmp_path: Path, surehand: Surehand, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs").symlink_to(runs)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "run.json").write_text("{")
    monkeypatch.chdir(tmp_path)

    def refused(line: str) -> str:
        return surehand.refuses("export", *line.split()).removeprefix("surehand: ")

    for line, said in {
        "nowhere --format swift": "no folder 'nowhere'; name folders of runs, or one that holds them",
        "empty --format swift": "no run in 'empty': there is no run.json in it or below it; `surehand report --list`",
        "damaged --format swift": "damaged run 'damaged/run.json'",
        "runs --format swift --out empty": "there is 'empty' already; name a new folder with --out",
        "runs --format swift --out file/data": "cannot write 'file/data': ",
        "runs/failed --format swift": "nothing to learn from in these runs: 1 run that did not pass; --any takes runs",
        "runs/broken --format swift": "nothing to learn from in these runs: 1 run that a failure of the machinery",
        "runs --format swfit": "a test cannot be exported to 'swfit'; did you mean 'swift'?",
        "runs --format swift --validation 2": "invalid value for '--validation': Input should be less than",
        "runs --format swift --thoughts some": "invalid value for '--thoughts': Value error, 'some' is not one of",
        "runs runs --format swfit": "a test cannot be exported to 'swfit'; did you mean 'swift'?",
        "runs runs --format playwright-ts": "one test at a time: 2 were named; name one test file or one run",
        "runs --format playwright-ts --any": "--any, --thoughts, --history and --validation are not",
    }.items():
        assert refused(line).startswith(said)
    assert not Path("swift-data").exists()


def test_lost_and_damaged_pictures(runs: Path, tmp_path: Path) -> None:
    for name in ("good", "lost", "damaged"):
        shutil.copytree(runs / "a", tmp_path / "runs" / name)
    next((tmp_path / "runs" / "lost" / "shots").glob("*.png")).unlink()
    next((tmp_path / "runs" / "damaged" / "shots").glob("*.png")).write_bytes(b"")
    (tmp_path / "runs" / "broken").mkdir()
    (tmp_path / "runs" / "broken" / "run.json").write_text("{")
    made = make([tmp_path / "runs"], tmp_path / "data", "swift", Telling(Style()))
    assert made.runs == 1
    assert set(made.left_out) == {"2 runs whose screenshots are gone or damaged", "1 run with a damaged record"}


FULL = """
import resource, sys
from pathlib import Path
from agent.cli import main

resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))  # no file may grow beyond, as on a full disk
main(["export", sys.argv[1], "--format", "swift", "--out", sys.argv[2]])
"""


def test_a_full_disk_leaves_nothing_behind(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(runs / "a"), str(tmp_path / "disk" / "data")], cwd=ROOT, text=True,
        capture_output=True, timeout=120, check=False, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"surehand: cannot write '{tmp_path / 'disk' / 'data'}': File too large\n"
    assert not list((tmp_path / "disk").iterdir())


def test_the_machinery_of_models_is_not_needed() -> None:
    """Importing the client of model servers, or torch, would cost half a second and more."""
    code = "import agent.training.dataset, agent.training.check, sys; print({'openai', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
