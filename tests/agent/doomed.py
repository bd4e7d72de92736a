"""A run in a process of its own that kills itself, or a part of its world, at one moment of one step.

Arguments: folder, `run` or `resume`, victim, moment, step (0: nothing is killed). Prints how the run ended.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.model import Model, ScriptedModel
from agent.prompt import Message
from agent.runner import Means, resume, run
from agent.trace import Completion, RunFolder, Step
from env.base import Observation, Probe, Shots
from env.kept import KeptEnvironment
from env.setup import OpenUrl, Serve
from env.world import WorldSpec
from scenarios.base import CheckResult, Limits, Task
from tests.env.worlds import PAGES
from tools.actions import BrowserAction, ComputerAction, LeftClick, Outcome, Terminate, Type
from tools.geometry import GridPoint, Size

MOMENTS = ("observe", "decide", "decided", "intended", "done", "kept")
"""Before the look, before and after the decision, after the intent, after the keeper did it, after the step is kept."""
LETTERS = "abcd"
SCRIPT: tuple[ComputerAction, ...] = (
    LeftClick(coordinate=GridPoint(300, 80)), *(Type(text=letter) for letter in LETTERS), Terminate(status="success"),
)  # fmt: skip
SIZE = Size(1024, 600)


@dataclass(frozen=True)
class EachOnce:
    """Every letter was typed once and in order, as the page told its site at each of them."""

    async def judge(self, probe: Probe, answer: str | None) -> CheckResult:
        sent = [posted.body["text"] for posted in await probe.posted()]
        wanted = [LETTERS[: n + 1] for n in range(len(LETTERS))]
        return CheckResult(score=float(sent == wanted), why=f"the page should have sent {wanted} and sent {sent}")


TASK = Task(
    scenario="test/keys", seed=0, world="browser", goal="Type.", check=EachOnce(), size=SIZE,
    limits=Limits(steps=20, seconds=600), setup=(Serve(folder="keys"), OpenUrl(url="http://site.test/")),
)  # fmt: skip


class Doom:
    """Strikes once, at its moment."""

    def __init__(self, victim: str, moment: str, step: int) -> None:
        self.victim, self.moment, self.step = victim, moment, step
        self.turn = 0
        self.world: DoomedWorld | None = None

    def at(self, moment: str) -> None:
        if (moment, self.turn) != (self.moment, self.step):
            return
        self.step = 0
        if self.victim == "runner":
            os.kill(os.getpid(), signal.SIGKILL)
        for pid in self._pids():
            os.kill(pid, signal.SIGKILL)

    def _pids(self) -> list[int]:
        assert self.world
        keeper = self.world.keeper_pid
        if self.victim == "keeper":
            return [keeper]
        mark = {"worker": "env.worker", "browser": "--user-data-dir"}[self.victim]
        return [pid for pid in below(keeper) if mark in command_of(pid)]


class DoomedWorld(KeptEnvironment):
    """A kept world that tells doom where the run is."""

    doom: Doom

    @property
    def keeper_pid(self) -> int:
        assert self._process
        return self._process.pid

    async def observe(self, shots: Shots) -> Observation:
        self.doom.turn = len(list(RunFolder(shots.folder.parent).steps())) + 1
        self.doom.at("observe")
        return await super().observe(shots)

    async def execute(self, number: int, action: ComputerAction | BrowserAction) -> Outcome:
        self.doom.at("intended")
        outcome = await super().execute(number, action)
        self.doom.at("done")
        return outcome


@dataclass
class DoomedModel:
    """A model that tells doom where the run is."""

    inner: Model
    doom: Doom
    name: str = "scripted"

    async def decide(self, messages: Sequence[Message]) -> Completion:
        self.doom.at("decide")
        said = await self.inner.decide(messages)
        self.doom.at("decided")
        return said


def below(pid: int) -> list[int]:
    """A process's children and theirs."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            parents.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry.name))
    found, left = [], [pid]
    while left:
        children = parents.get(left.pop(), [])
        found += children
        left += children
    return found


def command_of(pid: int) -> str:
    try:
        return (Path("/proc") / str(pid) / "cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def world_of(kind: str, doom: Doom, folder: Path | None = None, keeper: str = "") -> DoomedWorld:
    spec = WorldSpec.model_validate({"kind": kind, "size": SIZE, "assets": PAGES, "lease": 60})
    world = DoomedWorld(spec, folder, keeper)
    world.doom, doom.world = doom, world
    return world


async def main(folder: Path, how: str, victim: str, moment: str, step: int) -> None:
    doom = Doom(victim, moment, step)
    kind = "kiosk" if victim == "worker" else "browser"

    def kept(last: Step) -> None:
        doom.at("kept")

    def model(used: int) -> Model:
        return DoomedModel(ScriptedModel(*SCRIPT[used:]), doom)

    means = Means(on_step=kept)
    if how == "run":
        done = await run(TASK, lambda task, probe: model(0), lambda task: world_of(kind, doom), folder, means)
    else:
        record = RunFolder(folder)
        world = world_of(kind, doom, Path(record.run().world["folder"]), record.run().world["keeper"])
        used = len(list(record.steps())) + (record.pending() is not None)
        done = await resume(TASK, lambda task, probe: model(used), world, folder, means)
    sys.stdout.write(f"{done.status} {done.result.why if done.result else done.failure and done.failure.message}\n")


if __name__ == "__main__":
    _, where, how_, who, when, which = sys.argv
    asyncio.run(main(Path(where), how_, who, when, int(which)))
