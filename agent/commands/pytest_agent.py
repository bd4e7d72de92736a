"""The agent in a process of its own, for the pytest plugin: JSON lines in, JSON lines out, worlds in between.

A line is `{"do": NAME, ...}`; its answer is `{"ok": true, ...}`, or `{"ok": false, "why": LINE}` where the order itself
was wrong or could not be carried out. End of input ends every world.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from agent.commands.test import make_mind, make_world
from agent.scripting.page import write_session
from agent.scripting.play import Player, Stage
from agent.scripting.results import Ending, Result, load_results, save
from agent.scripting.session import Lane, Means
from agent.scripting.written import Case, case_of, read_test
from agent.secrets import secrets_of
from agent.settings import Settings, load
from env.base import Environment, Shots
from env.kept import KeptEnvironment
from env.world import WorldSpec
from tools.errors import SurehandError

_VALUES: TypeAdapter[Any] = TypeAdapter(Any)


class _Order(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Hello(_Order):
    """The first order: what the settings are to be, over those of files and variables."""

    settings: dict[str, Any] = {}
    asks: bool = True


class Open(_Order):
    """A world for a test that is written in Python; `file` names the test, `test` are the keys of a test file.

    With `endpoint` and `target` the world is a page of the test's own browser.
    """

    name: str
    file: Path
    test: dict[str, Any]
    folder: Path
    endpoint: str = ""
    target: str = ""


class Take(_Order):
    """One step, as it would stand in a file; `line` is where it stands in the test."""

    step: dict[str, Any]
    line: int


class Close(_Order):
    """The test is over, and this is how pytest saw it end."""

    passed: bool
    why: str = ""
    line: int = 0


class Tests(_Order):
    """Asks which tests are in a file."""

    path: Path


class Play(_Order):
    """Plays one test of a file."""

    path: Path
    name: str
    folder: Path


class Finish(_Order):
    """Writes the page of all tests whose results lie in a folder."""

    folder: Path


class Server:
    """Carries out orders, one after another."""

    def __init__(self) -> None:
        self._settings: Settings = load()
        self._asks = True
        self._lane: Lane | None = None
        self._open: _Opened | None = None

    async def carry_out(self, line: bytes) -> dict[str, Any]:
        """The answer to one line."""
        orders: dict[str, tuple[type[_Order], Callable[[Any], Awaitable[dict[str, Any]]]]] = {
            "hello": (Hello, self._hello), "open": (Open, self._begin), "step": (Take, self._step),
            "close": (Close, self._end), "tests": (Tests, self._tests), "play": (Play, self._play),
            "finish": (Finish, self._finish),
        }  # fmt: skip
        data = json.loads(line)
        shape, do = orders[data.pop("do")]
        try:
            return {"ok": True} | await do(shape.model_validate(data))
        except (SurehandError, OSError) as error:
            return {"ok": False, "why": str(error)}
        except ValidationError as error:
            return {"ok": False, "why": error.errors(include_url=False)[0]["msg"]}

    async def close(self) -> None:
        """Ends every world."""
        if self._open is not None:
            await self._open.close()
        if self._lane is not None:
            await self._lane.close()

    async def _hello(self, order: Hello) -> dict[str, Any]:
        self._settings, self._asks = load(**order.settings), order.asks
        return {}

    def _means(self, folder: Path) -> Means:
        return Means(folder, make_world(self._settings), make_mind(self._settings, self._asks))

    def _opened_lane(self, folder: Path) -> Lane:
        if self._lane is None:
            self._lane = Lane(self._means(folder))
        return self._lane

    async def _begin(self, order: Open) -> dict[str, Any]:
        case = case_of(order.test, order.file, order.name)
        given = order.endpoint != ""
        world = await (self._given(order) if given else self._opened_lane(order.folder).reset(case))
        self._open = _Opened(case, order.folder, given, Stage(
            world=world, shots=Shots(order.folder / "shots"), names={}, patience=case.file.wait,
            where=lambda loc: int(loc[-1]), mind=make_mind(self._settings, self._asks)(case, order.folder),
            settles=case.file.world == "desktop", folder=order.file.parent,
        ))  # fmt: skip
        return {}

    async def _given(self, order: Open) -> Environment:
        settings = self._settings
        spec = WorldSpec(kind="page", endpoint=order.endpoint, target=order.target, quiet=settings.settle_quiet,
                         limit=settings.settle_limit, lease=settings.lease, allow=settings.allow)  # fmt: skip
        world = KeptEnvironment(spec, secrets=secrets_of(settings))
        try:
            await world.reset((), 0)
        except SurehandError:
            await world.close()
            raise
        return world

    async def _step(self, order: Take) -> dict[str, Any]:
        opened = self._now()
        before = dict(opened.stage.names)
        held = await opened.player.play([order.step], ("steps",), first=order.line)
        new = {name: value for name, value in opened.stage.names.items() if before.get(name, self) is not value}
        return {"held": held, "why": opened.stage.done[-1].why, "values": _VALUES.dump_python(new, mode="json")}

    async def _end(self, order: Close) -> dict[str, Any]:
        opened, self._open = self._now(), None
        stage, case = opened.stage, opened.case
        try:
            final = await stage.world.observe(stage.shots)
        finally:
            await opened.close()
        result = Result(
            name=case.name, title=case.file.title, file=case.path, world=case.file.world, started=opened.started,
            seconds=round((datetime.now(UTC) - opened.started).total_seconds(), 3),
            ending=Ending.PASSED if order.passed else Ending.FAILED, why=order.why, line=order.line,
            steps=tuple(stage.done), final=final, folder=opened.folder,
        )  # fmt: skip
        save(result)
        return _attached(result)

    async def _tests(self, order: Tests) -> dict[str, Any]:
        cases = read_test(order.path)
        return {"tests": [{"name": case.name, "title": case.file.title} for case in cases]}

    async def _play(self, order: Play) -> dict[str, Any]:
        case = next(case for case in read_test(order.path) if case.name == order.name)
        result = await self._opened_lane(order.folder).play(case, order.folder)
        told = {"ending": str(result.ending), "text": "\n".join(result.lines()), "line": result.line}
        return told | _attached(result)

    async def _finish(self, order: Finish) -> dict[str, Any]:
        results = load_results(order.folder)
        return {"page": str(write_session(order.folder, results)) if results else None}

    def _now(self) -> "_Opened":
        if self._open is None:
            raise RuntimeError("no test is open")
        return self._open


class _Opened:
    """A test in Python that is under way."""

    def __init__(self, case: Case, folder: Path, given: bool, stage: Stage) -> None:
        self.case, self.folder, self.given, self.stage = case, folder, given, stage
        self.player, self.started = Player(stage), datetime.now(UTC)

    async def close(self) -> None:
        """Lets go of a page that was given; a world of our own is used again."""
        if self.given:
            await self.stage.world.close()


def _attached(result: Result) -> dict[str, Any]:
    picture = result.picture()
    return {"folder": str(result.folder), "picture": picture and str(picture)}


async def main() -> None:
    """Reads orders from the standard input until its end."""
    server = Server()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(server.close)
        while line := await asyncio.to_thread(sys.stdin.buffer.readline):
            answer = await server.carry_out(line)
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
