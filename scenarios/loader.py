"""Finds scenarios by id, pattern, tag or world: the bundled ones, those of other folders, and those of suites."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from scenarios.base import Scenario, World
from scenarios.schema import meant
from scenarios.suites import suite_of
from scenarios.written import read_scenario
from tools.errors import UserError

HERE = Path(__file__).parent
BUNDLED = (HERE / "desktop", HERE / "web")
ASSETS = HERE / "assets"
"""Pages and files that scenarios serve."""


def files(folders: Iterable[Path] = ()) -> dict[str, Path]:
    """Every scenario's file by id, in order: the bundled ones, then those below `folders`, whose ids begin there.

    Reads no file. Raises UserError for a folder that is not there and for an id that two files have.
    """
    found = {_id(path, HERE): path for folder in BUNDLED for path in sorted(folder.rglob("*.yaml"))}
    for folder in folders:
        if not folder.is_dir():
            raise UserError(f"no folder {str(folder)!r}", remedy="name a folder that holds scenarios as .yaml files")
        for path in sorted(folder.rglob("*.yaml")):
            other = found.setdefault(_id(path, folder), path)
            if other.resolve() != path.resolve():
                raise UserError(f"two scenarios are called {_id(path, folder)!r}", cause=f"{other} and {path}")
    return found


def load(id_or_path: str, folders: Iterable[Path] = ()) -> Scenario:
    """The scenario with this id, or in this file. Raises UserError: unknown, or with mistakes in it."""
    path = Path(id_or_path)
    if path.suffix == ".yaml":
        return read_scenario(path)
    if suite := suite_of(id_or_path):
        try:
            return suite.load(id_or_path)
        except KeyError:
            raise _unknown(id_or_path, suite.ids()) from None
    known = files(folders)
    if id_or_path not in known:
        raise _unknown(id_or_path, known)
    return read_scenario(known[id_or_path])


def is_id(name: str, folders: Iterable[Path] = ()) -> bool:
    """Whether a name is meant as the id of a scenario, though it may be misspelt in a suite."""
    return suite_of(name) is not None or name in files(folders)


def matching(pattern: str, folders: Iterable[Path] = ()) -> list[str]:
    """The ids that a pattern fits. Those of a suite must begin with its name: `miniwob/*`. Raises UserError."""
    suite = suite_of(pattern)
    return [name for name in (suite.ids() if suite else files(folders)) if fnmatchcase(name, pattern)]


def find(
    patterns: Sequence[str] = (), folders: Iterable[Path] = (), *, tags: Sequence[str] = (), world: World | None = None
) -> list[Scenario]:
    """Scenarios whose id or file is one of `patterns`, that have every tag, in that world.

    `web/*` is a pattern; none means all files, and no suite.

    Raises UserError for a pattern that nothing matches, and for the first file with mistakes in it.
    """
    names: dict[str, None] = {}
    for pattern in patterns or ("*",):
        names |= dict.fromkeys(matching(pattern, folders) or [pattern])  # which may be a file
    scenarios = [load(name, folders) for name in names]
    return [s for s in scenarios if set(tags) <= set(s.tags) and world in (None, s.world)]


def _id(path: Path, folder: Path) -> str:
    return path.relative_to(folder).with_suffix("").as_posix()


def _unknown(name: str, known: Iterable[str]) -> UserError:
    remedy = f"{meant(name, known)} `surehand scenarios list` shows them all".strip()
    return UserError(f"no scenario {name!r}", remedy=remedy)
