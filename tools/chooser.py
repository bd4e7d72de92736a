"""The file chooser that a page opens: it would show in no picture, so it is intercepted and answered by typing."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from tools.actions import Answer, BrowserAction, ComputerAction, MouseMove, Terminate, Type, Wait

if TYPE_CHECKING:
    from playwright.async_api import CDPSession

LISTED = 12
"""Most files that a note names."""

_LEAVES_IT_OPEN = (Type, MouseMove, Wait, Terminate, Answer)


class Files(Protocol):
    """The files that a page can be given."""

    def find(self, path: str) -> str | None:
        """The path under which the browser finds the file that is meant; None when there is no such file."""
        ...

    def names(self) -> Sequence[str]:
        """Paths that can be typed, sorted."""
        ...


class NoFiles:
    """A world without files: every chooser closes at once."""

    def find(self, path: str) -> None:
        """Nothing."""
        return

    def names(self) -> Sequence[str]:
        """None."""
        return ()


class _Open(NamedTuple):
    session: "CDPSession"
    node: int
    several: bool


class FileChooser:
    """At most one chooser is open. The next text that is typed names the file; any other input closes it."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._open: _Open | None = None

    @property
    def is_open(self) -> bool:
        """Whether a page waits for a file."""
        return self._open is not None

    def opened(self, session: "CDPSession", event: dict[str, Any]) -> str:
        """Takes a `Page.fileChooserOpened`; returns what a person would see of it, as a note."""
        if isinstance(self._files, NoFiles) or "backendNodeId" not in event:
            return "a file chooser opened: no file was chosen"
        self._open = _Open(session, event["backendNodeId"], event["mode"] == "selectMultiple")
        which = "files, one a line," if self._open.several else "a file"
        return f"a file chooser opened: type the path of {which} to choose; {self._listing()}"

    def closed_by(self, action: ComputerAction | BrowserAction) -> str:
        """Closes the chooser unless the action leaves it open; the note on that, or nothing."""
        if self._open is None or isinstance(action, _LEAVES_IT_OPEN):
            return ""
        self._open = None
        return "the file chooser closed: no file was chosen"

    async def choose(self, text: str) -> str:
        """Gives the page the files that a typed text names; returns why it could not, or nothing.

        The chooser stays open when a file is not there. Raises Playwright's Error when the page is gone.
        """
        assert self._open is not None, "only an open chooser can be answered"
        session, node, several = self._open
        typed = [line.strip() for line in text.splitlines() if line.strip()]
        found = [self._files.find(path) for path in typed]
        if not typed or None in found:
            missing = typed[found.index(None)] if typed else ""
            return f"the file chooser is still open: there is no file {missing!r}; {self._listing()}"
        if len(found) > 1 and not several:
            return "the file chooser is still open: it takes one file only"
        self._open = None
        await session.send("DOM.setFileInputFiles", {"files": found, "backendNodeId": node})
        return ""

    def _listing(self) -> str:
        names = self._files.names()
        more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
        return f"there is {', '.join(names[:LISTED])}{more}" if names else "there are no files"
