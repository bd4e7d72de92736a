"""Whether a scenario can be trusted: its oracle passes, doing nothing fails, a near miss fails."""

from dataclasses import dataclass
from pathlib import Path
from random import Random

from agent.model import IdleModel, Model, OracleModel
from agent.runner import MakeModel, MakeWorld, run
from agent.trace import Run, Status
from env.base import Probe
from scenarios.base import Oracle, Scenario, Task


@dataclass(frozen=True, slots=True)
class Proofs:
    """The three runs that prove a scenario at one seed; None where the scenario has no such solution.

    `unproved` says why, where that is in order.
    """

    scenario: str
    seed: int
    oracle: Run | None
    idle: Run
    near_miss: Run | None
    unproved: str = ""

    @property
    def problems(self) -> tuple[str, ...]:
        """What speaks against the scenario, in a sentence each; empty when it is sound."""
        expected = (
            ("the oracle", self.oracle, Status.PASSED),
            ("doing nothing", self.idle, Status.FAILED),
            ("the near miss", self.near_miss, Status.FAILED),
        )
        found = (_problem(*proof) for proof in expected if proof[1] or not self.unproved)
        return tuple(f"{self.scenario} at seed {self.seed}: {problem}" for problem in found if problem)


def _problem(who: str, done: Run | None, wanted: Status) -> str | None:
    if done is None:
        return f"{who} is missing"
    if done.status == wanted:
        return None
    reasons = (done.failure and done.failure.message, done.stop and f"stopped by {done.stop.reason}",
               done.result and done.result.why)  # fmt: skip
    return f"{who} should end as {wanted}, not as {done.status}: {'; '.join(r for r in reasons if r)}"


async def prove(scenario: Scenario, seed: int, make_world: MakeWorld, folder: Path) -> Proofs:
    """Runs the three proofs, each in a world of its own; their records go below `folder`.

    Raises ScenarioError when the scenario cannot be made at this seed, UserError when the folder cannot be written.
    """
    task = scenario.at(seed)

    async def played(name: str, oracle: Oracle | None) -> Run | None:
        return await run(task, as_model(oracle), make_world, folder / name) if oracle else None

    return Proofs(
        scenario=task.scenario,
        seed=seed,
        oracle=await played("oracle", task.oracle),
        idle=await run(task, lambda task, probe: IdleModel(), make_world, folder / "idle"),
        near_miss=await played("near_miss", task.near_miss),
        unproved=task.unproved,
    )


def as_model(oracle: Oracle) -> MakeModel:
    """A reference solution as what the runner makes a model from; the task's seed draws for it."""

    def make(task: Task, probe: Probe) -> Model:
        return OracleModel(oracle, probe, Random(task.seed))

    return make
