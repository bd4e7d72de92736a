"""`surehand resume`: the rest of a run whose process died."""

import asyncio
from pathlib import Path

from rich.text import Text

from agent import runner
from agent.commands.asked import asked_in, task_of
from agent.commands.live import StepTable, console, exit_code, say_verdict
from agent.commands.wiring import model_for, worlds
from agent.report import write_report
from agent.settings import recorded
from agent.trace import RunFolder
from tools.errors import UserError


def resume(config: Path | None, folder: Path) -> int:
    """Goes on with a run, with the settings that it had. Returns the exit status, as `surehand run`."""
    kept = RunFolder(folder)
    before = kept.unfinished()
    settings = recorded(before.settings, config)
    task = task_of(settings, asked_in(before))
    if task.goal != before.goal:
        raise UserError(
            f"the run in {str(folder)!r} cannot be gone on with", cause=f"{task.scenario!r} has another goal by now",
            remedy="do it again in another folder",
        )  # fmt: skip
    make_model = model_for(settings, task)
    out = console()
    done = sum(1 for _ in kept.steps())
    out.print(Text.assemble((task.scenario, "bold"), f" at seed {task.seed}, by {settings.model}, after step {done}"))
    out.print(Text(task.goal.strip()), soft_wrap=True)
    out.print()
    with StepTable(out) as table:
        ended = asyncio.run(
            runner.resume(
                task, make_model, worlds(settings), folder, tokens=settings.tokens, on_step=table.step
            )
        )  # fmt: skip
    out.print()
    say_verdict(out, ended)
    out.print(Text(f"report: {write_report(folder)}"), soft_wrap=True)
    return exit_code(ended.status)
