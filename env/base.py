"""What every world offers: reset, see, act, inspect. Checked on all of them by env.conformance."""

import hashlib
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from env.allow import Refused
from env.setup import SetupStep
from tools.actions import Action, BrowserAction, ComputerAction, Outcome
from tools.base import Frame
from tools.dom import Element, PageState
from tools.geometry import Box, Rect, Size


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Item(_Value):
    """One thing on the screen: its role and name, what state it is in, in words, and its box on the 0–1000 grid.

    `acts` tells controls from texts. Roles are ARIA's in a page and AT-SPI's on a desktop.
    """

    role: str
    name: str
    state: str = ""
    acts: bool
    box: Box


class Picture(_Value):
    """A picture in a run's `shots/`, by its hash."""

    path: Path
    sha256: str


class Observation(_Value):
    """One look at the screen. The picture lies in a run's `shots/` under its hash; state and logs hold this value only.

    `settled` says whether the picture was quiet when it was taken, `waited` the seconds spent waiting for that, `note`
    what the last action led to and the picture does not show; `person`: somebody else moved the pointer meanwhile.
    A world that describes itself (env.described) adds `items`, and `marked`: the picture with the number of each item
    on it, counted from 1.
    """

    path: Path
    sha256: str
    size: Size
    settled: bool
    waited: float
    url: str | None = None
    note: str = ""
    person: bool = False
    items: tuple[Item, ...] = ()
    marked: Picture | None = None


class Deed(_Value):
    """What a person did in a world, and what is known of the picture just before it.

    `target` says in words what it was done to, `lost` what of it the action does not say.
    """

    action: Action
    target: str
    lost: str
    size: Size
    settled: bool
    url: str | None


class Witnessed(NamedTuple):
    """The next deed with the picture just before it, None when there is none yet; and whether the person is done."""

    deed: Deed | None
    png: bytes
    over: bool


class Effect(StrEnum):
    """What an action did to the picture, judged after settling."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    ELSEWHERE = "elsewhere"


class Window(_Value):
    """A top-level window; `rect` in screen pixels without the frame."""

    title: str
    app: str
    rect: Rect
    active: bool


class Process(_Value):
    """A process of the world, by its number inside."""

    pid: int
    command: tuple[str, ...]


class Node(_Value):
    """One element of the accessibility tree (AT-SPI role and state names); `rect` in screen pixels.

    `window` is the name of the top-level element that it belongs to: mostly a window's title, for a question a word.
    """

    role: str
    name: str
    text: str
    rect: Rect
    states: frozenset[str]
    app: str
    window: str = ""


class Line(_Value):
    """One line of text read off the screen by OCR; `rect` in screen pixels, `score` 0 to 1."""

    text: str
    rect: Rect
    score: float


class Posted(_Value):
    """A form or JSON body that a page sent to the world's own site."""

    path: str
    body: Any


class Visit(_Value):
    """A request that reached a site of this world other than its own: `foreign.test`, say."""

    host: str
    method: str
    path: str
    body: str


class Facts(Protocol):
    """Read-only facts that a world gives from within.

    Paths are relative to the world's HOME and cannot leave it. A fact that a kind of world has not (the DOM of a
    desktop, the windows of a page) is empty. Everything raises EnvError when the world is gone.
    """

    async def read(self, path: str) -> bytes:
        """A file's content. Raises FileNotFoundError."""
        ...

    async def glob(self, pattern: str) -> tuple[str, ...]:
        """Files that match a pattern such as `Documents/*.txt`, sorted."""
        ...

    async def windows(self) -> tuple[Window, ...]:
        """Windows, the lowest first."""
        ...

    async def processes(self) -> tuple[Process, ...]:
        """Processes of the world."""
        ...

    async def elements(
        self, *, css: str | None = None, role: str | None = None, name: str | None = None, text: str | None = None
    ) -> tuple[Element, ...]:
        """Elements of the page in front, by CSS selector, by ARIA role (and name), or by their own text."""
        ...

    async def page(self) -> PageState | None:
        """Address, title and tabs of the browser."""
        ...

    async def script(self, expression: str) -> Any:
        """The JSON value of a JavaScript expression in the page in front."""
        ...

    async def a11y(self) -> tuple[Node, ...]:
        """The accessibility tree of a desktop, flat, in document order."""
        ...

    async def clipboard(self) -> str:
        """Text of the clipboard."""
        ...

    async def posted(self) -> tuple[Posted, ...]:
        """What pages sent to the world's own site, in order."""
        ...

    async def visited(self) -> tuple[Visit, ...]:
        """Requests that reached another site than the world's own, in order."""
        ...

    async def refused(self) -> tuple[Refused, ...]:
        """Actions and addresses that the world's allow-lists refused, in order, each once."""
        ...

    async def size(self) -> Size:
        """The screen's size in pixels."""
        ...


class Probe(Facts, Protocol):
    """All facts about a world, for checkers and oracles; never handed to another model."""

    async def has_page(self) -> bool:
        """Whether a page is in front; cheaper to ask than what page it is."""
        ...

    async def screen_text(self) -> tuple[Line, ...]:
        """Lines of text that OCR reads off the screen, in reading order."""
        ...

    async def picture(self) -> Frame:
        """What the screen shows, once it is quiet."""
        ...


class Environment(Protocol):
    """A world under control.

    `execute` never raises for a valid action: what cannot be done is an `Outcome(ok=False)`. Each action has a number;
    a number that was seen before is not executed again, its recorded outcome is returned.
    """

    @property
    def description(self) -> Mapping[str, str]:
        """How the world is made and kept apart, for the run's record; empty before the first reset."""
        ...

    async def reset(self, setup: Sequence[SetupStep], seed: int) -> None:
        """A fresh world, set up. Raises EnvError, or ScenarioError when a setup step is at fault."""
        ...

    async def observe(self, shots: "Shots") -> Observation:
        """Waits until the picture is quiet (or the limit is reached) and takes it."""
        ...

    async def execute(self, number: int, action: ComputerAction | BrowserAction) -> Outcome:
        """Does the action with this number, at most once."""
        ...

    def probe(self) -> Probe:
        """Read-only facts."""
        ...

    async def close(self) -> None:
        """Ends the world and removes what it left; may be called twice."""
        ...


@runtime_checkable
class Traced(Protocol):
    """A world that keeps a trace of Playwright's."""

    async def trace(self) -> bytes:
        """The trace since the reset, a zip file, which ends with this; empty where none is kept. Raises EnvError."""
        ...


@runtime_checkable
class Watched(Protocol):
    """A world that tells what a person does in it."""

    async def deed(self, *, finish: bool) -> Witnessed:
        """What they did next, waited for shortly; with `finish` what is left when they are done. Raises EnvError."""
        ...


@runtime_checkable
class Judged(Protocol):
    """A world that another benchmark's own client has set up, and judges."""

    async def ask_client(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """One order to that client, such as `{"do": "evaluate", "last": "DONE"}`, and its answer.

        Raises ScenarioError for what the client raised, EnvError when the world or the client is gone.
        """
        ...


class Shots:
    """The pictures of a run: `<folder>/<sha256>.png`, each stored once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, frame: Frame) -> tuple[Path, str]:
        """Stores a picture; returns its path and hash. Raises OSError (a full disk) with nothing half-written."""
        digest = hashlib.sha256(frame.png).hexdigest()
        path = self.folder / f"{digest}.png"
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            try:
                part.write_bytes(frame.png)
                part.replace(path)
            except OSError:
                part.unlink(missing_ok=True)
                raise
        return path, digest
