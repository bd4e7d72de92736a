"""Lessons of reference solutions in bulk, beside the same episodes run one by one by the ordinary loop."""

import os
import tempfile
import time
from pathlib import Path

from rich.table import Table

from agent.commands.wiring import near_worlds, task_for, worlds
from agent.means import as_model
from agent.prompt import Style
from agent.runner import run
from agent.school.pack import Writer
from agent.settings import Settings, load
from agent.trace import RunFolder, Status
from agent.training.bulk import Bulk
from agent.training.demonstrations import demonstrated
from env.held import Held
from tests.bench.timing import table

PAGES = (
    "click-checkboxes",
    "click-dialog",
    "click-tab-2",
    "email-inbox",
    "enter-text",
    "login-user",
    "use-autocomplete",
)
_SEEDS = range(12)
_BY_THE_LOOP = range(2)
_AT_ONCE = 3 * (os.cpu_count() or 1)


async def demonstrations(pages: tuple[str, ...] = PAGES) -> Table:
    """Steps a second; the loop's world is kept open from run to run, as a bench keeps it."""
    settings, scenarios = load(None, browser="headless"), [f"miniwob/{page}" for page in pages]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ways = {
            f"in bulk, {_AT_ONCE} worlds": await _in_bulk(settings, scenarios, folder / "bulk.lessons"),
            "by the loop, one world": await _by_the_loop(settings, scenarios, folder),
        }
    made = table(f"Demonstrations: {', '.join(pages)}", "way", "episodes", "steps", "seconds", "steps/s", "in bulk is")
    (first, *_) = rates = [steps / seconds for _, steps, seconds in ways.values()]
    for (way, (episodes, steps, seconds)), rate in zip(ways.items(), rates, strict=True):
        ratio = "" if rate == first else f"{first / rate:.1f}x"
        made.add_row(way, str(episodes), str(steps), f"{seconds:.1f}", f"{rate:.1f}", ratio)
    return made


async def _in_bulk(settings: Settings, scenarios: list[str], file: Path) -> tuple[int, int, float]:
    """Packed and all, from the first world's start to the end of the last."""
    began = time.perf_counter()
    with Writer(file) as writer:
        bulk = Bulk(lambda scenario, seed: task_for(settings, scenario, seed), near_worlds(settings),
                    demonstrated(Style(image_max=1, fold=1)), "training", _AT_ONCE, writer.add)  # fmt: skip
        tally = await bulk.run(scenarios, _SEEDS)
    return tally.tasks, tally.lessons, time.perf_counter() - began


async def _by_the_loop(settings: Settings, scenarios: list[str], folder: Path) -> tuple[int, int, float]:
    tasks = [task_for(settings, scenario, seed) for scenario in scenarios for seed in _BY_THE_LOOP]
    began, steps = time.perf_counter(), 0
    world = worlds(settings)(tasks[0])
    try:
        for number, task in enumerate(tasks):
            assert task.oracle
            done = await run(task, as_model(task.oracle), lambda task: Held(world), folder / f"{number}")
            assert done.status is Status.PASSED, done
            steps += sum(1 for _ in RunFolder(folder / f"{number}").steps())
    finally:
        await world.close()
    return len(tasks), steps, time.perf_counter() - began
