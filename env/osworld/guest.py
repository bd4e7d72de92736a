"""A world as OSWorld's client finds its virtual machine: programs by their names there, and what can be done in it.

Everything runs inside the sandbox as the world's user: commands that the client sends are OSWorld's contract, and the
sandbox is their boundary. Files are read and written inside, too, so that a path means what it means there.
"""

import contextlib
import importlib.util
import json
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from env.base import Window
from env.display import Display
from env.sandbox import INSIDE, Finished, Sandbox
from env.session import Session
from env.settle import until
from tools.errors import EnvError

PROGRAMS = tuple(path.name for path in (INSIDE / "osworld").iterdir() if not path.suffix)
"""What stands in for a program of OSWorld's machine, or belongs to one, in env/inside/osworld."""
SHORT = 30.0
"""Seconds for what takes no time of its own."""
_WINDOW_LIMIT = 60.0
_LIBRARIES = ("pyautogui", "pymsgbox", "pytweening", "pyscreeze", "Xlib", "six")
_NO_MOUSEINFO = "# pyautogui wants MouseInfo, a window of its own that needs Tk and ends the process without it\n"
_CLASSES = {
    "google-chrome": "chrom", "chromium": "chrom", "vlc": "vlc", "gimp": "gimp", "libreoffice": "libreoffice",
    "soffice": "libreoffice", "gnome-terminal": "terminal", "thunderbird": "thunderbird", "code": "code",
}  # fmt: skip
"""Programs with a window, and a part of that window's class."""
_SPLASH = "GIMP Startup"
"""A window of that class which comes before the one that is waited for."""


class Answer(NamedTuple):
    """What a program left behind; `ended` is false when it took too long and was ended."""

    output: str
    error: str
    status: int
    ended: bool = True


class Guest:
    """One world. Raises EnvError for what the world cannot do."""

    def __init__(self, sandbox: Sandbox, session: Session, display: Display) -> None:
        self.sandbox, self.session, self.display = sandbox, session, display

    async def run(self, argv: Sequence[str], timeout: float = SHORT, stdin: bytes = b"") -> Finished:
        """Runs a program to its end. Raises EnvError: no such program; TimeoutError when it was ended."""
        return await self.sandbox.run(argv, self.session.environment, timeout, stdin)

    async def command(self, command: str | Sequence[str], *, shell: bool, timeout: float, stdin: bytes = b"") -> Answer:
        """Runs what a client sent. Raises EnvError when there is no such program, so that nothing was done."""
        try:
            done = await self.run(self.argv(command, shell=shell), timeout, stdin)
        except TimeoutError:
            return Answer("", f"Command timed out after {timeout:g} seconds", -1, ended=False)
        return Answer(done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"), done.status)

    def argv(self, command: str | Sequence[str], *, shell: bool) -> list[str]:
        """A command as it is started: split where it is one text, `~/` replaced by HOME where a word begins with it."""
        if shell:
            return ["/bin/sh", "-c", *([command] if isinstance(command, str) else command)]
        words = shlex.split(command) if isinstance(command, str) else list(command)
        home = self.sandbox.home_inside
        return [f"{home}/{word[2:]}" if word.startswith("~/") else word for word in words]

    async def launch(self, command: str | Sequence[str], *, shell: bool) -> None:
        """Starts a program. One that is known to open a window is waited for, and one that ends others.

        A window that does not come is no failure: the program was started.
        """
        argv = self.argv(command, shell=shell)
        before = len(await self._windows_of(argv))
        child = await self.sandbox.spawn(argv, self.session.environment)

        async def shown() -> bool | None:
            return True if child.status.done() or len(await self._windows_of(argv)) > before else None

        if _class_of(argv) or Path(argv[0]).name == "pkill":
            with contextlib.suppress(EnvError):
                await until(shown, _WINDOW_LIMIT, f"a window of {' '.join(argv)!r}")

    async def _windows_of(self, argv: Sequence[str]) -> list[Window]:
        part = _class_of(argv)
        windows = await self.display.windows() if part else ()
        return [window for window in windows if part in window.app.lower() and window.title != _SPLASH]

    async def look(self, what: str, *words: str, stdin: bytes = b"") -> bytes:
        """What env/inside/osworld/look.py prints. Raises EnvError, and FileNotFoundError for a path not there."""
        script = self.sandbox.inside(self.sandbox.folder.path / "inside" / "osworld" / "look.py")
        try:
            done = await self.run(["/usr/bin/python3", "-I", script, what, *words], stdin=stdin)
        except TimeoutError:
            raise EnvError(f"{what}: no answer within {SHORT:g} s") from None
        said = done.stderr.decode(errors="replace").strip()
        if done.status == 0:
            return done.stdout
        if words and said and "\n" not in said:
            raise FileNotFoundError(said)
        raise EnvError(f"{what}: {said[-300:]}")

    async def json(self, what: str, *words: str) -> Any:
        """The same, as a value."""
        return json.loads(await self.look(what, *words))

    async def windows(self) -> tuple[Window, ...]:
        """Windows, the lowest first."""
        return await self.display.windows()


def _class_of(argv: Sequence[str]) -> str:
    """A part of the class of the windows that a command opens; empty where none is known."""
    words = argv[-1].split() if argv[0] == "/bin/sh" else argv[:1]
    return next((part for word in words if (part := _CLASSES.get(Path(word).name, ""))), "")


def furnish(sandbox: Sandbox) -> None:
    """Puts in what OSWorld's machine has and a plain world has not, before the session starts.

    Programs by their names there, first on the PATH; pyautogui for Debian's Python; a browser's empty profile.
    """
    programs = sandbox.folder.path / "inside" / "osworld"
    libraries = programs / "libraries"
    for name in _LIBRARIES:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise EnvError(f"no library {name!r} beside {sys.executable}")
        found = Path(spec.origin)
        if found.name == "__init__.py":
            shutil.copytree(found.parent, libraries / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(found, libraries / found.name)
    (libraries / "mouseinfo.py").write_text(_NO_MOUSEINFO)
    sandbox.programs = sandbox.inside(programs)
    profile = sandbox.home / ".config" / "google-chrome" / "Default"
    profile.mkdir(parents=True)
    (profile / "Preferences").write_text("{}")
