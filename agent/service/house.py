"""The service on one machine: its HTTP interface in this process, and a worker beside it that is started again."""

import asyncio
import contextlib
import logging
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

import uvicorn

from agent.service import logs
from agent.service.access import Accounts
from agent.service.app import make_app
from agent.service.book import Book
from agent.service.orders import AccountOrder, Role
from agent.service.parts import Parts
from agent.service.safe import Mask, make_key
from agent.service.setup import Setup
from agent.service.store import Store
from agent.service.webhook import make_secret
from agent.service.worker import new_name
from env.settle import until
from tools.errors import UserError

_log = logging.getLogger(__name__)
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_AGAIN_AFTER = 0.4
_START_WITHIN = 60.0
_ADMIN = "admin"


def first_words(setup: Setup) -> Iterator[str]:
    """What is told when a service starts for the first time, and never again: the admin's token, webhooks' secret."""
    if token := _first_token(setup):
        yield f"token of the admin, shown this once: {token}"
    make_key(setup.folder)
    if secret := make_secret(setup.folder):
        yield f"secret that webhooks are signed with: {secret}"


def _first_token(setup: Setup) -> str | None:
    setup.folder.mkdir(parents=True, exist_ok=True)
    setup.folder.chmod(0o700)
    store = Store(setup.tables_url)
    try:
        accounts = Accounts(store)
        return None if accounts.all() else accounts.add(AccountOrder(name=_ADMIN, role=Role.ADMIN)).token
    finally:
        store.close()


async def serve(setup: Setup, parts: Parts, command: Sequence[str], opened: Callable[[str], None]) -> None:
    """Serves until a signal comes, with a worker started by `command`; `opened` hears the address.

    Raises UserError when the port is taken.
    """
    mask = Mask(parts.secrets)
    mask.refresh()
    logs.begin(mask)
    with _listening(setup) as listening:
        setup = setup.model_copy(update={"port": listening.getsockname()[1]})
        address = f"http://{setup.host}:{setup.port}"
        config = uvicorn.Config(
            make_app(setup, parts, mask), log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=2,
            server_header=False,
        )  # fmt: skip
        server = _Server(config)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, lambda: setattr(server, "should_exit", True))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        crew = asyncio.create_task(_keep_worker(setup, command))
        await until(lambda: _started(server, serving), _START_WITHIN, "the service to start")
        opened(address)
        await serving
        crew.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await crew


async def _started(server: uvicorn.Server, serving: "asyncio.Task[None]") -> bool | None:
    return True if server.started or serving.done() else None


class _Server(uvicorn.Server):
    """Leaves signals to this process, which has a worker to end."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Captures none."""
        yield


@contextlib.contextmanager
def _listening(setup: Setup) -> Iterator[socket.socket]:
    try:
        listening = socket.create_server((setup.host, setup.port))
    except OSError as error:
        raise UserError(f"cannot listen on {setup.host}:{setup.port}", cause=error.strerror or str(error),
                        remedy="choose another --port") from None  # fmt: skip
    with listening:
        yield listening


async def _keep_worker(setup: Setup, command: Sequence[str]) -> None:
    """A worker, and another when it dies: its runs go on at once, for it is known to be gone."""
    store = await asyncio.to_thread(Store, setup.tables_url)
    try:
        while True:
            name = new_name()
            process = await asyncio.create_subprocess_exec(
                *command, setup.model_dump_json(), name, stdin=subprocess.PIPE, start_new_session=True
            )
            try:
                status = await process.wait()
            except asyncio.CancelledError:
                assert process.stdin is not None
                process.stdin.close()
                await process.wait()
                raise
            _log.warning("the worker ended with status %d; another one is started", status)
            await asyncio.to_thread(Book(store, name).leaves, name, _LONG_AGO)
            await asyncio.sleep(_AGAIN_AFTER)
    finally:
        store.close()
