"""Finds scenarios by id, pattern, tag or world: the bundled ones and those of other folders."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from scenarios.base import Scenario, World
from scenarios.schema import meant
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
    known = files(folders)
    if id_or_path not in known:
        raise _unknown(id_or_path, known)
    return read_scenario(known[id_or_path])


def find(
    patterns: Sequence[str] = (), folders: Iterable[Path] = (), *, tags: Sequence[str] = (), world: World | None = None
) -> list[Scenario]:
    """Scenarios whose id or file is one of `patterns` (`web/*`; none means all), that have every tag, in that world.

    Raises UserError for a pattern that nothing matches, and for the first file with mistakes in it.
    """
    known = files(folders)
    chosen: dict[str, Path] = {} if patterns else known
    for pattern in patterns:
        if pattern.endswith(".yaml"):
            chosen[pattern] = Path(pattern)
            continue
        matching = {id_: path for id_, path in known.items() if fnmatchcase(id_, pattern)}
        if not matching:
            raise _unknown(pattern, known)
        chosen |= matching
    scenarios = [read_scenario(path) for path in chosen.values()]
    return [s for s in scenarios if set(tags) <= set(s.tags) and world in (None, s.world)]


def _id(path: Path, folder: Path) -> str:
    return path.relative_to(folder).with_suffix("").as_posix()


def _unknown(name: str, known: Iterable[str]) -> UserError:
    remedy = f"{meant(name, known)} `surehand scenarios list` shows them all".strip()
    return UserError(f"no scenario {name!r}", remedy=remedy)
