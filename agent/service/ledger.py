"""What a worker has to tell the database, in order and without waiting for it: a run goes on while it is away."""

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

_log = logging.getLogger(__name__)
T = TypeVar("T")
_FIRST_WAIT, _LONGEST_WAIT = 0.2, 5.0


class Ledger:
    """Writes one thing after the other in a thread, and again while the database cannot be reached."""

    def __init__(self) -> None:
        self._due: asyncio.Queue[Callable[[], object]] = asyncio.Queue()
        self._writing = asyncio.create_task(self._write())

    def put(self, write: Callable[[], object]) -> None:
        """Something to be written; returns at once."""
        self._due.put_nowait(write)

    async def written(self) -> None:
        """Waits until everything is."""
        await self._due.join()

    def check(self) -> None:
        """Raises what keeps it from writing, if anything does: nobody would hear of runs any more."""
        if self._writing.done():
            self._writing.result()

    async def close(self) -> None:
        """Writes what is left."""
        await self.written()
        self._writing.cancel()

    async def _write(self) -> None:
        while True:
            write = await self._due.get()
            await patiently(write)
            self._due.task_done()


async def patiently(do: Callable[[], T]) -> T:
    """Does something with the database, again and again while that cannot be reached."""
    wait = _FIRST_WAIT
    while True:
        try:
            return await asyncio.to_thread(do)
        except DBAPIError as error:
            _log.warning("the database cannot be reached, trying again in %g s: %s", wait, error.orig)
            await asyncio.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT)
