"""Schedules over HTTP: what is ordered again and again."""

from fastapi import APIRouter

from agent.service.access import Operator, Viewer
from agent.service.orders import ScheduleOrder, ScheduleView
from agent.service.run_routes import AtDesk

router = APIRouter(prefix="/schedules", tags=["schedules"])


@router.post("", status_code=201)
def create(order: ScheduleOrder, desk: AtDesk, caller: Operator) -> ScheduleView:
    """Order a run or a batch again and again, as yours."""
    return desk.schedule(caller, order)


@router.get("")
def find(desk: AtDesk, caller: Viewer) -> list[ScheduleView]:
    """Every schedule."""
    return desk.schedules()


@router.post("/{name}/fire", status_code=202)
def fire(name: str, desk: AtDesk, caller: Operator) -> ScheduleView:
    """Order at once what a schedule says. It takes its owner or an admin."""
    return desk.fire_now(caller, name)


@router.delete("/{name}", status_code=204)
def remove(name: str, desk: AtDesk, caller: Operator) -> None:
    """Order it no more. It takes its owner or an admin."""
    desk.drop_schedule(caller, name)
