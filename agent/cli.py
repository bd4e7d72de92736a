"""`surehand …`: what can be typed, and what it is called there. The work is in agent.commands, imported when needed."""

import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer

from agent.commands.bench import bench_app
from agent.commands.export import export
from agent.commands.memory import memory
from agent.commands.osworld import osworld_app
from agent.commands.recording import record
from agent.commands.see import describe, ground
from agent.commands.service import examine_service, mcp, up, work
from agent.commands.train import train_app
from agent.commands.tune import tune_app
from agent.serving.commands import serve
from tools.errors import SurehandError, UserError

app = typer.Typer(
    help="Automates desktops and web pages by looking at the screen, and says whether the task was done.",
    rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False,
)  # fmt: skip
scenarios_app = typer.Typer(help="List scenarios, and prove that they can be trusted.")
app.add_typer(scenarios_app, name="scenarios")

Config = Annotated[Path | None, typer.Option("--config", help="Settings file instead of ./surehand.toml.")]
Model = Annotated[
    str | None,
    typer.Option(
        "--model", metavar="MODEL",
        help="Who decides: http://host:port/v1, transformers:MODEL, stand-in, oracle, scripted:FILE, replay:RUN,"
        " or idle, fail, random.",
    ),
]  # fmt: skip
Browser = Annotated[
    str | None, typer.Option("--world", help="How a web scenario sees its browser: kiosk or headless.", metavar="KIND")
]
Patterns = Annotated[
    list[str] | None, typer.Argument(help="Ids, patterns such as 'web/*', or files.", metavar="[PATTERN]...")
]


@app.callback(invoke_without_command=True)
def _surehand(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False
) -> None:
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"surehand {installed('surehand')}")
        raise typer.Exit
    _help_when_alone(context)


