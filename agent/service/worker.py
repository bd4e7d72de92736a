"""The process that carries runs out: `python -m agent.service.worker SETUP [NAME]`, as many as there is room for.

A named one belongs to whoever started it, and ends with the end of its standard input.
"""

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import socket
import sys
import time
from datetime import UTC, datetime

from sqlalchemy.exc import DBAPIError

from agent import tracing
from agent.service import logs
from agent.service.access import Accounts
from agent.service.book import Book, Taken
from agent.service.desk import Desk
from agent.service.engine import Engine, Queue
from agent.service.ledger import Ledger, patiently
from agent.service.orders import Role, ScheduleOrder
from agent.service.parts import Parts, SurehandParts
from agent.service.playing import Playing
from agent.service.safe import Mask, Safe
from agent.service.setup import Setup
from agent.service.store import Refused, Store, now
from agent.service.timings import Timings
from agent.service.webhook import tell
from agent.tracing import span
from env.settle import until
from tools.errors import EnvError, UserError

_log = logging.getLogger(__name__)
HEAR_EVERY = 0.2
"""Seconds between two looks at what people want of the runs here."""
_BEAT_EVERY = 1.0
_LOWER = 5
"""How much less urgent workers and their worlds are than the interface, which people wait for."""


class Worker:
    """Takes runs from the engine, and says that it lives. Killed at any moment, it loses none of them."""

    def __init__(self, setup: Setup, parts: Parts, name: str, mask: Mask) -> None:
        self._setup, self._parts, self._name, self._mask = setup, parts, name, mask
        self._store = Store(setup.tables_url)
        self._book = Book(self._store, self._name)
        self._playing: dict[str, Playing] = {}
        self._timings = Timings()
        self._beaten = time.monotonic()
        self._ending = asyncio.Event()

    async def work(self) -> None:
        """Until a signal says to end, or others have given this worker up. Then the process ends, without a word."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._ending.set)
        self._ledger = Ledger()
        await patiently(lambda: self._book.alive(socket.gethostname(), os.getpid(), self._setup.slots, 0, first=True))
        self._queue = await asyncio.to_thread(Queue, self._setup)
        self._desk = Desk(self._setup, self._parts, self._store, self._queue)
        engine = Engine(self._setup, self._name, self)
        await engine.start()
        _log.info("worker %s takes %d runs at once", self._name, self._setup.slots)
        hearing = asyncio.create_task(self._hear())
        while not self._ending.is_set():
            if hearing.done():
                await hearing  # it ends by an error only
            self._ledger.check()
            await self._beat(engine)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), _BEAT_EVERY)
        await self._drain()
        hearing.cancel()

    def end(self) -> None:
        """Says that it is to end: runs get some time, and what is left of them goes on elsewhere."""
        asyncio.get_running_loop().remove_reader(0)
        self._ending.set()

    async def play(self, run_id: str) -> None:
        """One run, to its end. What goes wrong outside of it becomes its end, too."""
        logs.RUN.set(run_id)
        with span("run", run=run_id):
            await self._take(run_id)

    async def _take(self, run_id: str) -> None:
        if self._ending.is_set():
            await asyncio.Event().wait()  # until this process ends, and another has the run
        taken = await patiently(lambda: self._book.take(run_id))
        if taken is not None:
            await self._play(taken)
        if await patiently(lambda: self._book.hook(run_id)):
            await patiently(lambda: self._queue.put_hook(run_id))

    async def tell(self, run_id: str) -> None:
        """Tells whoever wants to know that a run has ended. Raises OSError, httpx.HTTPError."""
        if found := await patiently(lambda: self._book.hook(run_id)):
            await tell(*found, self._setup.folder, now(), private=self._setup.private)

    async def fire(self, owner: str, order: ScheduleOrder, moment: datetime) -> None:
        """Orders what somebody's schedule says, as long as they may order runs."""
        accounts = Accounts(self._store)
        found = await patiently(lambda: accounts.named(owner))
        if found is None or not found.role.covers(Role.OPERATOR):
            _log.warning("the schedule %s is not followed: %r may order no runs", order.name, owner)
            return
        try:
            await patiently(lambda: self._desk.fire(found, order, moment))
        except (UserError, Refused) as error:
            _log.warning("the schedule %s was not followed: %s", order.name, error)

    async def tidy(self) -> None:
        """Forgets runs of long ago."""
        if gone := await patiently(lambda: self._desk.tidy(now())):
            _log.info("%d runs of long ago are forgotten", gone)

    async def _play(self, taken: Taken) -> None:
        playing = Playing(taken, self._setup, self._book, self._ledger, self._timings)
        run_id = taken.id
        try:
            await asyncio.to_thread(self._mask.refresh)
            prepared = await asyncio.to_thread(self._parts.prepared, taken.order)
            self._playing[run_id] = playing
            await playing.go(prepared)
        except UserError as error:
            await self._broken(run_id, "error:scenario", str(error))
        except Exception as error:  # noqa: BLE001 (a worker outlives what it runs)
            _log.exception("the run broke")
            await self._broken(run_id, "error:env", f"the worker failed: {type(error).__name__}: {error}")
        finally:
            self._playing.pop(run_id, None)

    async def _broken(self, run_id: str, status: str, why: str) -> None:
        told = self._mask(why)
        self._ledger.put(lambda: self._book.ends(run_id, status, told))
        await self._ledger.written()

    async def _hear(self) -> None:
        """Tells runs what people want of them."""
        while True:
            if self._playing:
                wanted = await patiently(lambda: self._book.wishes([*self._playing]))
                for run_id, wish in wanted.items():
                    if playing := self._playing.get(run_id):
                        playing.heard(wish)
            await asyncio.sleep(HEAR_EVERY)

    async def _beat(self, engine: Engine) -> None:
        """Says that this worker lives, and sees to the runs of those that do not."""
        try:
            known = await asyncio.to_thread(
                self._book.alive, socket.gethostname(), os.getpid(), self._setup.slots, len(self._playing), first=False
            )
            if counts := self._timings.take():
                await asyncio.to_thread(self._book.measured, counts)
            dead = await asyncio.to_thread(self._book.silent, self._setup.lost_after)
        except DBAPIError as error:
            _log.warning("the database cannot be reached: %s", error.orig)
            return
        if not known:
            _log.error("worker %s was silent for too long; others have its runs", self._name)
            os._exit(1)
        stalled, self._beaten = time.monotonic() - self._beaten > self._setup.lost_after / 2, time.monotonic()
        if dead and not stalled:  # a machine that stood still knows nothing of others
            _log.warning("workers gone: %s", ", ".join(dead))
            await engine.put_back(dead)
            await asyncio.to_thread(self._book.given_up, dead)

    async def _drain(self) -> None:
        """Lets runs end that are near it. The others go on elsewhere, in their worlds, as if this process had died."""
        _log.info("ending; %d runs under way", len(self._playing))
        with contextlib.suppress(EnvError):
            await until(self._idle, self._setup.drain, "runs to end")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ledger.written(), 5.0)
        with contextlib.suppress(DBAPIError):
            await asyncio.to_thread(self._book.leaves, self._name, datetime(2000, 1, 1, tzinfo=UTC))
        sys.stderr.flush()
        os._exit(0)

    async def _idle(self) -> bool | None:
        return None if self._playing else True


def new_name() -> str:
    """A name that no other worker has or had."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


def main(setup: Setup, parts: Parts, name: str = "") -> None:
    """Works until it is told to end."""
    mask = Mask(parts.secrets)
    logs.begin(mask)
    os.nice(_LOWER)
    tracing.begin()
    asyncio.run(_work(setup, parts, name, mask))


async def _work(setup: Setup, parts: Parts, name: str, mask: Mask) -> None:
    worker = Worker(setup, parts, name or new_name(), mask)
    if name:
        asyncio.get_running_loop().add_reader(0, worker.end)
    await worker.work()


if __name__ == "__main__":
    told = Setup.model_validate_json(sys.argv[1])
    main(told, SurehandParts(told, Safe(told)), *sys.argv[2:])
