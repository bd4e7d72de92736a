"""A world whose observations say in words, too, what is on the screen. Off by default: a model sees pixels."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from env.base import Environment, Item, Observation, Picture, Probe, Shots
from env.items import on_screen
from env.setup import SetupStep
from tools.actions import BrowserAction, ComputerAction, Outcome
from tools.base import Frame
from tools.numbers import numbered

_LOOKS = 3
"""Pictures that may differ from the one before, until the screen is said to be changing still."""


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

    async def observe(self, shots: Shots) -> Observation:
        """The world's own observation, with items, and their numbers on a second picture. Raises EnvError."""
        seen = await self.world.observe(shots)
        if self.view is View.PIXELS:
            return seen
        seen, items = await self._described(seen, shots)
        if self.view is View.TREE:
            return seen.model_copy(update={"items": items})
        controls = tuple(item for item in items if item.acts)
        marked = numbered(seen.path.read_bytes(), [item.box.to_rect(seen.size) for item in controls])
        path, digest = shots.put(Frame(marked, seen.size))
        return seen.model_copy(update={"items": controls, "marked": Picture(path=path, sha256=digest)})

    async def _described(self, seen: Observation, shots: Shots) -> tuple[Observation, tuple[Item, ...]]:
        """A picture, and what was on it: a window may open between the two, so it is looked at until both agree."""
        items: tuple[Item, ...] = ()
        for _ in range(_LOOKS):
            items = await on_screen(self.world.probe())
            after = await self.world.observe(shots)
            if after.sha256 == seen.sha256:
                return seen, items
            seen = after
        return seen.model_copy(update={"settled": False}), items

    async def execute(self, number: int, action: ComputerAction | BrowserAction) -> Outcome:
        """As the world's own."""
        return await self.world.execute(number, action)

    def probe(self) -> Probe:
        """As the world's own."""
        return self.world.probe()

    async def close(self) -> None:
        """As the world's own."""
        await self.world.close()
