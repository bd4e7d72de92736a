"""What memory a model takes: the shape of the figures, the command, and a real measurement of the stand-in."""

import re
from dataclasses import replace

import pytest
import typer
from typer.testing import CliRunner

from agent.commands.memory import memory
from agent.serving.family import SIZES
from agent.serving.family import Size as FamilySize
from agent.serving.machine import CPU_PYTHON, ROOT
from agent.serving.memory import Work, answering, training
from tools.errors import UserError
from tools.geometry import Size

WORK = Work(context=32_768, images=10, size=Size(1280, 720))
app = typer.Typer()
app.command()(memory)


def said(*words: str) -> str:
    return CliRunner().invoke(app, words, catch_exceptions=False).output


def test_weights_and_cache_are_those_of_the_published_table() -> None:
    found = [(size.name, answering(size.architecture, WORK)) for size in SIZES]
    assert {name: (round(need.weights / 2**30, 1), round(need.cache / 2**30, 1)) for name, need in found} == {
        "2B": (4.0, 3.5), "4B": (8.3, 4.5), "8B": (16.3, 4.5), "32B": (62.1, 8.0), "30B-A3B": (57.9, 3.0),
        "235B-A22B": (439.0, 5.9),
    }  # fmt: skip


@pytest.mark.parametrize("size", SIZES, ids=lambda size: size.name)
def test_more_work_takes_more_and_more_cards_take_less_each(size: FamilySize) -> None:
    of = size.architecture
    need = answering(of, WORK)
    assert answering(of, WORK, fp8=True).weights < 0.75 * need.weights
    assert answering(of, replace(WORK, context=65_536)).cache == 2 * need.cache
    assert answering(of, replace(WORK, images=20)).vision == 2 * need.vision
    assert answering(of, replace(WORK, cards=2)).weights == need.weights / 2
    assert need.peak > need.weights + need.cache + max(need.vision, need.language)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: size.name)
def test_training_keeps_an_optimizer_and_no_cache(size: FamilySize) -> None:
    of, row = size.architecture, replace(WORK, context=4096, images=1)
    need = training(of, row, rank=8)
    assert need.cache == 0
    assert need.adapter == 16 * of.adapter(8)
    assert training(of, row, rank=16).adapter == 2 * need.adapter
    assert training(of, replace(row, context=8192), rank=8).language == 2 * need.language
    assert training(of, replace(row, cards=2), rank=8).weights == need.weights / 2


def test_the_readme_shows_what_the_command_says() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for line in said().splitlines()[1:7]:
        assert f"| {' | '.join(line.strip().split(None, 6))} |" in readme, line


def test_the_command_lists_the_family() -> None:
    lines = said("--context", "8192", "--images", "2").splitlines()
    assert [line.split()[0] for line in lines[1:7]] == [size.name for size in SIZES]
    assert lines[7].startswith("GiB of a card, computed, for answering with 8,192 tokens, 2 pictures of 1280x720")
    assert "adapter" in said("--lora", "8", "--context", "4096", "--images", "1")
    assert re.search(r"^32B FP8 +33\.1 ", said("32b", "--fp8"), re.MULTILINE)
    assert re.search(r"^235B-A22B .* 8 x 80 GiB", said("235b"), re.MULTILINE)


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (("--resolution", "wide"), "--resolution 'wide' is no size"),
        (("--context", "100"), "10 pictures of 1280x720 take 8800 tokens, more than the context of 100"),
        (("--fp8", "--lora", "8"), "an FP8 model is not trained"),
        (("--measure",), "--measure needs a model"),
        (("9B",), "unknown model '9B'"),
    ],
)
def test_what_makes_no_sense_is_one_line(words: tuple[str, ...], cause: str) -> None:
    with pytest.raises(UserError) as caught:
        said(*words)
    assert cause in str(caught.value)


@pytest.mark.skipif(not CPU_PYTHON.exists(), reason="no .venv-serve: run 'make vllm'")
@pytest.mark.parametrize(
    "lora", [(), pytest.param(("--lora", "4"), marks=pytest.mark.soak)], ids=["answering", "training"]
)
def test_the_stand_in_is_measured(lora: tuple[str, ...]) -> None:
    told = said("stand-in", "--measure", "--context", "600", "--images", "1", "--resolution", "640x360", *lora)
    found = re.search(r"measured on .*: weights ([\d.]+) GiB, peak ([\d.]+) GiB; (.*)", told)
    assert found, told
    assert float(found[2]) >= float(found[1])
    assert ("a step of training" in found[3]) == bool(lora)
