import json
from pathlib import Path
from typing import Any

import pytest

from agent.serving.adapter import adapted
from agent.serving.family import STAND_IN, Model, find
from agent.serving.launch import command, plan
from tests.serving.adapters import write_adapter
from tests.serving.test_launch import LARGE, options
from tools.errors import UserError

LITTLE = find(STAND_IN)
SIZE = LITTLE.size.architecture


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_adapter(tmp_path / "checkpoint-12", SIZE)


def refused(model: Model, folder: Path) -> str:
    with pytest.raises(UserError) as caught:
        adapted(model, folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_adapter_is_served_beside_its_model_and_asked(folder: Path) -> None:
    model = adapted(LITTLE, folder)
    given = options(command(plan(model, "auto", LARGE), 1))
    assert (model.name, model.asked) == ("stand-in", "stand-in+checkpoint-12")
    assert (given["--served-model-name"], given["--max-lora-rank"]) == ("stand-in", "8")
    assert "--enable-lora" in given
    module = {"name": "stand-in+checkpoint-12", "path": str(folder), "base_model_name": "stand-in"}
    assert json.loads(given["--lora-modules"] or "") == module
    assert "--enable-lora" not in command(plan(LITTLE, "auto", LARGE), 1)


def test_it_takes_a_little_memory(folder: Path) -> None:
    model = adapted(LITTLE, folder)
    assert model.gib - LITTLE.gib == pytest.approx(2 * SIZE.adapter(8) / 2**30)


@pytest.mark.parametrize(("rank", "room"), [(1, 1), (8, 8), (9, 16), (64, 64), (257, 320), (512, 512)])
def test_vllm_makes_room_for_certain_ranks(tmp_path: Path, rank: int, room: int) -> None:
    model = adapted(LITTLE, write_adapter(tmp_path, SIZE, rank=1, rank_pattern={"q_proj": rank}))
    assert model.adapter
    assert model.adapter.rank == room


def test_one_that_was_trained_further_is_another(folder: Path) -> None:
    before = adapted(LITTLE, folder)
    assert adapted(LITTLE, folder) == before
    write_adapter(folder, SIZE, seed=1)
    assert adapted(LITTLE, folder) != before


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"rank_pattern": {"q_proj": 513}}, "its rank is 513, and vLLM takes 1 to 512"),
        ({"r": 0}, "its rank is 0, and vLLM takes 1 to 512"),
        ({"use_dora": True, "modules_to_save": ["lm_head"]}, "it has DoRA and whole modules beside LoRA"),
        ({"bias": "all"}, "it has a bias beside LoRA"),
        ({"peft_type": "IA3"}, "it is of the type IA3, not LORA"),
        ({"more": {"base_model.model.model.visual.blocks.0.attn.qkv.lora_A.weight": (4, 64)}},
         "it also changes the vision tower, which vLLM would leave as it was"),
    ],
)  # fmt: skip
def test_what_vllm_would_leave_out_is_refused(tmp_path: Path, changes: dict[str, Any], why: str) -> None:
    said = refused(LITTLE, write_adapter(tmp_path / "a", SIZE, **changes))
    assert said.startswith("vLLM cannot apply the adapter in ")
    assert said.endswith(f"{why}; merge it into its model's weights, and serve those")


def test_one_for_another_size_is_refused(folder: Path) -> None:
    said = refused(find("8B"), folder)
    assert "does not fit 'Qwen/Qwen3-VL-8B-Thinking': its q_proj is of another size" in said
    deep = SIZE.__class__(**{name: getattr(SIZE, name) for name in SIZE.__slots__} | {"layers": 3})
    assert "it changes layer 2, and the model has 2" in refused(LITTLE, write_adapter(folder.parent / "deep", deep))


@pytest.mark.parametrize("base", ["Qwen/Qwen3-VL-8B-Instruct", "/hub/models--Qwen--Qwen3-VL-8B-Instruct/snapshots/1"])
def test_instruct_and_thinking_are_told_apart_by_name(tmp_path: Path, base: str) -> None:
    small = find("8B").size.architecture
    folder = write_adapter(tmp_path / "a", small, rank=1, linears=["k_proj"], base_model_name_or_path=base)
    assert f"made for Qwen3-VL-8B-Instruct; serve what it was made for: {base}" in refused(find("8B"), folder)
    assert adapted(find("8b-instruct-fp8"), folder).adapter


@pytest.mark.parametrize(
    ("file", "content", "why"),
    [
        ("adapter_config.json", None, "it holds no adapter_config.json; name the folder of a checkpoint"),
        ("adapter_config.json", b"{", "adapter_config.json': Invalid JSON"),
        ("adapter_config.json", b'{"peft_type": "LORA", "r": "many"}', "adapter_config.json': r: Input should be"),
        ("adapter_model.safetensors", None, "it holds no adapter_model.safetensors"),
        ("adapter_model.safetensors", b"\0" * 20, "was it written to its end?"),
        ("adapter_model.safetensors", b"\xff" * 20, "was it written to its end?"),
        ("adapter_config.json", b"[]", "adapter_config.json': Input should be an object"),
        ("adapter_model.safetensors", b"\2" + b"\0" * 7 + b"{}", "it changes nothing in a Qwen3-VL's language model"),
    ],
)
def test_a_folder_without_an_adapter_is_refused(folder: Path, file: str, content: bytes | None, why: str) -> None:
    (folder / file).unlink()
    if content is not None:
        (folder / file).write_bytes(content)
    assert why in refused(LITTLE, folder)


def test_a_folder_of_checkpoints_leads_to_the_newest(folder: Path) -> None:
    assert refused(LITTLE, folder.parent).endswith(f"it holds no adapter_config.json; did you mean {str(folder)!r}?")
    assert "there is no such folder" in refused(LITTLE, folder / "nowhere")
