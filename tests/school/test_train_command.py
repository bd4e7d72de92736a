"""`surehand train pocket`, `train examine`, and what is said where neither can be done."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from agent.serving.machine import CPU_PYTHON, ROOT

SUREHAND = Path(sys.executable).with_name("surehand")


def surehand(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SUREHAND, *words], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.vllm
@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.skipif(not CPU_PYTHON.exists(), reason="no .venv-serve: run 'make vllm'")
def test_slices_go_on_from_each_other(tmp_path: Path) -> None:
    line = ("train", "pocket", str(tmp_path / "mine"), "--shape", "tiny", "--minutes", "0.1", "--threads", "1")
    for more in (("--stage", "print", "--only-letters"), ("--stage", "print", "--batch", "8")):
        done = surehand(*line, *more)
        assert done.returncode == 0, done.stderr
        assert "letters seen" in done.stdout
    curve = [json.loads(line) for line in (tmp_path / "mine" / "curve.jsonl").read_text().splitlines()]
    assert curve[-1]["lessons"] > curve[0]["lessons"]
    assert max(file.stat().st_size for file in (tmp_path / "mine").iterdir()) < 16 * 2**20
    asked = surehand("train", "examine", str(tmp_path / "mine"), "--stage", "print", "--lessons", "8")
    assert {"transcribe exact", "transcribe letters"} <= json.loads(asked.stdout).keys()


@pytest.mark.vllm
@pytest.mark.browser
@pytest.mark.soak
@pytest.mark.timeout(1200)
@pytest.mark.skipif(not CPU_PYTHON.exists(), reason="no .venv-serve: run 'make vllm'")
def test_the_recipe_of_the_readme_can_be_followed(tmp_path: Path) -> None:
    """With slices of seconds and the smallest shape; `make school` follows it for an hour."""
    recipe = re.findall(r"^surehand (train .*?)$", (ROOT / "README.md").read_text(), re.M)
    assert len(recipe) > 5
    for line in recipe:
        words = shlex.split(line.replace("tuned/", f"{tmp_path}/").replace("--shape nano", "--shape tiny"))
        short = {"--minutes": "0.1", "--lessons": "8", "--seeds": "0"}
        done = surehand(*(short.get(before, word) for before, word in zip(["", *words], words, strict=False)))
        assert done.returncode == 0, f"{line}\n{done.stderr}"
    assert (tmp_path / "mine" / "curve.png").exists()


def test_a_folder_without_a_model_is_one_line(tmp_path: Path) -> None:
    done = surehand("train", "examine", str(tmp_path))
    assert done.returncode == 2
    assert "no model in" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_stage_or_a_file_that_is_none_is_one_line(tmp_path: Path) -> None:
    for words, said in (
        (("--stage", "nursery"), "no stage 'nursery'"),
        (("--pack", "README.md"), "no file of lessons"),
    ):
        done = surehand("train", "pocket", str(tmp_path / "mine"), *words)
        assert done.returncode == 2
        assert said in done.stderr
        assert "Traceback" not in done.stderr
        assert not (tmp_path / "mine").exists()
