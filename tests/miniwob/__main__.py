"""`python -m tests.miniwob [--tasks PATTERN …] [--seeds 0-19]`: a table of what the oracles solve."""

import argparse
import asyncio
import time
from fnmatch import fnmatchcase

from scenarios.suites.miniwob.oracles import MISSPELT, ORACLES
from tests.miniwob import Played, episode, world


async def main() -> None:
    """Plays every page at every seed in one world; failures are told as they happen, the table comes last."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tasks", nargs="*", default=["*"])
    parser.add_argument("--seeds", default="0-19")
    parser.add_argument("--near-miss", action="store_true")
    parser.add_argument("--idle", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    asked = parser.parse_args()
    first, _, last = asked.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    known = sorted(MISSPELT if asked.near_miss else ORACLES)
    pages = [page for page in known if any(fnmatchcase(page, pattern) for pattern in asked.tasks)]
    table: list[tuple[str, list[Played], float]] = []
    async with world() as env:
        for page in pages:
            began, played = time.monotonic(), []
            for seed in seeds:
                one = await episode(env, page, seed, near_miss=asked.near_miss, idle=asked.idle)
                played.append(one)
                if not one.result.passed or asked.verbose:
                    print(f"    {page} at {seed} after {one.steps} steps: {one.result.why} | {one.goal}", flush=True)
            table.append((page, played, time.monotonic() - began))
            _row(*table[-1])
    solved = sum(sum(one.result.passed for one in played) >= 0.95 * len(played) for _, played, _ in table)
    print(f"{solved} of {len(table)} pages at 95 % or more of {len(seeds)} seeds")


def _row(page: str, played: list[Played], seconds: float) -> None:
    passed, most = sum(one.result.passed for one in played), max(one.steps for one in played)
    print(f"{page:32} {passed:>3}/{len(played)}  at most {most:>2} steps  {seconds / len(played):5.2f} s", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
