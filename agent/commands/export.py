"""`surehand export`: a test as one of another tool, or runs as training data."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from tools.errors import UserError

DATA = ("swift", "swift-agent", "openai", "sharegpt")
"""Formats of training data (agent.training.rows); all others are of tests."""
_FORMATS = (
    f"Of a test: playwright-python, playwright-python-async, playwright-ts, desktop-python. Data: {', '.join(DATA)}."
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What data is wanted. `thoughts` and `history` are None where the settings are to say."""

    form: str
    every: bool
    thoughts: Literal["keep", "strip"] | None
    history: Literal["tool", "user"] | None
    share: float


def export(
    what: Annotated[
        list[Path],
        typer.Argument(help="A test file; or folders of runs, or such that hold runs.", metavar="TEST|RUN..."),
    ],
    form: Annotated[str, typer.Option("--format", metavar="FORMAT", help=_FORMATS)],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="New file, such as test_login.py; for data a new folder.")
    ] = None,
    every: Annotated[
        bool, typer.Option("--any", help="Data: also of runs that did not pass, or that nobody checked.")
    ] = False,
    thoughts: Annotated[
        Literal["keep", "strip"] | None,
        typer.Option(help="Data: with thoughts, for a Thinking model, or without, for an Instruct one."),
    ] = None,
    history: Annotated[
        Literal["tool", "user"] | None, typer.Option(help="Data: how screenshots are told, as the setting says.")
    ] = None,
    share: Annotated[
        float, typer.Option("--validation", help="Data: share of the tasks that is kept for validation.", min=0, max=1)
    ] = 0.1,
    config: Annotated[Path | None, typer.Option("--config", help="Settings file instead of ./surehand.toml.")] = None,
) -> None:
    """Make a Playwright test, or a desktop test in Python, of exact steps; or make training data of runs."""
    if form in DATA:
        from agent.commands.export_data import export_data

        raise typer.Exit(export_data(config, what, out, Wanted(form, every, thoughts, history, share)))
    if every or thoughts or history or share != 0.1:
        raise UserError(f"--any, --thoughts, --history and --validation are not for {form!r}",
                        remedy=f"they are for data: {', '.join(DATA)}")  # fmt: skip
    from agent.commands.export_test import export_test

    raise typer.Exit(export_test(config, what, form, out))
