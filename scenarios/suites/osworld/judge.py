"""The verdict of OSWorld's own evaluator on a world."""

from collections.abc import Sequence
from dataclasses import dataclass

from env.base import Judged, Probe
from scenarios.base import CheckResult
from scenarios.checkers import graded
from tools.errors import ScenarioError

CLIENT = "desktop-env 1.0.2"
DEVIATIONS = (
    "Debian 12 with openbox in a sandbox, not Ubuntu 22.04 with GNOME in a virtual machine; no sudo, no network",
    "google-chrome is Debian's chromium with google-chrome's profile folder; `pkill chrome` ends it",
    "the world is settled by watching it, not by waiting 60 s before and 20 s after the run",
    "a run that reaches its limit counts as failed, though OSWorld would judge it",
    "a metric that raises is an error of the scenario, which leaves the score's denominator",
    "easyocr, librosa, borb and pydrive are left out of the client's libraries",
)
"""What is otherwise than in OSWorld's own runs; stands beside each score."""


@dataclass(frozen=True, slots=True)
class OriginalEvaluator:
    """Asks OSWorld's client. Of a task that cannot be done it asks what FAIL and what DONE would score."""

    functions: Sequence[str]
    feasible: bool
    once: bool = True

    async def judge(self, probe: Probe, answer: str | None) -> CheckResult:
        """The score that OSWorld gives. Raises ScenarioError for what its getters and metrics raise."""
        if not isinstance(probe, Judged):
            raise ScenarioError("only a world that OSWorld's client has set up can be judged by it")
        done = await _score(probe, "DONE")
        name = " and ".join(self.functions)
        if self.feasible:
            return graded(min(max(done, 0.0), 1.0), f"OSWorld's {name} gives {done:g}",
                          evaluator=CLIENT, deviations=list(DEVIATIONS))  # fmt: skip
        failed = await _score(probe, "FAIL")
        if (failed, done) != (1.0, 0.0):
            raise ScenarioError(f"OSWorld's {name} gives {failed:g} to FAIL and {done:g} to DONE")
        why = "the task cannot be done: OSWorld gives 1 to FAIL and 0 to everything else"
        return graded(done, why, evaluator=CLIENT, deviations=list(DEVIATIONS))


async def _score(probe: Judged, last: str) -> float:
    score: float = (await probe.ask_client({"do": "evaluate", "last": last}))["score"]
    return score
