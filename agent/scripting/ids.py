"""Tests by id, for those who ask from elsewhere: where a file lies below its folder, and the row of its table.

`shop/test_login.yaml`, or `shop/test_login.yaml::ada` where the file has a table. An id is looked up and never opened.
"""

from collections.abc import Iterable
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

from agent.scripting.written import PATTERN, Case, read_test
from scenarios.schema import meant
from tools.errors import UserError

_ROW = "::"


def files(folders: Iterable[Path]) -> dict[str, Path]:
    """Every test file by where it lies below its folder, in order. Reads none.

    Raises UserError for a folder that is not there, and for a place that two folders have.
    """
    found: dict[str, Path] = {}
    for folder in folders:
        if not folder.is_dir():
            raise UserError(f"no folder {str(folder)!r}", remedy=f"name a folder with files called {PATTERN}")
        for path in sorted(folder.rglob(PATTERN)):
            place = path.relative_to(folder).as_posix()
            if (other := found.setdefault(place, path)).resolve() != path.resolve():
                raise UserError(f"two tests are called {place!r}", cause=f"{other} and {path}")
    return found


def matching(patterns: Iterable[str], folders: Iterable[Path]) -> list[str]:
    """The ids that any of the patterns fits, or whose file it fits: `shop/*` is one, `shop/*::ada` another.

    Raises UserError for a pattern that fits none, and for the first mistake in a file that may hold a test of them.
    """
    known = files(folders)
    found: dict[str, None] = {}
    for pattern in patterns:
        place, _, row = pattern.partition(_ROW)
        ids = [name for file, path in known.items() if fnmatchcase(file, place) for name in _cases(file, path)]
        fit = [name for name in ids if not row or fnmatchcase(name, pattern)]
        if not fit:
            raise UserError(f"no test fits {pattern!r}", remedy="the service is told of tests by --tests FOLDER")
        found |= dict.fromkeys(fit)
    return list(found)


def case_named(name: str, folders: Iterable[Path]) -> Case:
    """The test with this id, which is its name too. Raises UserError: unknown, or with mistakes in its file."""
    known = files(folders)
    file, _, _ = name.partition(_ROW)
    if file not in known:
        raise _unknown(name, known)
    cases = _cases(file, known[file])
    if name not in cases:
        raise _unknown(name, cases)
    return cases[name]


def _cases(file: str, path: Path) -> dict[str, Case]:
    """The tests of a file by id."""
    try:
        return _read(file, path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        raise UserError(f"no test {file!r}", cause="its file was removed just now") from None


@lru_cache(maxsize=64)
def _read(file: str, path: Path, changed: int) -> dict[str, Case]:
    """One reading does for all rows of a table, until the file is `changed` again."""
    cases = read_test(path)
    named = [(file + _row(case), case) for case in cases]
    found = {name: replace(case, name=name) for name, case in named}
    if len(found) < len(named):
        raise UserError(f"two rows of the table in {file!r} have the same id", remedy="give each an id of its own")
    return found


def _row(case: Case) -> str:
    row = case.name.removeprefix(str(case.path))
    return _ROW + row[1:-1] if row else ""


def _unknown(name: str, known: Iterable[str]) -> UserError:
    return UserError(f"no test {name!r}", remedy=meant(name, known) or "the service is told of tests by --tests FOLDER")
