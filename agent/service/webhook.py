"""Telling others that a run has ended: signed, to public addresses only, following nobody elsewhere.

Headers and signature are those of the Standard Webhooks specification: HMAC-SHA256 over `id.timestamp.body`.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
from datetime import datetime
from pathlib import Path

import httpx

from agent.service.orders import RunView
from agent.service.places import address_of

PREFIX = "whsec_"
_WITHIN = 10.0
_FILE = "webhook.secret"


def make_secret(folder: Path) -> str | None:
    """The secret that webhooks of a service are signed with, made in its folder; None where it is there already."""
    file = folder / _FILE
    if file.exists():
        return None
    secret = PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as text:
        text.write(secret)
    return secret


def signature(secret: str, message: str, moment: int, body: bytes) -> str:
    """What the header `webhook-signature` holds for a message of this id, at this time in seconds."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    digest = hmac.new(key, f"{message}.{moment}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


async def tell(run: RunView, url: str, folder: Path, now: datetime, *, private: bool) -> None:
    """Sends the end of a run. Raises OSError for an address inside, httpx.HTTPError for anything but a good answer."""
    body = json.dumps({"type": "run.ended", "timestamp": now.isoformat(), "data": run.model_dump(mode="json")}).encode()
    secret, moment = (folder / _FILE).read_text(encoding="utf-8").strip(), int(now.timestamp())
    asked = httpx.URL(url)
    port = asked.port or (443 if asked.scheme == "https" else 80)
    address = await address_of(asked.host, port, private=private)
    headers = {
        "Host": asked.netloc.decode(), "Content-Type": "application/json", "webhook-id": run.id,
        "webhook-timestamp": str(moment), "webhook-signature": signature(secret, run.id, moment, body),
    }  # fmt: skip
    async with httpx.AsyncClient(timeout=_WITHIN, follow_redirects=False, trust_env=False) as http:
        answer = await http.post(
            asked.copy_with(host=address), content=body, headers=headers, extensions={"sni_hostname": asked.host}
        )
    if not answer.is_success:
        raise httpx.HTTPStatusError(f"{asked.host} answered {answer.status_code}", request=answer.request,
                                    response=answer)  # fmt: skip
