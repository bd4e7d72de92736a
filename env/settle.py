"""The only place that waits: until the picture is quiet, until a condition holds, or because the model said so."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar

from tools.base import Changes
from tools.errors import EnvError

QUIET = 0.15
"""Seconds without a change after which a picture counts as quiet (programs answer an input within 25 to 50 ms)."""
LIMIT = 5.0
"""Seconds after which the picture is taken anyway, with `settled=False`: a video or a clock never rests."""
_BUSY_POLL = 0.02
_CONDITION_POLL = 0.01

T = TypeVar("T")


class Settled(NamedTuple):
    """Whether the picture came to rest, and the seconds spent waiting for it."""

    settled: bool
    waited: float


async def settle(changes: Changes, since: float, *, quiet: float = QUIET, limit: float = LIMIT) -> Settled:
    """Waits until nothing changed for `quiet` seconds, counted from `since` (the last input) or the last change.

    Times are those of `time.monotonic`. Never waits longer than `limit` seconds.
    """
    start = time.monotonic()
    while True:
        now = time.monotonic()
        if now - start >= limit:
            return Settled(False, now - start)
        rest = max(since, changes.last()) + quiet - now
        if rest <= 0 and not changes.busy():
            return Settled(True, now - start)
        await asyncio.sleep(min(max(rest, _BUSY_POLL), start + limit - now))


async def until(find: Callable[[], Awaitable[T | None]], timeout: float, what: str) -> T:
    """Calls `find` until it gives something. Raises EnvError after `timeout` seconds; `what` names what it is."""
    end = time.monotonic() + timeout
    while True:
        found = await find()
        if found is not None:
            return found
        if time.monotonic() > end:
            raise EnvError(f"waited {timeout:g} s for {what}")
        await asyncio.sleep(_CONDITION_POLL)


async def pause(seconds: float) -> None:
    """Waits because the model asked for it."""
    await asyncio.sleep(seconds)
