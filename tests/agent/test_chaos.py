"""Processes are killed at every phase of a step: no action is done twice, none is lost, and the run ends as it should.

What really happened is counted outside: the page of the task tells every letter that is typed on it to this test.
"""

import random
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.trace import RunFolder, Status
from env.settle import pause
from tests.agent.harm import LETTERS, Gate, Runner, Site, keeper_of, lines, stopped

pytestmark = [pytest.mark.browser]


@dataclass
class Scene:
    """A run, its page and its model, and the process that runs it just now.

    `asked` questions to the model came from processes that are dead, `stamp` is the record as the last one left it.
    """

    folder: Path
    site: Site
    gate: Gate
    runner: Runner
    asked: int = 0
    stamp: int = 0

    def go_on(self) -> None:
        """Another process takes the run up."""
        self.stamp = self._stamp()
        self.runner = Runner("resume", str(self.folder))

    async def at_the_gate(self) -> None:
        """The model has been asked for the next action, by the process that lives."""
        await self.runner.holds(self._taken_up, "a run that was taken up")
        await self.runner.holds(lambda: len(self.gate.waiting) > self.asked, "a question to the model")

    def _taken_up(self) -> bool:
        asked = len(self.gate.waiting)
        if self._stamp() != self.stamp:
            return True
        self.asked = asked
        return False

    def _stamp(self) -> int:
        record = self.folder / "run.json"
        return record.stat().st_mtime_ns if record.exists() else 0

    def steps(self) -> int:
        return lines(self.folder / "steps.jsonl")

    def intents(self) -> int:
        return lines(self.folder / "intents.jsonl")


async def observing(scene: Scene) -> None:
    """A step is on the disk, and the next one begins with a look."""
    before = scene.steps()
    scene.gate.let()
    await scene.runner.holds(lambda: scene.steps() > before, "the end of a step")
    scene.runner.kill()


async def deciding(scene: Scene) -> None:
    """The model is asked."""
    scene.runner.kill()


async def before_the_intent(scene: Scene) -> None:
    """The model has answered, and the run cannot get past its checkpoint."""
    checkpoint = sqlite3.connect(scene.folder / "checkpoint.sqlite", isolation_level=None, timeout=60)
    try:
        checkpoint.execute("BEGIN IMMEDIATE")
        given = scene.gate.answered
        scene.gate.let()
        await scene.runner.holds(lambda: scene.gate.answered > given, "the answer of the model")
        scene.runner.kill()
        assert RunFolder(scene.folder).pending() is None
    finally:
        checkpoint.close()


async def after_the_intent(scene: Scene) -> None:
    """The intent is on the disk, and the keeper has heard nothing."""
    before = scene.intents()
    with stopped(keeper_of(scene.folder)):
        scene.gate.let()
        await scene.runner.holds(lambda: scene.intents() > before, "the intent")
        scene.runner.kill()
    assert RunFolder(scene.folder).pending() is not None


async def before_the_outcome(scene: Scene) -> None:
    """The letter is typed, and the page still holds it: nobody knows an outcome yet."""
    before = len(scene.site.typed)
    scene.site.hold()
    scene.gate.let()
    await scene.runner.holds(lambda: len(scene.site.typed) > before, "the letter on the page")
    scene.runner.kill()
    assert RunFolder(scene.folder).pending() is not None
    scene.site.let_go()


async def anytime(scene: Scene) -> None:
    """Whatever it is doing, up to two seconds after the model answered."""
    scene.gate.let()
    await pause(random.uniform(0, 2))
    scene.runner.kill()


Phase = Callable[[Scene], Awaitable[None]]
PHASES: tuple[Phase, ...] = (
    observing, deciding, before_the_intent, after_the_intent, before_the_outcome,
)  # fmt: skip


@pytest.mark.timeout(600)
async def test_a_runner_that_is_killed_is_gone_on_with(tmp_path: Path) -> None:
    await kill_runners(tmp_path, PHASES * 3, seed=0)


@pytest.mark.soak
@pytest.mark.timeout(3600)
async def test_many_runners_that_are_killed(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    await kill_runners(tmp_path, (*PHASES, anytime) * 20, seed=seed)


async def kill_runners(tmp_path: Path, phases: tuple[Phase, ...], *, seed: int) -> None:
    """Kills at each of these phases, in a drawn order; the run then ends with every letter typed once."""
    random.seed(seed)
    plan = random.sample(phases, len(phases))
    letters = (LETTERS * len(plan))[: len(plan) + 1]
    folder = tmp_path / "run"
    with Site() as site, Gate(letters) as gate:
        start = ("run", "Type the letters", "--world", "headless", "--url", site.url, "--model", gate.url,
                 "--steps", str(2 * len(plan)), "--out", str(folder))  # fmt: skip
        scene = Scene(folder, site, gate, Runner(*start))
        for phase in plan:
            await scene.at_the_gate()
            await phase(scene)
            scene.go_on()
        await scene.at_the_gate()
        gate.let_all()
        status, said = scene.runner.end()
        assert status == 0, said
        assert site.typed == letters
    record = RunFolder(folder)
    assert record.run().status is Status.UNCHECKED
    assert [step.number for step in record.steps()] == list(range(1, len(letters) + 2))
    assert all(step.outcome.ok for step in record.steps() if step.outcome)
