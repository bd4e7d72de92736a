"""Runs and batches as people see and steer them: each method is one transaction."""

import hashlib
import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from agent.service.orders import Answer, BatchView, Deed, Manner, RunOrder, RunPage, RunView, State
from agent.service.tables import WRITES, BatchRow, EventRow, KeyRow, RunRow, WorkerRow, opened

_SHOWN = set(RunView.model_fields)


class Refused(Exception):
    """What somebody asks for does not fit what is: an HTTP status, what is wrong, and what to do."""

    def __init__(self, status: int, title: str, remedy: str = "") -> None:
        self.status, self.title, self.remedy = status, title, remedy
        super().__init__(title)


class Ordered(NamedTuple):
    """A run that was ordered and found possible."""

    order: RunOrder
    goal: str
    model: str


class Happened(NamedTuple):
    """An event of a run, by the number that followers go on behind."""

    id: int
    kind: str
    data: dict[str, Any]


class Store:
    """The database of a service. Every method may raise sqlalchemy.exc.DBAPIError when it cannot be reached."""

    def __init__(self, url: str) -> None:
        self.engine = opened(url)

    def close(self) -> None:
        """Lets go of the database."""
        self.engine.dispose()

    def begun(self) -> Session:
        """One transaction that reads, as a context manager."""
        return Session(self.engine, expire_on_commit=False)

    def writing(self) -> Session:
        """One transaction that writes, as a context manager; it ends well or not at all, and alone where it matters."""
        return Session(self.engine.execution_options(**{WRITES: True}), expire_on_commit=False)

    def submit(self, owner: str, ordered: Ordered, key: str | None) -> RunView:
        """Writes a new run down; for a known key and the same order the run of before. Raises Refused."""
        digest = _digest(ordered.order)
        with self.writing() as session, _alone(key):
            if made := _made(session, owner, key, digest):
                return view(session.get_one(RunRow, made))
            row = _row(owner, ordered, None)
            session.add(row)
            session.flush()
            session.add(EventRow(run=row.id, kind="state", data=state_of(row)))
            _remember(session, owner, key, digest, row.id)
            session.commit()
            return view(row)

    def submit_batch(self, owner: str, name: str, runs: Sequence[Ordered], asked: Manner, key: str | None) -> BatchView:
        """Writes many runs down as one job. Raises Refused."""
        digest = _digest(asked)
        with self.writing() as session, _alone(key):
            if made := _made(session, owner, key, digest):
                return _batch(session, session.get_one(BatchRow, made))
            batch = BatchRow(id=new_id(), owner=owner, name=name, created=now())
            session.add(batch)
            session.flush()
            session.add_all(_row(owner, ordered, batch.id) for ordered in runs)
            _remember(session, owner, key, digest, batch.id)
            session.commit()
            return _batch(session, batch)

    def waiting(self, owner: str) -> int:
        """How many runs of an account have not begun."""
        with self.begun() as session:
            asked = select(func.count()).where(RunRow.owner == owner, RunRow.state == State.QUEUED)
            return session.scalar(asked) or 0

    def used(self) -> int:
        """Bytes that the files of all runs take."""
        with self.begun() as session:
            return int(session.scalar(select(func.sum(RunRow.bytes))) or 0)

    def oldest_ended(self, before: datetime | None, limit: int) -> list[tuple[str, int]]:
        """Ended runs with their bytes, in the order of their ends; only those that ended `before`, if that is set."""
        asked = select(RunRow.id, RunRow.bytes).where(RunRow.state == State.ENDED).order_by(RunRow.ended).limit(limit)
        if before is not None:
            asked = asked.where(RunRow.ended < before)
        with self.begun() as session:
            return [(run, size) for run, size in session.execute(asked)]

    def forget_keys(self, before: datetime) -> None:
        """Forgets idempotency keys of long ago."""
        with self.writing() as session:
            session.execute(delete(KeyRow).where(KeyRow.created < before))
            session.commit()

    def run(self, run_id: str) -> RunView:
        """Raises Refused when there is none."""
        with self.begun() as session:
            return view(_found(session, run_id))

    def runs(
        self, limit: int, before: str | None = None, words: str | None = None, **equal: str | None
    ) -> RunPage:  # fmt: skip
        """The newest that are `equal` in these columns and have the words in their goal, from behind `before` on."""
        asked = select(RunRow).order_by(RunRow.id.desc()).limit(limit + 1)
        for column, value in equal.items():
            if value is not None:
                asked = asked.where(getattr(RunRow, column) == value)
        if before is not None:
            asked = asked.where(RunRow.id < before)
        if words:
            asked = asked.where(RunRow.goal.icontains(words, autoescape=True))
        with self.begun() as session:
            found = [view(row) for row in session.scalars(asked)]
        return RunPage(runs=tuple(found[:limit]), next=found[limit - 1].id if len(found) > limit else None)

    def batch(self, batch_id: str) -> BatchView:
        """Raises Refused when there is none."""
        with self.begun() as session:
            if (row := session.get(BatchRow, batch_id)) is None:
                raise Refused(404, f"no batch {batch_id!r}")
            return _batch(session, row)

    def of_batch(self, batch_id: str) -> tuple[str, ...]:
        """The runs of a batch that have not ended."""
        with self.begun() as session:
            asked = select(RunRow.id).where(RunRow.batch == batch_id, RunRow.state != State.ENDED)
            return tuple(session.scalars(asked))

    def wish(self, run_id: str, wish: str, who: str, *, hold: bool = False, note: str = "") -> RunView:
        """Says what is wanted of a run: `pause`, `stop`, or nothing more. One that waits ends at once. Raises Refused.

        With `hold` the run is held by who asks: until they let it go on, others can only stop it.
        """
        with self.writing() as session:
            row = _found(session, run_id, locked=True)
            if row.state == State.ENDED:
                raise Refused(409, f"the run {run_id!r} has ended")
            if wish != "stop" and row.wish == "stop":
                raise Refused(409, f"the run {run_id!r} is being cancelled")
            if wish == "pause" and row.order.get("test"):
                raise Refused(409, "a test does not wait", "cancel it, and order it again")
            if wish != "stop" and row.holder not in (None, who):
                raise Refused(409, f"{row.holder!r} has taken over the run {run_id!r}", "wait until it is handed back")
            row.wish, row.note, row.holder = wish, note, who if hold else None
            if wish == "stop" and row.state == State.QUEUED:
                row.state, row.status, row.why, row.ended = State.ENDED, "stopped", "cancelled before it began", now()
            session.add(EventRow(run=run_id, kind="state", data=state_of(row)))
            session.commit()
            return view(row)

    def reply(self, run_id: str, said: Answer) -> RunView:
        """Keeps a person's answer for the worker. Raises Refused when that is not what is asked."""
        with self.writing() as session:
            row = _found(session, run_id, locked=True)
            if not row.question or row.question["id"] != said.question or row.question["kind"] != "action":
                raise Refused(409, f"the run {run_id!r} does not ask {said.question!r}", "look at its `question`")
            if row.reply:
                raise Refused(409, "that was answered already")
            row.reply = said.model_dump(mode="json")
            session.commit()
            return view(row)

    def deed(self, run_id: str, who: str, deed: Deed) -> RunView:
        """Keeps an action that the holder of a run wants done. Raises Refused."""
        with self.writing() as session:
            row = _found(session, run_id, locked=True)
            if row.holder != who or row.state != State.PAUSED or not row.question:
                raise Refused(
                    409, f"{who!r} does not hold the run {run_id!r}", "take over, and wait until it is paused"
                )
            if row.reply:
                raise Refused(409, "the action before this one is not done yet", "follow the run's steps")
            action = deed.action.model_dump(mode="json")
            row.reply = {"question": row.question["id"], "answer": "allow", "reason": deed.note, "action": action}
            session.commit()
            return view(row)

    def forget(self, run_id: str) -> None:
        """Removes an ended run and all that is known of it. Raises Refused."""
        with self.writing() as session:
            if _found(session, run_id, locked=True).state != State.ENDED:
                raise Refused(409, f"the run {run_id!r} has not ended", "cancel it first")
            session.execute(delete(EventRow).where(EventRow.run == run_id))
            session.execute(delete(KeyRow).where(KeyRow.made == run_id))
            session.execute(delete(RunRow).where(RunRow.id == run_id))
            session.commit()

    def unput(self) -> list[RunView]:
        """Runs that the engine was not told of yet."""
        with self.begun() as session:
            asked = select(RunRow).where(RunRow.put.is_(False), RunRow.state == State.QUEUED).order_by(RunRow.id)
            return [view(row) for row in session.scalars(asked)]

    def mark_put(self, run_ids: Sequence[str]) -> None:
        """Notes that the engine knows of them."""
        with self.writing() as session:
            session.execute(update(RunRow).where(RunRow.id.in_(run_ids)).values(put=True))
            session.commit()

    def events(self, run_id: str, after: int) -> list[Happened]:
        """What happened to a run behind the event with that number."""
        with self.begun() as session:
            asked = select(EventRow).where(EventRow.run == run_id, EventRow.id > after).order_by(EventRow.id)
            return [Happened(row.id, row.kind, row.data) for row in session.scalars(asked)]

    def workers(self, within: float) -> int:
        """How many workers spoke within so many seconds."""
        with self.begun() as session:
            heard = WorkerRow.seen >= now() - timedelta(seconds=within)
            return session.scalar(select(func.count()).select_from(WorkerRow).where(heard)) or 0


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """An id that sorts by time, and cannot be guessed from another."""
    moment = now()
    return f"{moment:%Y%m%d-%H%M%S}-{moment.microsecond // 1000:03d}{secrets.token_hex(4)}"


