"""`surehand serve`: vLLM for a model of the family, in the background."""

import asyncio
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tools.errors import UserError

if TYPE_CHECKING:
    from agent.serving.family import Model
    from agent.serving.launch import Device

_NAMES = "stand-in; a Qwen3-VL such as 8B or Qwen/Qwen3-VL-8B-Instruct; or a folder that holds one."


def serve(
    name: Annotated[str | None, typer.Argument(help=_NAMES, metavar="[MODEL]")] = None,
    show: Annotated[bool, typer.Option("--print", help="Only show the command.")] = False,
    adapter: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A LoRA adapter, as peft or ms-swift wrote it.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Instead of any free one.", min=1, max=65535)] = None,
    device: Annotated[Literal["auto", "cpu", "gpu"], typer.Option(help="What it runs on.")] = "auto",
    modelscope: Annotated[bool, typer.Option("--modelscope", help="Weights from there, not Hugging Face.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="Stop it, or all.")] = False,
    status: Annotated[bool, typer.Option("--status", help="List what runs.")] = False,
) -> None:
    """Start vLLM for a model and wait until it answers; one that runs already is used. It stays until --stop.

    With an adapter, the model that it makes of this one is served, too, and asked. Without a model, list the family.
    """
    from agent.serving.family import find

    if adapter and not name:
        raise UserError("--adapter goes with a model", remedy="name the one that it was made for, such as 8B-Instruct")
    model = find(name) if name else None
    if stop:
        _stop(model, adapter)
    elif status:
        _status()
    elif model is None:
        _family()
    elif show:
        _print(_with(model, adapter), device, port, modelscope)
    else:
        words = [str(name), *(("--adapter", str(adapter)) if adapter else ())]
        _start(shlex.join(words), _with(model, adapter), device, port, modelscope)


def _with(model: "Model", adapter: Path | None) -> "Model":
    from agent.serving.adapter import adapted

    return adapted(model, adapter) if adapter else model


def _start(words: str, model: "Model", device: "Device", port: int | None, modelscope: bool) -> None:
    from agent.commands.live import console, signed
    from agent.serving.vllm_server import start

    out = console()
    with out.status("") as line:

        def say(phase: str) -> None:
            line.update(f"{model.asked}: {phase}")
            if not out.is_terminal:
                out.print(phase)

        server = asyncio.run(start(model, device=device, port=port, modelscope=modelscope, say=say))
    out.print(signed("good", f"{server.model} answers at {server.url}"), soft_wrap=True)
    if model.stand_in and not model.adapter:
        out.print("Its weights are random: it proves that the plumbing works, and knows nothing.", soft_wrap=True)
    out.print(f"Stop it with: surehand serve {words} --stop", soft_wrap=True)


def _stop(model: "Model | None", adapter: Path | None) -> None:
    """Those of the model, or all; with an adapter only the one that has it, though its folder may be gone."""
    from agent.serving.vllm_server import Server, servers, stop

    folder = adapter.expanduser().resolve() if adapter else None

    def meant(server: Server) -> bool:
        has = server.adapter.folder if server.adapter else None
        return (model is None or server.source == model.source) and folder in (None, has)

    chosen = [server for server in servers() if meant(server)]
    for server in chosen:
        asyncio.run(stop(server))
        typer.echo(f"stopped {server.model}")
    if not chosen:
        typer.echo("nothing to stop")


def _status() -> None:
    from agent.serving.vllm_server import answers, servers

    for server in servers():
        state = "answers" if asyncio.run(answers(server)) else "does not answer"
        typer.echo(f"{server.model}  {server.url}  {state}  process {server.pid}  log {server.log}")
    if not servers():
        typer.echo("nothing runs")


def _print(model: "Model", device: "Device", port: int | None, modelscope: bool) -> None:
    from agent.serving.launch import command, environment, plan
    from agent.serving.machine import look

    machine = look()
    if device != "cpu" and not machine.cards and not model.stand_in:
        typer.echo("# for graphics cards of 80 GiB; this machine has none")
        machine = machine.model_copy(update={"cards": (80.0,) * 8, "gpu_program": ("vllm", "serve")})
    decided = plan(model, device, machine, modelscope=modelscope)
    variables = [f"{name}={shlex.quote(value)}" for name, value in environment(decided, "SECRET").items()]
    typer.echo(" ".join([*variables, shlex.join(command(decided, port or 8000))]))


def _family() -> None:
    from rich.table import Table

    from agent.commands.live import console
    from agent.serving.family import published

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for head in ("model", "weights", "cache for 32k tokens", "most cards"):
        table.add_column(head, justify="left" if head == "model" else "right")
    for model in published():
        cache = f"{model.size.cache_gib(32768):.1f} GiB"
        table.add_row(model.source, f"{model.gib:.1f} GiB", cache, str(model.size.most_cards(model.fp8)))
    table.add_row("stand-in", "tiny, with random weights", "", "")
    console().print(table)
