"""A world's one way out: an HTTP proxy on the inside's loopback, served by its keeper, that asks the border first.

Every request, redirect and web socket of a browser passes here. Hosts below `.test` are the world's own sites. Others
are dialled from here, and only in a world with a network; this machine itself only where the allow-list names it.
"""

import asyncio
import ipaddress
import re
import socket
from typing import NamedTuple
from urllib.parse import urlsplit

from env import site
from env.allow import Border
from env.relay import Passage, pump_both
from env.sandbox import Sandbox
from tools.errors import EnvError

PORT = 8001
"""Inside, where browsers find it."""
_LONGEST_HEAD = 1 << 16
_DIAL_WITHIN = 15.0
_HOP = re.compile(rb"\r\n(?:proxy-connection|proxy-authorization|connection|keep-alive):[^\r\n]*", re.IGNORECASE)


class _Request(NamedTuple):
    """The head of a request: what is asked for, where, and how it goes on to the host itself."""

    method: str
    url: str
    host: str
    port: int
    leads: bool  # a page is to be loaded, as far as the head tells
    onward: bytes


class Proxy(Passage):
    """Serves one sandbox. One request a connection, so that each passes the border."""

    def __init__(self, sandbox: Sandbox, border: Border, *, network: bool, private: bool = True) -> None:
        super().__init__()
        self._sandbox, self._border, self._network, self._private = sandbox, border, network, private

    async def open(self) -> None:
        """Begins to listen inside. Raises EnvError."""
        self._server = await asyncio.start_server(
            self._serve, sock=await self._sandbox.listen(PORT), limit=_LONGEST_HEAD
        )

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            request = _read(await reader.readuntil(b"\r\n\r\n"))
            if not self._border.lets(request.url):
                if request.leads:  # Playwright is not told what a new tab begins with
                    self._border.stray(request.url)
                # A page that is asked to leave stays where it is when it gets no content.
                writer.write(_answer("403 Forbidden" if request.method == "CONNECT" else "204 No Content"))
                return
            try:
                inner_reader, inner = await self._dial(request)
            except (OSError, EnvError, TimeoutError):
                writer.write(_answer("502 Bad Gateway"))
                return
            if request.method == "CONNECT":
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            inner.write(request.onward)
            await pump_both(reader, writer, inner_reader, inner)
        except (EnvError, OSError, ValueError, EOFError, asyncio.LimitOverrunError, ExceptionGroup):
            pass  # either side hung up or spoke no HTTP: this connection is over
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _dial(self, request: _Request) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if request.host.endswith(".test"):
            return await asyncio.open_connection(sock=await self._sandbox.dial(site.PORT))
        if not self._network:
            raise EnvError("this world has no network")
        async with asyncio.timeout(_DIAL_WITHIN):
            return await asyncio.open_connection(await self._resolve(request), request.port)

    async def _resolve(self, request: _Request) -> str:
        """An address of the host. Raises OSError: unknown, or a name that leads inside without saying so."""
        host = request.host
        found = await asyncio.get_running_loop().getaddrinfo(host, request.port, type=socket.SOCK_STREAM)
        address = str(found[0][4][0])
        its = ipaddress.ip_address(address.partition("%")[0])
        here = its.is_loopback or its.is_link_local or its.is_unspecified
        if host not in ("localhost", address) and (here or not (self._private or its.is_global)):
            raise OSError(f"{host} leads to {address}")
        return address


def _read(head: bytes) -> _Request:
    """Raises ValueError for what is no request to a proxy."""
    line, _, rest = head.partition(b"\r\n")
    method, target, _ = line.decode("ascii").split(" ")
    if method == "CONNECT":
        parts, url = urlsplit(f"https://{target}"), f"https://{target}"
        onward = b""
    else:
        parts, url = urlsplit(target), target
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        onward = f"{method} {path} HTTP/1.1\r\n".encode() + _HOP.sub(b"", b"\r\n" + rest)[2:]
        onward = onward.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"no address: {target}")
    leads = b"\r\nupgrade-insecure-requests: 1\r\n" in head.lower()
    return _Request(method, url, parts.hostname, parts.port or (443 if method == "CONNECT" else 80), leads, onward)


def _answer(status: str) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
