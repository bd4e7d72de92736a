"""Where a model is served: looked at once, before a run begins."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from scenarios.schema import meant
from tools.errors import UserError

_PATIENCE = 20.0
_LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible server, and what it calls the model. `vllm` is its version, empty where it is none."""

    url: str
    model: str
    key: SecretStr | None = None
    vllm: str = ""

    @property
    def local(self) -> bool:
        """Whether it is on this machine, where no proxy is asked."""
        return urlsplit(self.url).hostname in _LOCAL


def is_address(text: str) -> bool:
    """Whether it means a server."""
    return text.startswith(("http://", "https://"))


def find_endpoint(url: str, name: str = "", key: SecretStr | None = None) -> Endpoint:
    """Asks the server at this address (with its /v1) which models it has, and takes `name`, or the only one.

    Raises UserError: no such address, nobody answers, the key is refused, no such model.
    """
    parts = urlsplit(url)
    if not parts.hostname or parts.username or parts.password:
        raise UserError(
            "the address of the model server " + ("holds a key" if parts.hostname else "has no host"),
            remedy="write it as http://host:port/v1, and put a key into SUREHAND_API_KEY",
        )
    endpoint = Endpoint(url.rstrip("/"), name, key)
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
    with httpx.Client(headers=headers, timeout=_PATIENCE, trust_env=not endpoint.local) as client:
        entries = _models(client, endpoint.url)
        ids = [str(entry["id"]) for entry in entries]
        chosen = _chosen(endpoint.url, name, ids)
        ours = any(entry["id"] == chosen and entry.get("owned_by") == "vllm" for entry in entries)
        return Endpoint(endpoint.url, chosen, key, _version(client, endpoint.url) if ours else "")


def _models(client: httpx.Client, url: str) -> list[dict[str, Any]]:
    try:
        answer = client.get(f"{url}/models")
        answer.raise_for_status()
        return [dict(entry) for entry in answer.json()["data"] if entry["id"]]
    except httpx.HTTPStatusError as error:
        code = error.response.status_code
        if code in (401, 403):
            cause, remedy = "it refuses the key", "set SUREHAND_API_KEY to one that it takes"
        else:
            cause, remedy = f"it answers {code}", "does the address end with /v1?"
        raise UserError(f"cannot use the model server {url!r}", cause=cause, remedy=remedy) from None
    except httpx.HTTPError as error:
        raise UserError(
            f"no model server at {url!r}", cause=str(error) or type(error).__name__,
            remedy="check --model, or start one with `surehand serve`",
        ) from None  # fmt: skip
    except (ValueError, KeyError, TypeError):
        remedy = "does the address end with /v1?"
        raise UserError(f"{url!r} is no model server", cause="it does not list models", remedy=remedy) from None


def _chosen(url: str, name: str, ids: list[str]) -> str:
    if name in ids or (len(ids) == 1 and not name):
        return name or ids[0]
    if not ids:
        raise UserError(f"the model server {url!r} serves no model")
    what = f"{url!r} serves no model {name!r}" if name else f"{url!r} serves {len(ids)} models"
    raise UserError(what, remedy=meant(name, ids) or f"choose one with --model-name: {', '.join(ids[:9])}")


def _version(client: httpx.Client, url: str) -> str:
    try:
        return str(client.get(f"{url.removesuffix('/v1')}/version").json()["version"])
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return "of unknown version"
