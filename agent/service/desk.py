"""Where orders come in: checked against what there is, written down, given to the engine."""

import shutil
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import ValidationError

from agent.service.access import Caller
from agent.service.engine import Queue
from agent.service.orders import BatchOrder, BatchView, Role, RunOrder, RunView, ScheduleOrder, ScheduleView, State
from agent.service.parts import Parts
from agent.service.setup import Setup
from agent.service.store import Ordered, Refused, Store
from tools.errors import UserError

MOST_IN_BATCH = 10_000
_AT_ONCE = 100
_FULL = 0.9
"""Of the room that runs may take: so much is left when tidying is done."""


class Desk:
    """The service behind its routes."""

    def __init__(self, setup: Setup, parts: Parts, store: Store, queue: Queue) -> None:
        self.setup, self.parts, self.store, self._queue = setup, parts, store, queue

    def order(self, caller: Caller, order: RunOrder, key: str | None) -> RunView:
        """A run to be done. Raises UserError for what cannot be, Refused where too many wait."""
        ordered = self._possible(order)
        self._room(caller, 1)
        made = self.store.submit(caller.name, ordered, key)
        self._put([made])
        return made

    def order_batch(self, caller: Caller, order: BatchOrder, key: str | None) -> BatchView:
        """Many runs to be done. Raises UserError, Refused."""
        kind, names = self._named(order)
        if len(names) * len(order.seeds) > MOST_IN_BATCH:
            raise Refused(422, f"more than {MOST_IN_BATCH:,} runs in one batch", f"name fewer {kind}s or seeds")
        self._room(caller, len(names) * len(order.seeds))
        manner = order.model_dump(include={"model", "limits", "guard", "secrets", "priority", "webhook"})
        runs = [self._possible(_one(manner, kind, name, seed)) for seed in order.seeds for name in names]
        made = self.store.submit_batch(caller.name, order.name, runs, order, key)
        self.put_left()
        return made

    def cancel_batch(self, caller: Caller, batch_id: str) -> BatchView:
        """Ends every run of a batch. Raises Refused."""
        self.store.batch(batch_id)
        for run_id in self.store.of_batch(batch_id):
            try:
                self.store.wish(run_id, "stop", caller.name)
            except Refused:  # it has ended in the meantime
                continue
        return self.store.batch(batch_id)

    def delete(self, caller: Caller, run_id: str) -> None:
        """Removes an ended run with its files. Raises Refused."""
        if self.store.run(run_id).owner != caller.name and not caller.role.covers(Role.ADMIN):
            raise Refused(403, f"the run {run_id!r} is somebody else's", "it takes an admin to delete it")
        self._remove(run_id)

    def schedule(self, caller: Caller, order: ScheduleOrder) -> ScheduleView:
        """Orders the same again and again. Raises UserError for what cannot be, Refused."""
        if order.run:
            self._possible(order.run)
        elif order.batch:
            self._named(order.batch)
        return self._queue.put_schedule(caller.name, order)

    def schedules(self) -> list[ScheduleView]:
        """What is ordered again and again."""
        return self._queue.schedules()

    def drop_schedule(self, caller: Caller, name: str) -> None:
        """Orders it no more. Raises Refused."""
        self._own_schedule(caller, name)
        self._queue.drop_schedule(name)

    def fire_now(self, caller: Caller, name: str) -> ScheduleView:
        """Orders at once what a schedule says. Raises Refused."""
        found = self._own_schedule(caller, name)
        self._queue.fire(name)
        return found

    def fire(self, caller: Caller, order: ScheduleOrder, moment: datetime) -> None:
        """Orders what a schedule says, once for a moment. Raises as `order`."""
        key = f"schedule {order.name} {moment.isoformat()}"
        if order.run:
            self.order(caller, order.run, key)
        elif order.batch:
            self.order_batch(caller, order.batch, key)

    def tidy(self, now: datetime) -> int:
        """Forgets runs that ended long ago, and the oldest ones while they take too much room. Says how many."""
        long_ago, gone = now - timedelta(days=self.setup.keep_days), 0
        while old := self.store.oldest_ended(long_ago, _AT_ONCE):
            gone += sum(self._remove(run_id) for run_id, _ in old)
        used = self.store.used()
        while used > _FULL * self._most and (old := self.store.oldest_ended(None, 1)):
            gone += self._remove(old[0][0])
            used -= old[0][1]
        self.store.forget_keys(long_ago)
        return gone

    def _own_schedule(self, caller: Caller, name: str) -> ScheduleView:
        found = next((one for one in self._queue.schedules() if one.name == name), None)
        if found is None:
            raise Refused(404, f"no schedule {name!r}")
        if found.owner != caller.name and not caller.role.covers(Role.ADMIN):
            raise Refused(403, f"the schedule {name!r} is somebody else's", "it takes an admin")
        return found

    @property
    def _most(self) -> float:
        return self.setup.room * 1e9

    def _remove(self, run_id: str) -> bool:
        self.store.forget(run_id)
        self._queue.drop(run_id)
        shutil.rmtree(self.setup.runs / run_id, ignore_errors=True)
        return True

    def put_left(self) -> None:
        """Gives the engine every run that it does not know of."""
        self._put(self.store.unput())

    def _named(self, order: BatchOrder) -> tuple[Literal["scenario", "test"], list[str]]:
        """What a batch is of. Raises UserError for a pattern that nothing fits."""
        if order.tests:
            return "test", self.parts.tests(order.tests)
        return "scenario", self.parts.scenarios(order.scenarios)

    def _possible(self, order: RunOrder) -> Ordered:
        prepared = self.parts.prepared(order)
        return Ordered(order, prepared.goal, prepared.model)

    def _room(self, caller: Caller, more: int) -> None:
        if self.store.used() >= self._most:
            raise Refused(507, f"runs take all of their {self.setup.room:g} GB", "delete runs, or give more --room")
        if self.store.waiting(caller.name) + more > self.setup.waiting:
            raise Refused(429, f"{caller.name!r} has too many runs waiting", f"at most {self.setup.waiting} may")

    def _put(self, runs: Sequence[RunView]) -> None:
        waiting = [run for run in runs if run.state is State.QUEUED]
        for run in waiting:
            self._queue.put(run.id, run.owner, run.priority)
        if waiting:
            self.store.mark_put([run.id for run in waiting])


def _one(manner: dict[str, Any], kind: Literal["scenario", "test"], name: str, seed: int) -> RunOrder:
    """One run of a batch. Raises UserError for an id that cannot be asked for over HTTP."""
    try:
        return RunOrder.model_validate(manner | {kind: name, "seed": seed})
    except ValidationError as error:
        raise UserError(f"no {kind} {name!r}", cause=error.errors(include_url=False)[0]["msg"]) from None
