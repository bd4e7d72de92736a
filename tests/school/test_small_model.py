"""The parts of a small model: its tokens, its first weights, and a tower that sees pictures as a batch."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.school.lesson import Lesson, Letter
from agent.school.tokens import MOST
from agent.serving.family import find
from agent.serving.in_process import find_torch
from agent.serving.launch import command, plan
from agent.serving.machine import CPU_PYTHON, Machine
from tests.school.in_memory import lesson
from tools.errors import UserError

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("torch"),
    pytest.mark.skipif(not CPU_PYTHON.exists(), reason="no .venv-serve: run 'make vllm'"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny checkpoint with random weights."""
    find_torch()
    from agent.school.shape import TINY, new_model, save, write_card
    from agent.school.tokens import load_tokenizer, write_tokenizer

    made = tmp_path_factory.mktemp("tiny")
    write_tokenizer(map(lesson, range(50)), made)
    write_card(TINY, made)
    save(new_model(TINY, load_tokenizer(made), 0), made)
    return made


@cache
def _parts(folder: Path) -> tuple[Any, Any]:
    from agent.school.batches import Teller
    from agent.school.shape import load
    from agent.school.sight import sizes_of
    from agent.school.tokens import load_tokenizer

    return load(folder).eval(), Teller(load_tokenizer(folder), sizes_of(folder))


def noise(count: int, height: int, width: int) -> Lesson:
    random = np.random.default_rng(count)
    pictures = tuple(random.integers(0, 255, (height, width, 3), np.uint8) for _ in range(count))
    content = [*({"type": "image"} for _ in pictures), {"type": "text", "text": "Instruction: ?"}]
    return Lesson("noise", pictures, ({"role": "user", "content": content},), "x")


def test_numbers_and_the_form_of_a_call_are_single_tokens_and_new_words_are_spelled(folder: Path) -> None:
    tokenizer = _parts(folder)[1].tokenizer
    assert len(tokenizer) <= MOST

    def pieces(text: str) -> list[str]:
        return [tokenizer.decode([token]) for token in tokenizer(text, add_special_tokens=False)["input_ids"]]

    for number in range(1001):
        assert pieces(f"[{number}, {number}]") == ["[", f"{number}", ", ", f"{number}", "]"]
    assert pieces("Qwx 47") == ["Q", "w", "x", " ", "4", "7"]
    text = lesson(1).completion
    assert "".join(pieces(text)) == text
    assert len(pieces(text)) < 24


def test_a_prompt_is_short_whatever_tools_are_offered(folder: Path) -> None:
    tokenizer = _parts(folder)[1].tokenizer
    told = [{"role": "system", "content": "You are a helpful assistant. " * 20}, {"role": "user", "content": "Go."}]
    text = tokenizer.apply_chat_template(told, tools=[{"function": {}}], tokenize=False, add_generation_prompt=True)
    assert text == "<|im_start|>user\nGo.<|im_end|>\n<|im_start|>assistant\n<think>\n"


@pytest.mark.parametrize("size", [(96, 160), (214, 332)])
def test_a_batch_is_seen_as_transformers_sees_each_picture(folder: Path, size: tuple[int, int]) -> None:
    import torch
    from transformers import AutoImageProcessor

    from agent.school.batches import Seen, hidden
    from agent.school.sight import patches

    model, teller = _parts(folder)
    lessons = [noise(2, *size), noise(2, *size)]
    batch = teller.batch([teller.tell(one) for one in lessons])
    processor = AutoImageProcessor.from_pretrained(str(folder), backend="pil")
    given = processor(images=[picture for one in lessons for picture in one.pictures], return_tensors="pt")
    theirs = given["pixel_values"].view(4, -1, 3, 2, 256)
    ours = patches(batch.pictures, *batch.grid).view(4, -1, 3, 256)
    assert float((theirs[:, :, :, 0] - ours).abs().max()) * 127.5 < 1.01
    assert given["image_grid_thw"][0].tolist() == [1, *batch.grid]
    types = (batch.tokens == teller.picture).int()
    with torch.no_grad():
        expected = model(
            input_ids=batch.tokens, attention_mask=torch.ones_like(batch.tokens), mm_token_type_ids=types,
            pixel_values=ours[:, :, :, None].expand(-1, -1, -1, 2, -1).reshape(-1, 1536),
            image_grid_thw=given["image_grid_thw"],
        ).logits  # fmt: skip
        found = model.lm_head(hidden(model, batch, Seen(model, batch)))
    assert torch.allclose(found, expected, atol=1e-4)
    places, _ = model.model.get_rope_index(
        batch.tokens, mm_token_type_ids=types, image_grid_thw=given["image_grid_thw"]
    )
    assert torch.equal(places, batch.places)


