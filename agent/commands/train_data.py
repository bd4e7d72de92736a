"""`surehand train demonstrations`, `screens` and `successes`: lessons of real pages; `overlap`: runs beside them."""

import asyncio
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from tools.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from agent.school.holdout import Part
    from agent.settings import Settings
    from agent.training.bulk import Tally, Tell

_SUITES = ["miniwob/*", "web/*"]


Patterns = Annotated[
    list[str] | None,
    typer.Argument(
        help="Ids or patterns of scenarios in a browser; else miniwob/* and web/*.", metavar="[SCENARIO]..."
    ),
]
Parallel = Annotated[int | None, typer.Option(help="Worlds at once; else four for each core.", min=1)]
Config = Annotated[Path | None, typer.Option("--config", help="Settings file instead of ./surehand.toml.")]


def demonstrations(
    patterns: Patterns = None,
    seeds: Annotated[str, typer.Option(help="Draws to learn from, such as 0-49; 0 to 49999 at most.")] = "0-9",
    out: Annotated[Path, typer.Option(help="The file of lessons.")] = Path("demonstrations.lessons"),
    pictures: Annotated[int, typer.Option(help="Screenshots that the model is shown of each run.", min=1)] = 1,
    parallel: Parallel = None,
    config: Config = None,
) -> None:
    """Make lessons of reference solutions: each decision, with the very prompt that a model would have had."""
    from agent.prompt import Style
    from agent.settings import load
    from agent.training.demonstrations import demonstrated

    settings = load(config, browser="headless")
    style = Style(history=settings.history, image_max=pictures, fold=1)
    chosen = _in_browser(patterns or _SUITES, solved=True)
    job = _Job(settings, chosen, seeds, out, parallel, ("episode", "step"))
    _make(job, demonstrated(style), "training")


def screens(
    patterns: Patterns = None,
    seeds: Annotated[str, typer.Option(help="Draws to be asked about, 50000 to 59999 at most.")] = "50000-50009",
    out: Annotated[Path, typer.Option(help="The file of questions.")] = Path("screens.lessons"),
    parallel: Parallel = None,
    config: Config = None,
) -> None:
    """Make an examination of real screens: where each thing is on the first screen of a scenario, by its name."""
    from agent.settings import load
    from agent.training.screen_exam import found

    chosen = _in_browser(patterns or _SUITES, solved=False)
    job = _Job(load(config, browser="headless"), chosen, seeds, out, parallel, ("screen", "question"))
    _make(job, found(), "figures")


class _Job(NamedTuple):
    """What is asked for on the command line; `words` are for a task and for what is made of it."""

    settings: "Settings"
    scenarios: list[str]
    seeds: str
    out: Path
    parallel: int | None
    words: tuple[str, str]


def _in_browser(patterns: "Sequence[str]", *, solved: bool) -> list[str]:
    """Scenarios of these patterns, those that have a solution if `solved`. Raises UserError: there is none."""
    from scenarios.loader import find

    found = [one.id for one in find(patterns) if one.world == "browser" and (one.at(0).oracle or not solved)]
    if not found:
        what = "has a solution" if solved else "is to be had"
        raise UserError(f"no scenario of {', '.join(patterns)} in a browser {what}", remedy="name others")
    return found


def _make(job: _Job, tell: "Tell", part: "Part") -> None:
    """Does it, with its rate on the screen. Raises UserError."""
    from agent.bench.plan import numbers
    from agent.commands.live import console
    from agent.commands.wiring import near_worlds, require, task_for
    from agent.school.holdout import HeldOutError
    from agent.school.pack import Writer
    from agent.training.bulk import Bulk

    _new(job.out)
    require(job.settings, "browser")
    seeds, screen, began = numbers(job.seeds), console(), time.monotonic()

    def say(tally: "Tally") -> None:
        rate = tally.lessons / (time.monotonic() - began)
        done = tally.tasks + tally.left_out.total()
        status.update(
            f"{done} of {len(job.scenarios) * len(seeds)} {job.words[0]}s, {rate:.1f} {job.words[1]}s a second"
        )

    about = {"scenarios": job.scenarios, "seeds": seeds}
    try:
        with screen.status("opening worlds") as status, Writer(job.out, about) as writer:
            bulk = Bulk(lambda scenario, seed: task_for(job.settings, scenario, seed), near_worlds(job.settings), tell,
                        part, job.parallel or 4 * (os.cpu_count() or 1), writer.add, say)  # fmt: skip
            tally = asyncio.run(bulk.run(job.scenarios, seeds))
    except HeldOutError as error:
        raise UserError(str(error), remedy="choose other --seeds") from None
    _say(job, tally, time.monotonic() - began, screen)


def _say(job: _Job, tally: "Tally", seconds: float, screen: "Console") -> None:
    from agent.commands.live import signed
    from scenarios.schema import counted

    tasks, lessons = counted(tally.tasks, job.words[0]), counted(tally.lessons, job.words[1])
    rate, size = tally.lessons / seconds, job.out.stat().st_size / 2**20
    made = f"{tasks}, {lessons} in {seconds:.0f} s ({rate:.1f} a second), {size:.1f} MB in {job.out}"
    screen.print(signed("good", made), soft_wrap=True)
    for (scenario, why), count in tally.left_out.most_common():
        screen.print(f"left out: {scenario}, {count} times: {why}", soft_wrap=True)


def successes(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs, such as those of a bench.")],
    out: Annotated[Path, typer.Option(help="The file of lessons.")] = Path("successes.lessons"),
    pictures: Annotated[int, typer.Option(help="Screenshots that the model is shown of each run.", min=1)] = 1,
    config: Config = None,
) -> None:
    """Make lessons of runs that passed, for a model to learn from its own successes."""
    from agent.prompt import Style
    from agent.school import pack
    from agent.settings import load
    from agent.training import successes as passed
    from agent.training.episodes import LeftOut
    from scenarios.schema import counted

    _new(out)
    left_out = LeftOut()
    style = Style(history=load(config).history, image_max=pictures, fold=1)
    made = pack.write(out, passed.successes(runs, style, left_out))
    typer.echo(f"{counted(made, 'step')} in {out}")
    for (what, why), count in left_out.most_common():
        typer.echo(f"left out: {counted(count, what)} {why}")


def _new(out: Path) -> None:
    """Raises UserError: no file can be made there."""
    if out.exists() or not out.parent.is_dir():
        why = "is there already" if out.exists() else "is in no folder that is there"
        raise UserError(f"{str(out)!r} {why}", remedy="name a new file with --out")


def overlap(
    lessons: Annotated[Path, typer.Argument(help="A file that `surehand train demonstrations` made.")],
    runs: Annotated[list[Path], typer.Argument(help="Folders of evaluation runs, such as those of a bench.")],
) -> None:
    """Say how many evaluation episodes began as one in training did, and the score without them."""
    from agent.training.overlap import overlap as compare

    try:
        found = compare(lessons, runs)
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {str(lessons)!r}", cause=str(error)) from None
    typer.echo(f"{found.seen} of {found.episodes} episodes ({found.share:.1%}) began as one in training did")
    unseen = "there are none" if found.unseen_score is None else f"{found.unseen_score:.1%} passed"
    typer.echo(f"of all {found.score:.1%} passed; without those seen before: {unseen}")
