"""Which scenarios a suite's name means, and a hash of what they ask for."""

import hashlib
import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter

from agent.bench.plan import Entry
from env.setup import Osworld, Serve, SetupStep
from scenarios.base import Scenario, Task
from scenarios.loader import ASSETS, HERE, files, find, load
from scenarios.schema import meant
from scenarios.suites import NAMES
from tools.errors import ScenarioError, UserError

BUNDLED = "bundled"
"""The name of the scenarios that come with surehand."""
LISTED = "listed"
"""The tag of those scenarios of a suite that its name alone means."""
_SETUP_STEP: TypeAdapter[SetupStep] = TypeAdapter(SetupStep)
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


class Chosen(NamedTuple):
    """A scenario, and the id or file that any process loads it by."""

    source: str
    scenario: Scenario


def choose(name: str, folders: Sequence[Path] = ()) -> list[Chosen]:
    """The scenarios of a suite: `bundled`, `web`, `miniwob`, `osworld`; a pattern, an id, a file, a folder of files.

    Raises UserError: unknown, no such folder or nothing in it, a file with mistakes.
    """
    known = files(folders)
    if name == BUNDLED:
        ours = [id for id, path in known.items() if path.is_relative_to(HERE)]
        return [Chosen(id, load(id, folders)) for id in ours]
    if name in NAMES:
        found = [Chosen(one.id, one) for one in find([f"{name}/*"])]
        return [one for one in found if LISTED in one.scenario.tags] or found
    if any(id.startswith(f"{name}/") for id in known):
        return [Chosen(one.id, one) for one in find([f"{name}/*"], folders)]
    if (folder := Path(name)).is_dir():
        return _in_folder(folder)
    if name.endswith(".yaml"):
        return [Chosen(str(folder.resolve()), load(name))]
    if name.startswith((".", "/")):
        raise UserError(f"no folder {name!r}", remedy="name a folder that holds scenarios as .yaml files, or a suite")
    if "/" not in name and "*" not in name and name not in known:
        suites = [BUNDLED, *sorted({id.partition("/")[0] for id in known if "/" in id}), *NAMES]
        raise UserError(f"no suite {name!r}", remedy=meant(name, suites) or f"suites are {', '.join(suites)}")
    return [Chosen(one.id, one) for one in find([name], folders)]


def _in_folder(folder: Path) -> list[Chosen]:
    found = [Chosen(str(path.resolve()), load(str(path))) for path in sorted(folder.rglob("*.yaml"))]
    if not found:
        raise UserError(f"no scenarios in {str(folder)!r}", cause="there is no .yaml file")
    ids = [one.scenario.id for one in found]
    if twice := next((id for id in ids if ids.count(id) > 1), None):
        raise UserError(f"two scenarios are called {twice!r} in {str(folder)!r}")
    return found


def entry(chosen: Chosen, seeds: Sequence[int]) -> Entry:
    """A scenario as a plan holds it. The hash is of its tasks at these seeds: goal, world, limits, setup, check, pages.

    A seed at which the scenario cannot be made is hashed by its error; its run will end as that.
    """
    told, last = [], None
    for seed in seeds:
        try:
            last = chosen.scenario.at(seed)
            told.append(_asked(last))
        except ScenarioError as error:
            told.append(str(error))
    feasible = last.feasible if last else True
    return Entry(
        id=chosen.scenario.id, source=chosen.source, digest=_hash(told), feasible=feasible,
        oracle=last is None or last.oracle is not None or not feasible,
    )  # fmt: skip


def digest(entries: Sequence[Entry]) -> str:
    """One hash for all of them, whatever their order."""
    return _hash(sorted((one.id, one.digest) for one in entries))


def _asked(task: Task) -> object:
    served = [step.folder for step in task.setup if isinstance(step, Serve)]
    pages = [_contents((task.assets or ASSETS) / folder) for folder in served]
    setup = [_SETUP_STEP.dump_python(_anywhere(step), mode="json") for step in task.setup]
    return [
        task.goal, task.world, task.size, repr(task.limits), task.allow.model_dump(mode="json"), task.network,
        task.feasible, setup, _ADDRESS.sub("", repr(task.check)), pages,
    ]  # fmt: skip


def _anywhere(step: SetupStep) -> SetupStep:
    """A step without what is only where things lie on this machine."""
    return step.model_copy(update={"cache": ""}) if isinstance(step, Osworld) else step


@cache
def _contents(folder: Path) -> str:
    """A hash of every file below a folder."""
    whole = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        whole.update(path.relative_to(folder).as_posix().encode() + b"\0")
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
