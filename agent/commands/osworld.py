"""`surehand osworld`: which of OSWorld's tasks can run here, and why the others cannot."""

import os
from pathlib import Path
from typing import Annotated

import typer

SUITE = "osworld"
Cache = Annotated[
    Path | None, typer.Option(help="Folder of what they download; or else SUREHAND_OSWORLD_CACHE.", metavar="DIR")
]
osworld_app = typer.Typer(help="OSWorld's tasks, judged by its own evaluators, in worlds without a virtual machine.")


@osworld_app.callback()
def _osworld() -> None:
    """Keeps `list` a word of its own though it is the only one."""


@osworld_app.command("list")
def list_tasks(
    tasks: Annotated[
        Path | None, typer.Argument(help="Folder of its task files; or else SUREHAND_OSWORLD_TASKS.", metavar="DIR")
    ] = None,
    cache: Cache = None,
) -> None:
    """List every task file: what can run here, and for each of the others why not."""
    use(tasks, cache)
    say_listing()


def use(tasks: Path | None, cache: Path | None = None) -> None:
    """Says where OSWorld's files lie, for this process and for those that it starts. Raises UserError."""
    from scenarios.suites.osworld.tasks import CACHE, TASKS
    from tools.errors import UserError

    if cache is not None and not cache.is_dir():
        raise UserError(f"no folder {str(cache)!r}", remedy="name the folder of what OSWorld's tasks download")
    for variable, folder in ((TASKS, tasks), (CACHE, cache)):
        if folder is not None:
            os.environ[variable] = str(folder.absolute())


def variables() -> dict[str, str]:
    """Where they lie, as variables for a worker on any machine."""
    from scenarios.suites.osworld.tasks import CACHE, TASKS

    return {name: str(Path(folder).absolute()) for name in (TASKS, CACHE) if (folder := os.environ.get(name))}


def say_listing() -> None:
    """Prints every task file that lies where `use` said, and what can be done with it. Raises UserError."""
    from rich.table import Table
    from rich.text import Text

    from agent.commands.live import console
    from scenarios.schema import counted
    from scenarios.suites.osworld import digest, listing

    found = listing()
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("id", no_wrap=True)
    table.add_column("here", overflow="fold")
    for one in found:
        kind = "runs" if one.feasible else "runs; it cannot be done, and FAIL is right"
        table.add_row(
            Text(one.id, style="dim" if one.reason else "bold"),
            one.reason or kind + (", and has a reference solution" if one.solved else ""),
        )
    out = console()
    out.print(table)
    runs = [one for one in found if not one.reason]
    feasible = sum(one.feasible for one in runs)
    told = f"{counted(len(found), 'task')}, of which {len(runs)} run here: {feasible} that can be done"
    told += (
        f" ({sum(one.solved for one in runs)} with a reference solution), {len(runs) - feasible} where FAIL is right"
    )
    told += f"; suite {digest()[:12]}"
    out.print(Text(told, style="dim"))
