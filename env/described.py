"""A world whose observations say in words, too, what is on the screen. Off by default: a model sees pixels."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from env.base import Environment, Lasting, Observation, Picture, Probe, Shots
from env.items import on_screen
from env.setup import SetupStep
from tools.actions import BrowserAction, ComputerAction, Outcome
from tools.base import Frame
from tools.errors import EnvError
from tools.numbers import numbered


class View(StrEnum):
    """What an observation holds: the picture; and the things on it; or only the controls, with numbers drawn on it."""

    PIXELS = "pixels"
    TREE = "pixels+tree"
    MARKS = "pixels+marks"


class DescribedEnvironment:
    """Any world, seen with a View. The plain picture is stored in any case; effects are judged from it."""

    def __init__(self, world: Environment, view: View) -> None:
        self.world, self.view = world, view

    @property
    def description(self) -> Mapping[str, str]:
        """The world's own, and how it is seen."""
        return {**self.world.description, "observation": self.view}

    async def reset(self, setup: Sequence[SetupStep], seed: int) -> None:
        """As the world's own."""
        await self.world.reset(setup, seed)

    async def attach(self, description: Mapping[str, Any]) -> None:
        """As the world's own. Raises EnvError, also for a world that does not last."""
        if not isinstance(self.world, Lasting):
            raise EnvError("this kind of world ends with the run that uses it")
        await self.world.attach(description)

    async def observe(self, shots: Shots) -> Observation:
        """The world's own observation, with items, and their numbers on a second picture. Raises EnvError."""
        seen = await self.world.observe(shots)
        if self.view is View.PIXELS:
            return seen
        items = await on_screen(self.world.probe())
        if self.view is View.TREE:
            return seen.model_copy(update={"items": items})
        controls = tuple(item for item in items if item.acts)
        marked = numbered(seen.path.read_bytes(), [item.box.to_rect(seen.size) for item in controls])
        path, digest = shots.put(Frame(marked, seen.size))
        return seen.model_copy(update={"items": controls, "marked": Picture(path=path, sha256=digest)})

    async def execute(self, number: int, action: ComputerAction | BrowserAction) -> Outcome:
        """As the world's own."""
        return await self.world.execute(number, action)

    def probe(self) -> Probe:
        """As the world's own."""
        return self.world.probe()

    async def close(self) -> None:
        """As the world's own."""
        await self.world.close()
