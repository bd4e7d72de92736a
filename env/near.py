"""A world within this process: no keeper, no lease, no secrets; it ends with the process.

For work that is begun anew when it breaks off, and is done many times: a step costs a keeper's HTTP no more.
"""

from collections.abc import Mapping, Sequence

from env.base import Line, Observation, Shots
from env.folder import WorldFolder
from env.keeper import make_world
from env.setup import SetupStep
from env.world import World, WorldSpec
from tools.actions import BrowserAction, ComputerAction, Outcome
from tools.base import Frame
from tools.errors import EnvError

_UNKNOWN = Outcome(ok=False, note="unknown: interrupted")


class NearEnvironment:
    """An Environment without a keeper. `close` ends its world; a reset after that begins another."""

    def __init__(self, spec: WorldSpec) -> None:
        self._spec = spec
        self._folder: WorldFolder | None = None
        self._world: World | None = None
        self._outcomes: dict[int, Outcome] = {}

    @property
    def description(self) -> Mapping[str, str]:
        """As the world tells."""
        return self._world.describe() if self._world else {}

    async def reset(self, setup: Sequence[SetupStep], seed: int) -> None:
        """A fresh state; numbers begin anew."""
        if self._world is None:
            self._folder = WorldFolder.take()
            self._world = make_world(self._spec, self._folder)
        self._outcomes = {}
        await self._world.reset(setup, seed)

    async def observe(self, shots: Shots) -> Observation:
        """Settles, grabs, stores."""
        look = await self._open().look()
        path, digest = shots.put(look.frame)
        return Observation(
            path=path, sha256=digest, size=look.frame.size, settled=look.settled, waited=round(look.waited, 4),
            url=look.url, note=look.note, person=look.person,
        )  # fmt: skip

    async def execute(self, number: int, action: ComputerAction | BrowserAction) -> Outcome:
        """Does the action with this number, at most once."""
        world = self._open()
        if number not in self._outcomes:
            if number <= max(self._outcomes, default=0):
                return _UNKNOWN
            self._outcomes[number] = _UNKNOWN
            self._outcomes[number] = await world.act(action)
        return self._outcomes[number]

    def probe(self) -> "NearProbe":
        """Read-only facts."""
        return NearProbe(self._open())

    async def close(self) -> None:
        """Ends the world and removes its folder; may be called twice."""
        world, self._world = self._world, None
        if world is not None:
            await world.close()
        if self._folder is not None:
            self._folder.remove()

    def _open(self) -> World:
        if self._world is None:
            raise EnvError("the world is not open")
        return self._world


class NearProbe:
    """The world's own facts, and those that are made of its pictures."""

    def __init__(self, world: World) -> None:
        self._world, facts = world, world.facts
        self.read, self.glob, self.processes, self.windows = facts.read, facts.glob, facts.processes, facts.windows
        self.elements, self.page, self.script, self.a11y = facts.elements, facts.page, facts.script, facts.a11y
        self.clipboard, self.posted, self.visited = facts.clipboard, facts.posted, facts.visited
        self.refused, self.size = facts.refused, facts.size

    async def has_page(self) -> bool:
        """Whether it is a browser."""
        return await self.page() is not None

    async def screen_text(self) -> tuple[Line, ...]:
        """Lines of text on the screen, by OCR."""
        from env.ocr import read_lines

        return await read_lines((await self.picture()).png)

    async def picture(self) -> Frame:
        """What the screen shows, once it is quiet."""
        return (await self._world.look()).frame
