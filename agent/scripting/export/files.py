"""The file that a test is exported to, and what must lie beside it."""

from collections.abc import Sequence
from pathlib import Path

from agent.scripting.export.desktop import desktop
from agent.scripting.export.playwright import Exported, copied, names_of, playwright
from agent.scripting.written import Case
from tools.errors import UserError

TARGETS = {
    "playwright-python": ".py", "playwright-python-async": ".py", "playwright-ts": ".spec.ts", "desktop-python": ".py",
}  # fmt: skip
"""What a test can be exported to, and how the file's name ends."""


def default_name(test: str, target: str) -> str:
    """A name that pytest, or Playwright, takes for a test's: `test_login.py`, `login.spec.ts`."""
    name = test.removeprefix("test_")
    return f"{name}{TARGETS[target]}" if target == "playwright-ts" else f"test_{name}{TARGETS[target]}"


def export(cases: Sequence[Case], target: str, out: Path) -> list[Path]:
    """Writes the tests of one file as another, and returns what was written. Raises UserError."""
    world = cases[0].file.world
    if (target == "desktop-python") != (world == "desktop"):
        fitting = [name for name in TARGETS if (name == "desktop-python") == (world == "desktop")]
        raise UserError(f"a test of a {world} cannot be exported to {target}", remedy=f"use {' or '.join(fitting)}")
    if out.exists():
        raise UserError(f"there is a file {str(out)!r} already", remedy="name another one with --out")
    if target == "desktop-python":
        exported = Exported(desktop(cases, names_of(cases)))
    else:
        exported = playwright(cases, target, out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(exported.text, encoding="utf-8")
        return [out, *copied(exported.pages, out)]
    except OSError as error:
        raise UserError(f"cannot write {str(out)!r}", cause=error.strerror or str(error)) from None
