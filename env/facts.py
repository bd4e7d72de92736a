"""Facts about a world, read by its keeper: files from outside, everything else through the one way in."""

import json
from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter

from env.allow import Border, Refused
from env.base import Node, Posted, Process, Visit, Window
from env.display import Display
from env.files import glob_beneath, read_beneath
from env.sandbox import PYTHON, Sandbox
from env.session import Session
from env.site import Site
from tools.dom import Element, PageState
from tools.errors import EnvError
from tools.geometry import Size

_TREE_LIMIT = 15.0
_CLIPBOARD_LIMIT = 3.0
_NODES = TypeAdapter(tuple[Node, ...])


class SandboxFacts:
    """What every sandboxed world has: files, processes, its site. Facts of other kinds of world are empty."""

    def __init__(self, sandbox: Callable[[], Sandbox], site: Site, border: Border, size: Size) -> None:
        self._sandbox, self._site, self._border, self._size = sandbox, site, border, size

    async def read(self, path: str) -> bytes:
        """A file below HOME."""
        return read_beneath(self._sandbox().home, path)

    async def glob(self, pattern: str) -> tuple[str, ...]:
        """Files below HOME."""
        return glob_beneath(self._sandbox().home, pattern)

    async def processes(self) -> tuple[Process, ...]:
        """Processes inside."""
        return tuple(Process(pid=pid, command=tuple(argv)) for pid, argv in await self._sandbox().processes())

    async def posted(self) -> tuple[Posted, ...]:
        """What pages sent to the site."""
        return tuple(self._site.posted)

    async def visited(self) -> tuple[Visit, ...]:
        """What other sites of the world were asked."""
        return tuple(self._site.visited)

    async def refused(self) -> tuple[Refused, ...]:
        """What the border refused."""
        return tuple(self._border.refused)

    async def size(self) -> Size:
        """The screen's size."""
        return self._size

    async def windows(self) -> tuple[Window, ...]:
        """None."""
        return ()

    async def elements(
        self, *, css: str | None = None, role: str | None = None, name: str | None = None, text: str | None = None
    ) -> tuple[Element, ...]:
        """None."""
        return ()

    async def page(self) -> PageState | None:
        """None."""
        return None

    async def script(self, expression: str) -> Any:
        """None."""
        return None

    async def a11y(self) -> tuple[Node, ...]:
        """None."""
        return ()

    async def clipboard(self) -> str:
        """Empty."""
        return ""


class DesktopFacts(SandboxFacts):
    """A desktop has windows, an accessibility tree and a clipboard as well."""

    def __init__(
        self, sandbox: Callable[[], Sandbox], site: Site, border: Border, size: Size, session: Callable[[], Session],
        display: Callable[[], Display],
    ) -> None:  # fmt: skip
        super().__init__(sandbox, site, border, size)
        self._session, self._display = session, display

    async def windows(self) -> tuple[Window, ...]:
        """Windows by EWMH."""
        return await self._display().windows()

    async def a11y(self) -> tuple[Node, ...]:
        """The tree, read by a process inside; empty where the applications offer none in time."""
        sandbox = self._sandbox()
        script = sandbox.inside(sandbox.folder.path / "inside" / "a11y.py")
        try:
            done = await sandbox.run([PYTHON, "-I", script], self._session().environment, _TREE_LIMIT)
        except TimeoutError:
            raise EnvError(f"the accessibility tree did not answer within {_TREE_LIMIT:g} s") from None
        if done.status != 0:
            raise EnvError(f"reading the accessibility tree failed: {done.stderr.decode(errors='replace')[-300:]}")
        return _NODES.validate_python([json.loads(line) for line in done.stdout.splitlines()])

    async def clipboard(self) -> str:
        """The text of the CLIPBOARD selection; empty where nobody owns it."""
        command = ["xclip", "-selection", "clipboard", "-out"]
        try:
            done = await self._sandbox().run(command, self._session().environment, _CLIPBOARD_LIMIT)
        except TimeoutError:
            return ""
        return done.stdout.decode(errors="replace") if done.status == 0 else ""