def test_an_answer_is_the_one_that_transformers_writes(folder: Path) -> None:
    import torch
    from transformers import AutoImageProcessor

    from agent.school.exam import answers

    model, teller = _parts(folder)
    one = noise(1, 96, 160)
    told = teller.tell(one)
    given = AutoImageProcessor.from_pretrained(str(folder), backend="pil")(
        images=[one.pictures[0]], return_tensors="pt"
    )
    tokens = torch.tensor([told.prompt])
    written = model.generate(
        input_ids=tokens, attention_mask=torch.ones_like(tokens), max_new_tokens=200, do_sample=False,
        mm_token_type_ids=(tokens == teller.picture).int(), **given,
    )[0, len(told.prompt) :].tolist()  # fmt: skip
    ended = written.index(teller.end) if teller.end in written else len(written)
    (found,) = answers(model, teller, [one])
    assert found.text == teller.tokenizer.decode(written[:ended])


def test_looks_are_watched_and_not_changed(folder: Path) -> None:
    import torch

    from agent.school.batches import Seen, loss_of
    from agent.school.gaze import Gaze

    model, teller = _parts(folder)
    batch = teller.batch([teller.tell(lesson(1)), teller.tell(lesson(2))])
    assert len(batch.looks)
    with torch.no_grad():
        seen = Seen(model, batch)
        alone = loss_of(model, batch, seen)
        with Gaze(model) as gaze:
            assert torch.allclose(loss_of(model, batch, seen), alone, atol=1e-5)
            told = batch.looks[:1]
            layer = model.model.language_model.layers[1].self_attn
            found = gaze.right(told)
    assert loss_of(model, batch, seen).requires_grad
    kept: list[Any] = []
    watch = layer.register_forward_hook(lambda _module, _inputs, outputs: kept.append(outputs[1]))
    model.model.language_model.set_attn_implementation("eager")
    with torch.no_grad():
        loss_of(model, batch, seen)
    watch.remove()
    model.model.language_model.set_attn_implementation("sdpa")
    head, number, place, cell = told[0].tolist()
    assert head == 1
    assert found == pytest.approx(float(kept[0][number, 0, place, cell]), abs=1e-4)


def test_letters_are_told_where_they_stand(folder: Path) -> None:
    from agent.school.spelling import signs

    shown = signs([Letter("b", 0, 0, 16, 32), Letter("!", 32, 0, 48, 32)], (32, 64), (2, 4))
    assert shown.tolist() == [65, 95, 65, 95, 0, 95, 0, 95]
    assert set(signs([], (32, 64), (2, 4)).tolist()) == {-100}


def test_a_small_model_says_how_it_is_served_and_cannot_be_tuned_by_ms_swift(folder: Path) -> None:
    model = find(str(folder))
    assert model.thinking
    assert model.card
    assert model.card.screenshots == 1
    machine = Machine(cards=(), memory=16, gpu_program=None, cpu_program=("vllm",))
    line = command(plan(model, "cpu", machine), 1)
    assert "--mm-processor-kwargs" not in line
    assert line[line.index("--max-model-len") + 1] == "4096"
    from agent.training.tuning import Knobs
    from agent.training.tuning import plan as tuning

    with pytest.raises(UserError, match="ms-swift cannot tune this vocabulary"):
        tuning(model, None, folder, None, machine, Knobs())  # type: ignore[arg-type]


def test_the_learning_rate_rises_and_falls() -> None:
    from agent.school.trainer import Slice, share

    this = Slice(minutes=1, warmup=10, steps=100)
    assert share(this, 0, 0.0) == pytest.approx(0.1, abs=0.01)
    assert share(this, 10, 0.0) > 0.95
    assert share(this, 100, 0.0) == pytest.approx(this.last)
