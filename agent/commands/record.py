"""`surehand record`: a run that passed becomes a test."""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.text import Text

from agent.commands.goal import Asked
from agent.commands.live import console, signed
from agent.commands.replay import KEPT
from agent.commands.wiring import require, task_for, worlds
from agent.scripting.record import actions_of
from agent.scripting.record import record as recorded
from agent.scripting.ways import Keep
from agent.settings import Settings, load
from agent.trace import Step
from env.base import Shots
from scenarios.base import Scenario, Task
from scenarios.loader import load as load_scenario
from tools.errors import UserError


def record(config: Path | None, folder: Path, out: Path | None) -> int:
    """Does the run's actions again in a fresh world and writes the test. Returns the exit status. Raises UserError."""
    run, steps = actions_of(folder)
    settings = load(config, **{name: run.settings[name] for name in KEPT if name in run.settings})
    asked = Asked.again(run).what
    scenario, task = load_scenario(asked, settings.scenarios), task_for(settings, asked, run.seed)
    file = out or Path(f"test_{task.scenario.rpartition('/')[2].replace('-', '_')}.yaml")
    if file.exists():
        raise UserError(f"there is a file {str(file)!r} already", remedy="name another one with --out")
    require(settings, task.world)
    patches: dict[str, bytes] = {}

    def keep(patch: bytes) -> str:
        name = next((name for name, one in patches.items() if one == patch), None)
        name = name or f"{file.stem}.shots/{len(patches) + 1:02}.png"
        patches[name] = patch
        return name

    text = asyncio.run(_recorded(settings, task, scenario, steps, keep))
    try:
        for name, patch in patches.items():
            (file.parent / name).parent.mkdir(parents=True, exist_ok=True)
            (file.parent / name).write_bytes(patch)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {str(file)!r}", cause=error.strerror or str(error)) from None
    screen = console()
    screen.print(
        signed("good", f"recorded {run.scenario} at seed {run.seed}: {text.partition('steps:')[2].count('  - ')} steps")
    )
    screen.print(Text(f"test: {file}"), soft_wrap=True)
    return 0


async def _recorded(settings: Settings, task: Task, scenario: Scenario, steps: Sequence[Step], keep: Keep) -> str:
    world = worlds(settings)(task)
    with tempfile.TemporaryDirectory(prefix="surehand-") as shots:
        try:
            return await recorded(task, scenario, steps, world, Shots(Path(shots)), keep)
        finally:
            await world.close()
