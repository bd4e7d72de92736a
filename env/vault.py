"""Secrets of a world: typed at the last moment where they belong, and out of everything that leaves the keeper.

A model knows `{{secret:NAME}}` only. The keeper puts the value in just before the hands type it, for it alone knows at
that moment which page or program has the keyboard; and whatever it tells, facts and errors alike, holds the placeholder
in the value's place.
"""

import html
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit

from pydantic import BaseModel, ConfigDict, SecretStr

from env.allow import Allow, place_of
from tools.actions import BrowserAction, ComputerAction, Type

SHORTEST = 4
"""Characters of a value; a shorter one would be found everywhere."""
_PLACEHOLDER = re.compile(r"\{\{\s*secret:([\w-]+)\s*\}\}")


class Secret(BaseModel):
    """A value, and where it may be typed: into pages of domains, or into programs by their window class."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    value: SecretStr
    domains: tuple[str, ...] = ()
    apps: tuple[str, ...] = ()


class Place(BaseModel):
    """What has the keyboard: the frames of a page, from the outermost, by their addresses; or a program."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    urls: tuple[str, ...] = ()
    app: str = ""

    def __str__(self) -> str:
        return self.app or (self.urls[-1].partition("?")[0] if self.urls else "nothing")


class Misplaced(Exception):
    """A secret that must not be typed where the keyboard is; the text is for the model."""


def names_in(action: ComputerAction | BrowserAction) -> tuple[str, ...]:
    """The secrets that an action wants typed."""
    return tuple(_PLACEHOLDER.findall(action.text)) if isinstance(action, Type) else ()


def placeholder(name: str) -> str:
    """What stands for the value of a secret."""
    return f"{{{{secret:{name}}}}}"


class Vault:
    """The secrets that a keeper was given."""

    def __init__(self, secrets: Mapping[str, Secret]) -> None:
        self._secrets = dict(secrets)
        self._hidden = [
            (form, placeholder(name))
            for name, secret in secrets.items()
            for form in sorted(_forms(secret.value.get_secret_value()), key=len, reverse=True)
        ]

    @property
    def values(self) -> tuple[str, ...]:
        """What must not be seen."""
        return tuple(secret.value.get_secret_value() for secret in self._secrets.values())

    def filled(self, action: ComputerAction | BrowserAction, place: Place) -> ComputerAction | BrowserAction:
        """The action with the values put in. Raises Misplaced."""
        if not isinstance(action, Type):
            return action
        for name in names_in(action):
            self._check(name, place)
        return action.model_copy(
            update={"text": _PLACEHOLDER.sub(lambda m: self._secrets[m[1]].value.get_secret_value(), action.text)}
        )

    def _check(self, name: str, place: Place) -> None:
        secret = self._secrets.get(name)
        if secret is None:
            known = ", ".join(self._secrets) or "none"
            raise Misplaced(f"there is no secret {name!r} here; known are: {known}; nothing was typed")
        if place.urls:
            homes = Allow(domains=secret.domains)
            fits = all((at := place_of(url)) is not None and homes.reaches(*at) for url in place.urls)
            if fits and not all(_private(url) for url in place.urls):
                raise Misplaced(f"the secret {name!r} is typed over https only, and this is {place}; nothing was typed")
        else:
            fits = place.app.lower() in [app.lower() for app in secret.apps]
        if not fits:
            where = ", ".join((*secret.domains, *secret.apps))
            raise Misplaced(f"the secret {name!r} belongs to {where}, not to {place}; nothing was typed")

    def masked(self, value: Any) -> Any:
        """The same JSON value or bytes without any secret: its placeholder stands there."""
        match value:
            case str():
                for form, placeholder in self._hidden:
                    value = value.replace(form, placeholder)
                return value
            case bytes():
                for form, placeholder in self._hidden:
                    value = value.replace(form.encode(), placeholder.encode())
                return value
            case dict():
                return {self.masked(key): self.masked(part) for key, part in value.items()}
            case list() | tuple():
                return [self.masked(part) for part in value]
            case _:
                return value


def _forms(value: str) -> Iterable[str]:
    """A value as it is written in texts, addresses, JSON and HTML."""
    return {value, quote(value), quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1], html.escape(value),
            json.dumps(value, ensure_ascii=False)[1:-1]}  # fmt: skip


def _private(url: str) -> bool:
    """Whether nobody on the way can read along: encrypted, or not leaving this machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return parts.scheme == "https" or host == "localhost" or host.endswith(".test") or host.startswith("127.")
