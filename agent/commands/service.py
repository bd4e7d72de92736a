"""`surehand up`, `work` and `mcp`: the service on this machine, workers on others, and tools for other agents."""

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[Path, typer.Option(help="Where the service keeps runs, and its databases unless --database.")]
Database = Annotated[
    str, typer.Option(help="A Postgres database, postgresql://user@host/name, instead of SQLite files.", metavar="URL")
]
Slots = Annotated[int, typer.Option(help="Most runs at once in a worker.", min=1)]
Models = Annotated[
    list[str] | None, typer.Option("--offer", metavar="MODEL", help="A further model that runs may ask for.")
]
Tests = Annotated[
    list[Path] | None, typer.Option(help="A folder of tests, which may be ordered by where they lie below it.")
]
Private = Annotated[bool, typer.Option("--private", help="Let goals begin at addresses of private networks.")]
Days = Annotated[float, typer.Option(help="Days after which ended runs are forgotten.", min=0.01)]
Room = Annotated[float, typer.Option(help="Gigabytes that runs may take.", min=0.01)]
Config = Annotated[Path | None, typer.Option("--config", help="Settings file instead of ./surehand.toml.")]


def up(
    port: Annotated[int, typer.Option(help="Where it listens.", min=0, max=65535)] = 8080,
    host: Annotated[str, typer.Option(help="The address it listens on; others than loopback need TLS in front.")] = (
        "127.0.0.1"
    ),
    name: Annotated[list[str] | None, typer.Option(help="A further name that it is reached by.")] = None,
    folder: Folder = Path("service"),
    database: Database = "",
    slots: Slots = 2,
    offer: Models = None,
    tests: Tests = None,
    private: Private = False,
    keep_days: Days = 90,
    room: Room = 20,
    config: Config = None,
) -> None:
    """Serve runs over HTTP, with a worker on this machine. The first start prints the token of the admin."""
    _need_extra()
    import asyncio
    import sys

    from agent.service.house import first_words, serve
    from agent.service.parts import SurehandParts
    from agent.service.safe import Safe
    from agent.service.setup import Setup

    setup = Setup(
        port=port, host=host, names=tuple(name or ()), folder=folder.resolve(), database=database, slots=slots,
        models=tuple(offer or ()), tests=_resolved(tests), private=private, keep_days=keep_days, room=room,
        config=config and config.resolve(),
    )  # fmt: skip
    parts = SurehandParts(setup, Safe(setup))
    for line in first_words(setup):
        typer.echo(line)
    worker = [sys.executable, "-m", "agent.service.worker"]
    asyncio.run(serve(setup, parts, worker, lambda address: typer.echo(f"surehand serves on {address}")))


def work(
    folder: Folder, database: Database, slots: Slots = 2, offer: Models = None, tests: Tests = None,
    private: Private = False, keep_days: Days = 90, room: Room = 20, config: Config = None,
) -> None:  # fmt: skip
    """Carry out runs of a service whose database and folder this machine reaches."""
    _need_extra()
    from agent.service.parts import SurehandParts
    from agent.service.safe import Safe
    from agent.service.setup import Setup
    from agent.service.worker import main

    setup = Setup(
        folder=folder.resolve(), database=database, slots=slots, models=tuple(offer or ()), tests=_resolved(tests),
        private=private, keep_days=keep_days, room=room, config=config and config.resolve(),
    )  # fmt: skip
    main(setup, SurehandParts(setup, Safe(setup)))


def examine_service(folder: Path, database: str, as_json: bool) -> int:
    """Says whether the service in a folder can work. Returns 1 if something needed is missing."""
    _need_extra()
    from agent.commands.doctor import say
    from agent.service.checkup import examine
    from agent.service.setup import Setup

    return say(examine(Setup(folder=folder.resolve(), database=database)), as_json)


def mcp(
    address: Annotated[str, typer.Option(help="Of the service; SUREHAND_TOKEN holds your token there.")] = (
        "http://127.0.0.1:8080"
    ),
) -> None:
    """Offer a service's runs to other agents, as tools of the Model Context Protocol over standard input and output."""
    _need_extra()
    from agent.service.mcp_server import over_stdio

    over_stdio(address)


def _resolved(folders: list[Path] | None) -> tuple[Path, ...]:
    return tuple(folder.resolve() for folder in folders or ())


def _need_extra() -> None:
    """Raises UserError where the service's libraries are not installed."""
    from importlib.util import find_spec

    from tools.errors import UserError

    for module in ("dbos", "fastapi", "mcp"):
        if find_spec(module) is None:
            raise UserError(f"no {module} in this Python", remedy="pip install 'surehand[service]'")
