"""From rows to an adapter that answers: real ms-swift and real vLLM on the CPU, the stand-in with random weights."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from agent.training.progress import read_points
from agent.training.record import CURVE, LOG, checkpoints, read_record
from agent.training.tuner import TUNE_PYTHON
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
