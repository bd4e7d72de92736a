"""What a person asks for, a scenario or a goal in their own words, and the task that it becomes."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from agent.commands.wiring import fitted, task_for
from agent.settings import Settings
from agent.trace import Run
from env.allow import place_of
from scenarios.base import Task, World
from scenarios.goal import goal_task
from scenarios.loader import files
from scenarios.schema import meant
from tools.errors import UserError

BROWSERS = ("kiosk", "headless")
"""Worlds that say how a browser is seen."""
WORLDS = ("desktop", "browser", *BROWSERS)


class Asked(BaseModel):
    """A scenario, by id or file; or, where there is a `world`, a goal in plain words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: str
    seed: int = 0
    world: World | None = None
    url: str = ""
    allow: tuple[str, ...] = ()


def asked_for(what: str, seed: int, world: str | None, url: str, allow: Sequence[str]) -> Asked:
    """What the command line asks for. Raises UserError for a world that there is not.

    A goal is what has a space in it, or comes with an address, a domain, or `--world desktop` or `browser`.
    """
    if world not in (None, *WORLDS):
        raise UserError(f"no world {world!r}", remedy=meant(world, WORLDS) or f"choose one of {', '.join(WORLDS)}")
    in_words = " " in what.strip() and Path(what).suffix != ".yaml"
    if not (in_words or url or allow or (world and world not in BROWSERS)):
        return Asked(what=what, seed=seed)
    on_desktop = world == "desktop" or not (world or url or allow)
    return Asked(
        what=what, seed=seed, world="desktop" if on_desktop else "browser", url=url, allow=tuple(allow)
    )  # fmt: skip


def asked_in(record: Run) -> Asked:
    """What a recorded run was asked for."""
    match record.settings.get("asked", record.scenario):
        case dict() as asked:
            return Asked.model_validate(asked)
        case what:  # as it was written before there were goals
            return Asked(what=str(what), seed=record.seed)


def task_of(settings: Settings, asked: Asked) -> Task:
    """The task, with the size and the limits that the settings ask for. Raises UserError."""
    if asked.world is None:
        return _scenario(settings, asked)
    if asked.what in files(settings.scenarios):
        raise UserError(
            f"{asked.what!r} is a scenario, and has a world of its own",
            remedy="leave out --world, --url and --allow; only kiosk and headless say how its browser is seen",
        )
    task = goal_task(asked.what, asked.world, asked.url, asked.allow, asked.seed)
    place = place_of(asked.url) if asked.url else None
    if place and not settings.allow.reaches(*place):
        raise UserError(f"{asked.url!r} is not allowed", remedy="widen the setting allow_domains, or leave it out")
    return fitted(settings, task)


def _scenario(settings: Settings, asked: Asked) -> Task:
    try:
        return task_for(settings, asked.what, asked.seed)
    except UserError as error:
        if not error.what.startswith("no scenario"):
            raise
        hint = "for a goal in your own words add --world desktop, or --url"
        raise UserError(error.what, cause=error.cause, remedy=f"{error.remedy}; {hint}") from None
