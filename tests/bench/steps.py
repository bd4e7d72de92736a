"""Steps and resets of kept worlds, through the same interface that a run uses."""

import tempfile
import time
from pathlib import Path

from rich.table import Table

from env.base import Shots
from env.kept import KeptEnvironment
from tests.bench.timing import Sample, milliseconds, p50, p95, table
from tests.env.worlds import KINDS, SETUPS, make
from tools.actions import BrowserAction, ComputerAction, Key, LeftClick, Type
from tools.geometry import GridPoint, Size

_STEPS = 30
_RESETS = 5
_SIZE = Size(1280, 720)
_TURNS: tuple[ComputerAction | BrowserAction, ...] = (
    LeftClick(coordinate=GridPoint(200, 170)), Type(text="surehand"), Key(keys=("backspace",)),
)  # fmt: skip


async def resets() -> Table:
    """Warm resets: the keeper runs; an application or a page is set up."""
    made = table(f"Reset to the first picture, {_RESETS} times warm (ms)", "world", "p50", "max", "target")
    for kind in KINDS:
        world = make(kind, _SIZE)
        found: Sample = []
        try:
            await world.reset(SETUPS[kind], 0)
            for seed in range(_RESETS):
                began = time.perf_counter()
                await world.reset(SETUPS[kind], seed)
                found.append(time.perf_counter() - began)
        finally:
            await world.close()
        target = "1500" if kind == "desktop" else "500"
        made.add_row(kind, milliseconds(p50(found)), milliseconds(max(found)), target)
    return made


async def steps() -> Table:
    """One click, one text and one key in turn; each followed by settling and a picture."""
    made = table(f"One step without the model, {_STEPS} steps at 1280x720 (ms)", "world", "phase", "p50", "p95")
    for kind in KINDS:
        world = make(kind, _SIZE)
        try:
            await world.reset(SETUPS[kind], 0)
            phases = await _measure(world)
        finally:
            await world.close()
        for phase, found in phases.items():
            made.add_row(kind if phase == "act" else "", phase, milliseconds(p50(found)), milliseconds(p95(found)))
        made.add_section()
    return made


async def _measure(world: KeptEnvironment) -> dict[str, Sample]:
    phases: dict[str, Sample] = {"act": [], "settle": [], "grab, encode, store": [], "whole step": []}
    with tempfile.TemporaryDirectory() as folder:
        shots = Shots(Path(folder))
        await world.observe(shots)
        for number in range(1, _STEPS + 1):
            began = time.perf_counter()
            await world.execute(number, _TURNS[number % len(_TURNS)])
            acted = time.perf_counter()
            seen = await world.observe(shots)
            ended = time.perf_counter()
            phases["act"].append(acted - began)
            phases["settle"].append(seen.waited)
            phases["grab, encode, store"].append(ended - acted - seen.waited)
            phases["whole step"].append(ended - began)
    return phases
