import json
from pathlib import Path

import pytest

from agent.serving.family import find
from agent.serving.launch import check_disk, command, environment, plan
from agent.serving.machine import Machine, free_port, look
from tools.errors import UserError

LARGE = Machine(
    cards=(80.0,) * 8, memory=500, gpu_program=("/bin/vllm", "serve"), cpu_program=("/bin/python", "-m", "vllm")
)
LAPTOP = Machine(cards=(), memory=24, gpu_program=None, cpu_program=("/bin/python", "-m", "vllm"))


def options(line: list[str]) -> dict[str, str | None]:
    """Options with their values, None for a flag."""
    found: dict[str, str | None] = {}
    for word, following in zip(line, [*line[1:], "--"], strict=True):
        if word.startswith("--"):
            found[word] = None if following.startswith("--") else following
    return found


def test_an_instruct_model_on_one_card() -> None:
    line = command(plan(find("2b-instruct"), "auto", LARGE), 8000)
    assert line[:3] == ["/bin/vllm", "serve", "Qwen/Qwen3-VL-2B-Instruct"]
    given = options(line)
    assert json.loads(given.pop("--mm-processor-kwargs") or "") == {
        "size": {"shortest_edge": 65536, "longest_edge": 2097152}
    }
    assert json.loads(given.pop("--limit-mm-per-prompt") or "") == {"image": 20, "video": 0}
    assert given == {
        "--served-model-name": "qwen3-vl-2b-instruct", "--host": "127.0.0.1", "--port": "8000",
        "--max-model-len": "32768", "--enable-auto-tool-choice": None, "--tool-call-parser": "hermes",
        "--enable-prompt-tokens-details": None, "--enable-per-request-metrics": None,
    }  # fmt: skip


def test_only_a_thinking_model_has_its_thoughts_parsed() -> None:
    lines = {name: options(command(plan(find(name), "auto", LARGE), 1)) for name in ("8b-instruct", "8b-thinking")}
    assert "--reasoning-parser" not in lines["8b-instruct"]
    assert lines["8b-thinking"]["--reasoning-parser"] == "qwen3"


@pytest.mark.parametrize(
    ("name", "cards"),
    [("2b", 1), ("8b", 1), ("32b", 2), ("32b-fp8", 1), ("30b", 1), ("30b-fp8", 1), ("235b", 8), ("235b-fp8", 4)],
)
def test_it_takes_the_fewest_cards_that_hold_it(name: str, cards: int) -> None:
    model = find(name)
    given = options(command(plan(model, "auto", LARGE), 1))
    assert given.get("--tensor-parallel-size", "1") == str(cards)
    assert given.get("--mm-encoder-tp-mode") == ("data" if cards > 1 else None)
    assert ("--enable-expert-parallel" in given) == (cards > 1 and model.size.architecture.experts is not None)


def test_a_card_that_is_in_use_is_left_out() -> None:
    busy = LARGE.model_copy(update={"cards": (5.0, 80.0, 80.0)})
    assert plan(find("32b"), "auto", busy).cards == 2
    with pytest.raises(UserError, match="this machine has 5 \\+ 80 GiB free"):
        plan(find("32b"), "gpu", LARGE.model_copy(update={"cards": (5.0, 80.0)}))


@pytest.mark.parametrize(("name", "device"), [("8b", "auto"), ("2b", "gpu")])
def test_without_cards_a_large_model_is_refused(name: str, device: str) -> None:
    with pytest.raises(UserError, match="this machine has no graphics card; choose a smaller model"):
        plan(find(name), device, LAPTOP)  # type: ignore[arg-type]  # pytest knows no literals


def test_a_small_model_runs_on_the_cpu_by_itself() -> None:
    decided = plan(find("2b"), "auto", LAPTOP)
    assert decided.cards == 0
    assert "--enforce-eager" in command(decided, 1)
    assert "--no-enable-chunked-prefill" in command(decided, 1)
    assert environment(decided, "k")["VLLM_CPU_KVCACHE_SPACE"] == "4"


def test_a_model_larger_than_the_memory_is_refused() -> None:
    with pytest.raises(UserError, match="on the CPU it needs 25 GiB of memory: 24 GiB are free"):
        plan(find("8b"), "cpu", LAPTOP)


@pytest.mark.parametrize(("device", "remedy"), [("cpu", "bash docker/setup-serve.sh"), ("gpu", "pip install vllm")])
def test_without_vllm_it_says_how_to_get_it(device: str, remedy: str) -> None:
    bare = LARGE.model_copy(update={"gpu_program": None, "cpu_program": None})
    with pytest.raises(UserError, match=remedy):
        plan(find("2b"), device, bare)  # type: ignore[arg-type]  # pytest knows no literals


def test_the_key_is_in_the_environment_only() -> None:
    decided = plan(find("2b"), "auto", LARGE)
    assert environment(decided, "secret-key")["VLLM_API_KEY"] == "secret-key"
    assert not any("key" in word for word in command(decided, 1))


def test_modelscope_is_a_variable() -> None:
    assert environment(plan(find("2b"), "auto", LARGE, modelscope=True), "k")["VLLM_USE_MODELSCOPE"] == "1"
    assert "VLLM_USE_MODELSCOPE" not in environment(plan(find("2b"), "auto", LARGE), "k")


def test_the_stand_in_runs_on_the_cpu_everywhere() -> None:
    decided = plan(find("stand-in"), "auto", LARGE)
    given = options(command(decided, 1))
    assert given["--served-model-name"] == "stand-in"
    assert given["--kv-cache-memory-bytes"] == str(256 * 2**20)
    assert environment(decided, "k")["HF_HUB_OFFLINE"] == "1"


def test_no_disk_for_the_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    huge = find("235b")
    larger = huge.model_copy(update={"size": huge.size.model_copy(update={"parameters": 1e6})})
    with pytest.raises(UserError, match="no room for Qwen/Qwen3-VL-235B-A22B-Thinking"):
        check_disk(larger, modelscope=False)
    (tmp_path / "hub" / "hub" / "models--Qwen--Qwen3-VL-235B-A22B-Thinking").mkdir(parents=True)
    check_disk(larger, modelscope=False)


def test_a_taken_port_is_none() -> None:
    port = free_port(None)
    assert port is not None
    assert free_port(port) == port


def test_this_machine_has_memory() -> None:
    assert look().memory > 0
