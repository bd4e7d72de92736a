"""Runs as workers see them: taken, told of step by step, asked about, ended. Each method is one transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from agent.service.orders import Asking, Attempt, RunOrder, RunView, State, StepView
from agent.service.store import Store, now, state_of, view
from agent.service.tables import EventRow, RunRow, TimingRow, WorkerRow
from agent.service.timings import Count

MOST_TAKES = 6
"""So often workers may begin with a run or go on with it without getting a step further; then it is what kills them."""


class Wish(NamedTuple):
    """What people want of a run: `pause` or `stop`, with a note, or an answer to what it asks."""

    wish: str
    note: str
    reply: dict[str, Any] | None


class Taken(NamedTuple):
    """A run that a worker has to do, what was done of it before, and what people want of it by now."""

    id: str
    order: RunOrder
    attempts: tuple[Attempt, ...]
    wish: Wish


class Book:
    """A worker's side of the store."""

    def __init__(self, store: Store, worker: str) -> None:
        self._store, self.worker = store, worker

    def take(self, run_id: str) -> Taken | None:
        """Makes a run this worker's; None where there is nothing more to do, for it ended or was deleted."""
        with self._store.writing() as session:
            row = session.get(RunRow, run_id, with_for_update=True)
            if row is None or row.state == State.ENDED:
                return None
            row.takes += 1
            row.worker, row.state, row.question, row.reply = self.worker, State.RUNNING, None, None
            row.began = row.began or now()
            if row.takes > MOST_TAKES:
                row.state, row.status, row.ended = State.ENDED, "error:env", now()
                row.why = f"its worker died {MOST_TAKES} times"
            session.add(EventRow(run=run_id, kind="state", data=state_of(row)))
            session.commit()
            if row.state == State.ENDED:
                return None
            order = RunOrder.model_validate(row.order)
            attempts = tuple(Attempt.model_validate(one) for one in row.attempts)
            return Taken(run_id, order, attempts, Wish(row.wish, row.note, None))

    def hook(self, run_id: str) -> tuple[RunView, str] | None:
        """An ended run and whom to tell of it, if anybody."""
        with self._store.begun() as session:
            row = session.get(RunRow, run_id)
            url = row.order.get("webhook") if row and row.state == State.ENDED else None
            return (view(row), str(url)) if row and url else None

    def attempts(self, run_id: str, attempts: tuple[Attempt, ...]) -> None:
        """Writes the history of a run down."""
        with self._store.writing() as session:
            told = [one.model_dump(mode="json") for one in attempts]
            session.execute(update(RunRow).where(RunRow.id == run_id).values(attempts=told))
            session.add(EventRow(run=run_id, kind="attempt", data=told[-1]))
            session.commit()

    def step(self, run_id: str, attempt: int, step: StepView, tokens: int) -> None:
        """Tells followers of a step; `tokens` are those of the attempt so far."""
        with self._store.writing() as session:
            session.execute(update(RunRow).where(RunRow.id == run_id).values(steps=step.number, tokens=tokens, takes=0))
            told = {"attempt": attempt} | step.model_dump(mode="json")
            session.add(EventRow(run=run_id, kind="step", data=told))
            session.commit()

    def asks(self, run_id: str, asking: Asking | None) -> None:
        """Says what a run waits for, or that it goes on."""
        with self._store.writing() as session:
            row = session.get_one(RunRow, run_id, with_for_update=True)
            row.question, row.reply = asking.model_dump(mode="json") if asking else None, None
            waits = State.PAUSED if asking and asking.kind == "pause" else State.WAITING
            row.state, row.takes = waits if asking else State.RUNNING, 0
            session.add(EventRow(run=run_id, kind="state", data=state_of(row)))
            session.commit()

    def ends(self, run_id: str, status: str, why: str) -> None:
        """The end of a run; the first one stands, and one that was deleted since has none."""
        with self._store.writing() as session:
            row = session.get(RunRow, run_id, with_for_update=True)
            if row is None or row.state == State.ENDED:
                return
            row.state, row.status, row.why, row.ended = State.ENDED, status, why[:2000], now()
            row.question, row.reply, row.wish, row.holder = None, None, "", None
            session.add(EventRow(run=run_id, kind="state", data=state_of(row)))
            session.commit()

    def weighs(self, run_id: str, size: int) -> None:
        """Writes down how many bytes the files of a run take."""
        with self._store.writing() as session:
            session.execute(update(RunRow).where(RunRow.id == run_id).values(bytes=size))
            session.commit()

    def wishes(self, run_ids: list[str]) -> dict[str, Wish]:
        """What is wanted of these runs."""
        with self._store.begun() as session:
            asked = select(RunRow.id, RunRow.wish, RunRow.note, RunRow.reply).where(RunRow.id.in_(run_ids))
            return {run: Wish(wish, note, reply) for run, wish, note, reply in session.execute(asked)}

    def measured(self, counts: Sequence[Count]) -> None:
        """Adds to how many steps took how long."""
        with self._store.writing() as session:
            postgres = self._store.engine.dialect.name == "postgresql"
            for one in counts:
                new = (postgresql if postgres else sqlite).insert(TimingRow).values(one._asdict())
                more = {"steps": TimingRow.steps + one.steps, "seconds": TimingRow.seconds + one.seconds}
                session.execute(new.on_conflict_do_update(index_elements=["phase", "bucket"], set_=more))
            session.commit()

    def alive(self, host: str, pid: int, slots: int, busy: int, *, first: bool) -> bool:
        """Says that this worker lives, with so many runs; False when the others have given it up."""
        with self._store.writing() as session:
            if first:
                session.add(WorkerRow(id=self.worker, host=host, pid=pid, slots=slots, busy=busy, seen=now()))
                session.commit()
                return True
            heard = (
                update(WorkerRow)
                .where(WorkerRow.id == self.worker)
                .values(seen=now(), busy=busy)
                .returning(WorkerRow.id)
            )
            known = session.scalar(heard) is not None
            session.commit()
            return known

    def silent(self, seconds: float) -> list[str]:
        """Other workers that have not spoken for so long; nobody gives up itself."""
        with self._store.begun() as session:
            asked = select(WorkerRow.id).where(WorkerRow.id != self.worker)
            return [*session.scalars(asked.where(WorkerRow.seen < now() - timedelta(seconds=seconds)))]

    def given_up(self, workers: list[str]) -> None:
        """Forgets workers whose runs others have by now."""
        with self._store.writing() as session:
            session.execute(delete(WorkerRow).where(WorkerRow.id.in_(workers)))
            session.commit()

    def leaves(self, worker: str, moment: datetime) -> None:
        """Says for a worker that it is no more: whoever looks next takes over its runs."""
        with self._store.writing() as session:
            session.execute(update(WorkerRow).where(WorkerRow.id == worker).values(seen=moment))
            session.commit()
