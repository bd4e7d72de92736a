"""From settings to the parts of a run: its task, its world, its model, its folder."""

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from random import Random
from typing import Annotated

from pydantic import BeforeValidator, TypeAdapter, ValidationError

from agent.commands.served import at_address, in_process, served, the_stand_in
from agent.means import MakeModel, MakeWorld, as_model
from agent.model import GiveUpModel, IdleModel, Model, RandomModel, ReplayModel, ScriptedModel
from agent.secrets import secrets_of
from agent.settings import Settings, reason
from agent.trace import Run
from env.allow import EVERYTHING, VERB_NAMES, Allow
from env.base import Environment, Probe
from env.described import DescribedEnvironment, View
from env.kept import NO_SECRETS, KeptEnvironment
from env.near import NearEnvironment
from env.sandbox import find_isolation
from env.vault import Secret
from env.world import NARROWEST, Kind, WorldSpec, find_chromium
from scenarios.base import AnyWorld, Limits, Task
from scenarios.loader import ASSETS, load
from scenarios.schema import meant
from tools.actions import Action, BrowserAction, ComputerAction
from tools.errors import UserError
from tools.geometry import Size

_ALONE = {"stand-in", "oracle", "idle", "fail", "random"}
_OF_SOMETHING = {"http", "https", "transformers", "scripted", "replay"}
"""Kinds of models, as `--model` begins; the second are followed by a colon and what they are made of."""
_REPLY: TypeAdapter[str | ComputerAction | BrowserAction] = TypeAdapter(
    Annotated[Action | str, BeforeValidator(lambda v: v.get("arguments", v) if isinstance(v, dict) else v)]
)
MODELS = ("http://host:port/v1", "transformers:MODEL", "stand-in", "oracle", "idle", "fail", "random", "scripted:FILE",
          "replay:RUN")  # fmt: skip
_CLICKS = 10
"""Of the model that clicks at random; then it claims success."""


def task_for(settings: Settings, scenario: str, seed: int) -> Task:
    """The scenario at this seed, with the size and the limits that the settings ask for. Raises UserError."""
    task = load(scenario, settings.scenarios).at(seed)
    limits = Limits(steps=settings.steps or task.limits.steps, seconds=settings.seconds or task.limits.seconds)
    return replace(task, size=settings.size or task.size, limits=limits)


def worlds(settings: Settings, kept: Mapping[str, Secret] = NO_SECRETS) -> MakeWorld:
    """What makes the world of a task; `kept` are secrets that come with their values.

    Raises UserError for a secret without a value.
    """
    secrets = {**kept, **secrets_of(settings, kept)}
    return lambda task: described(settings, KeptEnvironment(_spec(settings, task), secrets=secrets))


def near_worlds(settings: Settings) -> MakeWorld:
    """What makes worlds within this process, without secrets, for many tasks one after the other.

    Where tasks draw their own goal, a reset cleans the page instead of opening another.
    """

    def make(task: Task) -> Environment:
        spec = _spec(settings, task).model_copy(update={"same_page": task.episode is not None})
        return described(settings, NearEnvironment(spec))

    return make


def described(settings: Settings, world: Environment) -> Environment:
    """The world as the settings want it seen."""
    return world if settings.observation is View.PIXELS else DescribedEnvironment(world, settings.observation)


def kept_world(settings: Settings, task: Task, run: Run) -> KeptEnvironment:
    """The world that a run left behind. Raises UserError when it never had one."""
    if not {"folder", "keeper"} <= run.world.keys():
        raise UserError(f"the run {run.id!r} cannot be resumed", cause="its process died before its world was ready",
                        remedy="start it again")  # fmt: skip
    return KeptEnvironment(_spec(settings, task), Path(run.world["folder"]), run.world["keeper"])


def watched_world(settings: Settings, task: Task) -> KeptEnvironment:
    """The world of a task where a person can show it: their own display, or a browser in a window on that.

    It is told no secrets: where a person types one it is not read at all.
    """
    kind: Kind = "window" if task.world == "browser" else "display"
    return KeptEnvironment(_spec(settings, task).model_copy(update={"kind": kind, "watched": True}))


def _spec(settings: Settings, task: Task) -> WorldSpec:
    return spec_for(settings, task.world, task.size, task.assets or ASSETS, task.allow, network=task.network)


def spec_for(
    settings: Settings, world: AnyWorld, size: Size, assets: Path, allow: Allow = EVERYTHING, *, network: bool
) -> WorldSpec:
    """A world of a kind, `size` pixels large unless the settings say otherwise, that serves folders of `assets`.

    What `allow` lets, the settings narrow further.
    """
    size, kind = settings.size or size, _kind(settings, world)
    return WorldSpec(
        kind="browser" if kind == "kiosk" and size.width < NARROWEST else kind,
        size=size, assets=assets, chromium=settings.chromium,
        quiet=settings.settle_quiet, limit=settings.settle_limit, lease=settings.lease,
        allow=allow.narrowed(settings.allow), network=network, private=settings.private,
    )  # fmt: skip


