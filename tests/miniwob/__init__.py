"""Episodes of MiniWoB++ in one world after another, without a run's records: for proving many oracles quickly."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random

from env.kept import KeptEnvironment
from env.world import WorldSpec
from scenarios.base import CheckResult, Intent, Task
from scenarios.suites.miniwob.pages import SIZE, load
from tools.errors import ScenarioError

QUIET = 0.05
"""Seconds of rest before the next action: a third of what a run waits."""
_NOT_SOLVED = 180.0


@dataclass(frozen=True)
class Played:
    """One episode: how many actions it took, and what the check says of it."""

    page: str
    seed: int
    goal: str
    steps: int
    result: CheckResult


@asynccontextmanager
async def world() -> AsyncIterator[KeptEnvironment]:
    """A headless browser that every episode is reset in."""
    assets = load("miniwob/click-test").at(0).assets
    assert assets
    made = KeptEnvironment(WorldSpec(kind="browser", size=SIZE, assets=assets, quiet=QUIET, limit=1.0))
    try:
        yield made
    finally:
        await made.close()


async def episode(env: KeptEnvironment, page: str, seed: int, *, near_miss: bool = False, idle: bool = False) -> Played:
    """The oracle's episode, or another's, until the page ends it or there are no more actions."""
    task = load(f"miniwob/{page}").at(seed)
    await env.reset(task.setup, seed)
    assert task.episode
    assert task.check
    goal, trouble, counted = await task.episode.goal(env.probe()), "", [0]
    oracle = None if idle else task.near_miss if near_miss else task.oracle
    try:
        async with asyncio.timeout(_NOT_SOLVED):
            if oracle:
                await _play(env, oracle(env.probe(), Random(seed)), task, counted)
    except ScenarioError as error:
        trouble = str(error)
    except TimeoutError:
        trouble = f"not done within {_NOT_SOLVED:g} s"
    result = await task.check.judge(env.probe(), None)
    if trouble:
        result = result.model_copy(update={"score": 0.0, "why": trouble})
    return Played(page, seed, goal, counted[0], result)


async def _play(env: KeptEnvironment, intents: AsyncIterator[Intent], task: Task, counted: list[int]) -> None:
    """Looks before every action, as a run does."""
    assert task.episode
    await env.look()
    async for intent in intents:
        counted[0] += 1
        outcome = await env.execute(counted[0], intent.action)
        if not outcome.ok:
            raise ScenarioError(f"{intent.action}: {outcome.note}")
        if await task.episode.over(env.probe()):
            return
        await env.look()
        if await task.episode.over(env.probe()):
            return
        if counted[0] == task.limits.steps:
            raise ScenarioError(f"all of its {task.limits.steps} steps are used")
