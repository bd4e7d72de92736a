"""`surehand test`: tests written in YAML, played, explained and recorded."""

import asyncio
import json
import time
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.status import Status
from rich.text import Text

from agent.commands.live import console, signed
from agent.commands.wiring import model_for, new_folder, require, spec_for
from agent.scripting.junit import write_junit
from agent.scripting.mind import Words
from agent.scripting.page import verdict, write_session
from agent.scripting.play import Mind
from agent.scripting.results import Ending, Played, Result, exit_status
from agent.scripting.schema import json_schema
from agent.scripting.session import MakeMind, MakeWorld, Means, run_tests
from agent.scripting.written import Case, find_tests
from agent.settings import Settings
from agent.words import seconds_words
from env.base import Environment
from env.kept import KeptEnvironment
from scenarios.base import Limits


def print_schema() -> None:
    """The language of tests as JSON Schema, for editors."""
    console().print(Text(json.dumps(json_schema(), indent=2)), soft_wrap=True)


def run_session(
    settings: Settings, paths: Sequence[Path], only: str, asks: bool, pictures: bool, junit: Path | None,
    out: Path | None, show: bool,
) -> int:  # fmt: skip
    """Plays the tests of files and folders, live in the terminal. Returns the exit status. Raises UserError."""
    cases = find_tests(paths, only)
    screen, began = console(), time.monotonic()
    if not cases:
        screen.print(signed("warn", f"no tests in {', '.join(map(str, paths))}"))
        return exit_status(())
    require(settings, *{case.file.world for case in cases})
    folder = out or new_folder(settings, "test")
    with Live(screen, len(cases)) as live:
        means = Means(
            folder, make_world(settings), make_mind(settings, asks), settings.parallel, pictures,
            live.start, live.step, live.end,
        )  # fmt: skip
        results = asyncio.run(run_tests(cases, means))
    page = write_session(folder, results)
    if junit:
        write_junit(junit, results, page)
    _say_summary(screen, results, time.monotonic() - began)
    screen.print(Text(f"report: {page}"), soft_wrap=True)
    if show:
        webbrowser.open(page.resolve().as_uri())
    return exit_status(results)


def _say_summary(screen: Console, results: Sequence[Result], seconds: float) -> None:
    counts = {ending: sum(one.ending is ending for one in results) for ending in Ending}
    told = ", ".join(f"{count} {ending}" for ending, count in counts.items() if count)
    bad = counts[Ending.FAILED] + counts[Ending.ERROR]
    screen.print(signed("bad" if bad else "good", f"{told} in {seconds_words(seconds)}"))


def make_world(settings: Settings) -> MakeWorld:
    """What makes the world of a test."""

    def make(case: Case) -> Environment:
        return KeptEnvironment(spec_for(settings, case.file.world, case.file.size, case.assets))

    return make


def make_mind(settings: Settings, asks: bool) -> MakeMind:
    """What makes the mind of a test; none where no model may be asked, or none is set (an oracle knows no test)."""

    def make(case: Case, folder: Path) -> Mind | None:
        if not asks or settings.model == "oracle":
            return None
        size, limits = settings.size or case.file.size, Limits(steps=settings.steps or 30, seconds=case.file.limit)
        return Words(
            lambda task: model_for(settings, task), case.file.world, size, limits, folder, settings.tokens
        )  # fmt: skip

    return make


class Live:
    """The tests in the terminal: a line for each that ended, below them what is being played."""

    def __init__(self, out: Console, count: int) -> None:
        self._out, self._left = out, count
        self._status = Status("", console=out)
        self._running: dict[str, str] = {}

    def __enter__(self) -> "Live":
        self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._status.stop()

    def start(self, case: Case) -> None:
        """A test begins."""
        self._running[case.name] = "preparing the world"
        self._update()

    def step(self, case: Case, step: Played) -> None:
        """A step was played."""
        self._running[case.name] = step.words
        self._update()

    def end(self, case: Case, result: Result) -> None:
        """A test ended."""
        self._running.pop(case.name, None)
        self._left -= 1
        self._out.print(signed(verdict(result).tone, f"{result.name}  ({seconds_words(result.seconds)})"))
        if result.ending is not Ending.PASSED:
            if (broken := result.broken) is not None:
                self._out.print(Text(f"    {result.file}:{broken.line}: {broken.words}", style="cyan"), soft_wrap=True)
            self._out.print(Text(f"    {result.why}"), soft_wrap=True)
        self._update()

    def _update(self) -> None:
        doing = "; ".join(f"{name}: {step}" for name, step in self._running.items())
        self._status.update(Text(f"{self._left} to go: {doing}", no_wrap=True, overflow="ellipsis"))
