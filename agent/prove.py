"""Whether a scenario can be trusted: its oracle passes, doing nothing fails, a near miss fails."""

from dataclasses import dataclass
from pathlib import Path

from agent.means import MakeModel, MakeWorld, as_model
from agent.model import IdleModel
from agent.runner import run
from agent.trace import Run, Status
from env.held import Held
from scenarios.base import Scenario


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
    """Runs the three proofs one after another in one world, reset for each; their records go below `folder`.

    Raises ScenarioError when the scenario cannot be made at this seed, UserError when the folder cannot be written.
    """
    task = scenario.at(seed)
    world = make_world(task)

    async def played(name: str, model: MakeModel) -> Run:
        return await run(task, model, lambda task: Held(world), folder / name)

    try:
        return Proofs(
            scenario=task.scenario,
            seed=seed,
            oracle=await played("oracle", as_model(task.oracle)) if task.oracle else None,
            idle=await played("idle", lambda task, probe: IdleModel()),
            near_miss=await played("near_miss", as_model(task.near_miss)) if task.near_miss else None,
            unproved=task.unproved,
        )
    finally:
        await world.close()
