"""`surehand train demonstrations`, lessons of reference solutions, and `overlap`, which compares runs with them."""

import asyncio
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tools.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from agent.training.bulk import Tally

_SUITES = ["miniwob/*", "web/*"]


def demonstrations(
    patterns: Annotated[
        list[str] | None,
        typer.Argument(
            help="Ids or patterns; else miniwob/* and web/*, those with a solution.", metavar="[SCENARIO]..."
        ),
    ] = None,
    seeds: Annotated[str, typer.Option(help="Draws to learn from, such as 0-49; 0 to 49999 at most.")] = "0-9",
    out: Annotated[Path, typer.Option(help="The file of lessons.")] = Path("demonstrations.lessons"),
    pictures: Annotated[int, typer.Option(help="Screenshots that the model is shown of each run.", min=1)] = 1,
    parallel: Annotated[int | None, typer.Option(help="Worlds at once; else three for each core.", min=1)] = None,
    config: Annotated[Path | None, typer.Option("--config", help="Settings file instead of ./surehand.toml.")] = None,
) -> None:
    """Make lessons of reference solutions: each decision, with the very prompt that a model would have had."""
    from agent.bench.plan import numbers
    from agent.commands.live import console
    from agent.commands.wiring import near_worlds, require, task_for
    from agent.prompt import Style
    from agent.school.holdout import HeldOutError
    from agent.school.pack import Writer
    from agent.settings import load
    from agent.training.bulk import Bulk

    if out.exists():
        raise UserError(f"there is {str(out)!r} already", remedy="name a new file with --out")
    settings = load(config, browser="headless")
    require(settings, "browser")
    style = Style(history=settings.history, image_max=pictures, fold=1)
    scenarios, draws = _solved(patterns or _SUITES), numbers(seeds)
    about = {"scenarios": scenarios, "seeds": draws, "pictures": pictures}
    screen, began = console(), time.monotonic()

    def say(tally: "Tally") -> None:
        rate = tally.steps / (time.monotonic() - began)
        done = tally.episodes + tally.left_out.total()
        status.update(f"{done} of {len(scenarios) * len(draws)} episodes, {rate:.1f} steps a second")

    try:
        with screen.status("opening worlds") as status, Writer(out, about) as writer:
            bulk = Bulk(lambda scenario, seed: task_for(settings, scenario, seed), near_worlds(settings), style,
                        parallel or 3 * (os.cpu_count() or 1), writer.add, on_episode=say)  # fmt: skip
            tally = asyncio.run(bulk.run(scenarios, draws))
    except HeldOutError as error:
        raise UserError(str(error), remedy="choose other --seeds") from None
    _say(tally, time.monotonic() - began, out, screen)


def _solved(patterns: "Sequence[str]") -> list[str]:
    """Scenarios of these patterns that have a solution. Raises UserError: there is none."""
    from scenarios.loader import find

    found = [one.id for one in find(patterns) if one.world == "browser" and one.at(0).oracle]
    if not found:
        raise UserError(f"no scenario of {', '.join(patterns)} in a browser has a solution", remedy="name others")
    return found


def _say(tally: "Tally", seconds: float, out: Path, screen: "Console") -> None:
    from agent.commands.live import signed
    from scenarios.schema import counted

    made = f"{counted(tally.episodes, 'episode')}, {counted(tally.steps, 'step')} in {seconds:.0f} s"
    rate, size = tally.steps / seconds, out.stat().st_size / 2**20
    screen.print(signed("good", f"{made} ({rate:.1f} a second), {size:.1f} MB in {out}"), soft_wrap=True)
    for (scenario, why), count in tally.left_out.most_common():
        screen.print(f"left out: {scenario}, {count} times: {why}", soft_wrap=True)


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
