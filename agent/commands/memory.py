"""`surehand memory`: what the models of the family take, computed; or measured on this machine's graphics card."""

import importlib.util
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tools.errors import ModelError, UserError

if TYPE_CHECKING:
    from agent.serving.family import Model
    from agent.serving.memory import Need, Work
    from tools.geometry import Size

CARDS = ((1, 16), (1, 24), (1, 48), (1, 80), (2, 80), (4, 80), (8, 80), (16, 80))
"""Numbers of cards and GiB of each, from the cheapest on."""
_USABLE = 0.95
"""Share of a card that a model may fill."""
_NEW = 64
"""Tokens that are written while it is measured."""
_NO_CARD = "choose a machine with one; without --measure it is computed"


def memory(
    name: Annotated[str | None, typer.Argument(help="As for `serve`; or else the family.", metavar="[MODEL]")] = None,
    context: Annotated[int, typer.Option(help="Tokens of the conversation, pictures included.", min=1)] = 32768,
    images: Annotated[int, typer.Option(help="Pictures in it.", min=0)] = 10,
    resolution: Annotated[str, typer.Option(help="Of a picture.", metavar="WxH")] = "1280x720",
    cards: Annotated[int, typer.Option(help="Graphics cards to divide it over.", min=1)] = 1,
    lora: Annotated[int | None, typer.Option(help="Rank of a LoRA adapter that is trained.", min=1)] = None,
    fp8: Annotated[bool, typer.Option("--fp8", help="The FP8 checkpoints.")] = False,
    measure: Annotated[bool, typer.Option("--measure", help="Measure a model here, with random weights.")] = False,
) -> None:
    """Say how much memory models take on each graphics card: weights, cache, pictures, words, and a LoRA adapter."""
    from agent.serving.family import find, published
    from agent.serving.memory import Work

    if fp8 and lora:
        raise UserError("an FP8 model is not trained", remedy="leave out --fp8 or --lora")
    work = Work(context=context, images=images, size=_size(resolution), cards=cards)
    if work.picture_tokens > context:
        raise UserError(
            f"{images} pictures of {resolution} take {work.picture_tokens} tokens, more than the context of {context}",
            remedy="raise --context, or lower --images or --resolution",
        )
    known = [find(name)] if name else [one for one in published() if one.thinking and not one.fp8]
    models = [one.model_copy(update={"fp8": fp8 or one.fp8}) for one in known]
    _table(models, work, lora)
    if measure:
        _say_measured(_only(models, name), work, lora)


def _size(text: str) -> "Size":
    from tools.geometry import Size

    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise UserError(f"--resolution {text!r} is no size", remedy="write one as 1280x720")
    return Size(int(width), int(height))


def _only(models: "list[Model]", name: str | None) -> "Model":
    if name is None:
        raise UserError("--measure needs a model", remedy="name one, such as 2B")
    return models[0]


def _need(model: "Model", work: "Work", lora: int | None) -> "Need":
    from agent.serving.memory import answering, training

    of = model.size.architecture
    return training(of, work, lora) if lora else answering(of, work, fp8=model.fp8)


def _table(models: "list[Model]", work: "Work", lora: int | None) -> None:
    from rich.table import Table

    from agent.commands.live import console

    out = console()
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    heads = ("model", "weights", "cache", "pictures", "words", *(("adapter",) if lora else ()), "peak", "fits on")
    for head in heads:
        table.add_column(head, justify="left" if head in ("model", "fits on") else "right")
    for model in models:
        need = _need(model, work, lora)
        parts = (need.weights, need.cache, need.vision, need.language, *((need.adapter,) if lora else ()), need.peak)
        table.add_row(_called(model), *(f"{part / 2**30:.1f}" for part in parts), _fits(model, work, lora))
    out.print(table)
    doing = f"LoRA training of rank {lora}" if lora else "answering"
    each = f"each of {work.cards} cards" if work.cards > 1 else "a card"
    out.print(f"GiB of {each}, computed, for {doing} with {work.context:,} tokens, {work.images} pictures of "
              f"{work.size.width}x{work.size.height} among them.", soft_wrap=True)  # fmt: skip


def _called(model: "Model") -> str:
    return f"{model.size.name}{' FP8' if model.fp8 else ''}"


def _fits(model: "Model", work: "Work", lora: int | None) -> str:
    """The cheapest cards that are enough."""
    for count, gib in CARDS:
        divides = lora is not None or count <= model.size.most_cards(model.fp8)
        if divides and _need(model, replace(work, cards=count), lora).peak <= _USABLE * gib * 2**30:
            return f"{count} x {gib} GiB"
    return "more than 16 x 80 GiB"


def _say_measured(model: "Model", work: "Work", lora: int | None) -> None:
    from agent.commands.live import console
    from agent.serving.architecture import as_config

    out = console()
    asked = {"config": as_config(model.size.architecture), "context": work.context, "images": work.images,
             "width": work.size.width, "height": work.size.height, "new": _NEW, "rank": lora or 0,
             "device": _device(model, work)}  # fmt: skip
    with out.status(f"measuring {_called(model)}"):
        found = _measured(asked)
    speed = ", ".join(f"{words} {found[key]:.3g} s" for key, words in _SPEEDS.items() if key in found)
    weights, peak = (f"{found[key] / 2**30:.1f} GiB" for key in ("weights", "peak"))
    how = f"{found['on']} (torch {found['torch']}, transformers {found['transformers']})"
    out.print(f"measured on {how}: weights {weights}, peak {peak}; {speed}", soft_wrap=True)


_SPEEDS = {"prompt_seconds": "the prompt", "token_seconds": "a token", "step_seconds": "a step of training"}


def _device(model: "Model", work: "Work") -> str:
    """Where it is measured; the stand-in is small enough for any processor. Raises UserError."""
    from agent.serving.machine import look

    if look().cards:
        if model.fp8 or work.cards > 1:
            raise UserError("only whole models in bfloat16 on one card are measured", remedy="leave out --fp8, --cards")
        return "cuda"
    if model.stand_in:
        return "cpu"
    raise UserError(f"{_called(model)} cannot be measured: no graphics card here", remedy=_NO_CARD)


def _measured(asked: dict[str, Any]) -> dict[str, Any]:
    from agent.serving.machine import CPU_PYTHON, ROOT

    torch = importlib.util.find_spec("torch")
    here = torch is not None and torch.origin is not None and Path(torch.origin).is_relative_to(sys.prefix)
    python = Path(sys.executable) if here else CPU_PYTHON
    if not python.exists():
        raise UserError("nothing to measure with: no torch and transformers", remedy="run 'make vllm'")
    script = ROOT / "agent" / "serving" / "measure.py"
    done = subprocess.run([python, script], input=json.dumps(asked), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ModelError(f"it could not be measured: {last[:300]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found
