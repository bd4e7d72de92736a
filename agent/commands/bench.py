"""`surehand bench`: a suite by a model, at many seeds, several at once; and two results side by side."""

from pathlib import Path
from typing import Annotated

import typer

from agent.commands.group import FirstByDefault
from agent.commands.osworld import Cache

bench_app = typer.Typer(
    cls=FirstByDefault,
    help="Run a suite and say what a model is worth: `surehand bench SUITE --model M`. Or compare two results.",
)  # fmt: skip


@bench_app.command()
def run(
    suite: Annotated[
        str,
        typer.Argument(
            help="miniwob, osworld, bundled, web, desktop; a pattern, an id, a file, a folder.", metavar="SUITE"
        ),
    ],
    model: Annotated[str | None, typer.Option("--model", metavar="MODEL", help="As for `surehand run`.")] = None,
    model_name: Annotated[str | None, typer.Option(help="What the model server calls the model.")] = None,
    tasks: Annotated[
        Path | None, typer.Option(help="OSWorld's task files; or else SUREHAND_OSWORLD_TASKS.", metavar="DIR")
    ] = None,
    cache: Cache = None,
    seeds: Annotated[str, typer.Option(help="Draws of each task, such as 0-19 or 0,7.")] = "0",
    repeat: Annotated[int, typer.Option(help="How often the model does each of them.", min=1)] = 1,
    parallel: Annotated[int | None, typer.Option(help="Most worlds at once.", min=1)] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of this bench; one that was cut off goes on.", metavar="DIR")
    ] = None,
    ray: Annotated[
        str | None, typer.Option(help="Run on Ray: on this machine (local), or on a cluster.", metavar="ADDRESS")
    ] = None,
    baselines: Annotated[
        str, typer.Option(help="Models without weights beside it: all, none, or names.", metavar="NAMES")
    ] = "all",
    steps: Annotated[int | None, typer.Option(help="Most steps of a run.")] = None,
    seconds: Annotated[float | None, typer.Option(help="Most seconds of a run.")] = None,
    tokens: Annotated[int | None, typer.Option(help="Most tokens of a run.")] = None,
    world: Annotated[
        str | None, typer.Option("--world", help="How a web task sees its browser: kiosk or headless.", metavar="KIND")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Do again what the machinery failed at.")] = False,
    show: Annotated[bool, typer.Option("--open", help="Open the page of the result in a browser.")] = False,
    config: Annotated[Path | None, typer.Option("--config", help="Settings file instead of ./surehand.toml.")] = None,
) -> None:
    """Run SUITE. The word `run` may be left out. Exit status 3: some runs have no score."""
    from agent.commands.bench_run import Asked, bench
    from agent.settings import load

    settings = load(
        config, model=model, model_name=model_name, parallel=parallel, steps=steps, seconds=seconds, tokens=tokens,
        browser=world,
    )  # fmt: skip
    asked = Asked(suite, seeds, repeat, baselines, out, ray, again, config, tasks, cache)
    raise typer.Exit(bench(settings, asked, show=show))


@bench_app.command()
def compare(
    first: Annotated[Path, typer.Argument(help="Folder of a bench, or its result.json.", metavar="A")],
    second: Annotated[Path, typer.Argument(help="Another one, of the same tasks.", metavar="B")],
) -> None:
    """Say what flipped between two results of the same tasks, and whether that may be chance."""
    from agent.commands.bench_compare import say_comparison

    say_comparison(first, second)
