"""Episodes of MiniWoB++ in one kept world after another, as runs whose records are thrown away."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from agent.means import as_model
from agent.model import IdleModel
from agent.runner import run
from agent.trace import Run, Status
from env.held import Held
from env.kept import KeptEnvironment
from env.settle import QUIET
from env.world import WorldSpec
from scenarios.suites.miniwob.pages import SIZE, load


@dataclass(frozen=True)
class Played:
    """One episode."""

    run: Run

    @property
    def passed(self) -> bool:
        """Whether the page gave its reward."""
        return self.run.status == Status.PASSED

    @property
    def told(self) -> str:
        """What became of it, in a line."""
        run = self.run
        reasons = (run.failure and run.failure.message, run.stop and f"stopped by {run.stop.reason}",
                   run.result and run.result.why)  # fmt: skip
        why = "; ".join(reason for reason in reasons if reason)
        return f"{run.scenario} at seed {run.seed}: {run.status}: {why} | {run.goal}"


@asynccontextmanager
async def world() -> AsyncIterator[KeptEnvironment]:
    """A headless browser that every episode is reset in."""
    assets = load("miniwob/click-test").at(0).assets
    assert assets
    made = KeptEnvironment(WorldSpec(kind="browser", size=SIZE, assets=assets, quiet=QUIET / 3))
    try:
        yield made
    finally:
        await made.close()


async def episode(env: KeptEnvironment, page: str, seed: int, *, near_miss: bool = False, idle: bool = False) -> Played:
    """A run of the oracle, of the near miss, or of one who does nothing, in a world that stays open."""
    task = load(f"miniwob/{page}").at(seed)
    oracle = None if idle else task.near_miss if near_miss else task.oracle
    model = as_model(oracle) if oracle else lambda task, probe: IdleModel()
    with TemporaryDirectory() as folder:
        done = await run(task, model, lambda task: Held(env), Path(folder))
        return Played(done)
