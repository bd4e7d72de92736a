"""One run in a worker: gone on with where its world still lives, else begun (once more) in a fresh one."""

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Mapping
from typing import Any

from agent.service.book import Book, Taken, Wish
from agent.service.ledger import Ledger, patiently
from agent.service.orders import Asking, Attempt, StepView
from agent.service.prepared import Prepared
from agent.service.records import write_page_of
from agent.service.setup import Setup
from agent.service.store import now
from agent.service.timings import Timings
from agent.trace import Leave, Question, Run, RunFolder, Status
from agent.words import verdict
from env.settle import until
from tools.errors import EnvError, ModelError, SurehandError, UserError

_log = logging.getLogger(__name__)
MOST_WORLDS = 3
"""So many fresh worlds a run gets when one after the other dies under it with its worker."""
_LOCK_WITHIN = 60.0
"""Seconds in which a worker that was given up, and still lives, lets go of a run's folder."""


class Playing:
    """A run under way, and its Watch (agent.service.prepared). `heard` tells it what people want."""

    def __init__(self, taken: Taken, setup: Setup, book: Book, ledger: Ledger, timings: Timings) -> None:
        self._timings = timings
        self._taken, self._setup, self._book, self._ledger = taken, setup, book, ledger
        self._folder = setup.runs / taken.id
        self._attempts = list(taken.attempts)
        self._number = max((attempt.number for attempt in self._attempts), default=1)
        self._tokens = 0
        self._wish = taken.wish
        self._news = asyncio.Event()
        self._task: asyncio.Task[Run] | None = None
        self._cutting: asyncio.Task[None] | None = None
        self._asked = 0

    def heard(self, wish: Wish) -> None:
        """Takes what is wanted now."""
        if wish == self._wish:
            return
        self._wish = wish
        self._news.set()
        if wish.wish == "stop" and self._cutting is None:
            self._cutting = asyncio.create_task(self._cut())

    async def go(self, prepared: Prepared) -> None:
        """The run to its end, at as many attempts as it takes, and the end written down."""
        if self._wish.wish == "stop":
            self._cutting = asyncio.create_task(self._cut())
        try:
            status, why = await self._go(prepared)
        except SurehandError as error:
            kinds = {EnvError: Status.ERROR_ENV, ModelError: Status.ERROR_MODEL}
            status, why = kinds.get(type(error), Status.ERROR_SCENARIO), str(error)
        finally:
            if self._cutting:
                self._cutting.cancel()
        self._close_attempt(status)
        size = await asyncio.to_thread(self._complete)  # before others hear of the end, and may delete it
        self._ledger.put(lambda: self._book.weighs(self._taken.id, size))
        self._ledger.put(lambda: self._book.ends(self._taken.id, status, why))
        await self._ledger.written()

    def _complete(self) -> int:
        """Writes the page of the last attempt, and says how many bytes all of them take."""
        last = RunFolder(self._folder / str(min(self._number, MOST_WORLDS)))
        if (last.path / "run.json").exists():
            try:
                write_page_of(last)
            except UserError as error:
                _log.warning("the run has no page: %s", error)
        return sum(file.stat().st_size for file in self._folder.rglob("*") if file.is_file())

    async def _go(self, prepared: Prepared) -> tuple[str, str]:
        while self._number <= MOST_WORLDS:
            done = await self._attempt(prepared)
            if done is None or (self._wish.wish == "stop" and done.status is None):
                return Status.STOPPED, "cancelled"
            if done.status is not None and not _world_was_gone(done):
                return done.status, verdict(done)[2]
            self._close_attempt("its world was gone" if done.status else "it cannot be gone on with")
            self._number += 1
        return Status.ERROR_ENV, f"its world died with its worker {MOST_WORLDS} times"

    async def _attempt(self, prepared: Prepared) -> Run | None:
        """What came of an attempt: one that has ended, was gone on with, or is the first. None or no status if cut."""
        folder = RunFolder(self._folder / str(self._number))
        await self._until_free(folder)
        if not (folder.path / "run.json").exists():
            order = self._taken.order.model_dump(mode="json")
            return await self._cuttable(prepared.start(folder, self, order), folder)
        before = folder.run()
        if before.status is not None or before.ended is not None:
            return before
        return await self._cuttable(prepared.resume(folder, self), folder)

    async def _cuttable(self, started: Coroutine[Any, Any, Run], folder: RunFolder) -> Run | None:
        """Waits for a run; one that is cut off leaves a record without a status, or none yet."""
        self._task = asyncio.create_task(started)
        try:
            return await self._task
        except asyncio.CancelledError:
            if not self._task.cancelled():
                raise  # it is the worker that ends, and leaves the run to others
            return await asyncio.to_thread(folder.run) if (folder.path / "run.json").exists() else None
        finally:
            self._task = None

    async def _cut(self) -> None:
        await asyncio.sleep(self._setup.stop_within)
        if self._task:
            self._task.cancel()

    async def _until_free(self, folder: RunFolder) -> None:
        async def free() -> bool | None:
            with contextlib.suppress(UserError), folder.locked():
                return True
            return None

        await until(free, _LOCK_WITHIN, "the worker that had this run to let go of it")

    def begins(self, *, resumed: bool = False, after: int = 0, tokens: int = 0) -> None:
        """Opens an attempt."""
        self._tokens = tokens
        self._open_attempt(resumed=resumed, steps=after)

    def step(self, step: StepView, seconds: Mapping[str, float]) -> None:
        """Writes down that there was a step."""
        self._tokens += step.tokens
        if not step.by_person:
            self._timings.add(seconds)
        number, tokens = self._number, self._tokens
        self._ledger.put(lambda: self._book.step(self._taken.id, number, step, tokens))

    def holds(self) -> bool:
        """Whether somebody wants it to pause or to end."""
        return bool(self._wish.wish)

    def stops(self) -> bool:
        """Whether somebody wants it to end."""
        return self._wish.wish == "stop"

    async def ask(self, question: Question) -> Leave:
        """Asks whoever looks after the run, and waits as long as they take."""
        if self._wish.wish == "stop":
            return Leave(answer="stop")
        self._asked += 1
        asking = Asking(
            id=f"{self._attempts[-1].number}-{question.number}-{self._asked}", kind=question.kind,
            step=question.number, say=question.say, action=question.action and question.action.model_dump(mode="json"),
            why=question.why,
        )  # fmt: skip
        await patiently(lambda: self._book.asks(self._taken.id, asking))
        while (leave := self._answered(asking)) is None:
            self._news.clear()
            await self._news.wait()
        if leave.answer != "stop":
            await patiently(lambda: self._book.asks(self._taken.id, None))
        return leave

    def _answered(self, asking: Asking) -> Leave | None:
        wish, note, reply = self._wish
        if wish == "stop":
            return Leave(answer="stop")
        if reply and reply["question"] == asking.id:
            return Leave.model_validate({name: reply.get(name) for name in ("answer", "reason", "action")})
        return Leave(answer="allow", reason=note) if asking.kind == "pause" and not wish else None

    def _open_attempt(self, *, resumed: bool, steps: int) -> None:
        if self._attempts and self._attempts[-1].ended is None:
            self._close_attempt("its worker died")
        self._attempts.append(
            Attempt(number=self._number, worker=self._book.worker, resumed=resumed, after_steps=steps, began=now())
        )
        self._tell_attempts()

    def _close_attempt(self, outcome: str) -> None:
        if self._attempts and self._attempts[-1].ended is None:
            self._attempts[-1] = self._attempts[-1].model_copy(update={"ended": now(), "outcome": outcome})
            self._tell_attempts()

    def _tell_attempts(self) -> None:
        attempts = tuple(self._attempts)
        self._ledger.put(lambda: self._book.attempts(self._taken.id, attempts))


def _world_was_gone(done: Run) -> bool:
    """Whether a run that was to go on found no world: it had one, and broke before it could look at it."""
    failed = done.failure.where if done.status is Status.ERROR_ENV and done.failure else ""
    return failed == "setup" and "keeper" in done.world
