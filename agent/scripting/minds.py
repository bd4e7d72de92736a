"""Who is asked while a test is played, and what the answers are."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from env.base import Environment, Shots
from env.settle import pause
from scenarios.draw import Loc
from scenarios.locate import Locator
from tools.geometry import Point, Rect

NO_MODEL = "no model may be asked; name one with --model, or write exact steps here"
_POLL = 0.02
_T = TypeVar("_T")


class Told(NamedTuple):
    """What became of a step."""

    ok: bool
    why: str = ""
    target: Rect | None = None
    point: Point | None = None
    run: Path | None = None


class Pointed(NamedTuple):
    """Where a model sees a thing, in screen pixels, or why it does not; `run` is the folder of its answer."""

    rect: Rect | None
    why: str = ""
    run: Path | None = None


class Mind(Protocol):
    """Does what words say, and says where things are."""

    async def do(self, words: str, world: Environment, number: int) -> tuple[Told, int]:
        """Acts until the words are done; actions are numbered from `number`. Returns the next number, too."""
        ...

    async def point(self, thing: str, world: Environment) -> Pointed:
        """Where a thing is that is told in words; nothing is done in the world."""
        ...

    async def judge(self, statement: str, world: Environment) -> Told:
        """Whether a statement about what the screen shows is true; nothing is done in the world."""
        ...


class Lost(NamedTuple):
    """A thing that none of its ways leads to, the words of the step that needs it, and where its locator stands."""

    thing: Locator
    step: str
    loc: Loc


class Healed(NamedTuple):
    """New ways to a thing that was lost, or why there are none; `run` is the folder of the model's answer."""

    thing: Locator | None
    why: str = ""
    run: Path | None = None


class Healer(Protocol):
    """Finds things again."""

    async def heal(self, lost: Lost, world: Environment) -> Healed:
        """New ways to the thing."""
        ...


class Asking:
    """Asks a mind about the screen until patience ends; an equal picture is not asked about again."""

    def __init__(self, mind: Mind | None, world: Environment, shots: Shots, clock: Callable[[], float]) -> None:
        self._mind, self._world, self._shots, self._clock = mind, world, shots, clock

    async def judged(self, statement: str, patience: float) -> Told:
        """Whether it is true, or comes to be true. Raises what broke: the world or the model."""
        if (mind := self._mind) is None:
            return Told(False, NO_MODEL)
        return await self._first(lambda: mind.judge(statement, self._world), lambda told: told.ok, patience)

    async def pointed(self, thing: str, patience: float) -> Pointed:
        """Where it is, or comes to be. Raises what broke: the world or the model."""
        if (mind := self._mind) is None:
            return Pointed(None, NO_MODEL)
        return await self._first(
            lambda: mind.point(thing, self._world), lambda pointed: pointed.rect is not None, patience
        )

    async def _first(self, ask: Callable[[], Awaitable[_T]], holds: Callable[[_T], bool], patience: float) -> _T:
        """The first answer that holds, else the last."""
        end = self._clock() + patience
        while True:
            asked = await self._world.observe(self._shots)
            answer = await ask()
            while not holds(answer):
                if self._clock() >= end:
                    return answer
                await pause(_POLL)
                if (await self._world.observe(self._shots)).sha256 != asked.sha256:
                    break
            else:
                return answer
