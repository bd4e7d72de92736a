"""One of OSWorld's tasks in a world: OSWorld's client beside it, and the server between them while they talk."""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from env.osworld.client import OsworldClient
from env.osworld.guest import Guest
from env.osworld.server import OsworldServer
from env.setup import Osworld
from tools.errors import ScenarioError

PASSWORD = "password"
"""Of the user in OSWorld's machines, put into commands of tasks; nobody asks for it here."""


class OsworldDesk:
    """A desktop that OSWorld's client sets up once and judges."""

    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        self._client: OsworldClient | None = None
        self._limit = 0.0

    async def set_up(self, step: Osworld) -> None:
        """Starts the client and lets it carry out the task's `config`. Raises ScenarioError, EnvError."""
        name = str(step.task.get("id", ""))
        if not re.fullmatch(r"[\w-]+", name):
            raise ScenarioError(f"an OSWorld task is named by letters, digits and dashes, not {name!r}")
        self._limit = step.timeout
        self._client = await OsworldClient.start(name, Path(step.cache) if step.cache else None)
        order = {"do": "setup", "task": step.task, "size": self._guest.display.size, "password": PASSWORD}
        await self.ask(order | {"cache": "cache"})

    async def ask(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """One order to the client, which reaches the world until it has answered. Raises ScenarioError, EnvError."""
        if self._client is None:
            raise ScenarioError("OSWorld's client has ended")
        server = OsworldServer(self._guest)
        try:
            await server.open(self._client.listen)
            async with asyncio.timeout(self._limit):
                return await self._client.ask(order)
        except TimeoutError:
            await self.close()
            raise ScenarioError(f"OSWorld's client did not {order['do']} within {self._limit:g} s") from None
        finally:
            await server.close()

    async def close(self) -> None:
        """Ends the client; may be called twice."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()
