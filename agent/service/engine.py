"""The durable engine: DBOS. It sees a run as one unit, and does again what a dead worker left; only this file knows it.

Its queue holds a row for each run in the service's database (or in a SQLite file of its own). A run goes to one worker;
when that is declared dead, `put_back` gives its runs to the others, and each is either gone on with or begun anew.
"""

import asyncio
import contextlib
import sqlite3
from datetime import datetime
from typing import Any, Protocol

from dbos import DBOS, DBOSClient, DBOSConfig, ScheduleInput, error

from agent.service.orders import Priority, ScheduleOrder, ScheduleView
from agent.service.setup import Setup
from agent.service.store import Refused

_QUEUE, _WORKFLOW = "runs", "run"
_HOOK_QUEUE, _HOOK = "hooks", "hook"
_APP, _FIRE, _SCHEDULE = "surehand", "fire", "order-"
_TIDY, _TIDY_AT = "tidy", "17 * * * *"
_VERSION = "1"
"""Of what a queued run means: workers of one version take over from each other, also across releases."""
_LOOK_EVERY = 0.2
_MOST_HOOKS = 8
_FIRST: dict[Priority, int] = {"high": 10, "normal": 20, "low": 30}


def prepare(setup: Setup) -> None:
    """Makes the engine's tables. SQLite's file keeps a log beside it, so that those who look do not stop who writes."""
    DBOS.migrate(setup.jobs_url)
    if setup.jobs_file:
        with contextlib.closing(sqlite3.connect(setup.jobs_file, timeout=30)) as file:
            file.execute("PRAGMA journal_mode=WAL")


class Queue:
    """The side of those who order runs."""

    def __init__(self, setup: Setup) -> None:
        prepare(setup)
        self._client = DBOSClient(system_database_url=setup.jobs_url)

    def put(self, run_id: str, owner: str, priority: Priority) -> None:
        """Orders a run; one that is known already is not ordered again."""
        self._client.enqueue(
            {
                "queue_name": _QUEUE, "workflow_name": _WORKFLOW, "workflow_id": run_id, "app_version": _VERSION,
                "queue_partition_key": owner, "priority": _FIRST[priority],
            },
            run_id,
        )  # fmt: skip

    def put_hook(self, run_id: str) -> None:
        """Orders that the end of a run be told, once."""
        self._client.enqueue(
            {"queue_name": _HOOK_QUEUE, "workflow_name": _HOOK, "workflow_id": f"{_HOOK}-{run_id}",
             "app_version": _VERSION}, run_id,
        )  # fmt: skip

    def drop(self, run_id: str) -> None:
        """Forgets a run."""
        self._client.delete_workflow(run_id)

    def put_schedule(self, owner: str, order: ScheduleOrder) -> ScheduleView:
        """Orders something again and again. Raises Refused: no such time, or a name in use."""
        try:
            self._client.create_schedule(
                schedule_name=_SCHEDULE + order.name, workflow_name=_FIRE, schedule=order.cron,
                cron_timezone=order.timezone, application_name=_APP,
                context={"owner": owner, "order": order.model_dump(mode="json", exclude_none=True)},
            )  # fmt: skip
        except error.DBOSException as refused:
            raise Refused(
                422, str(refused), "cron has minute, hour, day, month, weekday; choose a name of its own"
            ) from None
        return ScheduleView(owner=owner, **dict(order))

    def schedules(self) -> list[ScheduleView]:
        """What is ordered again and again, by name."""
        found = self._client.list_schedules(schedule_name_prefix=_SCHEDULE, application_name=_APP)
        views = [
            ScheduleView.model_validate({**one["context"]["order"], "owner": one["context"]["owner"],
                                         "last": one["last_fired_at"]})
            for one in found
        ]  # fmt: skip
        return sorted(views, key=lambda view: view.name)

    def fire(self, name: str) -> None:
        """Orders what a schedule says now."""
        self._client.trigger_schedule(_SCHEDULE + name)

    def drop_schedule(self, name: str) -> None:
        """Orders it no more."""
        self._client.delete_schedule(_SCHEDULE + name)

    def close(self) -> None:
        """Lets go of the database."""
        self._client.destroy()


class Work(Protocol):
    """What a worker does for the engine; each is done again when its worker died at it."""

    async def play(self, run_id: str) -> None:
        """One run, to its end."""
        ...

    async def tell(self, run_id: str) -> None:
        """Tells the end of a run; what it raises makes it be tried again, over half an hour."""
        ...

    async def fire(self, owner: str, order: ScheduleOrder, moment: datetime) -> None:
        """Orders what somebody's schedule says for a moment."""
        ...

    async def tidy(self) -> None:
        """Makes room."""
        ...


class Engine:
    """The side of a worker, which does what falls to it in the event loop of `start`."""

    def __init__(self, setup: Setup, worker: str, work: Work) -> None:
        self._setup = setup
        config: DBOSConfig = {
            "name": _APP, "system_database_url": setup.jobs_url, "executor_id": worker,
            "application_version": _VERSION, "log_level": "WARNING",
        }  # fmt: skip
        DBOS(config=config)

        @DBOS.workflow(name=_WORKFLOW, max_recovery_attempts=None)
        async def run(run_id: str) -> None:
            await work.play(run_id)

        @DBOS.step(name="tell", retries_allowed=True, interval_seconds=1, max_attempts=8, backoff_rate=3)
        async def told(run_id: str) -> None:
            await work.tell(run_id)

        @DBOS.workflow(name=_HOOK)
        async def hook(run_id: str) -> None:
            await told(run_id)

        @DBOS.workflow(name=_FIRE)
        async def fire(moment: datetime, ordered: dict[str, Any]) -> None:
            await work.fire(ordered["owner"], ScheduleOrder.model_validate(ordered["order"]), moment)

        @DBOS.workflow(name=_TIDY)
        async def tidied(moment: datetime, nothing: None) -> None:
            await work.tidy()

        self._tidied = tidied

    async def start(self) -> None:
        """Begins to take runs."""
        DBOS.launch()
        tidying: ScheduleInput = {"schedule_name": _TIDY, "workflow_fn": self._tidied, "schedule": _TIDY_AT}
        await DBOS.apply_schedules_async([tidying])
        await DBOS.register_queue_async(
            _QUEUE, worker_concurrency=self._setup.slots, partition_concurrency=self._setup.share,
            polling_interval_sec=_LOOK_EVERY, on_conflict="always_update",
        )  # fmt: skip
        await DBOS.register_queue_async(
            _HOOK_QUEUE, worker_concurrency=_MOST_HOOKS, polling_interval_sec=_LOOK_EVERY, on_conflict="always_update"
        )

    async def put_back(self, dead: list[str]) -> None:
        """Gives the runs of dead workers to those that live; a run that somebody has by now stays with them."""
        await asyncio.to_thread(DBOS._recover_pending_workflows, dead)
