"""One episode of a page: how it is begun from a seed, what it asks for, when it is over, and what it was worth."""

from dataclasses import dataclass
from typing import NamedTuple

from env.base import Probe
from scenarios.base import CheckResult
from scenarios.checkers import graded

LONGEST = 2**31 - 1
"""Milliseconds that an episode may take, the most that a browser's timer counts: 24 days."""

BEGIN = """
async ({seed, longest}) => {
  const style = document.createElement('style');
  style.textContent = '#reward-display, #click-canvas { visibility: hidden !important }';
  document.head.append(style);
  Math.seedrandom(seed);
  core.EPISODE_MAX_TIME = longest;
  core.startEpisodeReal();
  while (!WOB_TASK_READY) await new Promise(done => setTimeout(done, 10));
  core.startEpisodeReal = () => {};
  core.cover_div.onclick = null;
  core.cover_div.textContent = 'END';
  window.surehandBegan = true;
}
"""
"""Begins the only episode of this document: the cover that a page shows after its end starts no other.

The score, the clock and the last click, which pages show to people beside the task, are hidden.
"""
_STATE = (
    "window.surehandBegan ? [WOB_DONE_GLOBAL, WOB_RAW_REWARD_GLOBAL, String(WOB_REWARD_REASON ?? '')] : [false, 0, '']"
)
_SAID = "(said => said.utterance ?? said)(core.getUtterance())"
_CLOSE = 1e-9  # a reward may be the sum of thirds


class _State(NamedTuple):
    over: bool
    reward: float
    reason: str


async def _state(probe: Probe) -> _State:
    """A page that was left, or loaded again, is not over and worth nothing."""
    over, reward, reason = await probe.script(_STATE)
    return _State(bool(over), float(reward), reason)


class PageEpisode:
    """The Episode of a page that was begun."""

    async def goal(self, probe: Probe) -> str:
        """The page's utterance."""
        return str(await probe.script(_SAID))

    async def over(self, probe: Probe) -> bool:
        """Whether the page has given its reward."""
        return (await _state(probe)).over


@dataclass(frozen=True, slots=True)
class Reward:
    """The page's raw reward, on which time has no influence: passed from `wanted` on, which mostly is 1.

    A smaller reward above 0 is the score, and no pass. (BrowserGym counts everything above 0 as success.)
    """

    wanted: float = 1.0

    async def judge(self, probe: Probe, answer: str | None) -> CheckResult:
        """As `Check.judge`."""
        over, reward, reason = await _state(probe)
        if not over:
            return graded(0.0, "the page should have ended the episode, and has not", reward=None)
        score = 1.0 if reward >= self.wanted - _CLOSE else min(max(reward, 0.0), 0.99)
        why = f"the page should give a raw reward of {self.wanted:g} and gave {reward:g}" + (reason and f" ({reason})")
        return graded(score, why, reward=reward, reason=reason)
