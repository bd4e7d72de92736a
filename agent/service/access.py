"""Who may do what: tokens, of which only hashes are kept, roles, and requests that no page in a browser may send."""

import hashlib
import secrets
from collections.abc import Callable
from typing import Annotated, NamedTuple
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from agent.service.orders import AccountOrder, AccountView, Role
from agent.service.store import Refused, Store, now
from agent.service.tables import AccountRow

PREFIX = "surehand_"
"""How tokens begin, so that scanners for leaked secrets can find them."""
_bearer = HTTPBearer(auto_error=False, description="A token of `surehand up`, or of POST /v1/accounts.")


class Caller(NamedTuple):
    """Who sends a request."""

    name: str
    role: Role


class Accounts:
    """Who is let in."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, order: AccountOrder) -> AccountView:
        """Lets somebody in; their token is in this answer, and nowhere else. Raises Refused for a name in use."""
        token = PREFIX + secrets.token_urlsafe(32)
        row = AccountRow(name=order.name, role=order.role, digest=_digest(token), created=now())
        try:
            with self._store.writing() as session:
                session.add(row)
                session.commit()
        except IntegrityError:
            raise Refused(409, f"there is an account {order.name!r} already") from None
        return AccountView(name=row.name, role=Role(row.role), created=row.created, token=token)

    def all(self) -> list[AccountView]:
        """Everybody, without their tokens."""
        with self._store.begun() as session:
            rows = session.scalars(select(AccountRow).order_by(AccountRow.name))
            return [AccountView(name=row.name, role=Role(row.role), created=row.created) for row in rows]

    def remove(self, name: str) -> None:
        """Lets somebody in no more. Raises Refused."""
        with self._store.writing() as session:
            if (row := session.get(AccountRow, name)) is None:
                raise Refused(404, f"no account {name!r}")
            others = select(AccountRow.name).where(AccountRow.role == Role.ADMIN, AccountRow.name != name)
            if row.role == Role.ADMIN and session.scalar(others) is None:
                raise Refused(409, f"{name!r} is the only admin", "add another one first")
            session.delete(row)
            session.commit()

    def named(self, name: str) -> Caller | None:
        """Who goes by this name."""
        with self._store.begun() as session:
            row = session.get(AccountRow, name)
            return Caller(row.name, Role(row.role)) if row else None

    def of(self, token: str) -> Caller | None:
        """Whose token it is. It is looked up by its hash, so that how long that takes tells nothing."""
        with self._store.begun() as session:
            row = session.scalar(select(AccountRow).where(AccountRow.digest == _digest(token)))
            return Caller(row.name, Role(row.role)) if row else None


def allowed(role: Role) -> Callable[..., Caller]:
    """A dependency: the caller, who has at least this role. Raises Refused."""

    def caller(
        request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
    ) -> Caller:  # fmt: skip
        accounts: Accounts = request.app.state.accounts
        found = accounts.of(given.credentials) if given else None
        if found is None:
            raise Refused(401, "no token, or an unknown one", "send `Authorization: Bearer TOKEN`")
        if not found.role.covers(role):
            raise Refused(403, f"{found.name!r} is a {found.role} and may not do this", f"it takes a {role}")
        return found

    return caller


Viewer = Annotated[Caller, Depends(allowed(Role.VIEWER))]
Operator = Annotated[Caller, Depends(allowed(Role.OPERATOR))]
Admin = Annotated[Caller, Depends(allowed(Role.ADMIN))]


class SameOrigin:
    """Refuses what a page of another site sends, and names that the service does not have (DNS rebinding)."""

    def __init__(self, app: ASGIApp, names: tuple[str, ...]) -> None:
        self._app, self._names = app, {name.lower() for name in names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets through requests to a known name, from no page or one of the same origin."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if why := self._refusal(host, origin):
            answer = JSONResponse({"title": why, "status": 403, "detail": "", "remedy": ""}, 403)
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, host: str, origin: str | None) -> str:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            name = ""
        if name not in self._names:
            return "the service does not go by this name"
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return "pages of other sites may not speak to the service"
        return ""


def _digest(token: str) -> str:
    """Tokens are long and random, so that a plain hash cannot be undone by guessing."""
    return hashlib.sha256(token.encode()).hexdigest()
