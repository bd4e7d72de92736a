"""A person shows how a task is done: a world in which they act, and a model that says what they did.

So a demonstration is a run like any other: the same loop, the same folder, the same check at its end.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Protocol

from agent.model import in_words, reply
from agent.prompt import Message
from agent.trace import Completion
from env.base import Deed, Environment, Observation, Probe, Shots, Watched
from env.setup import SetupStep
from scenarios.base import Intent
from tools.actions import BrowserAction, ComputerAction, Outcome, Pointing, Terminate
from tools.base import Frame

PERSON = "person"
"""What a run's record calls the model."""


class WatchedWorld(Environment, Watched, Protocol):
    """A world that tells what a person does in it."""


class Demonstration:
    """The world as the person works in it, and at once the model that says what they do.

    Each look is the one just before their next deed, which is waited for; `execute` does nothing, for they did it. It
    is over when `ended` is set, or when they say so at the world itself.
    """

    name = PERSON

    def __init__(self, world: WatchedWorld, ended: asyncio.Event, ready: Callable[[], None] = lambda: None) -> None:
        self._world, self._ended, self._ready = world, ended, ready
        self._deed: Deed | None = None
        self._words = Random(0)

    @property
    def description(self) -> Mapping[str, str]:
        """That of the world."""
        return self._world.description

    async def reset(self, setup: Sequence[SetupStep], seed: int) -> None:
        """A fresh world, set up; `ready` is called when the person may begin."""
        await self._world.reset(setup, seed)
        self._ready()

    async def observe(self, shots: Shots) -> Observation:
        """Waits for what the person does next, and takes the picture from before it."""
        self._deed, png = await self._next()
        if self._deed is None:
            return await self._world.observe(shots)
        path, digest = shots.put(Frame(png, self._deed.size))
        lost = f"not recorded: {self._deed.lost}" if self._deed.lost else ""
        return Observation(
            path=path, sha256=digest, size=self._deed.size, settled=self._deed.settled, waited=0.0, url=self._deed.url,
            note=lost,
        )  # fmt: skip

    async def _next(self) -> tuple[Deed | None, bytes]:
        while True:
            deed, png, over = await self._world.deed(finish=self._ended.is_set())
            if deed or over:
                return deed, png

    async def decide(self, messages: Sequence[Message]) -> Completion:
        """What they did, as a model writes it but without a thought: none is known. At the end, success."""
        deed = self._deed
        intent = Intent(deed.action, deed.target) if deed else Intent(Terminate(status="success"), "")
        return Completion(text=reply("", in_words(intent, self._words), intent.action))

    async def execute(self, number: int, action: ComputerAction | BrowserAction) -> Outcome:
        """Nothing: the person did it."""
        assert self._deed is not None, "what ends a run is not executed"
        return Outcome(ok=True, point=action.point(self._deed.size) if isinstance(action, Pointing) else None)

    def probe(self) -> Probe:
        """Read-only facts."""
        return self._world.probe()

    async def close(self) -> None:
        """Ends the world."""
        await self._world.close()
