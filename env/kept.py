"""The Environment of every kept world: a client of its keeper, which it starts when it has none."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
from pydantic import TypeAdapter

from env.allow import Refused
from env.base import Deed, Line, Node, Observation, Posted, Process, Shots, Visit, Window, Witnessed
from env.setup import Osworld, SetupStep
from env.vault import Secret
from env.wire import FACTS
from env.world import WorldSpec
from tools import errors
from tools.actions import BrowserAction, ComputerAction, Outcome
from tools.base import Frame
from tools.dom import Element, PageState
from tools.errors import EnvError
from tools.geometry import Size

_START_LIMIT = 30.0
_LONGEST_CALL = 180.0
_LONGEST_CLIENT = 900.0
"""Seconds for what another benchmark's client does: its tasks wait by the clock."""
SECRET_VARIABLE = "SUREHAND_SECRET_"
"""How variables begin that hold the value of a secret."""
NO_SECRETS: Mapping[str, Secret] = {}
_SETUP: TypeAdapter[tuple[SetupStep, ...]] = TypeAdapter(tuple[SetupStep, ...])
_ROOT = Path(__file__).resolve().parent.parent


class KeptEnvironment:
    """A world behind a keeper. `close` ends it; a run that dies leaves it to the keeper's lease.

    `folder` and `keeper` (in `description` after a reset) name an open world: with them, another process can `attach`.
    """

    def __init__(
        self, spec: WorldSpec, folder: Path | None = None, keeper: str = "", *,
        secrets: Mapping[str, Secret] = NO_SECRETS,
    ) -> None:  # fmt: skip
        self.spec, self.folder, self._keeper, self._secrets = spec, folder, keeper, secrets
        self.description: dict[str, str] = {}
        self._client: httpx.AsyncClient | None = self._connect(folder) if folder else None
        self._process: subprocess.Popen[bytes] | None = None
        self._renewing: asyncio.Task[None] | None = None
        self._probe = KeptProbe(self)

    async def reset(self, setup: Sequence[SetupStep], seed: int) -> None:
        """A fresh world; a keeper is started for the first one, and instead of one that died."""
        if self._process is not None and self._process.poll() is not None:
            await self.close()
        if self._client is None:
            await self._start()
            if self._secrets:
                await self.call("/secrets", {"secrets": {name: _told(one) for name, one in self._secrets.items()}})
        order = {"setup": _SETUP.dump_python(tuple(setup), mode="json"), "seed": seed}
        within = _LONGEST_CLIENT if any(isinstance(step, Osworld) for step in setup) else _LONGEST_CALL
        answer = await self.call("/reset", order, within)
        self.description = answer.json() | {"folder": str(self.folder)}

    async def attach(self) -> None:
        """Goes on with the open world in `folder`. Raises EnvError when it is gone, though another may be there now."""
        answer = await self.call("/renew", {})
        if answer.json()["keeper"] != self._keeper:
            await self.abandon()  # what stands in its place is somebody else's, and not to be closed
            raise EnvError("the world of this run is gone: its keeper ended it when nobody asked any more")
        self._renewing = asyncio.create_task(self._renew())

    async def observe(self, shots: Shots) -> Observation:
        """Settles, grabs, stores."""
        frame, about = await self.look()
        path, digest = shots.put(frame)
        return Observation(
            path=path, sha256=digest, size=frame.size, settled=about["settled"], waited=round(about["waited"], 4),
            url=about["url"], note=about["note"], person=about["person"],
        )  # fmt: skip

    async def look(self) -> tuple[Frame, dict[str, Any]]:
        """A settled picture and what is known about it, stored nowhere."""
        answer = await self.call("/look", {})
        about = json.loads(answer.headers["X-Look"])
        return Frame(answer.content, Size(*about["size"])), about

    async def execute(self, number: int, action: ComputerAction | BrowserAction) -> Outcome:
        """Does the action with this number, at most once."""
        answer = await self.call("/act", {"number": number, "action": action.model_dump(mode="json")})
        return Outcome.model_validate(answer.json())

    async def release(self) -> None:
        """Lets go of keys and buttons."""
        await self.call("/release", {})

    async def trace(self) -> bytes:
        """What Playwright noted since the reset, a zip file; empty where none is kept."""
        return (await self.call("/trace", {})).content

    async def deed(self, *, finish: bool) -> Witnessed:
        """What a person did next in a world that is watched."""
        answer = await self.call("/deed", {"finish": finish})
        head, _, png = answer.content.partition(b"\n")
        about = json.loads(head)
        return Witnessed(Deed.model_validate(about["deed"]) if about["deed"] else None, png, about["over"])

    async def ask_client(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """One order to the client that has set the world up, and its answer (env.base.Judged)."""
        answer: dict[str, Any] = (await self.call("/client", dict(order), _LONGEST_CLIENT)).json()
        return answer

    def probe(self) -> "KeptProbe":
        """Read-only facts."""
        return self._probe

    async def close(self) -> None:
        """Ends the world and its keeper; may be called twice."""
        client, self._client = self._client, None
        await self._stop_renewing()
        if client is not None:
            with contextlib.suppress(httpx.HTTPError):
                await client.post("/close")
            await client.aclose()
        if self._process is not None:
            await asyncio.to_thread(self._process.wait)

    async def call(self, path: str, body: dict[str, Any], within: float = _LONGEST_CALL) -> httpx.Response:
        """One request to the keeper. Raises what the keeper raised, and EnvError when it is gone."""
        if self._client is None:
            raise EnvError("the world is not open")
        try:
            answer = await self._client.post(path, json=body, timeout=within)
        except httpx.HTTPError as error:
            raise EnvError(f"the world's keeper is gone ({type(error).__name__}){self._log()}") from None
        if answer.status_code == httpx.codes.NOT_FOUND and "missing" in (said := answer.json()):
            raise FileNotFoundError(2, *said["missing"])
        if answer.status_code != httpx.codes.OK:
            said = answer.json()["error"]
            raise _KINDS.get(said["kind"], EnvError)(said["message"])
        return answer

    async def _start(self) -> None:
        read, write = os.pipe()
        try:
            process = self._process = subprocess.Popen(
                [sys.executable, "-m", "env.keeper", self.spec.model_dump_json(), str(write)],
                pass_fds=[write], stdin=subprocess.DEVNULL, start_new_session=True, cwd=_ROOT, env=_environment(),
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            )  # fmt: skip
        finally:
            os.close(write)
        line = await asyncio.to_thread(_first_line, read)
        if not line:
            process.kill()
            _, said = await asyncio.to_thread(process.communicate)
            raise EnvError(f"the world's keeper did not start: {said.decode(errors='replace').strip()[-400:]}")
        assert process.stderr is not None
        process.stderr.close()
        self.folder = Path(line)
        self._client = self._connect(self.folder)
        self._renewing = asyncio.create_task(self._renew())

    def _connect(self, folder: Path) -> httpx.AsyncClient:
        transport = httpx.AsyncHTTPTransport(uds=str(folder / "keeper.sock"))
        return httpx.AsyncClient(transport=transport, base_url="http://keeper", timeout=_LONGEST_CALL)

    async def _renew(self) -> None:
        """Says that the world is still wanted, as long as this process lives."""
        while self._client is not None:
            await asyncio.sleep(self.spec.lease / 4)
            with contextlib.suppress(httpx.HTTPError):
                await self._client.post("/renew")

    async def _stop_renewing(self) -> None:
        if self._renewing is not None:
            self._renewing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._renewing
            self._renewing = None

    def _log(self) -> str:
        try:
            text = (self.folder / "keeper.log").read_text(errors="replace").strip() if self.folder else ""
        except OSError:
            text = ""
        return f": {text.splitlines()[-1][:300]}" if text else ""

    async def abandon(self) -> None:
        """Turns away without a word, as a crash of this process would; the keeper's lease runs out by and by."""
        client, self._client = self._client, None
        await self._stop_renewing()
        if client is not None:
            await client.aclose()

    def kill(self) -> None:
        """Kills the keeper, as a crash of it would."""
        if self._process is not None:
            self._process.kill()


def _environment() -> dict[str, str]:
    """What a keeper inherits: no secret, for it is told those that it needs."""
    return {name: value for name, value in os.environ.items() if not name.startswith(SECRET_VARIABLE)}


def _told(secret: Secret) -> dict[str, Any]:
    """A secret as its keeper gets it, over a socket that only this user can reach."""
    return secret.model_dump(mode="json") | {"value": secret.value.get_secret_value()}


_KINDS: dict[str, type[errors.SurehandError]] = {"EnvError": errors.EnvError, "ScenarioError": errors.ScenarioError}


def _first_line(read: int) -> str:
    with os.fdopen(read) as pipe:
        return pipe.readline().strip()


class KeptProbe:
    """Facts over the wire; the screen's text is read here, where the OCR is loaded once for many worlds."""

    def __init__(self, environment: KeptEnvironment) -> None:
        self._environment = environment

    async def ask_client(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """An order to the client that judges the world."""
        return await self._environment.ask_client(order)

    async def _fact(self, fact: str, /, **words: Any) -> Any:
        answer = await self._environment.call(f"/fact/{fact}", words)
        return FACTS[fact].validate_json(answer.content)

    async def read(self, path: str) -> bytes:
        """A file below HOME. Raises FileNotFoundError."""
        content: bytes = await self._fact("read", path=path)
        return content

    async def glob(self, pattern: str) -> tuple[str, ...]:
        """Files below HOME that match."""
        found: tuple[str, ...] = await self._fact("glob", pattern=pattern)
        return found

    async def windows(self) -> tuple[Window, ...]:
        """Windows, the lowest first."""
        found: tuple[Window, ...] = await self._fact("windows")
        return found

    async def processes(self) -> tuple[Process, ...]:
        """Processes of the world."""
        found: tuple[Process, ...] = await self._fact("processes")
        return found

    async def elements(
        self, *, css: str | None = None, role: str | None = None, name: str | None = None, text: str | None = None
    ) -> tuple[Element, ...]:
        """Elements of the page in front."""
        found: tuple[Element, ...] = await self._fact("elements", css=css, role=role, name=name, text=text)
        return found

    async def page(self) -> PageState | None:
        """The browser's tabs."""
        found: PageState | None = await self._fact("page")
        return found

    async def has_page(self) -> bool:
        """Whether it is a browser: then there is always one."""
        return self._environment.spec.kind in ("browser", "kiosk", "window", "page")

    async def script(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        return await self._fact("script", expression=expression)

    async def a11y(self) -> tuple[Node, ...]:
        """The accessibility tree, flat."""
        found: tuple[Node, ...] = await self._fact("a11y")
        return found

    async def clipboard(self) -> str:
        """Text of the clipboard."""
        found: str = await self._fact("clipboard")
        return found

    async def posted(self) -> tuple[Posted, ...]:
        """What pages sent to the site."""
        found: tuple[Posted, ...] = await self._fact("posted")
        return found

    async def visited(self) -> tuple[Visit, ...]:
        """What other sites of the world were asked."""
        found: tuple[Visit, ...] = await self._fact("visited")
        return found

    async def refused(self) -> tuple[Refused, ...]:
        """What the allow-lists refused."""
        found: tuple[Refused, ...] = await self._fact("refused")
        return found

    async def size(self) -> Size:
        """The screen's size: that which was asked for, but on a person's own display."""
        spec = self._environment.spec
        found: Size = await self._fact("size") if spec.kind == "display" else spec.size
        return found

    async def screen_text(self) -> tuple[Line, ...]:
        """Lines of text on the screen, by OCR."""
        from env.ocr import read_lines

        return await read_lines((await self.picture()).png)

    async def picture(self) -> Frame:
        """What the screen shows, secrets covered."""
        frame, _ = await self._environment.look()
        return frame
