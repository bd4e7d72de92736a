"""A test's world, lent to the runs of a model that does one of its steps."""

from collections.abc import Mapping, Sequence

from env.base import Environment, Observation, Probe, Shots
from env.setup import SetupStep
from tools.actions import BrowserAction, ComputerAction, Outcome


class Lent:
    """A world that goes on: a run may see it and act in it, but neither resets nor ends it.

    `number` is that of the next action; the run's own numbers begin at 1 wherever the world's stand.
    """

    def __init__(self, world: Environment, number: int) -> None:
        self._world, self._before, self.number = world, number - 1, number

    @property
    def description(self) -> Mapping[str, str]:
        """As the world's own."""
        return self._world.description

    async def reset(self, setup: Sequence[SetupStep], seed: int) -> None:
        """Leaves everything as it is."""

    async def observe(self, shots: Shots) -> Observation:
        """As the world's own."""
        return await self._world.observe(shots)

    async def execute(self, number: int, action: ComputerAction | BrowserAction) -> Outcome:
        """As the world's own, under a number that goes on from the test's."""
        self.number = max(self.number, self._before + number + 1)
        return await self._world.execute(self._before + number, action)

    def probe(self) -> Probe:
        """As the world's own."""
        return self._world.probe()

    async def close(self) -> None:
        """Leaves it open."""


class Shown(Lent):
    """A world that is only looked at."""

    async def execute(self, number: int, action: ComputerAction | BrowserAction) -> Outcome:
        """Does nothing."""
        return Outcome(ok=True, note="noted, not done")
