"""A tiny model learns a task from nothing, in about a minute, and does it in the loop."""

from pathlib import Path

import pytest

from agent.commands.wiring import model_for
from agent.runner import run
from agent.serving.in_process import find_torch
from agent.serving.machine import CPU_PYTHON
from agent.settings import Settings
from agent.trace import Decision, Status
from tests.agent.desk import steps_of
from tests.school.in_memory import lesson, task, world
from tools.actions import LeftClick, Terminate

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("torch"),
    pytest.mark.skipif(not CPU_PYTHON.exists(), reason="no .venv-serve: run 'make vllm'"),
]


async def test_the_loss_falls_and_the_task_is_solved_in_the_loop(tmp_path: Path) -> None:
    find_torch()
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
    slice_ = trainer.Slice(minutes=3, steps=450, batch=16, learning_rate=2e-3, warmup=30, threads=1, look=0.2)
    unread = [lesson(10_000 + number) for number in range(8)]
    looks = trainer.train(model, load_spelling(folder, model), teller, lesson, unread, slice_, folder)
    save(model, folder)
    assert looks[-1].unread < 0.1 < looks[0].loss
    assert looks[-1].exam["looks right"] > 0.95
    assert (folder / "curve.png").exists()
    settings = Settings(model=f"transformers:{folder}")
    for seed in (20_001, 20_002):
        one = task(seed)
        done = await run(one, model_for(settings, one), lambda task: world(), tmp_path / f"run-{seed}")
        assert done.status is Status.PASSED
        steps = steps_of(tmp_path / f"run-{seed}")
        assert [type(step.reply.action) for step in steps if isinstance(step.reply, Decision)] == [LeftClick, Terminate]
