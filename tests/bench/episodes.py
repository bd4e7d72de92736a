"""Episodes of MiniWoB++, the same clicks and texts on the same pages and seeds, by surehand and by two others.

BrowserGym starts a browser for each episode; the package's own Gymnasium environment keeps the page, and begins the
next episode in it; surehand keeps the browser, and gives each episode a fresh profile and a fresh page.
"""

import asyncio
import contextlib
import json
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple, Protocol

import numpy
from rich.table import Table

from env.base import Shots
from env.kept import KeptEnvironment
from env.settle import QUIET
from env.world import WorldSpec
from scenarios.suites.miniwob.pages import SIZE, load
from tests.bench.timing import table
from tools.actions import ComputerAction, LeftClick, Type
from tools.errors import EnvError
from tools.geometry import GridPoint

PAGES = ("click-dialog", "enter-text", "click-checkboxes")
WORKERS = (1, 2, 4)
_ROUNDS = 3
RIVALS = Path(__file__).resolve().parent.parent.parent / ".venv-rivals"
"""Where docker/setup-rivals.sh puts the others."""
_SCRIPT = Path(__file__).with_name("episodes_rival.py")
_LONGEST = 300.0


class Scripted(NamedTuple):
    """An episode and what to do in it: `["click", x, y]` in pixels, or `["type", text]`.

    `seed` is the page's own, which BrowserGym draws from `number`.
    """

    page: str
    number: int
    seed: int
    actions: list[list[Any]]


class Waits(NamedTuple):
    """A row of the table: what each side waits after an action."""

    name: str
    quiet: float
    browsergym: dict[str, Any]
    gymnasium: dict[str, Any]
    target: str


ROWS = (
    Waits("nobody waits", 0.0, {"delay": 0.0, "slow": 0, "dom": False}, {"delay": 0.0}, ""),
    Waits("defaults", QUIET, {"delay": 0.5, "slow": None, "dom": True}, {"delay": 0.0}, "5"),
    Waits(f"all wait {QUIET:g} s", QUIET, {"delay": QUIET, "slow": 0, "dom": False}, {"delay": QUIET}, "2"),
)


class Worker(Protocol):
    """Plays one episode after another."""

    async def play(self, episodes: Sequence[Scripted]) -> list[float]:
        """Their raw rewards."""
        ...

    async def close(self) -> None:
        """Ends its browser."""
        ...


class OurWorker:
    """A kept world of surehand's: the picture after each action is stored, the page asked whether it is over."""

    def __init__(self, quiet: float) -> None:
        assets = load(f"miniwob/{PAGES[0]}").at(0).assets
        assert assets
        self._world = KeptEnvironment(WorldSpec(kind="browser", size=SIZE, assets=assets, quiet=quiet))
        self._folder = tempfile.TemporaryDirectory()

    async def play(self, episodes: Sequence[Scripted]) -> list[float]:
        return [await self._play(episode) for episode in episodes]

    async def _play(self, episode: Scripted) -> float:
        task = load(f"miniwob/{episode.page}").at(episode.seed)
        assert task.episode
        assert task.check
        await self._world.reset(task.setup, episode.seed)
        shots = Shots(Path(self._folder.name))
        await self._world.observe(shots)
        for number, action in enumerate(episode.actions, 1):
            await self._world.execute(number, _action(action))
            await self._world.observe(shots)
            await task.episode.over(self._world.probe())
        return (await task.check.judge(self._world.probe(), None)).score

    async def record(self, page: str, number: int) -> Scripted:
        """What the page's oracle does at a seed, as places and texts."""
        seed = int(numpy.random.RandomState(number).randint(0, 1_000_000))  # as BrowserGym draws it
        task = load(f"miniwob/{page}").at(seed)
        assert task.oracle
        await self._world.reset(task.setup, seed)
        done: list[list[Any]] = []
        async for intent in task.oracle(self._world.probe(), Random(seed)):
            match intent.action:
                case LeftClick() as click:
                    point = click.point(SIZE)
                    assert point
                    done.append(["click", *point])
                case Type(text=text):
                    done.append(["type", text])
                case other:
                    raise EnvError(f"{page}: the others are not told how to do {other.action!r}")
            await self._world.execute(len(done), intent.action)
        return Scripted(page, number, seed, done)

    async def close(self) -> None:
        await self._world.close()
        self._folder.cleanup()


