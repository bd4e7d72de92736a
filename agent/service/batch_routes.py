"""Batches over HTTP: many runs as one job."""

from fastapi import APIRouter, Response

from agent.scripting.junit import Told, junit
from agent.service.access import Operator, Viewer
from agent.service.desk import MOST_IN_BATCH
from agent.service.orders import BatchOrder, BatchView, RunView
from agent.service.run_routes import AtDesk, Key
from agent.trace import Status

router = APIRouter(prefix="/batches", tags=["batches"])


@router.post("", status_code=201)
def create(order: BatchOrder, desk: AtDesk, caller: Operator, key: Key = None) -> BatchView:
    """Order every scenario that a pattern fits, at every seed; or every test that one fits."""
    return desk.order_batch(caller, order, key)


@router.get("/{batch_id}")
def show(batch_id: str, desk: AtDesk, caller: Viewer) -> BatchView:
    """How far a batch is; its runs are those of `GET /v1/runs?batch=ID`."""
    return desk.store.batch(batch_id)


class Xml(Response):
    """XML."""

    media_type = "application/xml"


@router.get("/{batch_id}/junit.xml", response_class=Xml)
def junit_xml(batch_id: str, desk: AtDesk, caller: Viewer) -> Xml:
    """A batch as continuous integration reads it; what has not ended yet, or was stopped, is skipped."""
    batch = desk.store.batch(batch_id)
    runs = sorted(desk.store.runs(MOST_IN_BATCH, batch=batch_id).runs, key=lambda run: (run.scenario, run.seed))
    return Xml(junit([_told(run) for run in runs], batch.name))


@router.post("/{batch_id}/cancel")
def cancel(batch_id: str, desk: AtDesk, caller: Operator) -> BatchView:
    """End every run of a batch."""
    return desk.cancel_batch(caller, batch_id)


def _told(run: RunView) -> Told:
    """A run as one test. Where nothing could be found out, it is an error; where nobody looked, it is skipped."""
    group, _, row = run.scenario.partition("::")
    name = row or (group if group.endswith(".yaml") else f"seed {run.seed}")
    seconds = (run.ended - run.began).total_seconds() if run.began and run.ended else 0.0
    if run.status == Status.PASSED:
        return Told(group, name, seconds)
    if run.status in (None, Status.STOPPED, Status.UNCHECKED):
        return Told(group, name, seconds, "skipped", run.why or run.status or run.state)
    broke = run.status.startswith("error:")
    return Told(group, name, seconds, "error" if broke else "failure", run.why, [f"run {run.id}"])
