"""`surehand test`: tests written in YAML, played, explained and recorded."""

import asyncio
import json
import time
import webbrowser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.status import Status
from rich.text import Text

from agent.commands.heal import keep_mendings
from agent.commands.live import console, signed
from agent.commands.wiring import described, model_for, new_folder, require, require_model, spec_for
from agent.means import MakeModel
from agent.means import Means as RunMeans
from agent.scripting.junit import write_junit
from agent.scripting.mind import Words
from agent.scripting.minds import Mind
from agent.scripting.page import verdict, write_session
from agent.scripting.results import Ending, Played, Result, exit_status
from agent.scripting.schema import json_schema
from agent.scripting.session import MakeMind, MakeWorld, Means, run_tests
from agent.scripting.written import Case, find_tests
from agent.secrets import secrets_of, told
from agent.settings import Settings
from agent.words import seconds_words
from env.base import Environment
from env.kept import NO_SECRETS, KeptEnvironment
from env.vault import Secret
from scenarios.base import Limits, Task
from tools.errors import UserError

_WORDLESS = {"": "none is named", "oracle": "an oracle knows no test"}
"""Values of `model` with which nobody does a step in plain words, and why."""


def print_schema() -> None:
    """The language of tests as JSON Schema, for editors."""
    console().print(Text(json.dumps(json_schema(), indent=2)), soft_wrap=True)


def run_session(
    settings: Settings, paths: Sequence[Path], only: str, asks: bool, pictures: bool, junit: Path | None,
    out: Path | None, show: bool, heal: Literal["", "diff", "write"] = "", caches: bool = False,
) -> int:  # fmt: skip
    """Plays the tests of files and folders, live in the terminal. Returns the exit status. Raises UserError.

    With `heal` a model finds again what is lost; the mended steps are shown as a diff, or written at once. With
    `caches` steps in words are done as a model did them before, where that still comes off.
    """
    if heal and not (asks and settings.model not in _WORDLESS):
        raise UserError("--heal needs a model", cause=_why_none(settings, asks), remedy="name one with --model")
    cases = find_tests(paths, only)
    screen, began = console(), time.monotonic()
    if not cases:
        screen.print(signed("warn", f"no tests in {', '.join(map(str, paths))}"))
        return exit_status(())
    needs_no_model(cases, settings, asks=asks)
    if asks and settings.model:
        require_model(settings)
    require(settings, *{case.file.world for case in cases})
    folder = out or new_folder(settings, "test")
    with Live(screen, len(cases)) as live:
        means = Means(
            folder, make_world(settings, trace=pictures), make_mind(settings, asks), settings.parallel, pictures,
            bool(heal), caches,
            live.start, live.step, live.end,
        )  # fmt: skip
        results = asyncio.run(run_tests(cases, means))
    page = write_session(folder, results)
    if junit:
        write_junit(junit, results, page)
    _say_summary(screen, results, time.monotonic() - began)
    if heal:
        keep_mendings(screen, folder, results, write=heal == "write")
    screen.print(Text(f"report: {page}"), soft_wrap=True)
    if show:
        webbrowser.open(page.resolve().as_uri())
    return exit_status(results)


def _say_summary(screen: Console, results: Sequence[Result], seconds: float) -> None:
    counts = {ending: sum(one.ending is ending for one in results) for ending in Ending}
    told = ", ".join(f"{count} {ending}" for ending, count in counts.items() if count)
    bad = counts[Ending.FAILED] + counts[Ending.ERROR]
    screen.print(signed("bad" if bad else "good", f"{told} in {seconds_words(seconds)}"))


def make_world(
    settings: Settings, *, trace: bool = False, network: bool | None = None, kept: Mapping[str, Secret] = NO_SECRETS
) -> MakeWorld:
    """What makes the world of a test, which reaches the outside only where the settings name domains.

    Or else `network` says whether it does; `kept` are secrets that come with their values. With `trace` browsers keep
    Playwright's, but where there are secrets, for it would hold them.

    Raises UserError for a secret without a value.
    """
    secrets = {**kept, **secrets_of(settings, kept)}
    reaches = bool(settings.allow_domains) if network is None else network

    def make(case: Case) -> Environment:
        spec = spec_for(settings, case.file.world, case.file.size, case.assets, network=reaches)
        return KeptEnvironment(spec.model_copy(update={"trace": trace and not secrets}), secrets=secrets)

    return make


def make_mind(settings: Settings, asks: bool) -> MakeMind:
    """What makes the mind of a test; none where no model may be asked, or none is named. A script goes on through it.

    Nobody is there while tests are played: what the settings want a person asked about is denied to the model.
    """
    means = RunMeans(tokens=settings.tokens, approve=frozenset(settings.approve or ()), rules=settings.rules)

    def make(case: Case, folder: Path) -> Mind | None:
        if not asks or settings.model in _WORDLESS:
            return None
        size, limits = settings.size or case.file.size, Limits(steps=settings.steps or 30, seconds=case.file.limit)
        made: list[MakeModel] = []

        def make_model(task: Task) -> MakeModel:
            made.extend([] if made else [model_for(settings, task)])
            return made[0]

        return Words(
            make_model, case.file.world, size, limits, folder, means,
            aside=told(settings), seen_as=lambda world: described(settings, world),
        )  # fmt: skip

    return make


def needs_no_model(cases: Sequence[Case], settings: Settings, *, asks: bool) -> None:
    """Raises UserError, with the line, for a step in words where nobody can do it."""
    if asks and settings.model not in _WORDLESS:
        return
    for case in cases:
        if (place := case.words()) is not None:
            raise UserError(
                f"{case.path}:{case.line(place)}: a step in plain words needs a model",
                cause=_why_none(settings, asks),
                remedy="name one with --model, or write exact steps here",
            )


def _why_none(settings: Settings, asks: bool) -> str:
    return _WORDLESS[settings.model] if asks else "--no-model asks none"


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
        astray = f", {result.astray} found another way" if result.astray else ""
        self._out.print(signed(verdict(result).tone, f"{result.name}  ({seconds_words(result.seconds)}{astray})"))
        if result.ending is not Ending.PASSED:
            if (broken := result.broken) is not None:
                self._out.print(Text(f"    {result.file}:{broken.line}: {broken.words}", style="cyan"), soft_wrap=True)
            self._out.print(Text(f"    {result.why}"), soft_wrap=True)
        self._update()

    def _update(self) -> None:
        doing = "; ".join(f"{name}: {step}" for name, step in self._running.items())
        self._status.update(Text(f"{self._left} to go: {doing}", no_wrap=True, overflow="ellipsis"))
