"""A desktop session inside a sandbox: X server, session bus, window manager, panel; and its one way in from outside."""

import asyncio
import contextlib
import os
import secrets
import shutil
import socket
import struct
from pathlib import Path

from env.sandbox import HOSTNAME, Child, Sandbox
from env.settle import until
from tools.errors import EnvError
from tools.geometry import Size

FIRST_DISPLAY = 100
"""Displays of worlds are numbered from here, clear of a person's own and of `Xvfb -displayfd`."""
SOCKETS = Path("/tmp/.X11-unix")
"""Where X clients look, by convention."""
_START_LIMIT = 20.0
_FAMILY_WILD, _FAMILY_LOCAL = 65535, 256
FOLDERS = ("Documents", "Downloads", "Pictures")
SKELETON = Path(__file__).parent / "skeleton"


class Session:
    """A running X display. `environment` is what a program needs to reach it from inside, `outside` from here."""

    def __init__(self, sandbox: Sandbox, number: int) -> None:
        self._sandbox, self._number, self.display = sandbox, number, f":{number}"
        self.environment = {
            "DISPLAY": self.display, "XAUTHORITY": sandbox.inside(sandbox.folder.path / "x11" / "cookie"),
            "GTK_MODULES": "gail:atk-bridge", "QT_ACCESSIBILITY": "1", "SAL_USE_VCLPLUGIN": "gtk3",
        }  # fmt: skip
        self.outside = {"DISPLAY": self.display, "XAUTHORITY": str(sandbox.folder.path / "x11" / "cookie")}
        self.server: Child | None = None

    @classmethod
    async def start(cls, sandbox: Sandbox, size: Size, *, desktop: bool) -> "Session":
        """An X server of `size` pixels, 24 bits deep, with a session bus, window manager, panel and icons.

        Without `desktop` only with a window manager that gives one program the whole display.

        Raises EnvError when a part does not come up.
        """
        number = FIRST_DISPLAY + sandbox.folder.number
        shares_tmp = sandbox.inside(sandbox.folder.path).startswith(str(sandbox.folder.path))
        _sweep(number)
        if (SOCKETS / f"X{number}").exists():
            raise EnvError(f"display :{number} is taken by an X server that is not ours; close it")
        if not shares_tmp:
            (SOCKETS / f"X{number}").symlink_to(sandbox.folder.path / "x11" / f"X{number}")
        session = cls(sandbox, number)
        with contextlib.ExitStack() as undo:
            undo.callback(session.close)
            write_cookie(sandbox, number, secrets.token_bytes(16))
            await session._start_server(size)
            if desktop:
                await session._start_desktop()
            else:
                await session._manage(["--config-file", sandbox.inside(sandbox.folder.path / "inside" / "kiosk.xml")])
            undo.pop_all()
        return session

    async def _start_server(self, size: Size) -> None:
        read, write = os.pipe()
        said = self._sandbox.folder.path / "xvfb.log"
        try:
            with said.open("wb") as log:
                self.server = await self._sandbox.spawn(
                    ["Xvfb", self.display, "-screen", "0", f"{size.width}x{size.height}x24", "-nolisten", "tcp",
                     "-noreset", "-displayfd", "1", "-auth", self.environment["XAUTHORITY"]],
                    {}, stdout=write, stderr=log.fileno(),
                )  # fmt: skip
        finally:
            os.close(write)
        await self._answer(read, "the X server", said)

    async def _start_desktop(self) -> None:
        shutil.copytree(SKELETON, self._sandbox.home, dirs_exist_ok=True)
        for name in FOLDERS:
            (self._sandbox.home / name).mkdir()
        for path in [self._sandbox.home, *self._sandbox.home.rglob("*")]:
            self._sandbox.folder.give(path)
        runtime = self._sandbox.env()["XDG_RUNTIME_DIR"]  # where programs look for the bus when nobody tells them
        read, write = os.pipe()
        said = self._sandbox.folder.path / "dbus.log"
        try:
            with said.open("wb") as log:
                await self._sandbox.spawn(
                    ["dbus-daemon", "--session", "--nofork", "--print-address=1", f"--address=unix:path={runtime}/bus"],
                    self.environment, stdout=write, stderr=log.fileno(),
                )  # fmt: skip
        finally:
            os.close(write)
        self.environment["DBUS_SESSION_BUS_ADDRESS"] = await self._answer(read, "the session bus", said)
        await self._manage([])
        await self._sandbox.spawn(["tint2"], self.environment)
        await self._sandbox.spawn(["pcmanfm", "--desktop"], self.environment)

    async def _manage(self, options: list[str]) -> None:
        await self._sandbox.spawn(["openbox", *options], self.environment)
        await until(self._managed, _START_LIMIT, "the window manager")

    async def _managed(self) -> bool | None:
        done = await self._sandbox.run(["xprop", "-root", "_NET_SUPPORTING_WM_CHECK"], self.environment, 5.0)
        return True if b"window id" in done.stdout else None

    async def _answer(self, pipe: int, who: str, log: Path) -> str:
        """The first line that a server prints when it is ready; the end of the pipe means that it died.

        Raises EnvError with the last of what is in its log.
        """
        os.set_blocking(pipe, False)
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(pipe, "rb")
        )
        failed = "ended while it started"
        try:
            line = await asyncio.wait_for(reader.readline(), _START_LIMIT)
        except TimeoutError:
            line, failed = b"", f"did not start in {_START_LIMIT:.0f} s"
        finally:
            transport.close()
        if not line.strip():
            raise EnvError(f"{who} {failed}: {_end_of(log)}")
        return line.decode().strip()

    def close(self) -> None:
        """Takes away the way in; what runs inside ends with the sandbox."""
        _sweep(self._number)


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace").strip()[-300:]


def _sweep(number: int) -> None:
    """Removes the way in to a display of ours: the link to a private socket, or the socket that a killed server left.

    X clients find a display under this name; connect() follows a link.
    """
    SOCKETS.mkdir(mode=0o1777, exist_ok=True)
    place = SOCKETS / f"X{number}"
    if place.is_symlink() or (place.exists() and not _answers(place)):
        place.unlink(missing_ok=True)
        Path(f"/tmp/.X{number}-lock").unlink(missing_ok=True)


def _answers(place: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(place)) == 0


def write_cookie(sandbox: Sandbox, number: int, cookie: bytes) -> Path:
    """An Xauthority file for clients inside and outside; python-xlib wants the true host name, others take any."""

    def entry(family: int, address: bytes) -> bytes:
        parts = (address, str(number).encode(), b"MIT-MAGIC-COOKIE-1", cookie)
        return struct.pack(">H", family) + b"".join(struct.pack(">H", len(p)) + p for p in parts)

    path = sandbox.folder.path / "x11" / "cookie"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        hosts = {socket.gethostname(), HOSTNAME}
        file.write(b"".join(entry(_FAMILY_LOCAL, host.encode()) for host in hosts) + entry(_FAMILY_WILD, b""))
    sandbox.folder.give(path)
    return path
