"""`surehand record --goal` and `--scenario`: a person shows a task, and what they do is a run."""

import asyncio
import signal
from pathlib import Path

from rich.console import Console
from rich.text import Text

from agent import runner
from agent.commands.goal import Asked, goal_task
from agent.commands.live import StepTable, console, exit_code, say_verdict
from agent.commands.wiring import new_folder, require, task_for, watched_world
from agent.demonstration import PERSON, Demonstration
from agent.means import Means
from agent.report import write_report
from agent.settings import Settings
from agent.trace import Run
from scenarios.base import Task
from tools.errors import UserError

_PLACES = ("display", "browser")
_DISPLAY = (
    "Every key that you press and pictures of your whole screen are recorded. A password cannot be told from other"
    " text there: type none."
)
_PAGE = (
    "What you do in the browser's page is recorded, and pictures of it. What you type into a password field is not, but"
    " for a page of the scenario's own."
)
_HOW = {
    "display": "Go ahead. When you are done press ctrl+alt+e.",
    "browser": "Go ahead. When you are done press Ctrl-C here, and leave the browser open.",
}


def demonstrate(settings: Settings, asked: Asked, seed: int, out: Path | None, *, goal: bool) -> int:
    """Records what the person does, judged as any run is. Returns the exit status. Raises UserError."""
    settings = settings.model_copy(update={"model": PERSON})
    asked = asked if asked.url or asked.world or asked.allow or not goal else asked._replace(world="display")
    task = _goal(settings, asked) if goal else _scenario(settings, asked, seed)
    require(settings, task.world, "display")
    folder = out or new_folder(settings, f"{task.scenario}-{seed}-{PERSON}")
    screen = console()
    screen.print(Text(task.goal.strip()), soft_wrap=True)
    screen.print(Text(_DISPLAY if task.world == "display" else _PAGE, style="bold"), soft_wrap=True)
    screen.print()
    record = settings.model_dump(mode="json") | {
        "asked": asked.what, "world": asked.world, "url": asked.url, "allow": list(asked.allow), "yes": False,
    }  # fmt: skip
    done = asyncio.run(_watched(screen, settings, task, folder, record))
    screen.print()
    say_verdict(screen, done)
    screen.print(Text(f"report: {write_report(folder)}"), soft_wrap=True)
    return exit_code(done)


async def _watched(screen: Console, settings: Settings, task: Task, folder: Path, record: dict[str, object]) -> Run:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def end() -> None:
        ended.set()
        loop.remove_signal_handler(signal.SIGINT)  # a second one ends it at once

    with StepTable(screen) as table:

        def ready() -> None:
            with table.held():
                screen.print(Text(_HOW[task.world], style="bold"), soft_wrap=True)

        shown = Demonstration(watched_world(settings, task), ended, ready)
        means = Means(patient=True, on_step=table.step)
        loop.add_signal_handler(signal.SIGINT, end)
        try:
            return await runner.run(task, lambda *_: shown, lambda _: shown, folder, means, settings=record)
        finally:
            loop.remove_signal_handler(signal.SIGINT)


def _goal(settings: Settings, asked: Asked) -> Task:
    if asked.world is not None and asked.world not in _PLACES:
        raise UserError(f"nobody can be watched in the world {asked.world!r}", remedy=f"use {' or '.join(_PLACES)}")
    return goal_task(settings, asked)


def _scenario(settings: Settings, asked: Asked, seed: int) -> Task:
    if asked.url or asked.allow or asked.world:
        raise UserError("a scenario has its own world and pages", remedy="leave out --world, --url and --allow")
    task = task_for(settings, asked.what, seed)
    if task.world != "browser":
        raise UserError(f"{asked.what!r} happens on a private desktop, which nobody sees",
                        remedy="show a web scenario, or your own display with --goal")  # fmt: skip
    return task
