"""Reference solutions of OSWorld's tasks, by id: they go through the same hands as a model's actions do."""

from collections.abc import AsyncIterator
from random import Random

from env.base import Probe
from scenarios.base import Intent, Oracle
from tools.actions import Terminate


async def give_up(probe: Probe, random: Random) -> AsyncIterator[Intent]:
    """What is right where a task cannot be done."""
    yield Intent(Terminate(status="failure"), "the task, which cannot be done")


ORACLES: dict[str, Oracle] = {}
