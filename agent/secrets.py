"""Where the values of secrets come from: a variable each, or a file that only its owner can read."""

import os
import stat
import tomllib
from collections.abc import Container, Mapping
from pathlib import Path

from pydantic import SecretStr

from agent.settings import Settings, reason
from env.kept import SECRET_VARIABLE
from env.vault import SHORTEST, Secret
from tools.errors import UserError


def secrets_of(settings: Settings, besides: Container[str] = ()) -> dict[str, Secret]:
    """Every secret that the settings bind to a place, with its value; those in `besides` come from elsewhere.

    Raises UserError; no message holds a value.
    """
    filed = _file(settings.secrets_file) if settings.secrets_file else {}
    return {name: _secret(settings, name, filed) for name in settings.secrets if name not in besides}


def _secret(settings: Settings, name: str, filed: Mapping[str, str]) -> Secret:
    bound, variable = settings.secrets[name], SECRET_VARIABLE + name.upper()
    if not (bound.domains or bound.apps):
        raise UserError(f"the secret {name!r} belongs nowhere", remedy=f"give it domains or apps in [secrets.{name}]")
    value = os.environ.get(variable) or filed.get(name)
    if value is None:
        raise UserError(f"the secret {name!r} has no value", remedy=f"set {variable}, or put it into secrets_file")
    if len(value) < SHORTEST:
        raise UserError(f"the secret {name!r} is too short", cause=f"less than {SHORTEST} characters cannot be hidden")
    return Secret(value=SecretStr(value), domains=bound.domains, apps=bound.apps)


def _file(path: Path) -> Mapping[str, str]:
    try:
        found = path.stat()
        if stat.S_IMODE(found.st_mode) & 0o077 or found.st_uid != os.getuid():
            raise UserError(f"others can read {str(path)!r}", remedy=f"chmod 600 {path}, and own it")
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {str(path)!r}", cause=reason(error)) from None
    except tomllib.TOMLDecodeError:
        raise UserError(f"{str(path)!r} is not valid TOML", remedy='write one `name = "value"` a line') from None
    if not all(isinstance(value, str) for value in data.values()):
        raise UserError(f"{str(path)!r} holds more than texts", remedy='write one `name = "value"` a line')
    return data


def told(settings: Settings) -> str:
    """What a goal adds for the model: the placeholders that it can type."""
    lines = [
        f"{{{{secret:{name}}}}} (only on {', '.join((*bound.domains, *bound.apps))})"
        for name, bound in settings.secrets.items()
    ]
    return f"\n\nYou can type these secrets by their placeholders: {'; '.join(lines)}." if lines else ""
