"""Secrets that the service keeps: sealed in its database, by a key that lies in its folder for its owner only."""

import os
import threading
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from agent.service.orders import SecretOrder, SecretView
from agent.service.setup import Setup
from agent.service.store import Refused, Store, now
from agent.service.tables import SecretRow
from env.vault import Secret, Vault
from tools.errors import UserError

KEY = "secrets.key"
"""The file in the service's folder."""


def make_key(folder: Path) -> None:
    """The key of a service's secrets, made in its folder unless it is there."""
    file = folder / KEY
    if not file.exists():
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as key:
            key.write(Fernet.generate_key())


class _Sealed(BaseModel):
    """What is sealed: a value and where it belongs together, so that no writer of rows can send it elsewhere."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str
    value: str
    domains: tuple[str, ...]
    apps: tuple[str, ...]


class Safe:
    """The secrets of a service, for all of its processes."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup

    @cached_property
    def _store(self) -> Store:
        return Store(self._setup.tables_url)

    @cached_property
    def _fernet(self) -> Fernet:
        try:
            return Fernet((self._setup.folder / KEY).read_bytes())
        except (OSError, ValueError) as error:
            raise UserError(f"no key of the secrets in {str(self._setup.folder)!r}", cause=str(error)) from None

    def put(self, name: str, order: SecretOrder) -> SecretView:
        """Keeps a secret, instead of one of the same name."""
        sealed = _Sealed(name=name, value=order.value.get_secret_value(), domains=order.domains, apps=order.apps)
        token = self._fernet.encrypt(sealed.model_dump_json().encode()).decode()
        with self._store.writing() as session:
            row = session.merge(SecretRow(name=name, sealed=token, changed=now()))
            session.commit()
            return SecretView(name=name, domains=order.domains, apps=order.apps, changed=row.changed)

    def all(self) -> list[SecretView]:
        """Every secret, without its value. Raises UserError."""
        return [
            SecretView(name=one.name, domains=one.domains, apps=one.apps, changed=row.changed)
            for row, one in self._opened()
        ]

    def close(self) -> None:
        """Lets go of the database."""
        self._store.close()

    def remove(self, name: str) -> None:
        """Forgets a secret. Raises Refused."""
        with self._store.writing() as session:
            if (row := session.get(SecretRow, name)) is None:
                raise Refused(404, f"no secret {name!r}")
            session.delete(row)
            session.commit()

    def secrets(self) -> dict[str, Secret]:
        """Every secret with its value, as worlds take them. Raises UserError."""
        return {
            one.name: Secret.model_validate({"value": one.value, "domains": one.domains, "apps": one.apps})
            for _, one in self._opened()
        }

    def _opened(self) -> list[tuple[SecretRow, _Sealed]]:
        with self._store.begun() as session:
            rows = [*session.scalars(select(SecretRow).order_by(SecretRow.name))]
        return [(row, self._open(row)) for row in rows]

    def _open(self, row: SecretRow) -> _Sealed:
        try:
            sealed = _Sealed.model_validate_json(self._fernet.decrypt(row.sealed))
        except InvalidToken:
            sealed = None
        if sealed is None or sealed.name != row.name:
            raise UserError(f"the secret {row.name!r} cannot be opened", cause="it was sealed by another key, or moved",
                            remedy="put it in again")  # fmt: skip
        return sealed


class Mask:
    """Takes secrets out of what is written down. `refresh` asks which there are; calling it asks nobody."""

    def __init__(self, secrets: Callable[[], Mapping[str, Secret]]) -> None:
        self._secrets, self._vault, self._turn = secrets, Vault({}), threading.Lock()

    def refresh(self) -> None:
        """Takes note of secrets that changed. Where the database is away, those of before are masked."""
        try:
            found = self._secrets()
        except DBAPIError:
            return
        with self._turn:
            self._vault = Vault(found)

    def __call__(self, value: Any) -> Any:
        """The same text, bytes or JSON value with placeholders."""
        return self._vault.masked(value)
