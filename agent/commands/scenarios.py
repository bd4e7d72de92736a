"""`surehand scenarios`: the list of them, and the proof that each can be trusted."""

import asyncio
import shutil
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import cast, get_args
from xml.etree import ElementTree

from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

from agent.commands.live import console, signed
from agent.commands.wiring import new_folder, require, worlds
from agent.report import write_report
from agent.settings import Settings
from agent.words import seconds_words
from scenarios.base import Scenario, World
from scenarios.loader import find, load, matching
from scenarios.schema import meant
from tools.errors import SurehandError, UserError


def list_scenarios(settings: Settings, patterns: Sequence[str], tags: Sequence[str], world: str | None) -> None:
    """A table of those that fit. Raises UserError."""
    if world is not None and world not in get_args(World):
        raise UserError(f"no world {world!r}", remedy=meant(world, get_args(World)) or "choose desktop or browser")
    found = find(patterns, settings.scenarios, tags=tags, world=cast(World | None, world))
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for head in ("id", "what it is", "world", "tags"):
        table.add_column(head, no_wrap=head == "id", overflow="fold")
    for scenario in found:
        table.add_row(Text(scenario.id, style="bold"), scenario.title, scenario.world, ", ".join(scenario.tags))
    out = console()
    out.print(table)
    out.print(Text(f"{len(found)} scenario{'s' if len(found) != 1 else ''}", style="dim"))


@dataclass(frozen=True, slots=True)
class Proved:
    """What came of one scenario at one seed; it is sound when there are no problems."""

    name: str
    seed: int
    seconds: float
    problems: tuple[str, ...]


def check_scenarios(
    settings: Settings, patterns: Sequence[str], seeds: str, order: int | None, junit: Path | None, out: Path | None
) -> int:
    """Proves every scenario at every seed, in random order and several at once. Returns the exit status."""
    known = _loaded(settings, patterns)
    require(settings, *{one.world for one in known.values() if not isinstance(one, UserError)})
    jobs = [(name, seed) for name in known for seed in _seeds(seeds)]
    order = Random().randrange(10_000) if order is None else order
    Random(order).shuffle(jobs)
    screen, began = console(), time.monotonic()
    screen.print(Text(f"{len(jobs)} to prove, {settings.parallel} at once, --order {order}", style="dim"))
    folder = out or new_folder(settings, "check")
    proved = asyncio.run(_Proving(settings, known, folder, screen).all(jobs))
    if junit:
        _write_junit(junit, proved)
    unsound = sum(bool(one.problems) for one in proved)
    summary = f"{len(proved) - unsound} sound, {unsound} unsound, in {seconds_words(time.monotonic() - began)}"
    screen.print(signed("bad" if unsound else "good", summary))
    return 1 if unsound else 0


def _loaded(settings: Settings, patterns: Sequence[str]) -> dict[str, Scenario | UserError]:
    """The scenarios that are meant, or why one cannot be read. Raises UserError for a pattern that means none."""
    known: dict[str, Scenario | UserError] = {}
    for pattern in patterns or ("*",):
        names = matching(pattern, settings.scenarios)
        if not names:
            one = load(pattern, settings.scenarios)
            known[one.id] = one
        for name in names:
            try:
                known[name] = load(name, settings.scenarios)
            except UserError as error:
                known[name] = error
    return known


def _seeds(text: str) -> list[int]:
    """`0-2,7` → [0, 1, 2, 7]."""
    seeds: dict[int, None] = {}
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if not first.isdecimal() or not (last or first).isdecimal() or int(last or first) < int(first):
            raise UserError(f"no seeds {part!r}", remedy="write numbers and ranges, such as 0-2,7")
        seeds |= dict.fromkeys(range(int(first), int(last or first) + 1))
    return list(seeds)


class _Proving:
    """Proofs under way: a line for each that is done, and below them what is being done."""

    def __init__(self, settings: Settings, known: dict[str, Scenario | UserError], folder: Path, out: Console) -> None:
        self.settings, self.known, self.folder, self.out = settings, known, folder, out
        self.status = Status("", console=out)
        self.running: list[str] = []
        self.left = 0

    async def all(self, jobs: Sequence[tuple[str, int]]) -> list[Proved]:
        """Every job, whatever becomes of the others."""
        self.left = len(jobs)
        free = asyncio.Semaphore(self.settings.parallel)
        with self.status:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._one(name, seed, free)) for name, seed in jobs]
        return [task.result() for task in tasks]

    async def _one(self, name: str, seed: int, free: asyncio.Semaphore) -> Proved:
        async with free:
            label, began = f"{name} at seed {seed}", time.monotonic()
            self.running.append(label)
            self._update()
            problems = await self._problems(name, seed, self.folder / name.replace("/", "-") / str(seed))
            self.running.remove(label)
            self.left -= 1
            self._update()
        proved = Proved(name, seed, time.monotonic() - began, problems)
        self.out.print(signed("bad" if problems else "good", f"{label}  ({seconds_words(proved.seconds)})"))
        for problem in problems:
            self.out.print(Text(f"    {problem}"), soft_wrap=True)
        return proved

    async def _problems(self, name: str, seed: int, folder: Path) -> tuple[str, ...]:
        """What speaks against a scenario; its records are kept, with reports, while something does."""
        from agent.prove import prove  # a list of scenarios is there without LangGraph

        scenario = self.known[name]
        if isinstance(scenario, UserError):
            return (str(scenario),)
        try:
            problems = (await prove(scenario, seed, worlds(self.settings), folder)).problems
        except SurehandError as error:
            return (str(error),)
        if not problems:
            await asyncio.to_thread(shutil.rmtree, folder)
            return ()
        return (*problems, *await asyncio.to_thread(_reports, folder))

    def _update(self) -> None:
        self.status.update(Text(f"{self.left} to go: {', '.join(self.running)}"))


def _reports(folder: Path) -> list[str]:
    return [f"see {write_report(file.parent)}" for file in sorted(folder.glob("*/run.json"))]


def _write_junit(file: Path, proved: Iterable[Proved]) -> None:
    """The result as continuous integration reads it. Raises UserError."""
    suite = ElementTree.Element("testsuite", name="scenarios")
    for one in proved:
        case = ElementTree.SubElement(
            suite, "testcase", classname=one.name, name=f"seed {one.seed}", time=f"{one.seconds:.3f}"
        )
        if one.problems:
            ElementTree.SubElement(case, "failure", message=one.problems[0]).text = "\n".join(one.problems)
    try:
        ElementTree.ElementTree(suite).write(file, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise UserError(f"cannot write {str(file)!r}", cause=error.strerror or str(error)) from None
