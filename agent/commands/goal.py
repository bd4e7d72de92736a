"""A goal in plain words as a task: nothing checks it, and a browser reaches only the sites that it names."""

from typing import Literal, NamedTuple, cast, get_args

from agent.secrets import told
from agent.settings import Settings
from agent.trace import GOAL, Run
from env.allow import Allow, known_domains, place_of
from env.setup import OpenUrl
from scenarios.base import AnyWorld, Limits, Task
from scenarios.loader import is_id
from scenarios.schema import meant
from tools.errors import UserError
from tools.geometry import Size

VIEWS = ("kiosk", "headless")
"""How a browser is seen; what `--world` means for a scenario."""
KEPT = ("browser", "size", "steps", "seconds", "tokens", "allow_actions", "allow_domains")
"""Settings that the world and the end of a run depend on; to do it again, they are taken from its record."""
_LIMITS = Limits(steps=50, seconds=1800)
_SIZE = Size(1280, 720)


class Asked(NamedTuple):
    """What a person asked for on the command line: a scenario by name, or a goal, with its world and first page.

    `allow` are domains that a goal may reach besides that page's own.
    """

    what: str
    world: str | None = None
    url: str | None = None
    allow: tuple[str, ...] = ()

    @classmethod
    def again(cls, run: Run) -> "Asked":
        """What a recorded run was asked for."""
        kept = run.settings
        return cls(
            str(kept.get("asked", run.scenario)), kept.get("world"), kept.get("url"), tuple(kept.get("allow", ()))
        )

    @property
    def view(self) -> Literal["kiosk", "headless"] | None:
        """How the browser is to be seen, if that was said."""
        return cast(Literal["kiosk", "headless"], self.world) if self.world in VIEWS else None


def is_goal(settings: Settings, asked: Asked) -> bool:
    """Whether it is a goal: words, or anything with a world or a page of its own; what names a scenario never is.

    Raises UserError for a world that there is not.
    """
    worlds = (*get_args(AnyWorld), *VIEWS)
    if asked.world is not None and asked.world not in worlds:
        raise UserError(f"no world {asked.world!r}", remedy=meant(asked.world, worlds) or f"one of {', '.join(worlds)}")
    if asked.what.endswith(".yaml") or is_id(asked.what, settings.scenarios):
        if asked.url or asked.allow or asked.world in get_args(AnyWorld):
            raise UserError(f"{asked.what!r} is a scenario", cause="its world and pages are its own",
                            remedy="leave out --url, --allow, and --world but for kiosk or headless")  # fmt: skip
        return False
    beside = asked.url is not None or asked.allow or asked.world in get_args(AnyWorld)
    return " " in asked.what or bool(beside)


def goal_task(settings: Settings, asked: Asked) -> Task:
    """The task of a goal. Raises UserError when world and page do not fit."""
    world = cast(AnyWorld, asked.world) if asked.world in get_args(AnyWorld) else "desktop"
    if asked.view or (asked.world is None and (asked.url or asked.allow)):
        world = "browser"
    if (option := "--url" if asked.url else "--allow" if asked.allow else "") and world != "browser":
        raise UserError(f"{option} needs a browser, not --world {world}", remedy="add --world browser, or leave it out")
    domains = _reached(settings, asked)
    return Task(
        scenario=GOAL, seed=0, world=world, goal=asked.what + told(settings), check=None, size=settings.size or _SIZE,
        limits=Limits(steps=settings.steps or _LIMITS.steps, seconds=settings.seconds or _LIMITS.seconds),
        setup=(OpenUrl(url=asked.url),) if asked.url else (), allow=Allow(domains=domains), network=bool(domains),
    )  # fmt: skip


def _reached(settings: Settings, asked: Asked) -> tuple[str, ...]:
    """The domains that a goal may reach: those of its page and of --allow, within the setting where there is one."""
    own = own_domain(asked.url) if asked.url else ()
    try:
        domains = settings.allow_domains or known_domains((*own, *asked.allow)) or ()
    except ValueError as error:
        raise UserError(f"--allow: {error}") from None
    for option, named in (("--url", (asked.url,) if asked.url else ()), ("--allow", asked.allow)):
        for one in named:
            if (place := place_of(one)) is None or not Allow(domains=domains).reaches(*place):
                raise UserError(f"{option} {one!r} is not allowed", cause=f"allow_domains is {', '.join(domains)}")
    return domains


def own_domain(url: str) -> tuple[str, ...]:
    """The domain of an address; with the port where it is on this machine. Raises UserError."""
    place = place_of(url)
    if place is None or not url.startswith(("http://", "https://")):
        raise UserError(f"no address {url!r}", remedy="write one as https://shop.example/")
    host, port = place
    if host == "localhost" or host.startswith("127."):
        return (f"{host}:{port}",)
    return (host.removeprefix("www."),)
