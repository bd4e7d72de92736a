"""What a Qwen3-VL is made of, against transformers' own modules, made without memory."""

import json
import subprocess
from pathlib import Path

import pytest

from agent.serving.architecture import as_config, of_config
from agent.serving.family import SIZES, STAND_IN, find
from agent.serving.family import Size as FamilySize
from agent.serving.machine import CPU_PYTHON


@pytest.mark.parametrize("size", SIZES, ids=lambda size: size.name)
def test_a_configuration_is_read_as_it_was_written(size: FamilySize) -> None:
    assert of_config(as_config(size.architecture)) == size.architecture


@pytest.mark.skipif(not CPU_PYTHON.exists(), reason="no .venv-serve: run 'make vllm'")
def test_weights_are_counted_as_transformers_makes_them() -> None:
    known = [*(size.architecture for size in SIZES), find(STAND_IN).size.architecture]
    lines = "".join(json.dumps(as_config(one)) + "\n" for one in known)
    script = Path(__file__).with_name("count_on_meta.py")
    done = subprocess.run([CPU_PYTHON, script], input=lines, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [int(count) for count in done.stdout.split()] == [one.parameters for one in known]
