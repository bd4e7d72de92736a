"""Each page as a scenario: what is served, what is shown, and how long it may take."""

import math
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from env.allow import Allow
from env.setup import OpenUrl, Script, Serve
from scenarios.base import Limits, Task, World
from scenarios.suites.miniwob.episode import BEGIN, LONGEST, PageEpisode, Reward
from scenarios.suites.miniwob.oracles import MISSPELT, ORACLES, UNSOLVED, UNSURE
from scenarios.suites.miniwob.page import play
from tools.actions import VERBS
from tools.errors import UserError
from tools.geometry import Size

SIZE = Size(332, 214)
"""What is shown, in pixels: the task's 160x210 and the grey beside it, where pages show people their score."""
NOT_LISTED = frozenset({"button-delay", "chase-circle", "hover-shape", "moving-items", "simon-says"})
"""Pages that BrowserGym does not list (browsergym/miniwob/__init__.py), as they happen in time; the 125 others are
what a benchmark of MiniWoB++ means, and have the tag `listed`."""
_STEPS = 30
_MORE_STEPS = {"book-flight": 50, "book-flight-nodelay": 50, "drag-cube": 50}
_GRADED = {"bisect-angle": 0.9, "circle-center": 0.9, "find-midpoint": 0.9, "right-angle": 0.9}
"""Pages that give 1 for the exact place only, which lies between pixels; elsewhere nothing less than 1 passes."""
_PREFIX = "miniwob/"


@dataclass(frozen=True, slots=True)
class PageScenario:
    """A Scenario from a page."""

    page: str

    @property
    def id(self) -> str:
        """Such as `miniwob/click-test`."""
        return _PREFIX + self.page

    @property
    def title(self) -> str:
        """The page's name in words, and why its oracle fails at times or is missing, where that is so."""
        words = self.page.replace("-", " ").capitalize()
        if self.page in UNSURE:
            return f"{words} (the oracle fails at times: {UNSURE[self.page]})"
        return f"{words} (no oracle: {UNSOLVED[self.page]})" if self.page in UNSOLVED else words

    @property
    def world(self) -> World:
        """A browser."""
        return "browser"

    @property
    def tags(self) -> tuple[str, ...]:
        """Whether it belongs to the 125, and whether there is a reference solution."""
        return (*(() if self.page in NOT_LISTED else ("listed",)), *(("solved",) if self.page in ORACLES else ()))

    def at(self, seed: int) -> Task:
        """As Scenario.at."""
        solve = ORACLES.get(self.page)
        return Task(
            scenario=self.id, seed=seed, world=self.world, size=SIZE, goal=f"what the page {self.page} asks for",
            episode=PageEpisode(), check=Reward(_GRADED.get(self.page, 1.0)), assets=_package(),
            limits=Limits(steps=_MORE_STEPS.get(self.page, _STEPS), seconds=math.inf),
            allow=Allow(actions=VERBS["computer_use"]),
            setup=(Serve(folder="html"), OpenUrl(url=f"http://site.test/miniwob/{self.page}.html"),
                   Script(function=BEGIN, argument={"seed": seed, "longest": LONGEST})),
            oracle=play(solve) if solve else None,
            near_miss=play(solve, misspell=True) if solve and self.page in MISSPELT else None,
            unproved=UNSOLVED.get(self.page, "" if self.page in MISSPELT else "no mistake comes naturally here"),
        )  # fmt: skip


@cache
def ids() -> tuple[str, ...]:
    """Every page's id. Raises UserError when the package is not installed."""
    return tuple(sorted(_PREFIX + path.stem for path in (_package() / "html" / "miniwob").glob("*.html")))


def load(id: str) -> PageScenario:
    """The scenario with this id. Raises KeyError, and UserError when the package is not installed."""
    if id not in ids():
        raise KeyError(id)
    return PageScenario(id.removeprefix(_PREFIX))


def deviations() -> tuple[str, ...]:
    """How a score differs from one by the package's own environment."""
    return (
        "the raw reward counts, on which time has no influence, and a run is limited in steps, not in time",
        "a reward of 1 passes; from 0.9 on in the four pages that grade how near a place is",
    )


@cache
def _package() -> Path:
    """The package's folder; that it is imported is not needed, nor are the libraries that it would import."""
    spec = find_spec("miniwob")
    if spec is None or not spec.submodule_search_locations:
        raise UserError("the suite 'miniwob' needs the package miniwob", remedy="pip install --no-deps miniwob")
    return Path(spec.submodule_search_locations[0])
