"""`surehand run` and `surehand resume`: one scenario or goal, once."""

import asyncio
import webbrowser
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from agent import runner
from agent.commands.goal import Asked, goal_task, is_goal
from agent.commands.live import StepTable, console, exit_code, say_verdict
from agent.commands.person import person
from agent.commands.served import RANDOM, STAND_IN
from agent.commands.wiring import (
    approvals,
    described,
    kept_world,
    model_for,
    new_folder,
    require,
    task_for,
    worlds,
)
from agent.means import Means
from agent.report import write_report
from agent.settings import Settings, recorded
from agent.trace import GOAL, Run, RunFolder
from scenarios.base import Task
from tools.errors import UserError

Started = Callable[[Means], Coroutine[Any, Any, Run]]


def run(settings: Settings, asked: Asked, seed: int, out: Path | None, *, show: bool, yes: bool) -> int:
    """Runs it, live in the terminal, and writes its report. Returns the exit status."""
    done, report = run_one(console(), settings, asked, seed, out, yes=yes)
    if show:
        webbrowser.open(report.resolve().as_uri())
    return exit_code(done)


def run_one(
    out: Console, settings: Settings, asked: Asked, seed: int, folder: Path | None, *, yes: bool = False
) -> tuple[Run, Path]:
    """One run with its table, its verdict and its report. Raises UserError before anything is begun."""
    task = _task(settings, asked, seed)
    make_model = model_for(settings, task)
    require(settings, task.world)
    folder = folder or new_folder(settings, f"{task.scenario}-{seed}")
    record = settings.model_dump(mode="json") | {
        "asked": asked.what,
        "world": asked.world,
        "url": asked.url,
        "allow": list(asked.allow),
        "yes": yes,
    }
    at = f" at seed {seed}" if task.scenario != GOAL else f" in a world of its own ({task.world})"
    out.print(Text.assemble((f"{task.scenario}", "bold"), f"{at}, by {settings.model}"))
    if settings.model == STAND_IN:
        out.print(Text(RANDOM), soft_wrap=True)
    out.print(Text(task.goal.strip()), soft_wrap=True)
    out.print()

    def started(means: Means) -> Coroutine[Any, Any, Run]:
        return runner.run(task, make_model, worlds(settings), folder, means, settings=record)

    return _watched(out, settings, task, started, folder, yes)


def resume(config: Path | None, folder: Path) -> int:
    """Goes on with a run whose process died. Returns the exit status. Raises UserError when that cannot be."""
    record = RunFolder(folder)
    before = runner.unended(record)
    settings = recorded(before.settings, config)
    task = _task(settings, Asked.again(before), before.seed)
    if task.goal != before.goal and not task.episode:
        raise UserError(f"the run {before.id!r} cannot be resumed", cause=f"{task.scenario!r} has another goal by now",
                        remedy="start it again")  # fmt: skip
    steps = list(record.steps())
    make_model = model_for(settings, task, used=len(steps) + (record.pending() is not None))
    world = kept_world(settings, task, before)
    out = console()
    out.print(Text(f"{before.id}: going on after {len(steps)} steps, by {settings.model}"))

    def started(means: Means) -> Coroutine[Any, Any, Run]:
        return runner.resume(
            task, make_model, world, folder, means, seen_as=lambda kept: described(settings, kept)
        )  # fmt: skip

    done, _ = _watched(out, settings, task, started, folder, bool(before.settings.get("yes")))
    return exit_code(done)


def _task(settings: Settings, asked: Asked, seed: int) -> Task:
    return goal_task(settings, asked) if is_goal(settings, asked) else task_for(settings, asked.what, seed)


def _watched(
    out: Console, settings: Settings, task: Task, started: Started, folder: Path, yes: bool
) -> tuple[Run, Path]:
    with StepTable(out) as table:
        means = Means(
            tokens=settings.tokens, approve=frozenset() if yes else approvals(settings, task), on_step=table.step,
            ask=person(out, table), rules=settings.rules,
        )  # fmt: skip
        done = asyncio.run(started(means))
    out.print()
    say_verdict(out, done)
    report = write_report(folder)
    out.print(Text(f"report: {report}"), soft_wrap=True)
    return done, report
