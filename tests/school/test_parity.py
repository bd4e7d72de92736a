"""transformers and vLLM say the same, in float32."""

import asyncio
import json
import os
import subprocess
from pathlib import Path

import pytest

from agent.serving import processes
from agent.serving.family import find
from agent.serving.launch import command, environment, plan
from agent.serving.machine import CPU_PYTHON, ROOT, free_port, look
from env.settle import until

pytestmark = [
    pytest.mark.vllm, pytest.mark.soak, pytest.mark.timeout(1800),
    pytest.mark.skipif(not CPU_PYTHON.exists(), reason="no .venv-serve: run 'make vllm'"),
]  # fmt: skip
KEY = "for-this-test"


def school(*words: str) -> str:
    variables = os.environ | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "SUREHAND_API_KEY": KEY}
    line = [str(CPU_PYTHON), "-m", "agent.school", *words]
    return subprocess.run(line, env=variables, capture_output=True, text=True, check=True).stdout


async def test_both_say_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    school("train", str(folder), "--shape", "tiny", "--stage", "print", "--minutes", "2", "--threads", "1")
    port = free_port(None)
    assert port
    decided = plan(find(str(folder)), "cpu", look())
    line = [*command(decided, port), "--dtype", "float32"]
    pid = processes.spawn(line, os.environ | environment(decided, KEY), tmp_path / "log")
    try:

        async def ready() -> bool | None:
            return "Application startup complete" in (tmp_path / "log").read_text() or None

        await until(ready, 900, "vLLM")
        url = f"http://127.0.0.1:{port}/v1"
        told = await asyncio.to_thread(school, "parity", str(folder), url, "small", "--stage", "print")
    finally:
        await processes.end(pid, 15)
    found = json.loads(told)
    assert found["same"] >= 0.95
    assert found["apart"] <= 1e-2
