"""A port of a world's loopback for OSWorld's client: Chromium's debugging port, VLC's HTTP interface."""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Mapping

from env.relay import Passage, pump_both
from env.sandbox import Sandbox
from tools.errors import EnvError

_LONGEST_HEAD = 1 << 16
_FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def admits(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a request came to this machine by its own name, and not from a web page.

    A page that rebinds its name sends a foreign Host, one that posts across sites an Origin. Names are lower-case.
    """
    if b"origin" in headers:
        return False
    host = re.sub(rb":\d+$", b"", headers.get(b"host", b"")).decode(errors="replace").strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Forward(Passage):
    """Passes connections on to one port inside, each after a look at the head of its first request."""

    def __init__(self, sandbox: Sandbox, port: int) -> None:
        super().__init__()
        self._sandbox, self._port = sandbox, port

    async def open(self, listener: socket.socket) -> None:
        """Begins to listen."""
        self._server = await asyncio.start_server(self._serve, sock=listener, limit=_LONGEST_HEAD)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if not admits(_headers(head)):
                writer.write(_FORBIDDEN)
                return
            inner_reader, inner = await asyncio.open_connection(sock=await self._sandbox.dial(self._port))
            inner.write(head)
            await pump_both(reader, writer, inner_reader, inner)
        except (EnvError, OSError, ValueError, EOFError, asyncio.LimitOverrunError, ExceptionGroup):
            pass  # either side hung up, nothing listens inside, or it was no HTTP
        finally:
            self._tasks.discard(task)
            writer.close()


def _headers(head: bytes) -> dict[bytes, bytes]:
    lines = (line.partition(b":") for line in head.split(b"\r\n")[1:])
    return {name.strip().lower(): value.strip() for name, _, value in lines if name}
