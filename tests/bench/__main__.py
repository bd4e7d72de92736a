"""`make bench`: what a step costs without a model, what a reset costs, how a capture compares with its floor, and how
surehand compares with tests written by hand, with OSWorld's client and with two ways to play MiniWoB++; what lessons
in bulk cost; how long the service takes to answer under load.

    python -m tests.bench [capture] [resets] [steps] [replay] [osworld] [episodes] [demonstrations] [service]

Each figure is measured in this run on this machine; the ratios compare two things measured side by side.
"""

import argparse
import asyncio

from rich.console import Console

from tests.bench.capture import captures
from tests.bench.demonstrations import demonstrations
from tests.bench.episodes import episodes
from tests.bench.osworld import osworld
from tests.bench.replay import replay
from tests.bench.service import service
from tests.bench.steps import resets, steps

PARTS = {"capture": captures, "resets": resets, "steps": steps, "replay": replay, "osworld": osworld,
         "episodes": episodes, "demonstrations": demonstrations, "service": service}  # fmt: skip


async def main(names: list[str]) -> None:
    """Prints the tables one after the other."""
    console = Console(width=120)
    for name in names:
        console.print(await PARTS[name]())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("parts", nargs="*", metavar="PART", choices=[*PARTS, []], help=", ".join(PARTS))
    asyncio.run(main(parser.parse_args().parts or list(PARTS)))
