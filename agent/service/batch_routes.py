"""Batches over HTTP: many runs as one job."""

from fastapi import APIRouter

from agent.service.access import Operator, Viewer
from agent.service.orders import BatchOrder, BatchView
from agent.service.run_routes import AtDesk, Key

router = APIRouter(prefix="/batches", tags=["batches"])


@router.post("", status_code=201)
def create(order: BatchOrder, desk: AtDesk, caller: Operator, key: Key = None) -> BatchView:
    """Order every scenario that a pattern fits, at every seed."""
    return desk.order_batch(caller, order, key)


@router.get("/{batch_id}")
def show(batch_id: str, desk: AtDesk, caller: Viewer) -> BatchView:
    """How far a batch is; its runs are those of `GET /v1/runs?batch=ID`."""
    return desk.store.batch(batch_id)


@router.post("/{batch_id}/cancel")
def cancel(batch_id: str, desk: AtDesk, caller: Operator) -> BatchView:
    """End every run of a batch."""
    return desk.cancel_batch(caller, batch_id)
