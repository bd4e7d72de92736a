"""What a keeper keeps: a world without numbers or leases, and the words that describe one."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict

from env import settle
from env.allow import EVERYTHING, Allow
from env.base import Facts
from env.setup import SetupStep
from env.vault import Place
from tools.actions import BrowserAction, ComputerAction, Outcome
from tools.base import Frame
from tools.errors import UserError
from tools.geometry import Rect, Size

Kind = Literal["desktop", "browser", "kiosk", "window", "display", "page"]
NARROWEST = 500
"""Pixels that a window of Chromium is wide at least; a headless page can be narrower."""


class WorldSpec(BaseModel):
    """Everything a keeper must know to make a world.

    `kind`: a desktop with applications; a headless browser; `kiosk`, a browser that fills a private display, whose
    pictures are taken through X (about 25 times cheaper than asking the browser); a browser in a `window` on the
    person's own display; that `display` itself; or a `page` of a browser that runs already: `endpoint` is the address
    of its debugging port, `target` the page's id. What a person does is `watched` in a window and on their display.
    `lease` is in seconds: a keeper that nobody spoke to for so long ends its world. With `network` its programs reach
    the outside, as far as `allow` lets, and private networks by a host's name only if `private`. With `trace` a browser
    keeps a trace of Playwright's. With `same_page` a reset of a headless browser cleans the page that is open instead
    of opening a new profile, four times as fast, and the page is asked whether anything in it moves, instead of noting
    each frame that it draws: a sixth less work.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    size: Size = Size(1280, 720)
    assets: Path = Path()
    chromium: str = ""
    quiet: float = settle.QUIET
    limit: float = settle.LIMIT
    lease: float = 120.0
    allow: Allow = EVERYTHING
    network: bool = False
    private: bool = True
    trace: bool = False
    watched: bool = False
    same_page: bool = False
    endpoint: str = ""
    target: str = ""


class Look(NamedTuple):
    """A picture and how it was come by; `waited` in seconds, `note` what else happened."""

    frame: Frame
    settled: bool
    waited: float
    url: str | None = None
    note: str = ""
    person: bool = False


class World(Protocol):
    """One world; its keeper numbers the actions and sees to it that none is done twice."""

    @property
    def facts(self) -> Facts:
        """Read-only facts."""
        ...

    def describe(self) -> dict[str, str]:
        """How the world is kept apart, and with which programs, for the run's record."""
        ...

    async def reset(self, setup: Sequence[SetupStep], seed: int) -> None:
        """A fresh state, set up. Raises EnvError, ScenarioError."""
        ...

    async def look(self) -> Look:
        """Settles and grabs. Raises EnvError."""
        ...

    async def act(self, action: ComputerAction | BrowserAction) -> Outcome:
        """Does one action. Raises EnvError."""
        ...

    async def place(self) -> Place:
        """What has the keyboard. Raises EnvError."""
        ...

    async def typed(self, place: Place) -> None:
        """A secret was typed there: what the world must know to find it again on the screen. Raises EnvError."""
        ...

    async def spots(self, texts: Sequence[str]) -> tuple[Rect, ...]:
        """Where on the picture any of the texts may be seen; rather more than too little. Raises EnvError."""
        ...

    async def release(self) -> None:
        """Lets go of keys and buttons that are held down."""
        ...

    async def close(self) -> None:
        """Ends the world; may be called twice."""
        ...


_PROGRAMS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_SHELL = "chromium-headless-shell"
"""Chromium without the parts that draw windows, which Playwright, too, takes for what nobody sees: a fresh profile with
a page in it takes a third of the time."""


def find_chromium(configured: str, *, headless: bool = False) -> Path:
    """The configured Chromium, the system's, or the one Playwright downloaded. Raises UserError with the remedy.

    For a `headless` browser the program that can be nothing else is preferred, where there is one.
    """
    if configured:
        if not Path(configured).is_file():
            raise UserError(f"no browser {configured!r}", remedy="set SUREHAND_CHROMIUM to an existing program")
        return Path(configured)
    for name in (_SHELL, *_PROGRAMS) if headless else _PROGRAMS:
        if (found := shutil.which(name)) and not Path(found).resolve().is_relative_to("/snap"):
            return Path(found)
    cache = Path.home() / ".cache" / "ms-playwright"
    for found_path in sorted(cache.glob("chromium-*/chrome-linux*/chrome"), reverse=True):
        return found_path
    raise UserError(
        "no Chromium on this machine", cause="looked for chromium and google-chrome", remedy="run `make setup`"
    )
