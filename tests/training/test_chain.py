"""From rows to an adapter that answers: real ms-swift and real vLLM on the CPU, the stand-in with random weights."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from agent.serving import processes
from agent.training.progress import read_points
from agent.training.record import CURVE, LOG, checkpoints, read_record
from agent.training.tuner import TUNE_PYTHON
from env.settle import until
from tests.training.small_data import write_dataset

ROOT = Path(__file__).parents[2]
RATE = ("--batch", 1, "--learning-rate", 0.03)
"""For the stand-in, whose few weights are random: a real model would be spoilt by it."""

pytestmark = [
    pytest.mark.tune, pytest.mark.timeout(900),
    pytest.mark.skipif(not TUNE_PYTHON.exists(), reason="no .venv-tune: run 'make tune'"),
]  # fmt: skip


def surehand(*words: object, **variables: str) -> str:
    """What it printed; it must have succeeded."""
    command = [sys.executable, "-m", "agent", *map(str, words)]
    env = os.environ | {"PYTHONPATH": str(ROOT), **variables}
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, f"{words}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def test_the_stand_in_learns(tmp_path: Path) -> None:
    data, out = write_dataset(tmp_path / "data", rows=6, validation=2), tmp_path / "out"
    said = surehand(
        "tune", "stand-in", data, "--out", out, "--steps", 12, *RATE, MODELSCOPE_CACHE=str(tmp_path / "cache")
    )
    losses = read_record(out).losses
    assert losses is not None
    assert losses[0] - losses[1] > 0.05, read_points(out)
    assert f"loss {losses[0]:.4g} → {losses[1]:.4g}" in said
    assert max(point.step for point in read_points(out)) == 12
    with Image.open(out / CURVE) as curve:
        assert curve.size == (960, 540)
    adapter = checkpoints(out)[-1]
    assert (adapter.name, (adapter / "adapter_model.safetensors").exists()) == ("checkpoint-12", True)
    shown = (out / LOG).read_text(encoding="utf-8", errors="replace")
    labels = shown.partition("[LABELS] ")[2].partition("[INFO")[0]  # ms-swift shows one row as it is learned
    assert '"bbox_2d": [' in labels, labels
    assert "<|box_start|>" not in labels
    assert "<ref-object>" not in labels


@pytest.mark.soak
@pytest.mark.browser
@pytest.mark.vllm
@pytest.mark.timeout(2400)
def test_from_runs_to_a_loop_that_asks_the_adapter(tmp_path: Path) -> None:
    cache = {"MODELSCOPE_CACHE": str(tmp_path / "cache")}
    for seed in range(4):
        surehand("run", "web/login", "--model", "oracle", "--world", "headless", "--seed", seed,
                 "--out", tmp_path / "runs" / str(seed))  # fmt: skip
    data, out = tmp_path / "episodes", tmp_path / "tuned"
    surehand("export", tmp_path / "runs", "--format", "swift-agent", "--validation", 0.25, "--out", data)
    surehand("tune", "stand-in", data, "--out", out, "--steps", 12, "--lora-rank", 16, *RATE, **cache)
    losses = read_record(out).losses
    assert losses is not None
    assert losses[0] - losses[1] > 0.08, read_points(out)

    said = surehand("tune", "infer", out, "--most", 3, "--max-new-tokens", 16, **cache)
    adapter = checkpoints(out)[-1]
    answers = json.loads((adapter / "answers.json").read_text(encoding="utf-8"))
    assert answers["score"]["actions"] == 3, said
    assert all('"name": "computer_use"' in one["truth"] for one in answers["answers"])

    serve = ("serve", "stand-in", "--adapter", adapter)
    try:
        url = re.search(r"answers at (\S+)", surehand(*serve))
        assert url
        run = [sys.executable, "-m", "agent", "run", "web/login", "--world", "headless", "--seed", "9", "--steps", "2"]
        run += ["--model", url[1], "--out", str(tmp_path / "asked")]
        done = subprocess.run(
            run, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False
        )
        assert done.returncode == 1, done.stdout[-2000:] + done.stderr[-2000:]  # random weights fail
    finally:
        surehand(*serve, "--stop")
    record = json.loads((tmp_path / "asked" / "run.json").read_text(encoding="utf-8"))
    assert f"stand-in+{adapter.name}" in json.dumps(record)
    steps = (tmp_path / "asked" / "steps.jsonl").read_text(encoding="utf-8").splitlines()
    assert {json.loads(step)["completion"]["model"] for step in steps} == {f"stand-in+{adapter.name}"}


@pytest.mark.soak
def test_it_goes_on_from_the_last_checkpoint(tmp_path: Path) -> None:
    data, out = write_dataset(tmp_path / "data", rows=6, validation=2), tmp_path / "out"
    cache = {"MODELSCOPE_CACHE": str(tmp_path / "cache")}
    surehand("tune", "stand-in", data, "--out", out, "--steps", 5, *RATE, **cache)
    before = read_points(out)
    surehand("tune", "stand-in", data, "--out", out, "--steps", 10, "--resume", *RATE, **cache)
    after = read_points(out)
    assert [point.loss for point in after if point.step < 5] == [point.loss for point in before if point.step < 5]
    assert max(point.step for point in after) == 10
    assert checkpoints(out)[-1].name == "checkpoint-10"


@pytest.mark.soak
def test_merged_weights_are_a_model_of_their_own(tmp_path: Path) -> None:
    data, out = write_dataset(tmp_path / "data", rows=4, validation=2), tmp_path / "out"
    cache = {"MODELSCOPE_CACHE": str(tmp_path / "cache")}
    surehand("tune", "stand-in", data, "--out", out, "--steps", 4, *RATE, **cache)
    surehand("tune", "export", out, "--merge", "--out", tmp_path / "merged", **cache)
    serve = ("serve", tmp_path / "merged")
    try:
        assert "merged answers at" in surehand(*serve)
    finally:
        surehand(*serve, "--stop")


@pytest.mark.soak
def test_ctrl_c_leaves_nothing_running(tmp_path: Path) -> None:
    data, out = write_dataset(tmp_path / "data", rows=6, validation=2), tmp_path / "out"
    command = [sys.executable, "-m", "agent", "tune", "stand-in", str(data), "--out", str(out), "--steps", "100000"]
    env = os.environ | {"PYTHONPATH": str(ROOT), "MODELSCOPE_CACHE": str(tmp_path / "cache")}
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, start_new_session=True) as tuning:
        asyncio.run(until(lambda: _first_point(out), 600, "a first step"))
        children = _children(tuning.pid)
        assert children
        os.killpg(tuning.pid, signal.SIGINT)
        assert tuning.wait(120) == 130
    assert not [pid for child in children for pid in processes.members(child)]


async def _first_point(out: Path) -> bool | None:
    return bool(read_points(out)) or None


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