@scenarios_app.callback(invoke_without_command=True)
def _help_when_alone(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def run(
    what: Annotated[
        str, typer.Argument(help="A scenario's id, a .yaml file, or a goal in plain words.", metavar="SCENARIO|GOAL")
    ],
    seed: Annotated[int, typer.Option(help="Which draw of the scenario.", min=0)] = 0,
    model: Model = None,
    model_name: Annotated[str | None, typer.Option(help="What the model server calls the model.")] = None,
    world: Annotated[
        str | None,
        typer.Option(
            help="For a goal: desktop, browser or display (your own). How a browser is seen: kiosk or headless.",
            metavar="KIND",
        ),
    ] = None,
    url: Annotated[str | None, typer.Option(help="For a goal: the page to begin with, on the real network.")] = None,
    allow: Annotated[
        list[str] | None, typer.Option(metavar="DOMAIN", help="A further domain for a goal; may be repeated.")
    ] = None,
    size: Annotated[str | None, typer.Option(help="Pixels of the world, such as 1920x1080.")] = None,
    steps: Annotated[int | None, typer.Option(help="Most steps.")] = None,
    approve: Annotated[
        str | None, typer.Option(help="Ask before these: all, none, or verbs such as type,key.", metavar="VERBS")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask about nothing.")] = False,
    out: Annotated[Path | None, typer.Option(help="New folder for this run instead of one below runs/.")] = None,
    show: Annotated[bool, typer.Option("--open", help="Open the report in a browser afterwards.")] = False,
    config: Config = None,
) -> None:
    """Do one scenario or goal once, and watch it. Exit status: 0 passed or done, 1 not, 3 the machinery failed."""
    from agent.commands.goal import Asked
    from agent.commands.run import run as command
    from agent.settings import load

    asked = Asked(what, world, url, tuple(allow or ()))
    settings = load(
        config, model=model, model_name=model_name, browser=asked.view, size=size, steps=steps, approve=approve
    )
    raise typer.Exit(command(settings, asked, seed, out, show=show, yes=yes))


@app.command()
def resume(
    folder: Annotated[Path, typer.Argument(help="Folder of the run.", metavar="RUN")],
    config: Config = None,
) -> None:
    """Go on with a run whose process died; its world waits for as long as its lease. Exit status as of run."""
    from agent.commands.run import resume as command

    raise typer.Exit(command(config, folder))


@app.command()
def replay(
    folder: Annotated[Path, typer.Argument(help="Folder of the run.", metavar="RUN")],
    out: Annotated[Path | None, typer.Option(help="New folder for this run instead of one below runs/.")] = None,
    config: Config = None,
) -> None:
    """Do a recorded run again in a fresh world. Exit status: 0 the same, 1 different, 3 the machinery failed."""
    from agent.commands.replay import replay as command

    raise typer.Exit(command(config, folder, out))


@app.command()
def report(
    folder: Annotated[Path | None, typer.Argument(help="Folder of the run.", metavar="[RUN]")] = None,
    listing: Annotated[bool, typer.Option("--list", help="List the runs there are.")] = False,
    show: Annotated[bool, typer.Option("--open", help="Open it in a browser.")] = False,
    config: Config = None,
) -> None:
    """Write a run's report again, or list the runs."""
    from agent.commands.show import list_runs, make_report
    from agent.settings import load

    if folder is None and not listing:
        raise UserError("no run named", remedy="`surehand report --list` lists them")
    if folder is None:
        list_runs(load(config).runs)
    else:
        make_report(folder, show)


@app.command()
def demo(
    out: Annotated[Path | None, typer.Option(help="Folder for the runs and their page.")] = None,
    show: Annotated[bool, typer.Option("--open", help="Open the page in a browser afterwards.")] = False,
    config: Config = None,
) -> None:
    """Watch it work on a desktop and on a web page: two tasks by their solutions, a few steps by a model server."""
    from agent.commands.demo import demo as command
    from agent.settings import load

    raise typer.Exit(command(load(config), out, show))


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    service: Annotated[
        Path | None, typer.Option(help="Look at the service in this folder instead.", metavar="FOLDER")
    ] = None,
    database: Annotated[str, typer.Option(help="With --service: its Postgres database.", metavar="URL")] = "",
    config: Config = None,
) -> None:
    """Say what is missing on this machine, and the command that mends it. Exit status 1 if something needed is."""
    from agent.commands.doctor import doctor as command
    from agent.settings import load

    if service is not None:
        raise typer.Exit(examine_service(service, database, as_json))
    raise typer.Exit(command(load(config), as_json))


@app.command("config")
def config_command(config: Config = None) -> None:
    """Show every setting, its value, and where that comes from."""
    from agent.commands.show import show_settings
    from agent.settings import load

    show_settings(load(config))


@scenarios_app.command("list")
def list_scenarios(
    patterns: Patterns = None,
    tag: Annotated[list[str] | None, typer.Option(help="Only those with this tag; may be repeated.")] = None,
    world: Annotated[str | None, typer.Option(help="Only those of this world: desktop or browser.")] = None,
    config: Config = None,
) -> None:
    """List the scenarios there are."""
    from agent.commands.scenarios import list_scenarios as command
    from agent.settings import load

    command(load(config), patterns or [], tag or [], world)


@scenarios_app.command("check")
def check(
    patterns: Patterns = None,
    seeds: Annotated[str, typer.Option(help="Draws to prove, such as 0-2 or 0,7.")] = "0",
    parallel: Annotated[int | None, typer.Option(help="Most worlds at once.")] = None,
    world: Browser = None,
    order: Annotated[int | None, typer.Option(help="Number of the random order, to repeat one.")] = None,
    junit: Annotated[Path | None, typer.Option(help="Also write the result as JUnit XML.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the records of what failed.")] = None,
    config: Config = None,
) -> None:
    """Prove scenarios: the oracle passes, doing nothing fails, a near miss fails. Exit status 1 if one is unsound."""
    from agent.commands.scenarios import check_scenarios
    from agent.settings import load

    settings = load(config, parallel=parallel, browser=world)
    raise typer.Exit(check_scenarios(settings, patterns or [], seeds, order, junit, out))


@app.command("test")
def play_tests(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Test files, or folders with them.", metavar="PATH...")
    ] = None,
    only: Annotated[str, typer.Option("-k", help="Only tests with this in their name, or a pattern.")] = "*",
    parallel: Annotated[int | None, typer.Option(help="Most worlds at once.")] = None,
    model: Model = None,
    no_model: Annotated[bool, typer.Option("--no-model", help="Ask no model: refuse steps in plain words.")] = False,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Let the model do steps in words anew, whatever it did before.")
    ] = False,
    heal: Annotated[
        bool, typer.Option("--heal", help="Let the model find again what a step has lost, and show the mended step.")
    ] = False,
    write: Annotated[bool, typer.Option("--write", help="With --heal: change the tests that then passed.")] = False,
    trace: Annotated[
        bool, typer.Option("--trace", help="Keep a picture before every step, and Playwright's trace.")
    ] = False,
    world: Browser = None,
    junit: Annotated[Path | None, typer.Option(help="Also write the result as JUnit XML.")] = None,
    out: Annotated[Path | None, typer.Option(help="New folder for the results instead of one below runs/.")] = None,
    show: Annotated[bool, typer.Option("--open", help="Open the report in a browser afterwards.")] = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print the language as JSON Schema, and stop.")] = False,
    config: Config = None,
) -> None:
    """Play tests written in YAML. Exit status as pytest's: 0 all passed, 1 some did not, 2 a mistake, 5 no tests."""
    from agent.commands.test import print_schema, run_session
    from agent.settings import load

    if schema:
        print_schema()
        return
    if not paths:
        raise UserError("no test named", remedy="name test files or folders: `surehand test tests/`")
    if write and not heal:
        raise UserError("--write goes with --heal", remedy="add --heal, which says what would be written")
    settings = load(config, parallel=parallel, model=model, browser=world)
    mend: Literal["", "diff", "write"] = "write" if write else "diff" if heal else ""
    raise typer.Exit(run_session(settings, paths, only, not no_model, trace, junit, out, show, mend, not no_cache))


app.command()(record)
app.command()(export)
app.command()(serve)
app.command()(up)
app.command()(work)
app.command()(mcp)
app.command()(memory)
app.command()(describe)
app.command()(ground)
app.add_typer(train_app, name="train")
app.add_typer(tune_app, name="tune")
app.add_typer(bench_app, name="bench")
app.add_typer(osworld_app, name="osworld")


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the command line. A mistake of the person is one line and exit status 2; Ctrl-C ends quietly with 130."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without Unicode still shows every line
    sys.exit(_called(arguments))


def _called(arguments: Sequence[str] | None) -> int:
    try:
        return int(app(arguments, prog_name="surehand", standalone_mode=False) or 0)
    except SurehandError as error:
        typer.echo(f"surehand: {error}", err=True)
        return 2 if isinstance(error, UserError) else 3
    except typer.TyperException as error:
        typer.echo(f"surehand: {_usage(error)}", err=True)
        return 2
    except (KeyboardInterrupt, typer.Abort):
        return 130


def _usage(error: typer.TyperException) -> str:
    """A wrong option or argument on one line, with the help that would have told."""
    said: str = getattr(error, "format_message", error.__str__)()
    context = getattr(error, "ctx", None)
    line = " ".join(said.split()).rstrip(".")
    return line[:1].lower() + line[1:] + (f" (see `{context.command_path} --help`)" if context else "")


if __name__ == "__main__":
    main()
