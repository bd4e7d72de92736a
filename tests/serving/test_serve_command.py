import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from agent.serving.commands import serve
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


def test_nothing_runs_at_first() -> None:
    assert surehand_serve("--status").output == "nothing runs\n"
    assert surehand_serve("--stop").output == "nothing to stop\n"


def test_it_is_imported_without_the_heavy_libraries() -> None:
    check = "import sys, agent.serving.commands, agent.serving.vllm_server; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True)
