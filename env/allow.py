"""What may be done in a world: verbs, and sites that its programs may speak to; and the record of what was refused."""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict

from tools.actions import VERBS, BrowserAction, ComputerAction, Goto, NewTab

_HOST = re.compile(r"[\w-]+(\.[\w-]+)*(:\d{1,5})?", re.ASCII)
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
VERB_NAMES = tuple(verb for verbs in VERBS.values() for verb in verbs)
"""Every verb of every tool."""


def known_verbs(verbs: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Raises ValueError for a verb that there is not."""
    for verb in verbs or ():
        if verb not in VERB_NAMES:
            raise ValueError(f"there is no action {verb!r}; actions are {', '.join(VERB_NAMES)}")
    return verbs


def known_domains(domains: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """In small letters. Raises ValueError for what is no domain."""
    for domain in domains or ():
        if not _HOST.fullmatch(domain):
            raise ValueError(f"{domain!r} is no domain; write one as shop.example or 127.0.0.1:8000")
    return None if domains is None else tuple(domain.lower() for domain in domains)


class Allow(BaseModel):
    """An allow-list each for verbs and for domains; None allows all, as far as the world goes.

    A domain stands for its subdomains too, and for all ports unless it names one: `shop.example`, `127.0.0.1:8000`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    actions: Annotated[tuple[str, ...] | None, AfterValidator(known_verbs)] = None
    domains: Annotated[tuple[str, ...] | None, AfterValidator(known_domains)] = None

    def narrowed(self, other: "Allow") -> "Allow":
        """What both allow."""
        both = [domain for domain in self.domains or () if other.reaches(*_split(domain))]
        both += [domain for domain in other.domains or () if domain not in both and self.reaches(*_split(domain))]
        unlimited = self.domains is None and other.domains is None
        lists = [verbs for verbs in (self.actions, other.actions) if verbs is not None]
        actions = tuple(verb for verb in lists[0] if all(verb in verbs for verbs in lists)) if lists else None
        return Allow(actions=actions, domains=None if unlimited else tuple(both))

    def reaches(self, host: str, port: int | None) -> bool:
        """Whether a host may be spoken to on a port; None asks for all of its ports."""
        return self.domains is None or any(_covers(domain, host.lower(), port) for domain in self.domains)


EVERYTHING = Allow()


def place_of(url: str) -> tuple[str, int] | None:
    """Host and port of an address as it is written into an address bar; None for one that leads to no host."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:  # a port that is no number
        return None
    return (parts.hostname, port) if parts.hostname and port else None


class Refused(BaseModel):
    """An action or an address that was refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["action", "address"]
    what: str


class Border:
    """Holds a world to its allow-lists, and records what it refused."""

    def __init__(self, allow: Allow) -> None:
        self.allow = allow
        self.refused: list[Refused] = []
        self._strayed: list[str] = []

    def refusal(self, action: ComputerAction | BrowserAction) -> str:
        """Why an action may not be done, on record; nothing when it may. What pages tried before it is told no more."""
        self._strayed.clear()
        if self.allow.actions is not None and action.action not in self.allow.actions:
            self._note("action", action.action)
            return f"{action.action} is not allowed here: only {', '.join(self.allow.actions) or 'looking'}"
        if isinstance(action, Goto | NewTab) and action.url and not self.lets(action.url):
            return self._outside(action.url)
        return ""

    def lets(self, url: str) -> bool:
        """Whether an address may be spoken to; a refusal goes on record. One that leads to no host may."""
        place = place_of(url)
        if place is None or self.allow.reaches(*place):
            return True
        self._note("address", url)
        return False

    def stray(self, url: str) -> None:
        """A page was about to go to an address: where it may not, `told` says so until the next action."""
        if not url.startswith(("about:", "data:", "blob:", "chrome-error:")) and not self.lets(url):
            self._strayed.append(self._outside(url))

    @property
    def told(self) -> str:
        """What the last action led to and was refused."""
        return "; ".join(dict.fromkeys(self._strayed))

    def clear(self) -> None:
        """Forgets what was refused."""
        self.refused.clear()
        self._strayed.clear()

    def _outside(self, url: str) -> str:
        return f"{url[:200]} was not opened: only {', '.join(self.allow.domains or ())} may be"

    def _note(self, kind: Literal["action", "address"], what: str) -> None:
        refused = Refused(kind=kind, what=what[:500])
        if refused not in self.refused:
            self.refused.append(refused)


def _split(domain: str) -> tuple[str, int | None]:
    host, _, port = domain.partition(":")
    return host, int(port) if port else None


def _covers(domain: str, host: str, port: int | None) -> bool:
    name, only = _split(domain)
    same = host == name or (host.endswith(f".{name}") and not re.fullmatch(r"[\d.]+", name))
    return same and only in (None, port)
