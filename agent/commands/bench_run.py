"""`surehand bench run`: from what was asked to a plan, a crew, and the result."""

import asyncio
import sys
import webbrowser
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.text import Text

from agent.batch import run_batch
from agent.bench.crew import Crew
from agent.bench.page import write_bench_page
from agent.bench.plan import BASELINES, Plan, begin, held, numbers, players
from agent.bench.processes import ProcessCrew
from agent.bench.result import result_of, write_result
from agent.bench.suite import Chosen, choose, digest, entry
from agent.commands import osworld
from agent.commands.bench_live import Board, say_result
from agent.commands.live import console
from agent.commands.wiring import model_for, new_folder, require, require_model, task_for, worlds
from agent.provenance import revision, versions
from agent.settings import Settings
from scenarios.schema import meant
from scenarios.suites import deviations
from tools.errors import UserError


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for, besides settings."""

    suite: str
    seeds: str
    repeat: int
    baselines: str
    out: Path | None
    ray: str | None
    again: bool
    config: Path | None
    tasks: Path | None = None
    cache: Path | None = None


def bench(settings: Settings, asked: Asked, *, show: bool) -> int:
    """Runs it, or goes on with it, and writes its result and page. Returns the exit status."""
    require_model(settings)
    seeds, beside = numbers(asked.seeds), _baselines(asked.baselines)
    _find_osworld(asked)
    chosen = choose(asked.suite, settings.scenarios)
    plan = _plan(settings, asked, chosen, seeds, beside)
    _require(settings, plan, chosen)
    out, folder = console(), (asked.out or new_folder(settings, f"bench-{Path(asked.suite).name}")).resolve()
    with held(folder):
        plan = begin(folder, plan)
        crew = _crew(settings, asked, folder)
        with Board(out, plan, settings.parallel, folder) as board:
            asyncio.run(run_batch(plan, folder, crew, settings.parallel, board, again=asked.again))
        result = result_of(plan, board.rows)
        write_result(folder, result)
    page = write_bench_page(folder, result)
    say_result(out, result)
    out.print(Text(f"page: {page}"), soft_wrap=True)
    if show:
        webbrowser.open(page.as_uri())
    return 0 if result.complete else 3


def _find_osworld(asked: Asked) -> None:
    """Says where OSWorld's files lie. Raises UserError, also where another suite is asked for."""
    if (asked.tasks or asked.cache) and not asked.suite.startswith(osworld.SUITE):
        raise UserError(f"--tasks and --cache are of the suite {osworld.SUITE!r}, not of {asked.suite!r}",
                        remedy="leave them out")  # fmt: skip
    osworld.use(asked.tasks, asked.cache)


def _baselines(text: str) -> tuple[str, ...]:
    names = {"all": BASELINES, "none": ()}.get(text)
    if names is None:
        names = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
        for name in names:
            if name not in BASELINES:
                known = ("all", "none", *BASELINES)
                raise UserError(f"no baseline {name!r}", remedy=meant(name, known) or f"choose {', '.join(known)}")
    return names


def _plan(
    settings: Settings, asked: Asked, chosen: list[Chosen], seeds: tuple[int, ...], beside: tuple[str, ...]
) -> Plan:
    entries = tuple(entry(one, seeds) for one in chosen)
    return Plan(
        suite=asked.suite, digest=digest(entries), entries=entries, players=players(settings.model, beside),
        seeds=seeds, repeat=asked.repeat, deviations=deviations(one.id for one in entries),
        settings=settings.model_dump(mode="json"), versions=versions(), revision=revision(), started=datetime.now(UTC),
    )  # fmt: skip


def _require(settings: Settings, plan: Plan, chosen: list[Chosen]) -> None:
    """Makes sure that all that is needed is there before anything is begun. Raises UserError."""
    require(settings, *{one.scenario.world for one in chosen})
    worlds(settings)
    playable = [one for one in plan.entries if one.oracle or settings.model != "oracle"]
    if not playable:
        raise UserError(f"no task of {plan.suite!r} has an oracle", remedy="choose another model with --model")
    if not settings.model.startswith("transformers:"):  # which each worker loads for itself
        model_for(settings, task_for(settings, playable[0].source, plan.seeds[0]))


def _crew(settings: Settings, asked: Asked, folder: Path) -> Crew:
    told = {"settings": settings.model_dump(mode="json"), "bench": str(folder), "variables": osworld.variables()}
    if asked.config:
        told["config"] = str(asked.config.resolve())
    log = folder / "workers.log"
    if asked.ray is None:
        return ProcessCrew([sys.executable, "-m", "agent.commands.bench_worker"], told, log)
    from agent.bench.on_ray import RayCrew
    from agent.commands.bench_worker import station

    return RayCrew(asked.ray, station, told, settings.parallel, log)
