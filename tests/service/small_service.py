"""A service of small tasks in memory, in processes that can be killed: `python -m tests.service.small_service SETUP`.

Its models are `solution` and `held`, which waits before each reply while there is a file `hold` in the folder.
`python -m tests.service.small_service SETUP NAME` is its worker.
"""

import asyncio
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from agent.commands.test import make_mind
from agent.means import KeptWorld, MakeModel
from agent.model import Model, ScriptedModel
from agent.prompt import Message
from agent.scripting import ids
from agent.scripting.written import Case
from agent.service.house import first_words, serve
from agent.service.orders import RunOrder
from agent.service.prepared import Prepared, PreparedTask
from agent.service.safe import Safe
from agent.service.setup import Setup
from agent.service.testing import PreparedTest
from agent.service.worker import main
from agent.settings import Settings
from agent.trace import Completion, Run
from env.base import Observation, Probe, Shots
from env.scripted import ScriptedWorld
from env.settle import until
from env.vault import Secret
from scenarios.base import Limits, Task
from tests.agent.desk import APP, SOLUTION, a_task, scripted
from tools.errors import UserError

MODELS = ("solution", "held")
PATIENCE = 120.0


class Held:
    """Answers from a script, and tells in `asked.log` how often it was asked."""

    name = "held"

    def __init__(self, place: Path, inner: Model, seed: int) -> None:
        self._place, self._inner, self._seed = place, inner, seed

    async def decide(self, messages: Sequence[Message]) -> Completion:
        with (self._place / "asked.log").open("a") as log:
            log.write(f"{self._seed}\n")
        await until(self._free, PATIENCE, "leave to go on")
        return await self._inner.decide(messages)

    async def _free(self) -> bool | None:
        return None if (self._place / "hold").exists() else True


class HeldWorld(ScriptedWorld):
    """Shows nothing while there is a file `hold`, and tells in `asked.log` how often it was looked at."""

    def __init__(self, place: Path) -> None:
        super().__init__(APP)
        self._place = place

    async def observe(self, shots: Shots) -> Observation:
        with (self._place / "asked.log").open("a") as log:
            log.write("look\n")
        await until(self._free, PATIENCE, "leave to go on")
        return await super().observe(shots)

    async def _free(self) -> bool | None:
        return None if (self._place / "hold").exists() else True


class SmallParts:
    """Saves a note in a scripted world, or plays a test there."""

    def __init__(self, setup: Setup) -> None:
        self._setup, self._place, self._safe = setup, setup.folder, Safe(setup)

    def secrets(self) -> Mapping[str, Secret]:
        return self._safe.secrets()

    def prepared(self, order: RunOrder) -> Prepared:
        if order.model not in MODELS:
            raise UserError(f"no model {order.model!r}")
        if order.test:
            return self._test(order.test, order.model)
        limits = Limits(steps=order.limits.steps or 400, seconds=60)
        goal = {"goal": order.goal} if order.goal else {}
        task = a_task(scenario=order.name, seed=order.seed, limits=limits, **goal)
        return PreparedTask(
            task=task, settings={"model": order.model}, make_model=lambda used: self._model(order, used),
            make_world=lambda: scripted, kept=self._kept, approve=frozenset(order.guard.approve),
            rules=order.guard.rules,
        )  # fmt: skip

    def scenarios(self, patterns: Iterable[str]) -> list[str]:
        return [pattern.replace("*", "note") for pattern in patterns]

    def tests(self, patterns: Iterable[str]) -> list[str]:
        return ids.matching(patterns, self._setup.tests)

    def _test(self, name: str, model: str) -> PreparedTest:
        """Whoever is asked to do words gives up."""

        def make_world(case: Case) -> ScriptedWorld:
            return HeldWorld(self._place) if model == "held" else ScriptedWorld(APP)

        return PreparedTest(
            case=ids.case_named(name, self._setup.tests), settings={"model": model},
            make_world=lambda: make_world, make_mind=make_mind(Settings(model="fail"), asks=True),
        )  # fmt: skip

    def _model(self, order: RunOrder, used: int) -> MakeModel:
        def make(task: Task, probe: Probe) -> Model:
            replies = ScriptedModel(*SOLUTION[used:])
            return Held(self._place, replies, order.seed) if order.model == "held" else replies

        return make

    def _kept(self, run: Run) -> KeptWorld:
        raise UserError("a world in memory dies with its process")


def serve_small(setup: Setup) -> None:
    for line in first_words(setup):
        print(line, flush=True)
    worker = [sys.executable, "-m", "tests.service.small_service"]
    opened = lambda address: print(f"address {address}", flush=True)  # noqa: E731
    asyncio.run(serve(setup, SmallParts(setup), worker, opened))


if __name__ == "__main__":
    told = Setup.model_validate_json(sys.argv[1])
    if sys.argv[2:]:
        main(told, SmallParts(told), sys.argv[2])
    else:
        serve_small(told)
