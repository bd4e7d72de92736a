"""`make bench`: what a step costs without a model, what a reset costs, and how a capture compares with its floor.

Each figure is measured in this run on this machine; the ratios compare two things measured side by side.
"""

import asyncio

from rich.console import Console

from tests.bench.capture import captures
from tests.bench.steps import resets, steps


async def main() -> None:
    """Prints the tables one after the other."""
    console = Console(width=110)
    for table in (captures, resets, steps):
        console.print(await table())


if __name__ == "__main__":
    asyncio.run(main())