def view(row: RunRow) -> RunView:
    """A row for people."""
    return RunView.model_validate({name: getattr(row, name) for name in _SHOWN})


def state_of(row: RunRow) -> dict[str, Any]:
    """What an event says of a run's state."""
    wanted = ("state", "status", "why", "holder", "question", "steps", "tokens")
    return {name: value for name in wanted if (value := getattr(row, name)) not in (None, "")}


def _found(session: Session, run_id: str, *, locked: bool = False) -> RunRow:
    row = session.get(RunRow, run_id, with_for_update=locked or None)
    if row is None:
        raise Refused(404, f"no run {run_id!r}")
    return row


def _row(owner: str, ordered: Ordered, batch: str | None) -> RunRow:
    order = ordered.order
    return RunRow(
        id=new_id(), owner=owner, batch=batch, scenario=order.name, seed=order.seed, goal=ordered.goal,
        model=ordered.model, priority=order.priority, order=order.model_dump(mode="json"), state=State.QUEUED,
        created=now(), attempts=[], why="", steps=0, tokens=0,
    )  # fmt: skip


def _batch(session: Session, row: BatchRow) -> BatchView:
    asked = select(RunRow.state, RunRow.status, func.count()).where(RunRow.batch == row.id)
    states: Counter[str] = Counter()
    statuses: Counter[str] = Counter()
    for state, status, count in session.execute(asked.group_by(RunRow.state, RunRow.status)):
        states[state] += count
        if status:
            statuses[status] += count
    return BatchView(id=row.id, owner=row.owner, name=row.name, created=row.created, total=states.total(),
                     states=dict(states), statuses=dict(statuses))  # fmt: skip


def _digest(asked: Manner) -> str:
    return hashlib.sha256(asked.model_dump_json().encode()).hexdigest()


def _made(session: Session, owner: str, key: str | None, digest: str) -> str | None:
    """What was made with this key before. Raises Refused when that was something else."""
    if key is None:
        return None
    row = session.scalar(select(KeyRow).where(KeyRow.owner == owner, KeyRow.key == key))
    if row and row.digest != digest:
        raise Refused(422, f"the idempotency key {key!r} was used for another request", "choose another key")
    return row.made if row else None


def _remember(session: Session, owner: str, key: str | None, digest: str, made: str) -> None:
    if key is not None:
        session.add(KeyRow(owner=owner, key=key, digest=digest, made=made, created=now()))
        session.flush()


@contextmanager
def _alone(key: str | None) -> Iterator[None]:
    """Where two requests with one key meet, the second is told to come again."""
    try:
        yield
    except IntegrityError:
        if key is None:
            raise
        raise Refused(409, f"another request with the key {key!r} is under way", "try again") from None