class RivalWorker:
    """A process of episodes_rival.py."""

    def __init__(self, rivals: Path, side: str, options: dict[str, Any]) -> None:
        self._argv = [str(rivals / "bin" / "python"), "-I", str(_SCRIPT), side, json.dumps(options)]
        self._environment = os.environ | {"PLAYWRIGHT_BROWSERS_PATH": str(rivals / "browsers")}
        self._process: asyncio.subprocess.Process | None = None

    async def play(self, episodes: Sequence[Scripted]) -> list[float]:
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                *self._argv, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL, env=self._environment,
            )  # fmt: skip
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([episode._asdict() for episode in episodes]).encode() + b"\n")
        async with asyncio.timeout(_LONGEST):
            line = await self._process.stdout.readline()
        if not line:
            raise EnvError(f"it ended with status {await self._process.wait()}: {' '.join(self._argv[2:])}")
        rewards: list[float] = json.loads(line)["rewards"]
        return rewards

    async def close(self) -> None:
        if self._process is not None:
            assert self._process.stdin
            self._process.stdin.close()
            await self._process.wait()


class Round(NamedTuple):
    """One side's turn: episodes that all its workers played together, those with full reward, and what it took.

    `busy` are processor seconds of the whole machine.
    """

    episodes: int
    solved: int
    seconds: float
    busy: float

    @property
    def rate(self) -> float:
        """Episodes a minute and core."""
        return self.episodes / self.seconds * 60 / len(os.sched_getaffinity(0))


async def episodes(
    workers: Sequence[int] = WORKERS, rounds: int = _ROUNDS, rows: Sequence[Waits] = ROWS,
    pages: Sequence[str] = PAGES, rivals: Path = RIVALS,
) -> Table:  # fmt: skip
    """Rounds of all sides in turn, for each row and number of workers. Without the rivals, surehand alone."""
    made = table(
        f"MiniWoB++: {', '.join(pages)}; episodes a minute and core, median of {rounds} rounds", "waiting", "workers",
        "by", "ep/min/core", "range", "CPU s/ep", "solved", "surehand is", "target",
    )  # fmt: skip
    there = (rivals / "setup.stamp").is_file()
    if not there:
        made.caption = f"surehand alone: there is no {rivals.name}; `bash docker/setup-rivals.sh` makes it"
    recorder = OurWorker(QUIET)
    try:
        plan = [await recorder.record(page, number) for number, page in enumerate(pages)]
    finally:
        await recorder.close()
    for row in rows:
        for count in workers:
            async with _sides(row, count, plan, rivals if there else None) as sides:
                found: dict[str, list[Round]] = {name: [] for name in sides}
                for _ in range(rounds):
                    for name, side in sides.items():
                        found[name].append(await _turn(side, plan))
            _add(made, row, count, found)
        made.add_section()
    return made


@contextlib.asynccontextmanager
async def _sides(
    row: Waits, count: int, plan: Sequence[Scripted], rivals: Path | None
) -> AsyncIterator[dict[str, list[Worker]]]:
    """The workers of each side, started and warm."""
    sides: dict[str, list[Worker]] = {"surehand": [OurWorker(row.quiet) for _ in range(count)]}
    if rivals:
        kept = row.gymnasium | {"pages": sorted({episode.page for episode in plan})}
        sides["BrowserGym"] = [RivalWorker(rivals, "browsergym", row.browsergym) for _ in range(count)]
        sides["miniwob"] = [RivalWorker(rivals, "gymnasium", kept) for _ in range(count)]
    try:
        for side in sides.values():
            await asyncio.gather(*(worker.play(plan[:1]) for worker in side))
        yield sides
    finally:
        for side in sides.values():
            await asyncio.gather(*(worker.close() for worker in side))


async def _turn(side: Sequence[Worker], plan: Sequence[Scripted]) -> Round:
    began, busy = time.perf_counter(), _busy()
    rewards = [reward for found in await asyncio.gather(*(worker.play(plan) for worker in side)) for reward in found]
    return Round(
        len(rewards), sum(reward >= 1 for reward in rewards), time.perf_counter() - began, _busy() - busy
    )  # fmt: skip


def _busy() -> float:
    """Seconds that all processors of this machine have worked so far (user, nice, system; proc_stat(5))."""
    words = Path("/proc/stat").read_text().split(maxsplit=4)
    return sum(int(word) for word in words[1:4]) / os.sysconf("SC_CLK_TCK")


def _action(action: Sequence[Any]) -> ComputerAction:
    if action[0] == "type":
        return Type(text=action[1])
    width, height = SIZE
    return LeftClick(coordinate=GridPoint(action[1] / width * 1000, action[2] / height * 1000))


def _add(made: Table, row: Waits, count: int, found: dict[str, list[Round]]) -> None:
    ours = statistics.median(one.rate for one in found["surehand"])
    for name, rounds in found.items():
        rates = [one.rate for one in rounds]
        rate, played = statistics.median(rates), sum(one.episodes for one in rounds)
        first = name == "surehand"
        made.add_row(
            row.name if first else "", str(count) if first else "", name, f"{rate:.1f}",
            f"{min(rates):.1f}–{max(rates):.1f}", f"{sum(one.busy for one in rounds) / played:.2f}",
            f"{sum(one.solved for one in rounds)}/{played}", "" if first else f"{ours / rate:.2f}x",
            "" if first else row.target,
        )  # fmt: skip
