"""Programs of a sandbox as guests on the person's own display, where their windows stand among others."""

import os
from pathlib import Path
from typing import NamedTuple, Self

from env.sandbox import Sandbox
from env.session import SOCKETS, write_cookie
from tools.errors import EnvError


class Guest(NamedTuple):
    """The display that DISPLAY names: its number, its socket on this machine, and its cookie (empty without one)."""

    number: int
    socket: Path
    cookie: bytes

    @classmethod
    def find(cls) -> Self:
        """Raises EnvError where there is none, or it is that of another machine: a sandbox has no way there."""
        from Xlib.error import DisplayError
        from Xlib.support.connect import get_auth, get_display, get_socket

        name = os.environ.get("DISPLAY", "")
        try:
            _, protocol, host, number, _ = get_display(name)
            with get_socket(name, protocol, host, number) as connection:
                _, cookie = get_auth(connection, name, protocol, host, number)
        except (DisplayError, OSError) as error:
            raise EnvError(f"no display {name!r}: {error}") from None
        socket = SOCKETS / f"X{number}"
        if host not in ("", "unix", None) or not socket.exists():
            raise EnvError(f"the display {name!r} is not on this machine, where a sandbox could reach it")
        return cls(number, socket, cookie)

    def environment(self, sandbox: Sandbox) -> dict[str, str]:
        """What a program inside needs to be shown there."""
        variables = {"DISPLAY": f":{self.number}"}
        if self.cookie:
            variables["XAUTHORITY"] = sandbox.inside(write_cookie(sandbox, self.number, self.cookie))
        return variables
