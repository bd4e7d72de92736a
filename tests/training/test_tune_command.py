"""`surehand tune` as it is typed: what it shows, refuses, exports and pushes. Nothing is tuned here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent.serving.stand_in import location
from agent.training.material import open_material
from agent.training.record import Record, write_record
from agent.training.tuner import TUNE_PYTHON
from agent.training.tuning import Knobs
from tests.training.hub import a_hub
from tests.training.small_data import write_dataset

ROOT = Path(__file__).parents[2]
SECRET = "a-token-of-mine"
needs_tuner = pytest.mark.skipif(not TUNE_PYTHON.exists(), reason="no .venv-tune: run 'make tune'")


def surehand(*words: object, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "agent", "tune", *map(str, words)]
    env = {key: value for key, value in os.environ.items() if "TOKEN" not in key}
    env |= {"PYTHONPATH": str(ROOT), "PATH": "/nowhere"}  # without nvidia-smi there is no graphics card
    return subprocess.run(command, capture_output=True, text=True, env=env | variables, check=False, timeout=120)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("data") / "gui")


@pytest.fixture
def tuned(tmp_path: Path, data: Path) -> Path:
    """The folder of a tuning with a checkpoint, as far as these commands look."""
    folder = tmp_path / "tuned"
    checkpoint = folder / "checkpoint-7"
    checkpoint.mkdir(parents=True)
    for name, text in (
        ("adapter_config.json", json.dumps({"r": 8, "base_model_name_or_path": "/home/me/models/stand-in"})),
        ("adapter_model.safetensors", "weights"), ("optimizer.pt", "moments"), ("args.json", "{}"),
    ):  # fmt: skip
        (checkpoint / name).write_text(text, encoding="utf-8")
    material = open_material(data)
    write_record(folder, Record(
        model=str(location()), data=material.train, validation=material.validation, rows=material.rows, thoughts=False,
        modelscope=False, knobs=Knobs(), command=("swift",), variables={}, losses=(11.9, 11.2),
    ))  # fmt: skip
    return folder


def test_print_shows_the_whole_command_and_does_nothing(tmp_path: Path, data: Path) -> None:
    done = surehand("32B", data, "--out", tmp_path / "out", "--lora-rank", 16, "--print")
    assert done.returncode == 0, done.stderr
    assert "# for graphics cards of 80 GiB and as much memory, which this machine has not" in done.stdout
    assert f"cd {data} && IMAGE_MAX_TOKEN_NUM=2048 " in done.stdout
    assert "QWENVL_BBOX_FORMAT=new" in done.stdout
    assert "swift sft --model Qwen/Qwen3-VL-32B-Thinking " in done.stdout
    assert "--lora_rank 16 --lora_alpha 64" in done.stdout
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("33B",), "unknown model '33B'; did you mean"),
        (("32B-fp8",), "its weights are FP8; take Qwen/Qwen3-VL-32B-Thinking"),
        (("stand-in", "--cards", "0"), "should be greater than or equal to 1"),
        (("stand-in", "--max-length", "300"), "the longest row takes about"),
    ],
)
def test_a_mistake_is_one_line(data: Path, words: tuple[str, ...], said: str) -> None:
    done = surehand(words[0], data, *words[1:], "--print")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert said in done.stderr


def test_no_data(tmp_path: Path) -> None:
    done = surehand("stand-in", tmp_path / "none", "--print")
    assert done.returncode == 2
    assert done.stderr.startswith("surehand: no training data in")


def test_a_broken_row(tmp_path: Path, data: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"messages": []}\n', encoding="utf-8")
    done = surehand("stand-in", tmp_path / "rows.jsonl")
    assert done.returncode == 2
    assert "rows.jsonl:1: " in done.stderr
    assert done.stderr.count("\n") == 1


@needs_tuner
def test_a_large_model_without_a_card(data: Path) -> None:
    done = surehand("32B", data)
    assert done.returncode == 2
    assert "GiB on one graphics card" in done.stderr
    assert done.stderr.count("\n") == 1


@needs_tuner
def test_a_folder_that_is_taken(data: Path, tuned: Path) -> None:
    done = surehand("stand-in", data, "--out", tuned)
    assert done.returncode == 2
    assert "there is something in" in done.stderr
    done = surehand("stand-in", data, "--out", tuned.parent / "none", "--resume")
    assert "nothing to resume in" in done.stderr


@pytest.mark.parametrize("command", ["infer", "export"])
def test_no_adapter(tmp_path: Path, command: str) -> None:
    done = surehand(command, tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "no adapter in" in done.stderr
    assert "name a checkpoint, or the folder of a tuning" in done.stderr


@needs_tuner
def test_an_adapter_for_others_says_nothing_of_this_machine(tuned: Path, tmp_path: Path) -> None:
    done = surehand("export", tuned, "--out", tmp_path / "mine")
    assert done.returncode == 0, done.stderr
    files = sorted(path.name for path in (tmp_path / "mine").iterdir())
    assert files == ["README.md", "adapter_config.json", "adapter_model.safetensors"]
    text = "".join((tmp_path / "mine" / name).read_text() for name in files)
    assert "/home/me" not in text
    assert str(tuned) not in text
    assert surehand("export", tuned, "--out", tmp_path / "mine").returncode == 2


@needs_tuner
def test_merging_and_asking_are_shown(tuned: Path) -> None:
    shown = surehand("export", tuned, "--merge", "--print").stdout
    assert f"export --adapters {tuned}/checkpoint-7" in shown
    assert "--merge_lora true" in shown
    shown = surehand("infer", tuned, "--print").stdout
    assert "QWENVL_BBOX_FORMAT=new" in shown
    assert f"infer --adapters {tuned}/checkpoint-7" in shown


@needs_tuner
def test_a_push_is_only_told_without_yes(tuned: Path) -> None:
    with a_hub(SECRET) as hub:
        done = surehand("export", tuned, "--push", "me/hands", HF_ENDPOINT=hub.url, HF_TOKEN=SECRET)
        assert "would go to me/hands at Hugging Face, private; add --yes to push it" in done.stdout
        assert "adapter_model.safetensors" in done.stdout
        assert "optimizer.pt" not in done.stdout
        assert hub.came == []


@needs_tuner
def test_a_push_to_hugging_face(tuned: Path) -> None:
    with a_hub(SECRET) as hub:
        done = surehand("export", tuned, "--push", "me/hands", "--yes", HF_ENDPOINT=hub.url, HF_TOKEN=SECRET)
        assert done.returncode == 0, done.stderr
        assert "pushed to me/hands at Hugging Face, private" in done.stdout
        assert "POST /api/repos/create" in hub.lines()
        (commit,) = [one for one in hub.came if one.line == "POST /api/models/me/hands/commit/main"]
    assert b"private" in next(one for one in hub.came if "create" in one.line).body
    pushed = [json.loads(line)["value"].get("path") for line in commit.body.splitlines()]
    assert sorted(filter(None, pushed)) == ["README.md", "adapter_config.json", "adapter_model.safetensors"]
    kept = "".join(path.read_text(errors="replace") for path in tuned.rglob("*") if path.is_file())
    assert SECRET not in kept + done.stdout + done.stderr


@needs_tuner
def test_a_push_to_modelscope(tuned: Path, tmp_path: Path) -> None:
    with a_hub(SECRET) as hub:
        variables = {"MODELSCOPE_ENDPOINT": hub.url, "MODELSCOPE_API_TOKEN": SECRET, "HOME": str(tmp_path)}
        done = surehand("export", tuned, "--push", "me/hands", "--hub", "modelscope", "--yes", "--public", **variables)
        assert done.returncode == 0, done.stderr
        assert "pushed to me/hands at ModelScope, public" in done.stdout
        (commit,) = [one for one in hub.came if one.line.endswith("/models/me/hands/commit/master")]
    assert b"README.md" in commit.body
    assert b"adapter_model.safetensors" in commit.body
    assert b"optimizer.pt" not in commit.body
    kept = "".join(path.read_text(errors="replace") for path in tuned.rglob("*") if path.is_file())
    assert SECRET not in kept + done.stdout + done.stderr


@needs_tuner
def test_a_push_that_is_refused(tuned: Path) -> None:
    with a_hub("another") as hub:
        done = surehand("export", tuned, "--push", "me/hands", "--yes", HF_ENDPOINT=hub.url, HF_TOKEN=SECRET)
    assert done.returncode == 2, done.stderr
    assert "the hub does not let you in; set HF_TOKEN" in done.stderr
    assert SECRET not in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--push", "me/hands", "--yes"), "no token for Hugging Face; set HF_TOKEN"),
        (("--push", "me/hands", "--hub", "modelscope", "--yes"), "no token for ModelScope; set MODELSCOPE_API_TOKEN"),
        (("--push", "hands"), "--push 'hands' is no repository; write it as owner/name"),
        (("--push", "me/../you"), "is no repository"),
    ],
)
def test_a_push_without_what_it_needs(tuned: Path, words: tuple[str, ...], said: str) -> None:
    done = surehand("export", tuned, *words)
    assert done.returncode == 2
    assert said in done.stderr
