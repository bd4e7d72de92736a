"""A test as a run of the service: the runner of `surehand test` plays it, in a world of its own."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from agent.provenance import revision, versions
from agent.scripting.results import Ending, Played, Result
from agent.scripting.session import Lane, MakeMind, MakeWorld, Means
from agent.scripting.written import Case
from agent.service.prepared import Watch
from agent.service.records import keep_played, played_file, view_of
from agent.trace import Failure, Run, RunFolder, Status
from scenarios.base import CheckResult
from tools.errors import EnvError, UserError

_FAULTS = {"EnvError": Status.ERROR_ENV, "ModelError": Status.ERROR_MODEL}


@dataclass(frozen=True, slots=True)
class PreparedTest:
    """A test that can begin."""

    case: Case
    settings: dict[str, Any]
    make_world: Callable[[], MakeWorld]
    make_mind: MakeMind

    @property
    def goal(self) -> str:
        """The test's title."""
        return self.case.file.title

    @property
    def model(self) -> str:
        """Who does steps in words; empty where no model is named."""
        return str(self.settings["model"])

    async def start(self, folder: RunFolder, watch: Watch, order: Mapping[str, Any]) -> Run:
        """From a fresh world to the teardown. Where the run is to end, it does after the step."""
        file = self.case.file
        record = Run(
            id=folder.path.name, scenario=self.case.name, seed=0, goal=self.goal, model=self.model,
            started=datetime.now(UTC), settings=self.settings | {"order": order}, versions=versions(),
            revision=revision(), world={"kind": file.world, "size": list(file.size)},
        )  # fmt: skip
        try:
            with folder.locked():
                watch.begins()
                played_file(folder).touch()
                folder.save(record)
                return await self._record(record, folder, watch)
        except OSError as error:
            cause = error.strerror or str(error)
            raise UserError(f"cannot keep the test in {str(folder.path)!r}", cause=cause, remedy="make room") from error

    async def resume(self, folder: RunFolder, watch: Watch) -> Run:
        """A test cannot be gone on with: what it knew is not on the disk. Its world ends when its lease does."""
        return folder.run()

    async def _record(self, record: Run, folder: RunFolder, watch: Watch) -> Run:
        try:
            record = record.model_copy(update=_facts(await self._play(folder, watch)))
        except (asyncio.CancelledError, UserError) as error:
            why = str(error) or "cut off before its end"
            failure = Failure(where="test", kind=type(error).__name__, message=why)
            record = record.model_copy(update={"failure": failure})
            raise
        finally:
            record = record.model_copy(update={"ended": datetime.now(UTC)})
            folder.save(record)
        return record

    async def _play(self, folder: RunFolder, watch: Watch) -> Result:
        told, playing = _Told(folder, watch), asyncio.current_task()

        def on_step(case: Case, step: Played) -> None:
            told.add(step)
            if watch.stops() and playing:
                playing.cancel()

        lane = Lane(Means(folder.path, self.make_world(), self.make_mind, pictures=True, on_step=on_step))
        try:
            result = await lane.play(self.case, folder.path)
        finally:
            with contextlib.suppress(EnvError):  # the test is over, and its result stands
                await lane.close()
        for step in result.steps[told.count :]:
            told.add(step)
        return result


class _Told:
    """The steps of a test so far, on the disk and told of."""

    def __init__(self, folder: RunFolder, watch: Watch) -> None:
        self._folder, self._watch, self.count = folder, watch, 0

    def add(self, step: Played) -> None:
        """One more. Raises OSError."""
        keep_played(self._folder, step)
        self.count += 1
        self._watch.step(view_of(step, self.count), {})


def _facts(result: Result) -> dict[str, Any]:
    """How a test ended, as a run says it."""
    if result.ending is Ending.ERROR:
        failure = Failure(where="test", kind=result.fault, message=result.why)
        return {"status": _FAULTS.get(result.fault, Status.ERROR_SCENARIO), "failure": failure, "final": result.final}
    passed = result.ending is Ending.PASSED
    why = f"all {len(result.steps)} steps came off" if passed else f"line {result.line}: {result.why}"
    return {
        "status": Status.PASSED if passed else Status.FAILED, "final": result.final,
        "result": CheckResult(score=float(passed), why=why),
    }  # fmt: skip
