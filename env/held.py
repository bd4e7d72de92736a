"""A world that somebody else ends, given to runs that would end it."""

from collections.abc import Mapping, Sequence

from env.base import Environment, Observation, Probe, Shots
from env.setup import SetupStep
from tools.actions import BrowserAction, ComputerAction, Outcome


class Held:
    """As the world that it holds, but closing it leaves that open: its owner closes it."""

    def __init__(self, world: Environment) -> None:
        self._world = world

    @property
    def description(self) -> Mapping[str, str]:
        """As the world's own."""
        return self._world.description

    async def reset(self, setup: Sequence[SetupStep], seed: int) -> None:
        """As the world's own."""
        await self._world.reset(setup, seed)

    async def observe(self, shots: Shots) -> Observation:
        """As the world's own."""
        return await self._world.observe(shots)

    async def execute(self, number: int, action: ComputerAction | BrowserAction) -> Outcome:
        """As the world's own."""
        return await self._world.execute(number, action)

    def probe(self) -> Probe:
        """As the world's own."""
        return self._world.probe()

    async def close(self) -> None:
        """Leaves it open."""
