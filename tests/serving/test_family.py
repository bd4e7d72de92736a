import json
from pathlib import Path

import pytest

from agent.serving.family import SIZES, Model, find, published
from agent.serving.tokenizer import chat_template
from tools.errors import UserError


def test_the_family_is_six_sizes_in_two_kinds_and_two_precisions() -> None:
    names = {model.source for model in published()}
    assert len(names) == len(published()) == 6 * 2 * 2
    assert "Qwen/Qwen3-VL-235B-A22B-Thinking-FP8" in names
    assert all(model.name == model.source.removeprefix("Qwen/").lower() for model in published())


@pytest.mark.parametrize(
    ("name", "bf16", "fp8"),
    [
        ("2B", 4.0, 2.7),
        ("4B", 8.3, 4.9),
        ("8B", 16.3, 9.9),
        ("32B", 62.1, 33.1),
        ("30B-A3B", 57.9, 30.0),
        ("235B-A22B", 439.0, 221.2),
    ],
)
def test_weights_take_what_their_parameters_take(name: str, bf16: float, fp8: float) -> None:
    size = next(size for size in SIZES if size.name == name)
    assert (round(size.gib(fp8=False), 1), round(size.gib(fp8=True), 1)) == (bf16, fp8)


def test_whole_blocks_of_fp8_experts_limit_the_cards() -> None:
    most = {size.name: size.most_cards(fp8=True) for size in SIZES}
    assert most == {"2B": 16, "4B": 32, "8B": 32, "32B": 64, "30B-A3B": 2, "235B-A22B": 4}


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("8B", "Qwen/Qwen3-VL-8B-Thinking"),
        ("8b-instruct", "Qwen/Qwen3-VL-8B-Instruct"),
        ("235b-fp8", "Qwen/Qwen3-VL-235B-A22B-Thinking-FP8"),
        ("30B-A3B-Instruct", "Qwen/Qwen3-VL-30B-A3B-Instruct"),
        ("qwen3-vl-2b-thinking", "Qwen/Qwen3-VL-2B-Thinking"),
        ("Qwen/Qwen3-VL-32B-Instruct-FP8", "Qwen/Qwen3-VL-32B-Instruct-FP8"),
    ],
)
def test_a_model_has_many_names(name: str, source: str) -> None:
    model = find(name)
    assert model.source == source
    assert model.thinking == ("Thinking" in source)
    assert model.fp8 == source.endswith("FP8")


def test_every_published_model_is_found_by_its_names() -> None:
    for model in published():
        assert find(model.source) == find(model.name) == model


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Qwen/Qwen3-VL-8B-Thinkin", "unknown model 'Qwen/Qwen3-VL-8B-Thinkin'; did you mean '8b-thinking'?"),
        ("stand_in", "unknown model 'stand_in'; did you mean 'stand-in'?"),
        ("llama", "unknown model 'llama'; name one such as '8B', or a folder that holds one"),
    ],
)
def test_an_unknown_model_is_refused_with_a_guess(name: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        find(name)
    assert str(caught.value) == said


TEXT = {
    "vocab_size": 151936, "hidden_size": 2048, "intermediate_size": 6144, "num_hidden_layers": 28,
    "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128,
}  # fmt: skip
VISION = {
    "depth": 24, "hidden_size": 1024, "intermediate_size": 4096, "num_heads": 16, "num_position_embeddings": 2304,
    "deepstack_visual_indexes": [5, 11, 17],
}  # fmt: skip


def checkpoint(folder: Path, *, thinking: bool, **changes: object) -> Path:
    config = {"model_type": "qwen3_vl", "text_config": TEXT, "vision_config": VISION, "tie_word_embeddings": True}
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config | changes))
    (folder / "chat_template.jinja").write_text(chat_template(thinking=thinking))
    return folder


@pytest.mark.parametrize("thinking", [True, False])
def test_a_folder_tells_its_size_and_kind(tmp_path: Path, thinking: bool) -> None:
    folder = checkpoint(tmp_path / "mine", thinking=thinking)
    assert find(str(folder)) == Model(name="mine", source=str(folder), size=SIZES[0], thinking=thinking)


def test_a_folder_of_another_size_is_counted(tmp_path: Path) -> None:
    text = TEXT | {"num_hidden_layers": 8, "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 64}
    found = find(str(checkpoint(tmp_path / "small", thinking=True, text_config=text, quantization_config={})))
    size = found.size.architecture
    assert (found.size.name, size.layers, size.heads, size.cache, found.fp8) == ("small", 8, 8, 8 * 1024, True)
    assert found.gib == pytest.approx((size.parameters + size.kept) / 2**30)


def test_an_older_checkpoint_keeps_its_template_elsewhere(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "older", thinking=False)
    text = (folder / "chat_template.jinja").read_text()
    (folder / "chat_template.jinja").unlink()
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": text}))
    assert not find(str(folder)).thinking


@pytest.mark.parametrize(
    ("file", "content", "cause"),
    [
        ("config.json", None, "it holds no config.json"),
        ("config.json", "{", "cannot read its config.json"),
        ("config.json", '{"model_type": "llama"}', "its config.json says model_type 'llama'"),
        ("config.json", '{"model_type": "qwen3_vl"}', "cannot read its config.json: KeyError('text_config')"),
        ("chat_template.jinja", "{% if %}", "no chat template in"),
        ("chat_template.jinja", None, "no chat template in"),
    ],
)  # fmt: skip
def test_a_folder_without_a_model_is_refused(tmp_path: Path, file: str, content: str | None, cause: str) -> None:
    folder = checkpoint(tmp_path / "wrong", thinking=True)
    (folder / file).unlink()
    if content is not None:
        (folder / file).write_text(content)
    with pytest.raises(UserError) as caught:
        find(str(folder))
    assert cause in str(caught.value)
    assert str(folder) in str(caught.value)
