"""A tiny model learns the form of a click from nothing, and acts in the loop."""

from pathlib import Path

import pytest

from agent.commands.wiring import model_for
from agent.runner import run
from agent.serving.in_process import _find_torch
from agent.serving.machine import CPU_PYTHON
from agent.settings import Settings
from agent.trace import Decision
from tests.agent.desk import steps_of
from tests.school.in_memory import lesson, task, world
from tools.actions import LeftClick

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.soak,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("torch"),
    pytest.mark.skipif(not CPU_PYTHON.exists(), reason="no .venv-serve: run 'make vllm'"),
]


async def test_the_loss_falls_and_the_model_acts_in_the_loop(tmp_path: Path) -> None:
    _find_torch()
    from agent.school import trainer
    from agent.school.batches import Teller
    from agent.school.shape import TINY, new_model, save, write_card
    from agent.school.sight import sizes_of
    from agent.school.spelling import load_spelling
    from agent.school.tokens import load_tokenizer, write_tokenizer

    folder = tmp_path / "tiny"
    folder.mkdir()
    write_tokenizer(map(lesson, range(200)), folder)
    write_card(TINY, folder)
    tokenizer = load_tokenizer(folder)
    model, teller = new_model(TINY, tokenizer, 0), Teller(tokenizer, sizes_of(folder))
    slice_ = trainer.Slice(minutes=10, steps=200, batch=16, learning_rate=4e-3, warmup=30, threads=1, look=0.2)
    unread = [lesson(10_000 + number) for number in range(8)]
    looks = trainer.train(model, load_spelling(folder, model), teller, lesson, unread, slice_, folder)
    save(model, folder)
    assert looks[-1].unread < 0.3 < looks[0].loss
    assert (folder / "curve.png").exists()
    settings = Settings(model=f"transformers:{folder}")
    one = task(20_001)
    await run(one, model_for(settings, one), lambda task: world(), tmp_path / "run")
    reply = steps_of(tmp_path / "run")[0].reply  # it clicks; that it hits takes longer than this test has
    assert isinstance(reply, Decision)
    assert isinstance(reply.action, LeftClick)
