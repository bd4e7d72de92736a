"""A goal in a person's own words: a task that nothing checks."""

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

from pydantic import ValidationError

from env.allow import EVERYTHING, Allow, place_of
from env.setup import OpenUrl
from scenarios.base import Limits, Task, World
from tools.errors import UserError
from tools.geometry import Size

NAME = "goal"
"""Stands where a scenario's id does."""
_LIMITS = Limits(steps=50, seconds=1800)


def goal_task(words: str, world: World, url: str = "", allow: Sequence[str] = (), seed: int = 0) -> Task:
    """The task of reaching a goal on a desktop, or in a browser that begins at `url`.

    The browser reaches the domain of `url` (`own_domain`) and those of `allow`, and nothing else. Raises UserError.
    """
    domains = (*([own_domain(url)] if url else []), *allow)
    if world == "desktop" and domains:
        raise UserError("a desktop has no network", remedy="leave --url and --allow out, or take --world browser")
    if world == "browser" and not domains:
        raise UserError("a browser reaches nothing by itself", remedy="name a page with --url, or domains with --allow")
    try:
        allowed = Allow(domains=domains) if domains else EVERYTHING
    except ValidationError as error:
        raise UserError(error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")) from None
    return Task(
        scenario=NAME, seed=seed, world=world, goal=words.strip(), check=None, size=Size(1280, 720), limits=_LIMITS,
        setup=(OpenUrl(url=url),) if url else (), allow=allowed, network=bool(domains),
    )  # fmt: skip


def own_domain(url: str) -> str:
    """The domain that an address belongs to, `shop.example` for `https://www.shop.example/a`.

    An address that is a number, or of this machine, stands for its one port: `127.0.0.1:8000`. Raises UserError.
    """
    place = place_of(url) if urlsplit(url).scheme in ("http", "https") else None
    if place is None:
        raise UserError(f"no web address: {url!r}", remedy="write it whole, such as https://shop.example/")
    host, port = place
    return f"{host}:{port}" if _is_one_machine(host) else host.removeprefix("www.")


def _is_one_machine(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
