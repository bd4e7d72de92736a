"""Who is let in, over HTTP; for admins."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from agent.service.access import Accounts, Admin, Viewer
from agent.service.orders import AccountOrder, AccountView

router = APIRouter(tags=["accounts"])


def _accounts(request: Request) -> Accounts:
    accounts: Accounts = request.app.state.accounts
    return accounts


AtDoor = Annotated[Accounts, Depends(_accounts)]


@router.get("/me")
def me(caller: Viewer) -> dict[str, str]:
    """Whose token this is."""
    return {"name": caller.name, "role": caller.role}


@router.get("/accounts")
def find(accounts: AtDoor, caller: Admin) -> list[AccountView]:
    """Everybody who is let in."""
    return accounts.all()


@router.post("/accounts", status_code=201)
def add(order: AccountOrder, accounts: AtDoor, caller: Admin) -> AccountView:
    """Let somebody in. The token in the answer is shown this once."""
    return accounts.add(order)


@router.delete("/accounts/{name}", status_code=204)
def remove(name: str, accounts: AtDoor, caller: Admin) -> None:
    """Let somebody in no more."""
    accounts.remove(name)
