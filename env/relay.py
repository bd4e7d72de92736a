"""One port of a sandbox, on this machine's loopback, for those who know a token.

Programs here cannot reach a sandbox's loopback. A relay listens on a free port and passes a connection on when the path
of its first HTTP request begins with the token, which it takes away.
"""

import asyncio
import contextlib
import secrets

from env.sandbox import Sandbox
from tools.errors import EnvError

_LONGEST_LINE = 8192


class Passage:
    """A server that passes connections on, until it is closed."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Ends all connections; may be called twice."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class Relay(Passage):
    """`address("/path")` is where a client finds `/path` of the inside's port."""

    def __init__(self, sandbox: Sandbox, port: int) -> None:
        super().__init__()
        self._sandbox, self._port = sandbox, port
        self._token = secrets.token_urlsafe(24)

    async def open(self) -> None:
        """Begins to listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_LONGEST_LINE)

    def address(self, scheme: str, path: str) -> str:
        """The URL of a path inside, with the token in it: a secret."""
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        return f"{scheme}://127.0.0.1:{port}/{self._token}{path}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            line = await reader.readline()
            method, _, rest = line.partition(b" ")
            prefix = f"/{self._token}".encode()
            if not secrets.compare_digest(rest[: len(prefix)], prefix):
                writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            inner_reader, inner = await asyncio.open_connection(sock=await self._sandbox.dial(self._port))
            inner.write(method + b" " + rest[len(prefix) :])
            await pump_both(reader, writer, inner_reader, inner)
        except (EnvError, OSError, ValueError, ExceptionGroup):
            pass  # the inside hung up or is gone: so does this connection
        finally:
            self._tasks.discard(task)
            writer.close()


async def pump_both(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, inner_reader: asyncio.StreamReader,
    inner: asyncio.StreamWriter,
) -> None:  # fmt: skip
    """Passes on what both sides of a connection say, until both have hung up."""
    async with asyncio.TaskGroup() as both:
        both.create_task(_pump(reader, inner))
        both.create_task(_pump(inner_reader, writer))


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.closing(sink):
        while part := await source.read(1 << 16):
            sink.write(part)
            await sink.drain()
