"""OSWorld's task files as scenarios, and the list of all with the reason of each that cannot run here."""

import hashlib
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from env.setup import Osworld
from scenarios.base import Limits, Task, World
from scenarios.suites.osworld.file import TaskFile, read
from scenarios.suites.osworld.judge import DEVIATIONS, OriginalEvaluator
from scenarios.suites.osworld.oracles import ORACLES, give_up
from scenarios.suites.osworld.reasons import why_not
from tools.errors import UserError
from tools.geometry import Size

TASKS, CACHE = "SUREHAND_OSWORLD_TASKS", "SUREHAND_OSWORLD_CACHE"
"""Variables that name the folder of the task files, and that of what they download."""
SIZE = Size(1920, 1080)
"""Of OSWorld's screen."""
_LIMITS = Limits(steps=50, seconds=3600)
_PREFIX = "osworld/"


@dataclass(frozen=True, slots=True)
class Listed:
    """One task file: its id, such as `osworld/vlc/8ba5ae7a-…`, and why it cannot run here; empty when it can."""

    id: str
    path: Path
    reason: str
    feasible: bool = True

    @property
    def solved(self) -> bool:
        """Whether there is a reference solution."""
        return self.path.stem in ORACLES


@dataclass(frozen=True, slots=True)
class OsworldScenario:
    """A Scenario from a task file."""

    id: str
    file: TaskFile
    cache: Path | None

    @property
    def title(self) -> str:
        """The beginning of its instruction."""
        words = " ".join(self.file.instruction.split())
        return words if len(words) <= 60 else words[:59] + "…"

    @property
    def world(self) -> World:
        """A desktop."""
        return "desktop"

    @property
    def tags(self) -> tuple[str, ...]:
        """Its application, and whether it can be done."""
        return (self.id.split("/")[1], "feasible" if self.file.feasible else "infeasible",
                *(("solved",) if self.file.id in ORACLES else ()))  # fmt: skip

    def at(self, seed: int) -> Task:
        """As Scenario.at; all seeds are the same task."""
        oracle = ORACLES.get(self.file.id) if self.file.feasible else give_up
        return Task(
            scenario=self.id, seed=seed, world=self.world, size=SIZE, goal=self.file.instruction, limits=_LIMITS,
            setup=(Osworld(task=self.file.content, cache=str(self.cache or "")),), feasible=self.file.feasible,
            check=OriginalEvaluator(tuple(self.file.evaluator.functions), self.file.feasible), oracle=oracle,
            unproved="its check is OSWorld's own" if oracle else "it has no reference solution",
        )  # fmt: skip


def ids() -> tuple[str, ...]:
    """The tasks that can run here. Raises UserError: no folder, no task in it, none that can run, no client."""
    found = listing()
    runs = tuple(one.id for one in found if not one.reason)
    if not runs:
        raise UserError(f"no task of OSWorld's in {str(_folder(TASKS))!r} can run here",
                        cause=f"{found[0].id}: {found[0].reason}",
                        remedy="`surehand osworld list DIR` has the reason of each")  # fmt: skip
    return runs


def load(id: str) -> OsworldScenario:
    """The scenario with this id. Raises KeyError, UserError as `ids` and for a task that cannot run here."""
    one = {one.id: one for one in listing()}[id]
    if one.reason:
        raise UserError(f"{id!r} cannot run here", cause=one.reason)
    return OsworldScenario(id, read(one.path), _folder(CACHE))


def deviations() -> tuple[str, ...]:
    """What is otherwise than in OSWorld's own runs, and how many tasks are left out."""
    found = listing()
    left = sum(bool(one.reason) for one in found)
    return (*DEVIATIONS, f"{left} of {len(found)} task files cannot run here, and are left out") if left else DEVIATIONS


def listing(folder: Path | None = None) -> tuple[Listed, ...]:
    """Every task file below a folder, or that which SUREHAND_OSWORLD_TASKS names, in order. Raises UserError."""
    where = folder or _folder(TASKS)
    if where is None:
        raise UserError("OSWorld's tasks are not part of surehand", cause=f"{TASKS} is not set",
                        remedy="name the folder of its task files, as DIR or with --tasks")  # fmt: skip
    return _listed(where, _folder(CACHE))


@cache
def _listed(where: Path, kept: Path | None) -> tuple[Listed, ...]:
    if not where.is_dir():
        raise UserError(f"no folder {str(where)!r}", remedy="name the folder of OSWorld's task files")
    found = []
    for path in sorted(where.rglob("*.json")):
        name = _PREFIX + path.relative_to(where).with_suffix("").as_posix()
        try:
            task = read(path)
            found.append(Listed(name, path, why_not(task, kept), task.feasible))
        except UserError as error:
            if not path.is_file() or error.what.startswith("OSWorld's tasks need"):
                raise
            found.append(Listed(name, path, error.cause or str(error)))
    if not found:
        raise UserError(f"no task of OSWorld's in {str(where)!r}", cause="it holds no .json file")
    return tuple(found)


def digest(folder: Path | None = None) -> str:
    """A hash over all task files, their names and what they hold: two scores compare only where it is the same."""
    whole = hashlib.sha256()
    for one in listing(folder):
        whole.update(one.id.encode() + b"\0" + hashlib.sha256(one.path.read_bytes()).digest())
    return whole.hexdigest()


def _folder(variable: str) -> Path | None:
    named = os.environ.get(variable)
    return Path(named).expanduser().absolute() if named else None
