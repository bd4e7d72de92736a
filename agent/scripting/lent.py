"""A test's world, lent to the runs of a model that does one of its steps."""

from collections.abc import Sequence

from env.base import Environment
from env.held import Held
from env.setup import SetupStep
from tools.actions import BrowserAction, ComputerAction, Outcome


class Lent(Held):
    """A world that goes on: a run may see it and act in it, but neither resets nor ends it.

    `number` is that of the next action; the run's own numbers begin at 1 wherever the world's stand.
    """

    def __init__(self, world: Environment, number: int) -> None:
        super().__init__(world)
        self._before, self.number = number - 1, number

    async def reset(self, setup: Sequence[SetupStep], seed: int) -> None:
        """Leaves everything as it is."""

    async def execute(self, number: int, action: ComputerAction | BrowserAction) -> Outcome:
        """As the world's own, under a number that goes on from the test's."""
        self.number = max(self.number, self._before + number + 1)
        return await super().execute(self._before + number, action)


class Shown(Lent):
    """A world that is only looked at."""

    async def execute(self, number: int, action: ComputerAction | BrowserAction) -> Outcome:
        """Does nothing."""
        return Outcome(ok=True, note="noted, not done")