def approvals(settings: Settings, task: Task) -> frozenset[str]:
    """The verbs that a person is asked about first."""
    if settings.approve is None:
        return frozenset(VERB_NAMES if task.world == "display" else ())
    return frozenset(settings.approve)


def _kind(settings: Settings, world: AnyWorld) -> Kind:
    if world != "browser":
        return world
    return "kiosk" if settings.browser == "kiosk" else "browser"


def require(settings: Settings, *worlds: AnyWorld) -> None:
    """Makes sure that the programs of these worlds are there, before anything is begun. Raises UserError."""
    kinds = {_kind(settings, world) for world in worlds}
    if kinds & {"browser", "kiosk"}:
        find_chromium(settings.chromium)
    if kinds & {"desktop", "kiosk"} and shutil.which("Xvfb") is None:
        raise UserError("no program 'Xvfb'", remedy="`surehand doctor` says how to install what is missing")
    if kinds - {"display"}:
        find_isolation()
    if "display" in kinds and not os.environ.get("DISPLAY"):
        raise UserError("no display", cause="DISPLAY is not set", remedy="run this in a terminal of your X session")


def require_model(settings: Settings) -> None:
    """Makes sure that the settings name a model of a known kind, before anything is begun. Raises UserError."""
    name, _, argument = settings.model.partition(":")
    if name not in (_OF_SOMETHING if argument else _ALONE):
        raise _unknown(settings.model)


def model_for(settings: Settings, task: Task, used: int = 0, sample: int = 0) -> MakeModel:
    """What makes the model that the settings name, of whose script so many replies are used already.

    What it draws by chance, it draws anew for each `sample` of the same task.

    Raises UserError: unknown, or not to be had for this task.
    """
    name, _, argument = settings.model.partition(":")
    match name:
        case "http" | "https":
            return served(settings, task, at_address(settings), sample)
        case "stand-in" if not argument:
            return served(settings, task, the_stand_in(), sample)
        case "transformers" if argument:
            return in_process(settings, task, argument, sample)
        case "oracle" if not argument:
            return _oracle(task, used)
        case "idle" | "fail" | "random" if not argument:
            return _always(_baseline(name, task, sample))
        case "scripted" if argument:
            return _always(ScriptedModel(*islice(_script(Path(argument)), used, None)))
        case "replay" if argument:
            return _always(ReplayModel(Path(argument), used))
        case "person":
            raise UserError("a person decides in `surehand record` only", remedy="choose another model with --model")
    raise _unknown(settings.model)


def _unknown(model: str) -> UserError:
    if not model:
        return UserError(
            "no model is named", cause="surehand has none of its own yet",
            remedy="point at a model server with --model http://host:port/v1 (`surehand serve` starts one), or watch"
            " the reference solution with --model oracle",
        )  # fmt: skip
    return UserError(f"no model {model!r}", remedy=meant(model, MODELS) or f"choose one of {', '.join(MODELS)}")


def _oracle(task: Task, used: int) -> MakeModel:
    if task.oracle is None and not task.feasible:
        return _always(GiveUpModel())
    if task.oracle is None:
        raise UserError(
            f"scenario {task.scenario!r} has no oracle", cause=task.unproved, remedy="choose another model with --model"
        )
    if used:
        raise UserError("an oracle cannot go on with a run", cause="what it looked at and did before died with its"
                        " process", remedy="start the run again")  # fmt: skip
    return as_model(task.oracle)


def _baseline(name: str, task: Task, sample: int) -> Model:
    if name == "random":
        chance = Random(f"{task.scenario}:{task.seed}:{sample}")
        return RandomModel(chance, min(_CLICKS, task.limits.steps - 1))
    return IdleModel() if name == "idle" else GiveUpModel()


def _always(model: Model) -> MakeModel:
    def make(task: Task, probe: Probe) -> Model:
        return model

    return make


def _script(file: Path) -> Iterator[str | ComputerAction | BrowserAction]:
    """One reply a line, as JSON: a call as models write it, only its arguments, or a text as the whole reply."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read the script {str(file)!r}", cause=reason(error)) from None
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield _REPLY.validate_json(line)
            except ValidationError as error:
                raise UserError(f"{file}:{number}", cause=error.errors(include_url=False)[0]["msg"]) from None


def new_folder(settings: Settings, name: str) -> Path:
    """A folder below `runs` that nobody has yet, named by the time and by what is run."""
    stamp = f"{datetime.now():%Y%m%d-%H%M%S}-{name.replace('/', '-')}"
    numbered = (stamp if n == 1 else f"{stamp}-{n}" for n in range(1, 10_000))
    return next(path for part in numbered if not (path := settings.runs / part).exists())
