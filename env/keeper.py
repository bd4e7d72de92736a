"""The process that owns a world: outlives the run that uses it, holds its lease, and does no numbered action twice.

Speaks JSON over HTTP on a Unix socket in the world's folder. An error is `{"error": {"kind", "message"}}` with status
500; `kind` is the name of a class in tools.errors.
"""

import asyncio
import contextlib
import json
import os
import secrets
import signal
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn
from pydantic import BaseModel, ConfigDict, TypeAdapter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from env.base import Judged, Traced, Watched
from env.folder import WorldFolder
from env.ocr import read_lines
from env.settle import until
from env.setup import SetupStep
from env.vault import Misplaced, Secret, Vault, names_in
from env.veil import legible, veiled
from env.wire import FACTS
from env.world import Look, World, WorldSpec
from tools.actions import Action, Outcome
from tools.errors import EnvError, ScenarioError, SurehandError

_WATCH_EVERY = 1.0
_SAME_PLACE = 5
"""Pictures that are taken until what is to be covered stood still around one; then all that was seen is covered."""


class ResetOrder(BaseModel):
    """Body of POST /reset."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    setup: tuple[SetupStep, ...]
    seed: int


class ActOrder(BaseModel):
    """Body of POST /act."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    number: int
    action: Action


class SecretsOrder(BaseModel):
    """Body of POST /secrets."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    secrets: dict[str, Secret]


class Keeper:
    """Numbers the actions of one world, answers for it over HTTP, ends it when nobody asks any more."""

    def __init__(self, world: World, lease: float) -> None:
        self._world, self._lease = world, lease
        self._turn = asyncio.Lock()
        self._outcomes: dict[int, Outcome] = {}
        self._begun = 0
        self._typed = False
        self._vault = Vault({})
        self._last_word = time.monotonic()
        self._id = secrets.token_hex(8)
        self.finished = asyncio.Event()

    async def reset(self, body: bytes) -> Response:
        """A fresh world; numbers begin anew."""
        order = ResetOrder.model_validate_json(body)
        self._outcomes, self._begun, self._typed = {}, 0, False
        await self._world.reset(order.setup, order.seed)
        return JSONResponse(self._world.describe() | {"keeper": self._id})

    async def look(self, body: bytes) -> Response:
        """A picture without secrets; what else is known about it stands in a header."""
        look = await self._covered()
        about = {"size": look.frame.size, "settled": look.settled, "waited": look.waited, "url": look.url,
                 "note": look.note, "person": look.person}  # fmt: skip
        return Response(
            look.frame.png, media_type="image/png", headers={"X-Look": json.dumps(self._vault.masked(about))}
        )

    async def _covered(self) -> Look:
        look = await self._world.look()
        if not self._vault.values:
            return look
        spots = set(await self._world.spots(self._vault.values))
        for _ in range(_SAME_PLACE):
            look = await self._world.look()
            after = set(await self._world.spots(self._vault.values))
            if after <= spots:
                break
            spots |= after
        frame = veiled(look.frame, spots)
        if self._typed:  # what drew the text where no layout tells of it: a canvas, a picture, a terminal
            frame = veiled(frame, legible(await read_lines(frame.png), self._vault.values))
        return look._replace(frame=frame)

    async def secrets(self, body: bytes) -> Response:
        """Takes the secrets, which stay in the memory of this process."""
        self._vault = Vault(SecretsOrder.model_validate_json(body).secrets)
        return JSONResponse({})

    async def act(self, body: bytes) -> Response:
        """At most once per number: one that was seen gives its recorded outcome, or says that none can be known."""
        order = ActOrder.model_validate_json(body)
        if order.number not in self._outcomes:
            self._outcomes[order.number] = await self._act_once(order)
        return JSONResponse(self._outcomes[order.number].model_dump(mode="json"))

    async def _act_once(self, order: ActOrder) -> Outcome:
        if order.number <= self._begun:
            return Outcome(ok=False, note="unknown: interrupted")
        self._begun = order.number
        if not names_in(order.action):
            return await self._world.act(order.action)
        place = await self._world.place()
        try:
            action = self._vault.filled(order.action, place)
        except Misplaced as why:
            return Outcome(ok=False, note=str(why))
        self._typed = True
        await self._world.typed(place)
        outcome = await self._world.act(action)
        return outcome.model_copy(update={"note": self._vault.masked(outcome.note)})

    async def fact(self, name: str, body: bytes) -> Response:
        """One read-only fact."""
        adapter: TypeAdapter[Any] = FACTS[name]
        try:
            value = await getattr(self._world.facts, name)(**json.loads(body or b"{}"))
        except FileNotFoundError as error:
            return JSONResponse({"missing": [error.strerror, error.filename]}, status_code=404)
        if not self._vault.values:
            return Response(adapter.dump_json(value), media_type="application/json")
        plain = self._vault.masked(value) if isinstance(value, bytes) else value
        return JSONResponse(self._vault.masked(adapter.dump_python(plain, mode="json")))

    async def trace(self, body: bytes) -> Response:
        """A trace of Playwright's, where there is one; with secrets there is none, for it would hold them."""
        if isinstance(self._world, Traced) and not self._vault.values:
            return Response(await self._world.trace())
        return Response(b"")

    async def deed(self, body: bytes) -> Response:
        """What a person did next: a line of JSON, then the picture before it."""
        if not isinstance(self._world, Watched):
            raise ScenarioError("nobody can be watched in this world")
        deed, png, over = await self._world.deed(finish=json.loads(body)["finish"])
        about = {"deed": deed and deed.model_dump(mode="json"), "over": over}
        return Response(json.dumps(about).encode() + b"\n" + png)

    async def client(self, body: bytes) -> Response:
        """An order to the client that has set the world up, and its answer; what it says of secrets is masked."""
        if not isinstance(self._world, Judged):
            raise ScenarioError("no other benchmark's client knows this world")
        return JSONResponse(self._vault.masked(await self._world.ask_client(json.loads(body))))

    async def release(self, body: bytes) -> Response:
        """Lets go of keys and buttons."""
        await self._world.release()
        return JSONResponse({})

    async def close(self, body: bytes) -> Response:
        """Ends the world; the keeper follows."""
        await self._world.close()
        self.finished.set()
        return JSONResponse({})

    def app(self) -> Starlette:
        """The HTTP interface."""

        def route(path: str, do: Callable[[bytes], Awaitable[Response]]) -> Route:
            async def endpoint(request: Request) -> Response:
                return await self._answer(do, await request.body())

            return Route(path, endpoint, methods=["POST"])

        async def fact(request: Request) -> Response:
            name = request.path_params["name"]
            if name not in FACTS:
                return _failure(ScenarioError(f"no fact {name!r}"), self._vault)
            body = await request.body()
            return await self._answer(lambda b: self.fact(name, b), body)

        async def renew(request: Request) -> Response:
            self._last_word = time.monotonic()
            return JSONResponse({"pid": os.getpid(), "keeper": self._id})

        return Starlette(
            routes=[
                route("/reset", self.reset),
                route("/look", self.look),
                route("/secrets", self.secrets),
                route("/act", self.act),
                route("/client", self.client),
                route("/release", self.release),
                route("/trace", self.trace),
                route("/deed", self.deed),
                route("/close", self.close),
                Route("/fact/{name}", fact, methods=["POST"]),
                Route("/renew", renew, methods=["POST"]),
            ],
            exception_handlers={Exception: self._unforeseen},
        )

    async def _answer(self, do: Callable[[bytes], Awaitable[Response]], body: bytes) -> Response:
        async with self._turn:
            self._last_word = time.monotonic()
            try:
                return await do(body)
            except (SurehandError, OSError, ValueError) as error:
                sys.stderr.write(self._vault.masked(traceback.format_exc()))
                return _failure(error, self._vault)
            finally:
                self._last_word = time.monotonic()

    async def _unforeseen(self, request: Request, error: Exception) -> Response:
        """What nobody named is a fault of the world, too; the server prints its traceback into the log."""
        return _failure(error, self._vault)

    async def watch(self) -> None:
        """Ends the world when its lease ran out."""
        while not self.finished.is_set():
            if not self._turn.locked() and time.monotonic() - self._last_word > self._lease:
                sys.stderr.write(f"nobody asked for {self._lease:g} s: closing\n")
                await self._world.close()
                self.finished.set()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.finished.wait(), _WATCH_EVERY)


