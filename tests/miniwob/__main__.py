"""`python -m tests.miniwob [--tasks PATTERN …] [--seeds 0-19]`: a table of what the oracles solve."""

import argparse
import asyncio
import time
from contextlib import AsyncExitStack
from fnmatch import fnmatchcase

from env.kept import KeptEnvironment
from env.settle import QUIET
from scenarios.suites.miniwob.oracles import MISSPELT, ORACLES
from scenarios.suites.miniwob.pages import NOT_LISTED
from tests.miniwob import Played, episode, world

EXPECTED = 0.95


async def main() -> None:
    """Plays every listed page at every seed, some at once; failures are told as they happen, the sum comes last."""
    asked = _asked()
    first, _, last = asked.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    known = sorted((MISSPELT if asked.near_miss else ORACLES.keys()) - NOT_LISTED)
    pages = [page for page in known if any(fnmatchcase(page, pattern) for pattern in asked.tasks)]
    free: asyncio.Queue[KeptEnvironment] = asyncio.Queue()

    async def solved(page: str) -> bool:
        env, played, began = await free.get(), [], time.monotonic()
        for seed in seeds:
            played.append(await episode(env, page, seed, near_miss=asked.near_miss, idle=asked.idle))
            if not played[-1].passed or asked.verbose:
                print(f"    {played[-1].told}", flush=True)
        free.put_nowait(env)
        _row(page, played, time.monotonic() - began)
        return sum(one.passed for one in played) >= EXPECTED * len(played)

    async with AsyncExitStack() as worlds:
        for _ in range(asked.parallel):
            free.put_nowait(await worlds.enter_async_context(world(asked.quiet)))
        began = time.monotonic()
        good = sum(await asyncio.gather(*map(solved, pages)))
        seconds = time.monotonic() - began
    print(f"{good} of {len(pages)} pages at {EXPECTED:.0%} or more of {len(seeds)} seeds, in {seconds:.0f} s")


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tasks", nargs="*", default=["*"])
    parser.add_argument("--seeds", default="0-19")
    parser.add_argument("--parallel", type=int, default=1)
    parser.add_argument("--quiet", type=float, default=QUIET)
    parser.add_argument("--near-miss", action="store_true")
    parser.add_argument("--idle", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    return parser.parse_args()


def _row(page: str, played: list[Played], seconds: float) -> None:
    passed, most = sum(one.passed for one in played), max(one.steps for one in played)
    print(f"{page:32} {passed:>3}/{len(played)}  at most {most:>2} steps  {seconds / len(played):5.2f} s", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
