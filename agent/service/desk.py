"""Where orders come in: checked against what there is, written down, given to the engine."""

import shutil
from collections.abc import Sequence

from agent.service.access import Caller
from agent.service.engine import Queue
from agent.service.orders import BatchOrder, BatchView, Role, RunOrder, RunView, State
from agent.service.parts import Parts
from agent.service.setup import Setup
from agent.service.store import Ordered, Refused, Store

MOST_IN_BATCH = 10_000


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
        names = self.parts.scenarios(order.scenarios)
        if len(names) * len(order.seeds) > MOST_IN_BATCH:
            raise Refused(422, f"more than {MOST_IN_BATCH:,} runs in one batch", "name fewer scenarios or seeds")
        self._room(caller, len(names) * len(order.seeds))
        manner = order.model_dump(include={"model", "limits", "guard", "secrets", "priority", "webhook"})
        runs = [
            self._possible(RunOrder.model_validate(manner | {"scenario": name, "seed": seed}))
            for seed in order.seeds
            for name in names
        ]
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
        self.store.forget(run_id)
        self._queue.drop(run_id)
        shutil.rmtree(self.setup.runs / run_id, ignore_errors=True)

    def put_left(self) -> None:
        """Gives the engine every run that it does not know of."""
        self._put(self.store.unput())

    def _possible(self, order: RunOrder) -> Ordered:
        prepared = self.parts.prepared(order)
        return Ordered(order, prepared.task.goal, str(prepared.settings.get("model", order.model)))

    def _room(self, caller: Caller, more: int) -> None:
        if self.store.waiting(caller.name) + more > self.setup.waiting:
            raise Refused(429, f"{caller.name!r} has too many runs waiting", f"at most {self.setup.waiting} may")

    def _put(self, runs: Sequence[RunView]) -> None:
        waiting = [run for run in runs if run.state is State.QUEUED]
        for run in waiting:
            self._queue.put(run.id, run.owner, run.priority)
        if waiting:
            self.store.mark_put([run.id for run in waiting])
