"""A bench of tasks in memory, in processes that can be killed: `python -m tests.agent.small_bench FOLDER [RAY]`.

At seeds that have a file `hold-SEED` beside the bench's folder, the model waits until that is gone. Which models were
asked, and which got to the end, is told outside, in `asked.log` and `done.log`.
"""

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.batch import run_batch
from agent.bench.crew import Crew
from agent.bench.plan import Entry, Job, Plan, begin, held
from agent.bench.processes import ProcessCrew, serve
from agent.bench.rows import Row
from agent.bench.station import Station
from agent.means import MakeModel
from agent.model import Model, ScriptedModel
from agent.prompt import Message
from agent.trace import Completion
from env.base import Probe
from env.settle import until
from scenarios.base import Task
from tests.agent.desk import SOLUTION, a_task, scripted

SEEDS = tuple(range(8))
PATIENCE = 120.0


class Watched:
    """Writes the solution, and waits where it is told to."""

    name = "watched"

    def __init__(self, job: Job, place: Path) -> None:
        self._inner, self._job, self._place, self._asked = ScriptedModel(*SOLUTION), job, place, 0

    async def decide(self, messages: Sequence[Message]) -> Completion:
        self._asked += 1
        if self._asked == 1:
            self._tell("asked")
        await until(self._free, PATIENCE, "leave to go on")
        if self._asked == len(SOLUTION):
            self._tell("done")
        return await self._inner.decide(messages)

    def _tell(self, what: str) -> None:
        with (self._place / f"{what}.log").open("a") as log:
            log.write(f"{self._job.seed}\n")

    async def _free(self) -> bool | None:
        return None if (self._place / f"hold-{self._job.seed}").exists() else True


def station(told: dict[str, Any]) -> Station:
    place = Path(told["place"])

    def make_model(job: Job, task: Task) -> MakeModel:
        def make(task: Task, probe: Probe) -> Model:
            return Watched(job, place)

        return make

    return Station(lambda job: a_task(scenario=job.scenario, seed=job.seed), make_model, scripted)


def crew(folder: Path, address: str = "") -> Crew:
    """Workers of the bench in a folder."""
    told = {"bench": str(folder), "place": str(folder.parent)}
    log = folder / "workers.log"
    if address:
        from agent.bench.on_ray import RayCrew

        return RayCrew(address, station, told, 2, log)
    return ProcessCrew([sys.executable, "-m", "tests.agent.small_bench"], told, log)


def plan(seeds: Sequence[int] = SEEDS) -> Plan:
    entry = Entry(id="test/note", source="test/note", digest="0")
    return Plan(suite="test", digest="0", entries=(entry,), players={"model": "watched"}, seeds=tuple(seeds),
                started=datetime.now(UTC))  # fmt: skip


class Ledger:
    """Hears what a bench does."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.rows: list[Row] = []
        self.deaths: list[int] = []

    def started(self, job: Job) -> None:
        self.begun.append(job.seed)

    def ended(self, job: Job, row: Row) -> None:
        self.rows.append(row)

    def lost(self, job: Job, why: str) -> None:
        self.deaths.append(job.seed)


def bench(folder: Path, address: str) -> None:
    """On Ray where there is an address. Prints the seeds whose workers died."""
    ledger = Ledger()
    with held(folder):
        asyncio.run(run_batch(begin(folder, plan()), folder, crew(folder, address), 2, ledger))
    print(*ledger.deaths)


if __name__ == "__main__":
    if sys.argv[1:]:
        from tests.agent.small_bench import bench as by_name  # what Ray sends over, it must be able to import

        by_name(Path(sys.argv[1]).resolve(), "".join(sys.argv[2:]))
    else:
        asyncio.run(serve(station))
