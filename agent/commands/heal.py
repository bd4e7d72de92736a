"""`surehand test --heal`: what a model found again, shown as a diff and kept beside the results."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.syntax import Syntax
from rich.text import Text

from agent.commands.live import signed
from agent.scripting.heal import mendings
from agent.scripting.results import Result
from tools.errors import UserError

DIFF = "heal.diff"


def keep_mendings(screen: Console, folder: Path, results: Sequence[Result], *, write: bool) -> None:
    """Shows the diffs of all files that can be mended, and keeps them in the session's folder. Raises UserError.

    The files themselves are changed only where `write` says so.
    """
    found = list(mendings(results))
    for mending in found:
        for words in mending.left:
            screen.print(signed("warn", words))
    if not (diff := "".join(mending.diff() for mending in found)):
        return
    try:
        (folder / DIFF).write_bytes(diff.encode())
    except OSError as error:
        raise UserError(f"cannot write into {str(folder)!r}", cause=error.strerror or str(error)) from None
    screen.print(Syntax(diff, "diff", background_color="default", word_wrap=True))
    if write:
        for mending in found:
            mending.write()
    how = "written into the tests" if write else f"mend the tests with: patch -p1 < {folder / DIFF}"
    screen.print(Text(how), soft_wrap=True)
