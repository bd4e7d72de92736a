"""`surehand export` of a test, or of a run that passed: a program of another tool."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.text import Text

from agent.commands.export import DATA
from agent.commands.live import console, signed
from agent.commands.record import recorded_test
from agent.scripting.export.files import TARGETS, default_name, export
from agent.scripting.written import Case, read_test
from scenarios.schema import counted, meant
from tools.errors import UserError


def export_test(config: Path | None, named: Sequence[Path], target: str, out: Path | None) -> int:
    """Writes the file. Returns the exit status. Raises UserError."""
    if target not in TARGETS:
        near = meant(target, (*TARGETS, *DATA))
        raise UserError(f"a test cannot be exported to {target!r}", remedy=near or f"use one of {', '.join(TARGETS)}")
    if len(named) != 1:
        raise UserError("one test at a time", cause=f"{len(named)} were named", remedy="name one test file or one run")
    what = named[0]
    name, cases = _read(config, what)
    written = export(cases, target, out or Path(default_name(name, target)))
    screen = console()
    screen.print(signed("good", f"exported {counted(len(cases), 'test')} of {what}"))
    for path in written:
        screen.print(Text(f"{'pages' if path.is_dir() else 'test'}: {path}"), soft_wrap=True)
    return 0


def _read(config: Path | None, what: Path) -> tuple[str, Sequence[Case]]:
    """The tests of a file; of a run's folder, the test that it is recorded as."""
    if not what.is_dir():
        return what.stem, read_test(what)
    name, text = recorded_test(config, what)
    with tempfile.TemporaryDirectory(prefix="surehand-") as folder:
        file = Path(folder) / f"{name}.yaml"
        file.write_text(text, encoding="utf-8")
        return name, read_test(file)
