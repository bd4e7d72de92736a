"""`surehand run`: one scenario or one goal, once."""

import asyncio
import webbrowser
from pathlib import Path

from rich.console import Console
from rich.text import Text

from agent import runner
from agent.commands.asked import Asked, task_of
from agent.commands.live import StepTable, console, exit_code, say_verdict
from agent.commands.served import RANDOM, STAND_IN
from agent.commands.wiring import model_for, new_folder, require, worlds
from agent.report import write_report
from agent.settings import Settings
from agent.trace import Run


def run(settings: Settings, asked: Asked, out: Path | None, show: bool) -> int:
    """Runs it, live in the terminal, and writes its report. Returns the exit status."""
    done, report = run_asked(console(), settings, asked, out)
    if show:
        webbrowser.open(report.resolve().as_uri())
    return exit_code(done.status)


def run_one(out: Console, settings: Settings, scenario: str, seed: int, folder: Path | None) -> tuple[Run, Path]:
    """One run of a scenario, as `run_asked`."""
    return run_asked(out, settings, Asked(what=scenario, seed=seed), folder)


def run_asked(out: Console, settings: Settings, asked: Asked, folder: Path | None) -> tuple[Run, Path]:
    """One run with its table, its verdict and its report. Raises UserError before anything is begun."""
    task = task_of(settings, asked)
    make_model = model_for(settings, task)
    require(settings, task.world)
    folder = folder or new_folder(settings, f"{task.scenario}-{task.seed}")
    kept = settings.model_dump(mode="json") | {"asked": asked.model_dump(mode="json", exclude_defaults=True)}
    out.print(Text.assemble((f"{task.scenario}", "bold"), f" at seed {task.seed}, by {settings.model}"))
    if settings.model == STAND_IN:
        out.print(Text(RANDOM), soft_wrap=True)
    out.print(Text(task.goal.strip()), soft_wrap=True)
    out.print()
    with StepTable(out) as table:
        done = asyncio.run(
            runner.run(
                task, make_model, worlds(settings), folder, tokens=settings.tokens, settings=kept, on_step=table.step
            )
        )
    out.print()
    say_verdict(out, done)
    report = write_report(folder)
    out.print(Text(f"report: {report}"), soft_wrap=True)
    return done, report
