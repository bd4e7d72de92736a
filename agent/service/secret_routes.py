"""Secrets over HTTP: put in, listed by name, taken out; none comes back."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request

from agent.service.access import Admin, Viewer
from agent.service.orders import SecretOrder, SecretView
from agent.service.safe import Safe

router = APIRouter(prefix="/secrets", tags=["secrets"])
SecretName = Annotated[str, Path(pattern="^[A-Za-z0-9][A-Za-z0-9_-]{0,79}$")]


def _safe(request: Request) -> Safe:
    safe: Safe = request.app.state.safe
    return safe


AtSafe = Annotated[Safe, Depends(_safe)]


@router.get("")
def find(safe: AtSafe, caller: Viewer) -> list[SecretView]:
    """Which secrets there are, and where each may be typed."""
    return safe.all()


@router.put("/{name}")
def put(name: SecretName, order: SecretOrder, safe: AtSafe, caller: Admin) -> SecretView:
    """Keep a secret. Runs name it in `secrets`; models and people see `{{secret:NAME}}` only."""
    return safe.put(name, order)


@router.delete("/{name}", status_code=204)
def remove(name: SecretName, safe: AtSafe, caller: Admin) -> None:
    """Forget a secret."""
    safe.remove(name)
