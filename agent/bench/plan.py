"""What a bench is to do, pinned in its folder as `bench.json`: which tasks, by whom, at which seeds, set how."""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tools.errors import UserError

VERSION = 1
"""Of a bench's folder; others are refused, for runs of two versions are not to be counted together."""
BASELINES = ("idle", "fail", "random", "oracle")
"""Models without weights that a score is read beside: do nothing, always give up, click anywhere, the solution."""
MODEL = "model"
"""What the player is called that is none of these."""
_FREE = ("runs", "parallel", "lease", "scenarios", "secrets_file")
"""Settings that change no result: they may be others when a bench goes on."""


class Value(BaseModel):
    """What is written into a bench's folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Entry(Value):
    """A scenario of the suite: the id or file that it is loaded by, and a hash of all that it asks for."""

    id: str
    source: str
    digest: str
    feasible: bool = True
    oracle: bool = True


class Job(Value):
    """One run to be done: by which player and model, of which scenario."""

    player: str
    model: str
    scenario: str
    source: str
    seed: int
    repeat: int = 0

    @property
    def folder(self) -> Path:
        """Of its run, below the bench's folder."""
        number = f"seed-{self.seed}" + (f".{self.repeat}" if self.repeat else "")
        return Path("runs", self.player, quote(self.scenario).replace("..", "%2E%2E"), number)

    @property
    def words(self) -> str:
        """For people: `web/login at seed 3, by oracle`."""
        repeat = f" ({self.repeat + 1})" if self.repeat else ""
        return f"{self.scenario} at seed {self.seed}{repeat}, by {self.player}"


class Plan(Value):
    """Every run of a bench. `players` are models by name, the one that is measured first; only it is repeated.

    `deviations` say what is otherwise here than in the own runs of somebody else's suite, a line each.
    """

    version: int = VERSION
    suite: str
    digest: str
    entries: tuple[Entry, ...]
    players: dict[str, str]
    seeds: tuple[int, ...]
    repeat: int = 1
    deviations: tuple[str, ...] = ()
    settings: dict[str, Any] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)
    revision: str = ""
    started: datetime

    @property
    def main(self) -> str:
        """The player that is measured."""
        return next(iter(self.players))

    def jobs(self) -> Iterator[Job]:
        """Seed by seed, so that early on there is something of every task; an oracle plays where there is one."""
        for seed in self.seeds:
            for repeat in range(self.repeat):
                for entry in self.entries:
                    for player, model in self.players.items():
                        if (entry.oracle or model != "oracle") and (not repeat or player == self.main):
                            yield Job(player=player, model=model, scenario=entry.id, source=entry.source, seed=seed,
                                      repeat=repeat)  # fmt: skip


def players(model: str, baselines: Iterable[str]) -> dict[str, str]:
    """Who plays, the measured model first."""
    return {model if model in BASELINES else MODEL: model} | {name: name for name in baselines if name != model}


def numbers(text: str) -> tuple[int, ...]:
    """`0-2,7` → (0, 1, 2, 7). Raises UserError."""
    found: dict[int, None] = {}
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not dash:
            last = first
        if not (first.isdecimal() and last.isdecimal()) or int(last) < int(first):
            raise UserError(f"no seeds {part!r}", remedy="write numbers and ranges, such as 0-2,7")
        if int(last) - int(first) >= _MOST_SEEDS:
            raise UserError(f"too many seeds in {part!r}", remedy=f"name {_MOST_SEEDS:,} at most")
        found |= dict.fromkeys(range(int(first), int(last) + 1))
    return tuple(found)


_MOST_SEEDS = 100_000


def ranges(seeds: Iterable[int]) -> str:
    """(0, 1, 2, 7) → `0-2,7`."""
    parts: list[list[int]] = []
    for seed in sorted(seeds):
        if parts and seed == parts[-1][-1] + 1:
            parts[-1][1:] = [seed]
        else:
            parts.append([seed])
    return ",".join("-".join(map(str, part)) for part in parts)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Inside, this process alone runs the bench in the folder, and no worker of an earlier one is left.

    Raises UserError while another bench is at work there, or when the folder cannot be made. A bench that was killed
    leaves workers that notice it and end: for these it waits.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("ab") as lock, (folder / "workers.lock").open("ab") as workers:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UserError(
                    f"another bench is at work in {str(folder)!r}", remedy="wait for its end, or choose another --out"
                ) from None
            fcntl.flock(workers, fcntl.LOCK_EX)
            fcntl.flock(workers, fcntl.LOCK_UN)
            yield
    except OSError as error:
        raise UserError(f"cannot keep the bench in {str(folder)!r}", cause=error.strerror or str(error)) from error


