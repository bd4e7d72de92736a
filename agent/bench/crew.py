"""Who does the jobs of a bench: workers in processes of their own, wherever these are."""

from pathlib import Path
from typing import Protocol

from agent.bench.plan import Job
from tools.errors import SurehandError


class WorkerDied(SurehandError):
    """A worker's process ended under its job, which can be done again by another."""


class Worker(Protocol):
    """Does one job at a time (agent.bench.station), and keeps its worlds open between them."""

    async def play(self, job: Job, folder: Path) -> None:
        """Does a job; the record of its run lies in `folder` afterwards. Raises WorkerDied, UserError."""
        ...

    async def close(self) -> None:
        """Ends the worker and its worlds; a run under way is cut off. May be called twice."""
        ...


class Crew(Protocol):
    """Gives out workers."""

    async def hire(self) -> Worker:
        """A worker that is ready, as soon as there is room for one. Raises EnvError when there can be none."""
        ...

    async def close(self) -> None:
        """Lets go of everything."""
        ...
