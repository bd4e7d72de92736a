"""Many runs: dealt out to workers, done again when a worker dies, and never done twice when the bench goes on."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from agent.bench.crew import Crew, Worker, WorkerDied
from agent.bench.plan import Job, Plan
from agent.bench.rows import Row, record_failure, row_of, set_aside
from agent.trace import Status
from tools.errors import UserError

MOST_DEATHS = 3
"""So many workers may die of a job; then it ends as an error of the world."""


class Watch(Protocol):
    """Hears what happens."""

    def started(self, job: Job) -> None:
        """A worker has begun it."""
        ...

    def ended(self, job: Job, row: Row) -> None:
        """It is done, now or by an earlier bench."""
        ...

    def lost(self, job: Job, why: str) -> None:
        """Its worker died."""
        ...


async def run_batch(plan: Plan, folder: Path, crew: Crew, parallel: int, watch: Watch, *, again: bool = False) -> None:
    """Does every job of the plan that has not been done, `parallel` at once; with `again` also those that broke.

    What an earlier bench left unended is set aside and done anew. Raises UserError when a folder cannot be written,
    EnvError when there are no workers to be had. However it ends, what was done stays done.
    """
    try:
        waiting = await asyncio.to_thread(lambda: [*_left(plan, folder, watch, again=again)])
        if waiting:
            await _Batch(folder, crew, watch, waiting).run(min(parallel, len(waiting)))
    except OSError as error:
        raise UserError(f"cannot keep the bench in {str(folder)!r}", cause=error.strerror or str(error)) from error
    finally:
        await crew.close()


def _left(plan: Plan, folder: Path, watch: Watch, *, again: bool) -> Iterable[Job]:
    for job in plan.jobs():
        row = row_of(folder, job)
        if row and not (again and row.status.value.startswith("error:")):
            watch.ended(job, row)
            continue
        set_aside(folder, job)
        yield job


class _Batch:
    """Jobs under way."""

    def __init__(self, folder: Path, crew: Crew, watch: Watch, waiting: Iterable[Job]) -> None:
        self._folder, self._crew, self._watch = folder, crew, watch
        self._deaths: Counter[Job] = Counter()
        self._jobs: asyncio.Queue[Job] = asyncio.Queue()
        for job in waiting:
            self._jobs.put_nowait(job)

    async def run(self, parallel: int) -> None:
        """Every job to its end; workers that find no more of them are let go."""
        lanes = [asyncio.create_task(self._lane()) for _ in range(parallel)]
        done = asyncio.create_task(self._jobs.join())
        try:
            await asyncio.wait([done, *lanes], return_when=asyncio.FIRST_COMPLETED)
            for lane in lanes:
                if lane.done():  # a lane ends by an error only
                    await lane
        finally:
            for task in (done, *lanes):
                task.cancel()
            await asyncio.gather(done, *lanes, return_exceptions=True)

    async def _lane(self) -> None:
        """One worker after another, each until it dies."""
        while True:
            worker = await self._crew.hire()
            try:
                while True:
                    job = await self._jobs.get()
                    await self._play(worker, job)
                    self._jobs.task_done()
            except WorkerDied as died:
                await self._lost(job, str(died))
                self._jobs.task_done()
            finally:
                await worker.close()

    async def _play(self, worker: Worker, job: Job) -> None:
        self._watch.started(job)
        await worker.play(job, self._folder / job.folder)
        row = await asyncio.to_thread(row_of, self._folder, job)
        if row is None:
            raise WorkerDied("the worker said that it was done, and left no record")
        self._watch.ended(job, row)

    async def _lost(self, job: Job, why: str) -> None:
        """What becomes of a job whose worker died: it may have ended; else it is begun anew, not for ever."""
        self._watch.lost(job, why)
        row = await asyncio.to_thread(row_of, self._folder, job)
        if row is None:
            self._deaths[job] += 1
            if self._deaths[job] < MOST_DEATHS:
                set_aside(self._folder, job)
                self._jobs.put_nowait(job)
                return
            message = f"its worker died {MOST_DEATHS} times: {why}"
            record_failure(self._folder / job.folder, job, Status.ERROR_ENV, "worker", message)
            row = row_of(self._folder, job)
        if row is not None:
            self._watch.ended(job, row)
