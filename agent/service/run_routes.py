"""Runs over HTTP: ordered, listed, followed, steered, deleted."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from agent.service.access import Operator, Viewer
from agent.service.desk import Desk
from agent.service.orders import Answer, Deed, Note, RunOrder, RunPage, RunView, State

router = APIRouter(prefix="/runs", tags=["runs"])
_FOLLOW_EVERY = 0.1
_LOOK_AFTER = 20
"""Looks without an event, of which one also asks whether there will be any more."""


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


AtDesk = Annotated[Desk, Depends(_desk)]
Key = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=200)]


@router.post("", status_code=201)
def create(order: RunOrder, desk: AtDesk, caller: Operator, key: Key = None) -> RunView:
    """Order a run. With an `Idempotency-Key` the same order sent again gives the same run."""
    return desk.order(caller, order, key)


@router.get("")
def find(
    desk: AtDesk, caller: Viewer, state: State | None = None, status: str | None = None, scenario: str | None = None,
    owner: str | None = None, batch: str | None = None, words: Annotated[str | None, Query(max_length=200)] = None,
    before: Annotated[str | None, Query(max_length=60)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> RunPage:  # fmt: skip
    """Runs, the newest first, with these properties and with the words in their goal."""
    return desk.store.runs(
        limit, before, words, state=state, status=status, scenario=scenario, owner=owner, batch=batch
    )


@router.get("/{run_id}")
def show(run_id: str, desk: AtDesk, caller: Viewer) -> RunView:
    """One run."""
    return desk.store.run(run_id)


@router.get("/{run_id}/events", response_class=EventSourceResponse)
async def follow(
    run: Annotated[RunView, Depends(show)], desk: AtDesk, last: Annotated[int, Header(alias="Last-Event-ID", ge=0)] = 0
) -> AsyncIterator[ServerSentEvent]:
    """Steps and states as they come, to the end of the run; after a broken connection from the last event on."""
    over, idle = False, 0
    while not over:
        events = await asyncio.to_thread(desk.store.events, run.id, last)
        for event in events:
            last = event.id
            over = event.kind == "state" and event.data["state"] == State.ENDED
            yield ServerSentEvent(id=str(event.id), event=event.kind, data=event.data)
        idle = 0 if events else idle + 1
        if idle % _LOOK_AFTER == 1:
            over = await asyncio.to_thread(_gone, desk, run.id, last)
        if idle and not over:
            await asyncio.sleep(_FOLLOW_EVERY)


def _gone(desk: Desk, run_id: str, last: int) -> bool:
    """Whether nothing more will come: the run has ended or was deleted, and its last event is told."""
    found = desk.store.runs(1, id=run_id).runs
    return (not found or found[0].state is State.ENDED) and not desk.store.events(run_id, last)


@router.post("/{run_id}/cancel")
def cancel(run_id: str, desk: AtDesk, caller: Operator) -> RunView:
    """End a run: at once where it waits, else after its step, and after five seconds in any case."""
    return desk.store.wish(run_id, "stop", caller.name)


@router.post("/{run_id}/pause")
def pause(run_id: str, desk: AtDesk, caller: Operator) -> RunView:
    """Let a run wait after its step."""
    return desk.store.wish(run_id, "pause", caller.name)


@router.post("/{run_id}/resume")
def resume(run_id: str, desk: AtDesk, caller: Operator, note: Note | None = None) -> RunView:
    """Let a run that is paused go on; the note is told to the model."""
    return desk.store.wish(run_id, "", caller.name, note=note.note if note else "")


@router.post("/{run_id}/take-over")
def take_over(run_id: str, desk: AtDesk, caller: Operator) -> RunView:
    """Pause a run and hold it: only you can act in its world and hand it back."""
    return desk.store.wish(run_id, "pause", caller.name, hold=True)


@router.post("/{run_id}/act", status_code=202)
def act(run_id: str, deed: Deed, desk: AtDesk, caller: Operator) -> RunView:
    """Do something in the world of a run that you hold; it becomes a step of the run."""
    return desk.store.deed(run_id, caller.name, deed)


@router.post("/{run_id}/hand-back")
def hand_back(run_id: str, desk: AtDesk, caller: Operator, note: Note | None = None) -> RunView:
    """Let the model go on, with a note for it."""
    return desk.store.wish(run_id, "", caller.name, note=note.note if note else "")


@router.post("/{run_id}/answer")
def answer(run_id: str, said: Answer, desk: AtDesk, caller: Operator) -> RunView:
    """Answer what a run asks: whether it may do an action."""
    return desk.store.reply(run_id, said)


@router.delete("/{run_id}", status_code=204)
def delete(run_id: str, desk: AtDesk, caller: Operator) -> None:
    """Remove an ended run and its files. It takes its owner or an admin."""
    desk.delete(caller, run_id)
