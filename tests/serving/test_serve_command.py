import asyncio
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from agent.serving.adapter import adapted
from agent.serving.commands import serve
from agent.serving.family import find
from agent.serving.vllm_server import servers, start, stop
from tests.serving.adapters import write_adapter
from tests.serving.test_family import checkpoint
from tests.serving.test_server import FAKE
from tools.errors import UserError

app = typer.Typer()
app.command()(serve)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def surehand_serve(*words: str) -> Result:
    return CliRunner().invoke(app, words, catch_exceptions=False)


def test_without_a_model_it_lists_the_family() -> None:
    said = surehand_serve().output
    assert said.count("Qwen/Qwen3-VL-") == 24
    assert "stand-in" in said


def test_the_command_can_be_shown_for_a_machine_that_is_not_here() -> None:
    said = surehand_serve("235b-fp8", "--print", "--device", "gpu", "--port", "9000", "--modelscope").output
    assert "vllm" in said
    assert "VLLM_API_KEY=SECRET" in said
    assert "VLLM_USE_MODELSCOPE=1" in said
    assert "Qwen/Qwen3-VL-235B-A22B-Thinking-FP8" in said
    assert "--port 9000" in said


def test_an_unknown_model_is_refused_before_anything_is_begun() -> None:
    with pytest.raises(UserError, match="did you mean 'stand-in'"):
        surehand_serve("stand-inn")


def test_an_adapter_is_part_of_the_command(tmp_path: Path) -> None:
    folder = write_adapter(tmp_path / "gui", find("stand-in").size.architecture, rank=12)
    said = surehand_serve("stand-in", "--adapter", str(folder), "--print").output
    assert "--enable-lora --max-lora-rank 16 --lora-modules" in said
    assert f'"name": "stand-in+gui", "path": "{folder}"' in said
    with pytest.raises(UserError, match="--adapter goes with a model; name the one that it was made for"):
        surehand_serve("--adapter", str(folder))
    with pytest.raises(UserError, match="does not fit 'Qwen/Qwen3-VL-2B-Thinking'"):
        surehand_serve("2B", "--adapter", str(folder), "--print")


def test_a_server_is_listed_and_stopped_by_its_adapter(tmp_path: Path) -> None:
    mine = find(str(checkpoint(tmp_path / "mine", thinking=True)))
    folder = write_adapter(tmp_path / "gui", mine.size.architecture, rank=1, linears=["k_proj"])
    plain = asyncio.run(start(mine, on=FAKE))
    taught = asyncio.run(start(adapted(mine, folder), on=FAKE))
    try:
        assert f"mine+gui  {taught.url}  answers" in surehand_serve("--status").output
        shutil.rmtree(folder)
        assert surehand_serve(mine.source, "--adapter", str(folder), "--stop").output == "stopped mine+gui\n"
        assert plain.alive
        assert surehand_serve(mine.source, "--stop").output == "stopped mine\n"
    finally:
        for server in servers():
            asyncio.run(stop(server))


def test_nothing_runs_at_first() -> None:
    assert surehand_serve("--status").output == "nothing runs\n"
    assert surehand_serve("--stop").output == "nothing to stop\n"


def test_it_is_imported_without_the_heavy_libraries() -> None:
    check = "import sys, agent.serving.commands, agent.serving.vllm_server; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True)
