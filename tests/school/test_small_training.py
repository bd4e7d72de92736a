"""A tiny model learns a task from nothing, in about a minute, and does it in the loop."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

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

Train = Callable[[int], tuple[Any, list[Any]]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a model is to be: its tokenizer and its card."""
    find_torch()
    from agent.school.shape import TINY, write_card
    from agent.school.tokens import write_tokenizer

    made = tmp_path / "tiny"
    made.mkdir()
    write_tokenizer(map(lesson, range(200)), made)
    write_card(TINY, made)
    return made


@pytest.fixture
def train(folder: Path) -> Train:
    """Trains a new model for so many steps: the model, and what was seen on the way."""
    from agent.school import exam, trainer
    from agent.school.batches import Teller
    from agent.school.shape import TINY, new_model
    from agent.school.sight import sizes_of
    from agent.school.spelling import load_spelling
    from agent.school.tokens import load_tokenizer

    tokenizer = load_tokenizer(folder)
    teller = Teller(tokenizer, sizes_of(folder))
    unread = [lesson(10_000 + number) for number in range(24)]

    def trained(steps: int) -> tuple[Any, list[Any]]:
        model = new_model(TINY, tokenizer, 0)
        this = trainer.Slice(minutes=3, steps=steps, batch=16, learning_rate=2e-3, warmup=30, threads=1, look=0.1)
        looks = trainer.train(
            model, load_spelling(folder, model), teller, lesson, unread, this, folder,
            examine=lambda model: exam.examine(model, teller, unread),
        )  # fmt: skip
        return model, looks

    return trained


async def test_the_loss_falls_and_the_task_is_solved_in_the_loop(folder: Path, train: Train, tmp_path: Path) -> None:
    from agent.school.shape import save

    model, looks = train(450)
    save(model, folder)
    assert looks[-1].unread < 0.1 < looks[0].loss
    assert looks[-1].exam["looks right"] > 0.95
    assert looks[-1].exam["click hit"] > 0.9
    assert (folder / "curve.png").exists()
    settings = Settings(model=f"transformers:{folder}")
    for seed in (20_001, 20_002):
        one = task(seed)
        done = await run(one, model_for(settings, one), lambda task: world(), tmp_path / f"run-{seed}")
        assert done.status is Status.PASSED
        steps = steps_of(tmp_path / f"run-{seed}")
        assert [type(step.reply.action) for step in steps if isinstance(step.reply, Decision)] == [LeftClick, Terminate]


def test_the_same_seed_learns_the_same(train: Train) -> None:
    once, again = train(3)[1][-1], train(3)[1][-1]
    assert (once.loss, once.unread) == (again.loss, again.unread)
