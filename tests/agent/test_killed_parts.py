"""What a run is made of is killed under it: keeper, browser, worker and model server, at every phase of a step."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from agent.chat.endpoint import find_endpoint
from agent.chat.model import VllmModel
from agent.commands.goal import Asked, goal_task
from agent.commands.served import manner_for
from agent.commands.wiring import model_for, worlds
from agent.means import Means
from agent.model import ScriptedModel
from agent.runner import run
from agent.settings import Settings
from agent.trace import Run, RunFolder, Status, Step
from env.settle import until
from tests.agent.desk import gives, steps_of
from tests.agent.harm import PATIENCE, Hooked, ModelServer, Site, below, keeper_of, lines, turns
from tests.env.worlds import kill
from tools.actions import Wait

KILLED_AT = 3
"""The step in which it happens."""
PHASES = ("observe", "decide", "act")


def kill_part(victim: str, folder: Path) -> None:
    """Kills a part of the world of a run."""
    keeper = keeper_of(folder)
    kill([keeper] if victim == "keeper" else below(keeper, victim))


async def typed_until_killed(phase: str, site: Site, folder: Path, strike: Callable[[], None]) -> Run:
    """A run that types letters on the page, and is struck at a phase of its third step."""

    def at(wanted: str, number: int) -> None:
        if phase == wanted and number == KILLED_AT:
            strike()

    def told(step: Step) -> None:
        at("observe", step.number + 1)

    site.typed, site.on_letter = "", lambda: at("act", len(site.typed))
    model = Hooked(ScriptedModel(*turns("abcdef")), lambda number: at("decide", number))
    settings = Settings(browser="headless")
    task = goal_task(settings, Asked("Type the letters.", url=site.url))
    return await run(task, gives(model), worlds(settings), folder, Means(on_step=told))


@pytest.mark.browser
@pytest.mark.timeout(600)
@pytest.mark.parametrize("victim", ["keeper", "--remote-debugging-port"])
async def test_a_world_that_is_killed_under_a_browser(victim: str, tmp_path: Path) -> None:
    await kill_worlds(victim, tmp_path, PHASES)


@pytest.mark.soak
@pytest.mark.browser
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("victim", ["keeper", "--remote-debugging-port"])
async def test_many_worlds_that_are_killed_under_a_browser(victim: str, tmp_path: Path) -> None:
    for number in range(20):
        await kill_worlds(victim, tmp_path / str(number), PHASES)


async def kill_worlds(victim: str, tmp_path: Path, phases: Sequence[str]) -> None:
    """A run for each phase, whose world loses a part in it: an error of the world, and nothing typed twice."""
    with Site() as site:
        for phase in phases:
            folder = tmp_path / phase
            done = await typed_until_killed(phase, site, folder, partial(kill_part, victim, folder))
            assert done.status is Status.ERROR_ENV, (phase, done.status, done.failure)
            assert done.failure
            assert site.typed == "abc"[: len(site.typed)]
            assert len(site.typed) >= KILLED_AT - 1
            assert [step.number for step in steps_of(folder)][: KILLED_AT - 1] == [1, 2]


@pytest.mark.desktop
@pytest.mark.timeout(600)
async def test_the_process_with_the_hands_is_killed(tmp_path: Path) -> None:
    await kill_hands(tmp_path)


@pytest.mark.soak
@pytest.mark.desktop
@pytest.mark.timeout(3600)
async def test_the_process_with_the_hands_is_killed_many_times(tmp_path: Path) -> None:
    for number in range(20):
        await kill_hands(tmp_path / str(number))


async def kill_hands(tmp_path: Path) -> None:
    """A run for each phase that loses the worker of its display in it."""
    for phase in PHASES:
        folder = tmp_path / phase
        done = await struck_on_a_desktop(phase, folder)
        assert done.status is Status.ERROR_ENV, (phase, done.status, done.failure)
        assert done.failure
        assert done.failure.where == ("observe" if phase == "observe" else "act")
        assert "worker is gone" in done.failure.message
        begun = RunFolder(folder).pending()
        assert (begun.number if begun else None) == (None if phase == "observe" else KILLED_AT)


async def struck_on_a_desktop(phase: str, folder: Path) -> Run:
    """A run that waits on a desktop, and loses the worker of its display in its third step."""
    waiting: list[asyncio.Task[None]] = []

    def strike() -> None:
        kill_part("env.worker", folder)

    async def in_the_act() -> None:
        async def begun() -> bool | None:
            return lines(folder / "intents.jsonl") == KILLED_AT or None

        await until(begun, PATIENCE, "the intent")
        strike()

    def decide(number: int) -> None:
        if number == KILLED_AT and phase == "decide":
            strike()
        elif number == KILLED_AT and phase == "act":
            waiting.append(asyncio.create_task(in_the_act()))

    def told(step: Step) -> None:
        if phase == "observe" and step.number == KILLED_AT - 1:
            strike()

    model = Hooked(ScriptedModel(Wait(time=0), Wait(time=0.01), Wait(time=50)), decide)
    done = await run(
        goal_task(Settings(), Asked("Wait.", "desktop")), gives(model), worlds(Settings()), folder, Means(on_step=told)
    )
    await asyncio.gather(*waiting)
    return done


@pytest.mark.browser
@pytest.mark.timeout(600)
async def test_a_model_server_that_comes_back_costs_nothing(tmp_path: Path) -> None:
    letters, struck, coming = "abcd", [], list[asyncio.Task[None]]()
    with Site() as site, ModelServer(tmp_path / "said.jsonl", letters) as server:
        loop = asyncio.get_running_loop()

        def strike() -> None:
            struck.append(len(site.typed))
            server.kill()
            coming.append(asyncio.create_task(asyncio.to_thread(server.start)))

        def told(step: Step) -> None:
            if step.number == 1:
                strike()

        def in_the_act() -> None:
            if site.typed == "abc":
                loop.call_soon_threadsafe(strike)

        site.on_letter = in_the_act
        settings = Settings(model=server.url, browser="headless")
        task = goal_task(settings, Asked("Type the letters.", url=site.url))
        done = await run(task, model_for(settings, task), worlds(settings), tmp_path / "run", Means(on_step=told))
        await asyncio.gather(*coming)
    assert (done.status, site.typed, len(struck)) == (Status.UNCHECKED, letters, 2), done.failure


@pytest.mark.browser
@pytest.mark.timeout(600)
async def test_a_model_server_that_stays_away_is_an_error_of_the_model(tmp_path: Path) -> None:
    with Site() as site, ModelServer(tmp_path / "said.jsonl", "abcd") as server:
        settings = Settings(browser="headless")
        task = goal_task(settings, Asked("Type the letters.", url=site.url))
        endpoint = find_endpoint(server.url)
        model = VllmModel(endpoint, manner_for(settings, task, endpoint.model), waits=(0.1, 0.1))

        def told(step: Step) -> None:
            if step.number == KILLED_AT - 1:
                server.kill()

        done = await run(task, gives(model), worlds(settings), tmp_path / "run", Means(on_step=told))
    assert (done.status, site.typed) == (Status.ERROR_MODEL, "ab"), done.failure
    assert done.failure
    assert done.failure.where == "decide"
