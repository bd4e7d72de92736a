"""Whether a service can work: its folder, its key, its databases, its workers. Looks, and changes nothing."""

import contextlib
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import create_engine, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from agent.commands.doctor import Finding
from agent.service.orders import State
from agent.service.safe import KEY, Safe
from agent.service.setup import Setup
from agent.service.store import now
from agent.service.tables import RunRow, WorkerRow
from tools.errors import UserError

_ROOM_NEEDED = 0.1
"""Share of the room for runs that must be free on the disk."""


def examine(setup: Setup) -> Iterator[Finding]:
    """Every finding, in the order in which one would mend them."""
    if not setup.folder.is_dir():
        yield Finding(
            "folder", "missing", f"no folder {str(setup.folder)!r}", "`surehand up` makes it; or name --folder"
        )
        return
    yield _private(setup)
    yield _disk(setup)
    if setup.tables_file and not setup.tables_file.exists():
        yield Finding("database", "missing", f"no {setup.tables_file}", "`surehand up` makes it")
        return
    try:
        found = [*_tables(setup)]
    except DBAPIError as error:
        why = str(error.orig).strip().splitlines()[0]
        yield Finding("database", "missing", f"cannot be reached: {why}", "start it, or mend --database")
        return
    yield from found
    yield _queue(setup)
    yield _secrets(setup)


def _private(setup: Setup) -> Finding:
    open_to = [path for path in (setup.folder, setup.folder / KEY) if path.exists() and path.stat().st_mode & 0o077]
    if open_to:
        return Finding("folder", "missing", f"others can look into {open_to[0]}", f"chmod go= {open_to[0]}")
    return Finding("folder", "ok", f"{setup.folder}, for its owner only ({stat.filemode(setup.folder.stat().st_mode)})")


def _disk(setup: Setup) -> Finding:
    free = shutil.disk_usage(setup.folder).free / 1e9
    if free < _ROOM_NEEDED * setup.room:
        return Finding("disk", "missing", f"{free:.1f} GB free", "make room, or give less --room")
    return Finding("disk", "ok" if free >= setup.room else "warn", f"{free:.1f} GB free; runs may take {setup.room:g}")


def _tables(setup: Setup) -> Iterator[Finding]:
    """The database, what it says of runs, and who works at them."""
    engine = create_engine(setup.tables_url)
    try:
        with Session(engine) as session:
            version = ".".join(map(str, session.connection().dialect.server_version_info or ()))
            yield Finding("database", "ok", f"{engine.dialect.name} {version}")
            counts = {
                state: n for state, n in session.execute(select(RunRow.state, func.count()).group_by(RunRow.state))
            }
            used = session.scalar(select(func.sum(RunRow.bytes))) or 0
            alive = WorkerRow.seen >= now() - timedelta(seconds=setup.lost_after)
            workers, slots = session.execute(select(func.count(), func.sum(WorkerRow.slots)).where(alive)).one()
    finally:
        engine.dispose()
    told = ", ".join(f"{counts[state]} {state}" for state in State if state in counts) or "none yet"
    full = used >= setup.room * 1e9
    yield Finding("runs", "missing" if full else "ok", f"{told}; {used / 1e9:.2f} GB of {setup.room:g}",
                  "delete some, or give more --room" if full else "")  # fmt: skip
    if workers:
        yield Finding("workers", "ok", f"{workers}, with room for {slots} runs at once")
    else:
        yield Finding("workers", "missing", "none lives", "`surehand up` starts one, `surehand work` further ones")


def _queue(setup: Setup) -> Finding:
    """The engine's own tables; in Postgres they are in the same database, in a schema of their own."""
    if setup.jobs_file is None:
        return Finding("queue", "ok", "in the same database")
    try:
        with contextlib.closing(sqlite3.connect(f"file:{setup.jobs_file}?mode=ro", uri=True)) as file:
            (mode,) = file.execute("PRAGMA journal_mode").fetchone()
    except sqlite3.Error as error:
        return Finding("queue", "missing", f"{setup.jobs_file}: {error}", "`surehand up` makes it")
    return Finding("queue", "ok", f"{setup.jobs_file.name} ({mode})")


def _secrets(setup: Setup) -> Finding:
    try:
        with contextlib.closing(Safe(setup)) as safe:
            kept = safe.all()
    except UserError as error:
        return Finding("secrets", "missing", f"{error.what}: {error.cause}", error.remedy or "bring secrets.key back")
    return Finding("secrets", "ok", f"{len(kept)} kept, and all can be opened")
