"""The service's tables, for SQLite and Postgres alike. Run folders stay the truth; rows say where runs are."""

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    Connection,
    DateTime,
    Engine,
    ForeignKey,
    Index,
    UniqueConstraint,
    create_engine,
    event,
)
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator


class Moment(TypeDecorator[datetime]):
    """A time with its zone; SQLite keeps none, so all are UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """As UTC."""
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """As UTC again."""
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


class Table(DeclarativeBase):
    """Base of all."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: Moment,
        dict[str, Any]: JSON(none_as_null=True),
        list[dict[str, Any]]: JSON,
    }


class AccountRow(Table):
    """Somebody who is let in, by the hash of their token."""

    __tablename__ = "accounts"

    name: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)
    created: Mapped[datetime]


class BatchRow(Table):
    """Many runs as one job."""

    __tablename__ = "batches"

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    name: Mapped[str]
    created: Mapped[datetime]


class RunRow(Table):
    """A run: what was ordered, where it is, and what people want of it.

    `wish` is empty, `pause` or `stop`; `reply` is what was answered to the question or wanted in a pause; `put` tells
    whether the engine knows of it, `takes` how often a worker began with it.
    """

    __tablename__ = "runs"
    __table_args__ = (Index("runs_by_state", "state", "owner"), Index("runs_by_batch", "batch"))

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    batch: Mapped[str | None] = mapped_column(ForeignKey("batches.id"))
    scenario: Mapped[str]
    seed: Mapped[int]
    goal: Mapped[str]
    model: Mapped[str]
    priority: Mapped[str]
    order: Mapped[dict[str, Any]]
    state: Mapped[str]
    status: Mapped[str | None]
    why: Mapped[str] = mapped_column(default="")
    wish: Mapped[str] = mapped_column(default="")
    note: Mapped[str] = mapped_column(default="")
    holder: Mapped[str | None]
    question: Mapped[dict[str, Any] | None]
    reply: Mapped[dict[str, Any] | None]
    worker: Mapped[str | None]
    put: Mapped[bool] = mapped_column(default=False)
    takes: Mapped[int] = mapped_column(default=0)
    steps: Mapped[int] = mapped_column(default=0)
    tokens: Mapped[int] = mapped_column(default=0)
    bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    attempts: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    created: Mapped[datetime]
    began: Mapped[datetime | None]
    ended: Mapped[datetime | None]


class EventRow(Table):
    """Something that happened to a run; followers go on behind the id that they saw last."""

    __tablename__ = "events"
    __table_args__ = (Index("events_of_run", "run", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    run: Mapped[str] = mapped_column(ForeignKey("runs.id"))
    kind: Mapped[str]
    data: Mapped[dict[str, Any]]


class SecretRow(Table):
    """A secret, sealed."""

    __tablename__ = "secrets"

    name: Mapped[str] = mapped_column(primary_key=True)
    sealed: Mapped[str]
    changed: Mapped[datetime]


class KeyRow(Table):
    """An idempotency key: what it was used for by whom, and what came of it."""

    __tablename__ = "keys"
    __table_args__ = (UniqueConstraint("owner", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    owner: Mapped[str]
    key: Mapped[str]
    digest: Mapped[str]
    made: Mapped[str]
    created: Mapped[datetime]


class TimingRow(Table):
    """How many steps took how long in a phase: one bucket of a histogram (agent.service.timings)."""

    __tablename__ = "timings"

    phase: Mapped[str] = mapped_column(primary_key=True)
    bucket: Mapped[int] = mapped_column(primary_key=True)
    steps: Mapped[int] = mapped_column(BigInteger)
    seconds: Mapped[float]


class WorkerRow(Table):
    """A worker that says now and then that it lives."""

    __tablename__ = "workers"

    id: Mapped[str] = mapped_column(primary_key=True)
    host: Mapped[str]
    pid: Mapped[int]
    slots: Mapped[int]
    busy: Mapped[int] = mapped_column(default=0)
    seen: Mapped[datetime]


WRITES = "writes"
"""An execution option: the transaction is going to write."""


def opened(url: str) -> Engine:
    """The database with all tables. SQLite reads while somebody writes, and waits for other writers."""
    engine = create_engine(url, pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    Table.metadata.create_all(engine)
    return engine


def _prepare_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # the driver begins no transaction by itself
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=30000", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """Who is going to write waits before the first look, as `SELECT ... FOR UPDATE` does elsewhere."""
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get(WRITES) else "BEGIN")
