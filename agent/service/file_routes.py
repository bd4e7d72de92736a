"""What runs leave behind, over HTTP: steps, screenshots, the report. All of it is data, whatever a page wrote there."""

from pathlib import Path as FilePath
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import FileResponse

from agent.service.access import Viewer
from agent.service.desk import Desk
from agent.service.orders import StepPage
from agent.service.records import PAGE, steps_of, write_page_of
from agent.service.run_routes import AtDesk
from agent.service.store import Refused
from agent.trace import RunFolder

router = APIRouter(prefix="/runs/{run_id}", tags=["files"])
_SAFE = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private"}
_Shot = Annotated[str, Path(pattern=r"^[0-9a-f]{64}\.png$")]
_Part = Annotated[str, Path(pattern="^(do|point|judge)-[0-9]{1,4}$")]
_ATTEMPT = Query(ge=1, le=100, description="Which attempt; unset is the last one.")


@router.get("/steps")
def steps(
    run_id: str, desk: AtDesk, caller: Viewer, attempt: Annotated[int | None, _ATTEMPT] = None,
    after: Annotated[int, Query(ge=0)] = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> StepPage:  # fmt: skip
    """The steps of a run behind step `after`."""
    number, folder = _folder(desk, run_id, attempt)
    found = [step for step in steps_of(folder) if step.number > after]
    return StepPage(attempt=number, steps=tuple(found[:limit]), result=folder.run().result)


@router.get("/screenshots/{sha256}", response_class=FileResponse)
def screenshot(
    run_id: str, sha256: Annotated[str, Path(pattern="^[0-9a-f]{64}$")], desk: AtDesk, caller: Viewer
) -> FileResponse:
    """A picture that the run saw, by the name that its steps give it."""
    for attempt in desk.store.run(run_id).attempts:
        file = _place(desk, run_id, attempt.number) / "shots" / f"{sha256}.png"
        if file.is_file():
            return FileResponse(file, media_type="image/png", headers=_SAFE)
    raise Refused(404, f"the run {run_id!r} has no such picture")


@router.get("/screenshot", response_class=FileResponse)
def last_screenshot(run_id: str, desk: AtDesk, caller: Viewer) -> FileResponse:
    """The newest picture of a run."""
    _, folder = _folder(desk, run_id, None)
    shots = sorted(folder.shots.folder.glob("*.png"), key=lambda file: file.stat().st_mtime)
    if not shots:
        raise Refused(404, f"the run {run_id!r} has seen nothing yet")
    return FileResponse(shots[-1], media_type="image/png", headers=_SAFE)


@router.get("/report", response_class=FileResponse)
def report(run_id: str, desk: AtDesk, caller: Viewer, attempt: Annotated[int | None, _ATTEMPT] = None) -> FileResponse:
    """The run as one page; its pictures are below /v1/runs/ID/shots/."""
    _, folder = _folder(desk, run_id, attempt)
    file = folder.path / PAGE
    if not file.is_file():
        write_page_of(folder)
    return _page(file)


@router.get("/shots/{name}", response_class=FileResponse)
def shot(run_id: str, name: _Shot, desk: AtDesk, caller: Viewer) -> FileResponse:
    """A picture as the report names it."""
    return screenshot(run_id, name.removesuffix(".png"), desk, caller)


@router.get("/{part}/report.html", response_class=FileResponse)
def part(run_id: str, part: _Part, desk: AtDesk, caller: Viewer) -> FileResponse:
    """What a model did in a test, as one page: the test's report leads there."""
    return _page(_there(desk, run_id, f"{part}/{PAGE}"))


@router.get("/{part}/shots/{name}", response_class=FileResponse)
def part_shot(run_id: str, part: _Part, name: _Shot, desk: AtDesk, caller: Viewer) -> FileResponse:
    """A picture of that."""
    return FileResponse(_there(desk, run_id, f"{part}/shots/{name}"), media_type="image/png", headers=_SAFE)


def _page(file: FilePath) -> FileResponse:
    return FileResponse(file, media_type="text/html", headers=_SAFE | {"Content-Security-Policy": "sandbox"})


def _there(desk: Desk, run_id: str, name: str) -> FilePath:
    """A file of the last attempt. Raises Refused."""
    _, folder = _folder(desk, run_id, None)
    if not (folder.path / name).is_file():
        raise Refused(404, f"the run {run_id!r} has no {name}")
    return folder.path / name


def _place(desk: Desk, run_id: str, attempt: int) -> FilePath:
    """Where an attempt lies; the id is one that the store knows, and so no path of anybody's making."""
    return desk.setup.runs / run_id / str(attempt)


def _folder(desk: Desk, run_id: str, attempt: int | None) -> tuple[int, RunFolder]:
    """An attempt's number and folder. Raises Refused: no such run, or nothing of it on the disk yet."""
    run = desk.store.run(run_id)
    number = attempt or max((one.number for one in run.attempts), default=1)
    folder = RunFolder(_place(desk, run_id, number))
    if not (folder.path / "run.json").is_file():
        raise Refused(404, f"nothing is there yet of attempt {number} at the run {run_id!r}", "wait until it began")
    return number, folder
