"""`surehand record`: a run that passed becomes a test, or a person shows a task and that becomes a run."""

from pathlib import Path
from typing import Annotated

import typer

from tools.errors import UserError

_TWICE = "name one thing to record: RUN, --goal or --scenario"


def record(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder of a run that passed, to make a test of.", metavar="[RUN]")
    ] = None,
    goal: Annotated[str | None, typer.Option(help="What you are going to show, in plain words.")] = None,
    scenario: Annotated[
        str | None, typer.Option(help="A web scenario that you are going to show; its check judges.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Which draw of the scenario.", min=0)] = 0,
    world: Annotated[
        str | None, typer.Option(help="Where you show a goal: display (your own) or browser.", metavar="KIND")
    ] = None,
    url: Annotated[str | None, typer.Option(help="The page to begin with, in a browser of its own.")] = None,
    allow: Annotated[
        list[str] | None, typer.Option(metavar="DOMAIN", help="A further domain for that page; may be repeated.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="New file for the test, such as test_login.yaml; new folder for the run."),
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", help="Settings file instead of ./surehand.toml.")] = None,
) -> None:
    """Make a test from a run: exact steps that play without a model. Or watch you do a task, which makes a run."""
    if (folder is not None) + (goal is not None) + (scenario is not None) != 1:
        raise UserError(_TWICE, remedy="see `surehand record --help`")
    if folder is not None:
        from agent.commands.record import record as make_test

        if world or url or allow or seed:
            raise UserError("a run has its world and pages already", remedy="leave out --world, --url, --allow, --seed")
        raise typer.Exit(make_test(config, folder, out))
    from agent.commands.demonstrate import demonstrate
    from agent.commands.goal import Asked
    from agent.settings import load

    asked = Asked(str(goal or scenario), world, url, tuple(allow or ()))
    raise typer.Exit(demonstrate(load(config), asked, seed, out, goal=goal is not None))
