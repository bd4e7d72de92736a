"""OSWorld's own client in a sandbox of its own: it sets a world up and judges it, and reaches nothing but that world.

Its metrics read what a model left behind, and some run it; so it has no network, and sees its own libraries, a copy of
the task's downloads, and three ports on its loopback, which are the world's while it is asked something.
"""

import asyncio
import json
import os
import shutil
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from env.folder import WorldFolder
from env.sandbox import Isolation, Sandbox, find_isolation
from tools.errors import EnvError, ScenarioError

VENV = Path(__file__).resolve().parents[2] / ".venv-osworld"
"""Where docker/setup-osworld.sh puts OSWorld's client."""
NAMES = VENV / "names.json"
"""What that client knows: setup types, getters and metrics, by name."""
PYTHON_HOME = Path(sys.base_prefix).resolve()
_LONGEST_ANSWER = 1 << 26


class _OwnFolder(WorldFolder):
    """A folder of this user's own: the client's libraries may lie where nobody else may look."""

    @property
    def uid(self) -> int:
        return os.getuid()


class OsworldClient:
    """One process of env/inside/osworld_worker.py, for one world."""

    def __init__(self, folder: WorldFolder, sandbox: Sandbox) -> None:
        self._folder, self._sandbox = folder, sandbox
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    @classmethod
    async def start(cls, task: str, cache: Path | None) -> "OsworldClient":
        """Starts it, with what the folder `cache` holds for this task. Raises EnvError, ScenarioError.

        Files there have OSWorld's own names for them: `<task>/<uuid5 of the address>_<name>`, or `<task>/<name>`.
        """
        if not NAMES.is_file():
            raise EnvError(f"there is no {VENV.name}, OSWorld's own client: run `bash docker/setup-osworld.sh`")
        if find_isolation() is Isolation.UID:
            raise EnvError("OSWorld's client needs a sandbox with namespaces; there are none to be had here")
        folder = _OwnFolder.take()
        try:
            sandbox = await Sandbox.start(folder, [VENV, PYTHON_HOME])
        except EnvError:
            folder.remove()
            raise
        client = cls(folder, sandbox)
        try:
            kept = sandbox.home / "cache" / task
            if cache is not None and (cache / task).is_dir():
                shutil.copytree(cache / task, kept)
            await client._spawn()
        except (EnvError, OSError):
            await client.close()
            raise
        return client

    async def _spawn(self) -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        script = self._sandbox.inside(self._folder.path / "inside" / "osworld_worker.py")
        log = (self._folder.path / "client.log").open("wb")
        with theirs, log:
            await self._sandbox.spawn(
                [str(VENV / "bin" / "python"), script], {"PLAYWRIGHT_BROWSERS_PATH": "0"},
                stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=log.fileno(),
            )  # fmt: skip
        self._reader, self._writer = await asyncio.open_connection(sock=ours, limit=_LONGEST_ANSWER)

    async def listen(self, port: int) -> socket.socket:
        """A socket that listens on the client's own loopback."""
        return await self._sandbox.listen(port)

    async def ask(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """One order and its answer. Raises ScenarioError for what OSWorld's code raised, EnvError when it is gone."""
        assert self._reader is not None
        assert self._writer is not None
        try:
            self._writer.write(json.dumps(dict(order)).encode() + b"\n")
            await self._writer.drain()
            answer = await self._reader.readline()
        except (OSError, ValueError) as error:
            raise EnvError(f"OSWorld's client is gone ({type(error).__name__}){self._log()}") from None
        if not answer:
            raise EnvError(f"OSWorld's client is gone{self._log()}")
        said: dict[str, Any] = json.loads(answer)
        if "error" in said:
            raise ScenarioError(f"OSWorld's client, asked to {order['do']}: {said['error']}")
        return said

    def _log(self) -> str:
        try:
            lines = (self._folder.path / "client.log").read_text(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return f": {lines[-1][:300]}" if lines else ""

    async def close(self) -> None:
        """Ends it and removes its files; may be called twice."""
        if self._writer is not None:
            self._writer.close()
        await self._sandbox.close()
        await asyncio.to_thread(self._folder.remove)
