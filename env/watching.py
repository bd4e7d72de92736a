"""What a person does in a world, each deed with the picture that was on the screen just before it.

Pictures are taken whenever the screen has changed, so that the one before an event is there when the event comes.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from env.base import Deed, Witnessed
from env.settle import QUIET, pause
from tools.actions import Key
from tools.base import Changes, Eyes, Frame
from tools.browser import BrowserEyes
from tools.deeds import Event, Gathered, Gathering
from tools.errors import EnvError
from tools.tabs import PageChanges, Tabs
from tools.witness_page import PageWitness

LONGEST = 1.0
"""Seconds that a question for the next deed waits for one."""
HIDDEN = "{{secret:password}}"
"""What is written for something typed into a field for passwords; such texts are not even read."""
_EVERY = 0.04
_ANYWAY = 0.5
"""Seconds after which a picture is taken in any case: a change may hide behind the frame of a screenshot."""
_KEPT = 50
_PATIENCE = 2.0
"""Seconds that a page has to give a picture."""
_INTERRUPT = Key(keys=("ctrl", "c"))
"""What ends a demonstration in the terminal that it was begun in, and is no part of it."""


class _Sample(NamedTuple):
    """A picture, when it was there, when the screen had changed before it, and the page's address."""

    frame: Frame
    taken: float
    changed: float
    url: str | None


class Watcher:
    """Gathers events, which come in order to `take`, on the loop on which it was opened.

    `url` tells the address of the page in front, where there is one; `terminal` says that the person's own terminal may
    be on the screen.
    """

    def __init__(
        self, eyes: Eyes, changes: Changes, *, url: Callable[[], str | None] = lambda: None, terminal: bool = False
    ) -> None:
        self._eyes, self._changes, self._url, self._terminal = eyes, changes, url, terminal
        self._samples: deque[_Sample] = deque(maxlen=_KEPT)
        self._deeds: asyncio.Queue[Witnessed] = asyncio.Queue()
        self._over = False

    async def open(self) -> None:
        """Takes the first picture and goes on looking. Raises EnvError."""
        while not self._samples:
            await self._sample()
        self._gathering = Gathering(self._samples[0].frame.size, HIDDEN)
        self._before = self._samples[0]
        self._began: float | None = None
        self._quiet = True
        self._looking = asyncio.create_task(self._look())

    async def close(self) -> None:
        """Looks no longer."""
        self._looking.cancel()
        with contextlib.suppress(asyncio.CancelledError, EnvError):
            await self._looking

    def take(self, event: Event) -> None:
        """An event of the person's, with a time of `time.monotonic`."""
        self._put(self._gathering.take(event))
        if self._gathering.began != self._began:
            self._began = self._gathering.began
            self._before = self._just_before(self._began)
            self._quiet = self._was_quiet(self._before, self._began)

    def end(self) -> None:
        """The person is done."""
        self._put(self._gathering.finish())
        self._over = True

    async def next(self, *, finish: bool) -> Witnessed:
        """The next deed, waited for; with `finish` what is left, and over when nothing is. Raises EnvError."""
        if self._looking.done():
            self._looking.result()
        if finish and not self._over:
            last = self._gathering.finish()
            self._put(None if self._terminal and last and last.action == _INTERRUPT else last)
            self._over = True
        if self._over and self._deeds.empty():
            return Witnessed(None, b"", over=True)
        try:
            return await asyncio.wait_for(self._deeds.get(), LONGEST)
        except TimeoutError:
            return Witnessed(None, b"", over=False)

    def _put(self, done: Gathered | None) -> None:
        if done is None:
            return
        seen = self._before
        deed = Deed(action=done.action, target=done.target, lost=done.lost, size=seen.frame.size,
                    settled=self._quiet, url=seen.url)  # fmt: skip
        self._deeds.put_nowait(Witnessed(deed, seen.frame.png, over=False))

    def _just_before(self, when: float | None) -> _Sample:
        before = (one for one in reversed(self._samples) if when is None or one.taken <= when)
        return next(before, self._samples[0])

    def _was_quiet(self, seen: _Sample, when: float | None) -> bool:
        """Whether the picture had been at rest for a while, and did not change between it and the event."""
        if when is None:
            return True
        since = self._changes.last()
        return when - seen.changed >= QUIET and not seen.taken < since < when

    async def _look(self) -> None:
        begun = time.monotonic()
        while True:
            await pause(_EVERY)
            if self._changes.last() >= begun or self._changes.busy() or time.monotonic() - begun > _ANYWAY:
                begun = time.monotonic()
                await self._sample()

    async def _sample(self) -> None:
        changed = self._changes.last()
        frame, url = await self._eyes.grab(), self._url()
        if not self._samples or self._samples[-1].frame.png != frame.png or self._samples[-1].url != url:
            self._samples.append(_Sample(frame, time.monotonic(), changed, url))


class PageWatch(Watcher):
    """What a person does in the pages of a browser's window."""

    def __init__(self, tabs: Tabs, changes: PageChanges, *, private: bool) -> None:
        super().__init__(BrowserEyes(tabs, changes, _PATIENCE), changes, url=lambda: tabs.pages[tabs.front_index].url)
        self._tabs, self._turned = tabs, asyncio.Event()
        self._witness = PageWitness(tabs, self.take, self._turned.set, private=private)

    @classmethod
    async def prepare(cls, tabs: Tabs, changes: PageChanges, *, private: bool) -> "PageWatch":
        """Before the first page is loaded. With `private`, what is typed into a field for passwords is not read."""
        watch = cls(tabs, changes, private=private)
        await watch._witness.prepare()
        return watch

    async def begin(self) -> None:
        """Watches from now on."""
        await self.open()
        await self._witness.begin()
        self._tabs.leave_to_person(True)

    async def next(self, *, finish: bool) -> Witnessed:
        """The next deed; when they are done, the tabs are taken back."""
        if finish:
            self._tabs.leave_to_person(False)
        return await super().next(finish=finish)

    async def _sample(self) -> None:
        """A page that is left while it is seen may never give its picture: the next one is seen instead."""
        self._turned.clear()
        seeing, turning = asyncio.ensure_future(super()._sample()), asyncio.ensure_future(self._turned.wait())
        try:
            await asyncio.wait((seeing, turning), return_when=asyncio.FIRST_COMPLETED)
        finally:
            turning.cancel()
            seeing.cancel()
        await asyncio.wait((seeing,))
        error = None if seeing.cancelled() else seeing.exception()
        if error and not (isinstance(error, EnvError) and self._tabs.pages):
            raise error
