"""The process of a bench's worker, and what makes its station from settings."""

import asyncio
import os
from pathlib import Path
from typing import Any

from agent.bench.plan import Job
from agent.bench.processes import serve
from agent.bench.station import Station
from agent.commands.wiring import model_for, task_for, worlds
from agent.means import MakeModel
from agent.settings import Settings, recorded
from scenarios.base import Task

_BESIDE_ANSWERS = 300.0
"""Seconds without a step that are not the model's: a world that starts, a check."""


def station(told: dict[str, Any]) -> Station:
    """A station from `settings` as a record holds them; a key is read from `config` and the environment, as ever.

    `variables` say where files of suites lie, on this machine as on that of the bench.
    """
    os.environ |= told["variables"]
    config = told.get("config")
    settings = recorded(told["settings"], Path(config) if config else None)

    def make_task(job: Job) -> Task:
        return task_for(settings, job.source, job.seed)

    def make_model(job: Job, task: Task) -> MakeModel:
        return model_for(settings.model_copy(update={"model": job.model}), task, sample=job.repeat)

    return Station(
        make_task, make_model, worlds(settings), told["settings"], tokens=settings.tokens,
        approve=frozenset(settings.approve or ()), stall=_patience(settings),
    )  # fmt: skip


def _patience(settings: Settings) -> float:
    """The model may be asked twice at one step, after an unreadable reply."""
    return 2 * settings.patience + _BESIDE_ANSWERS


if __name__ == "__main__":
    asyncio.run(serve(station))
