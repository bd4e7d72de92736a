"""`surehand train`: a small model of the Qwen3-VL architecture, from nothing, on screens that are made up."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import typer

from agent.commands.train_data import demonstrations, overlap, screens, successes
from tools.errors import UserError

train_app = typer.Typer(
    no_args_is_help=True, help="Train a small model of your own from nothing, and examine it. The CPU will do."
)
train_app.command()(demonstrations)
train_app.command()(screens)
train_app.command()(successes)
train_app.command()(overlap)
Folder = Annotated[Path, typer.Argument(help="Where its weights are, or will be.", metavar="FOLDER")]
Stage = Annotated[str, typer.Option(help="Which lessons: print, prints, words, few, ask, act, task, page.")]


@train_app.command()
def pocket(
    folder: Folder,
    stage: Stage = "print",
    pack: Annotated[
        Path | None, typer.Option(help="Lessons of a file too, such as `surehand train demonstrations` makes.")
    ] = None,
    share: Annotated[float, typer.Option(help="Which part of all lessons are those of the file.", min=0, max=1)] = 0.7,
    minutes: Annotated[float, typer.Option(help="Of this slice; the next goes on from there.", min=0.1)] = 10.0,
    shape: Annotated[Literal["pocket", "nano", "tiny"], typer.Option(help="Size of a new one.")] = "pocket",
    batch: Annotated[int, typer.Option(help="Lessons of a step.", min=1)] = 32,
    learning_rate: Annotated[float, typer.Option(help="At its highest.", min=1e-7, max=1.0)] = 1e-3,
    seed: Annotated[int, typer.Option(help="Of first weights.", min=0)] = 0,
    workers: Annotated[int, typer.Option(help="Processes that draw screens, beside the one that learns.", min=0)] = 0,
    threads: Annotated[int | None, typer.Option(help="Instead of one for each core.", min=1)] = None,
    device: Annotated[str, typer.Option(help="As torch calls it: cpu, cuda.")] = "cpu",
    only_letters: Annotated[
        bool, typer.Option("--only-letters", help="Only see letters yet: the first slice.")
    ] = False,
    compiled: Annotated[bool, typer.Option("--compile", help="Compile the model first, for long slices.")] = False,
) -> None:
    """Train one slice: new weights, or those in FOLDER further. Leaves weights and the curve so far."""
    given = {
        "stage": stage, "minutes": minutes, "shape": shape, "batch": batch, "learning-rate": learning_rate,
        "seed": seed, "workers": workers, "device": device,
    }  # fmt: skip
    _known(stage)
    words = [word for name, value in given.items() for word in (f"--{name}", str(value))]
    words += ["--pack", _lessons(pack), "--share", str(share)] if pack else []
    words += ["--threads", str(threads)] if threads else []
    words += ["--only-letters"] if only_letters else []
    words += ["--compile"] if compiled else []
    raise typer.Exit(_school("train", folder, words))


@train_app.command()
def examine(
    folder: Folder,
    stage: Stage = "act",
    on: Annotated[Path | None, typer.Option(help="A file of lessons to ask instead, such as real screens.")] = None,
    lessons: Annotated[int, typer.Option(help="How many are asked, at most 10,000.", min=1, max=10_000)] = 500,
) -> None:
    """Ask a model about made-up screens that no training saw, and print its marks as JSON."""
    _known(stage)
    if not (folder / "config.json").exists():
        raise UserError(f"no model in {str(folder)!r}", remedy="train one with `surehand train pocket`")
    words = ["--stage", stage, "--lessons", str(lessons), *(["--on", _lessons(on)] if on else [])]
    raise typer.Exit(_school("examine", folder, words))


def _known(stage: str) -> None:
    """Raises UserError: there is no such stage."""
    from agent.school.teach import STAGES

    if stage not in STAGES:
        raise UserError(f"no stage {stage!r}", remedy=f"take one of {', '.join(STAGES)}")


def _lessons(pack: Path) -> str:
    """A file of lessons, as the school is told of it. Raises UserError: it is none."""
    from agent.school.pack import about

    try:
        about(pack)
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {str(pack)!r}", cause=str(error)) from None
    return str(pack.absolute())


def _school(what: str, folder: Path, words: list[str]) -> int:
    """Runs the school with a Python that has torch. Its exit code. Raises UserError when there is none."""
    from agent.serving.machine import ROOT

    line = [_python(), "-m", "agent.school", what, str(folder.absolute()), *words]
    variables = os.environ | {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "PYTHONPATH": str(ROOT)}
    return subprocess.run(line, env=variables, check=False).returncode


def _python() -> str:
    from agent.serving.machine import CPU_PYTHON

    if find_spec("torch") and find_spec("transformers"):
        return sys.executable
    if CPU_PYTHON.exists():
        return str(CPU_PYTHON)
    raise UserError("no torch and transformers here", remedy="run `make vllm`, or `.venv/bin/pip install "
                    "'surehand[train]'`")  # fmt: skip
