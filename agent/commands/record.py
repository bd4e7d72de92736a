"""`surehand record`: a run that passed becomes a test."""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rich.text import Text

from agent.commands.goal import KEPT, Asked
from agent.commands.live import console, signed
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
    recording = _Recording.of(config, folder)
    file = out or Path(f"{recording.name}.yaml")
    if file.exists():
        raise UserError(f"there is a file {str(file)!r} already", remedy="name another one with --out")
    patches: dict[str, bytes] = {}

    def keep(patch: bytes) -> str:
        name = next((name for name, one in patches.items() if one == patch), None)
        name = name or f"{file.stem}.shots/{len(patches) + 1:02}.png"
        patches[name] = patch
        return name

    text = recording.text(keep)
    try:
        for name, patch in patches.items():
            (file.parent / name).parent.mkdir(parents=True, exist_ok=True)
            (file.parent / name).write_bytes(patch)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {str(file)!r}", cause=error.strerror or str(error)) from None
    screen, task = console(), recording.task
    screen.print(
        signed(
            "good", f"recorded {task.scenario} at seed {task.seed}: {text.partition('steps:')[2].count('  - ')} steps"
        )
    )
    screen.print(Text(f"test: {file}"), soft_wrap=True)
    return 0


def recorded_test(config: Path | None, folder: Path) -> tuple[str, str]:
    """The name and the text of the test that a run is recorded as. Raises UserError."""
    recording = _Recording.of(config, folder)
    return recording.name, recording.text()


class _Recording(NamedTuple):
    """A run that passed, and what is needed to do it again."""

    settings: Settings
    task: Task
    scenario: Scenario
    steps: Sequence[Step]

    @classmethod
    def of(cls, config: Path | None, folder: Path) -> "_Recording":
        run, steps = actions_of(folder)
        settings = load(config, **{name: run.settings[name] for name in KEPT if name in run.settings})
        asked = Asked.again(run).what
        return cls(settings, task_for(settings, asked, run.seed), load_scenario(asked, settings.scenarios), steps)

    @property
    def name(self) -> str:
        return f"test_{self.task.scenario.rpartition('/')[2].replace('-', '_')}"

    def text(self, keep: Keep | None = None) -> str:
        require(self.settings, self.task.world)
        return asyncio.run(_recorded(self.settings, self.task, self.scenario, self.steps, keep))


async def _recorded(
    settings: Settings, task: Task, scenario: Scenario, steps: Sequence[Step], keep: Keep | None
) -> str:
    world = worlds(settings)(task)
    with tempfile.TemporaryDirectory(prefix="surehand-") as shots:
        try:
            return await recorded(task, scenario, steps, world, Shots(Path(shots)), keep)
        finally:
            await world.close()