@contextmanager
def at_work(folder: Path) -> Iterator[None]:
    """Inside, this process may write runs into the folder: a later bench waits for its end."""
    with (folder / "workers.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def begin(folder: Path, asked: Plan) -> Plan:
    """The plan of the bench in the folder: the one that is there, if it asks for the same, or this one, written.

    Raises UserError: the folder holds another bench, one of another version, or something else.
    """
    file = folder / "bench.json"
    if file.exists():
        there = read_plan(folder)
        if found := list(_differences(there, asked)):
            raise UserError(f"{str(folder)!r} holds another bench", cause=found[0],
                            remedy="repeat its command to go on with it, or choose another --out")  # fmt: skip
        return there
    if strangers := sorted(path.name for path in folder.iterdir() if path.name not in ("lock", "workers.lock")):
        raise UserError(f"{str(folder)!r} holds something else", cause=f"there is {strangers[0]!r}",
                        remedy="choose a new folder with --out")  # fmt: skip
    written(file, asked)
    return asked


def read_plan(folder: Path) -> Plan:
    """Raises UserError: no bench there, one of another version, or a damaged one."""
    return read(folder / "bench.json", Plan, VERSION, "bench")


V = TypeVar("V", bound="Value")


def read(file: Path, kind: type[V], version: int, what: str) -> V:
    """A value from its file. Raises UserError: not there, of another version, damaged."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"no {what} in {str(file.parent)!r}", cause=f"there is no {file.name}") from None
    except (OSError, ValueError) as error:
        raise UserError(f"damaged {what} {str(file)!r}", cause=str(error)) from None
    found = data.get("version") if isinstance(data, dict) else None
    if found != version:
        raise UserError(
            f"the {what} in {str(file.parent)!r} has version {found}", cause=f"this surehand reads version {version}",
            remedy="run it again into a new folder",
        )  # fmt: skip
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        cause = f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}"
        raise UserError(f"damaged {what} {str(file)!r}", cause=cause) from None


def written(file: Path, value: Value) -> None:
    """Writes a value whole or not at all. Raises OSError."""
    part = file.with_name(f"{file.name}.part")
    with part.open("w", encoding="utf-8") as text:
        text.write(value.model_dump_json(indent=1) + "\n")
        text.flush()
        os.fsync(text.fileno())
    part.replace(file)


def _differences(there: Plan, asked: Plan) -> Iterator[str]:
    """How another bench differs from this one, in words."""
    ours, theirs = asked.versions.get("surehand"), there.versions.get("surehand")
    if ours != theirs:
        yield f"it was begun by surehand {theirs}, and this is {ours}"
    if there.suite != asked.suite:
        yield f"its suite is {there.suite!r}, not {asked.suite!r}"
    if there.players != asked.players:
        yield f"its models are {_names(there)}, not {_names(asked)}"
    if there.seeds != asked.seeds:
        yield f"its seeds are {ranges(there.seeds)}, not {ranges(asked.seeds)}"
    if there.repeat != asked.repeat:
        yield f"its runs are repeated {there.repeat} times, not {asked.repeat}"
    if there.digest != asked.digest:
        yield "its tasks have changed since"
    for name, was, now in unlike(there, asked):
        yield f"its setting {name} is {was!r}, not {now!r}"


def unlike(one: Plan, other: Plan) -> Iterator[tuple[str, Any, Any]]:
    """Settings that differ and may change results, with both values."""
    for name in sorted((one.settings.keys() | other.settings.keys()) - set(_FREE)):
        values = one.settings.get(name), other.settings.get(name)
        if values[0] != values[1]:
            yield name, *values


def _names(plan: Plan) -> str:
    return ", ".join(plan.players.values())