def _failure(error: Exception, vault: Vault) -> JSONResponse:
    kind = type(error).__name__ if isinstance(error, SurehandError) else EnvError.__name__
    message = str(error) if isinstance(error, SurehandError) else f"{type(error).__name__}: {error}"
    return JSONResponse({"error": {"kind": kind, "message": vault.masked(message)}}, status_code=500)


async def _started(server: uvicorn.Server, serving: "asyncio.Task[None]") -> bool | None:
    return True if server.started or serving.done() else None


def make_world(spec: WorldSpec, folder: WorldFolder) -> World:
    """The world that a spec describes; its module is loaded only when it is wanted."""
    if spec.kind == "display":
        from env.present import PresentDisplay

        return PresentDisplay(spec, folder)
    if spec.kind == "page":
        from env.given import GivenPage

        return GivenPage(spec, folder)
    if spec.kind == "desktop":
        from env.desktop import DesktopWorld

        return DesktopWorld(spec, folder)
    from env.browser import BrowserWorld

    return BrowserWorld(spec, folder)


async def keep(spec: WorldSpec, folder: WorldFolder, announce: int) -> None:
    """Serves one world until it is closed, its lease ends, or a signal comes; then nothing of it is left."""
    world = make_world(spec, folder)
    keeper = Keeper(world, spec.lease)
    path = folder.path / "keeper.sock"
    server = uvicorn.Server(uvicorn.Config(keeper.app(), uds=str(path), log_level="warning", lifespan="off", ws="none"))
    serving = asyncio.create_task(server.serve())
    loop = asyncio.get_running_loop()
    await until(lambda: _started(server, serving), 10.0, "the keeper's own server")
    path.chmod(0o600)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, keeper.finished.set)
    os.write(announce, str(folder.path).encode() + b"\n")
    os.close(announce)
    try:
        await keeper.watch()
    finally:
        await world.close()
        server.should_exit = True
        await serving
        folder.remove()


def main() -> None:
    """Arguments: the spec as JSON, the descriptor on which to announce the folder."""
    spec = WorldSpec.model_validate_json(sys.argv[1])
    folder = WorldFolder.take()
    log = os.open(folder.path / "keeper.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.chdir("/")  # hold no folder of anybody's
    asyncio.run(keep(spec, folder, int(sys.argv[2])))


if __name__ == "__main__":
    main()
