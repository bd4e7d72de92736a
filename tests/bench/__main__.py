"""`make bench`: what a step costs without a model, what a reset costs, how a capture compares with its floor, and a
replayed test with one written by hand.

Each figure is measured in this run on this machine; the ratios compare two things measured side by side.
"""

import asyncio

from rich.console import Console

from tests.bench.capture import captures
from tests.bench.replay import replay
from tests.bench.steps import resets, steps


async def main() -> None:
    """Prints the tables one after the other."""
    console = Console(width=110)
    for table in (captures, resets, steps, replay):
        console.print(await table())


if __name__ == "__main__":
    asyncio.run(main())
