"""A bench, its workers, and what is left when they are killed: nothing is lost, and nothing done or counted twice."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent.batch import run_batch
from agent.bench.crew import WorkerDied
from agent.bench.plan import Job, Plan, begin, held
from agent.bench.result import result_of
from agent.bench.rows import Row, row_of
from agent.bench.station import Station
from agent.model import GiveUpModel, IdleModel, Model
from agent.trace import RunFolder, Status
from env.settle import until
from tests.agent.desk import SOLUTION, Waits, a_task, gives, says, scripted
from tests.agent.harm import below
from tests.agent.small_bench import PATIENCE, SEEDS, Ledger, crew, plan
from tests.env.worlds import kill
from tools.errors import ScenarioError, UserError

ROOT = Path(__file__).resolve().parent.parent.parent
HELD = (2, 3)


def start(folder: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "tests.agent.small_bench", str(folder)]
    return subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})


def rows(folder: Path) -> dict[int, Row]:
    return {job.seed: row for job in plan().jobs() if (row := row_of(folder, job))}


def told(folder: Path, what: str = "done") -> list[int]:
    """The seeds at which a model got to its last reply (was asked), as often as it did."""
    log = folder.parent / f"{what}.log"
    return sorted(map(int, log.read_text().split())) if log.exists() else []


def hold(folder: Path, *seeds: int) -> None:
    for seed in seeds:
        (folder.parent / f"hold-{seed}").touch()


def let_go(folder: Path) -> None:
    for file in folder.parent.glob("hold-*"):
        file.unlink()


async def test_a_bench_that_is_killed_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "bench"
    hold(folder, *HELD)

    async def stuck() -> bool | None:
        return (len(rows(folder)) == 2 and set(HELD) <= set(told(folder, "asked"))) or None

    with start(folder) as first:
        await until(stuck, PATIENCE, "two runs that wait")
        workers = below(first.pid, "small_bench")
        before = {seed: RunFolder(folder / row.folder).run() for seed, row in rows(folder).items()}
        first.kill()
    assert sorted(before) == [0, 1]
    let_go(folder)  # the workers of the dead bench may end their runs, if they are quick
    with start(folder) as second:
        assert second.wait(PATIENCE) == 0
    after = rows(folder)
    assert {seed: row.status for seed, row in after.items()} == dict.fromkeys(SEEDS, Status.PASSED)
    assert {seed: RunFolder(folder / after[seed].folder).run() for seed in before} == before
    assert told(folder) == list(SEEDS)
    assert not set(workers) & set(below(1, "small_bench"))
    assert len([*folder.rglob("run.json")]) == len(SEEDS) + sum(row.aside for row in after.values())


async def test_a_worker_that_is_killed_loses_one_attempt(tmp_path: Path) -> None:
    folder, ledger = tmp_path / "bench", Ledger()
    hold(folder, 0)
    with held(folder):
        batch = asyncio.create_task(run_batch(begin(folder, plan()), folder, crew(folder), 1, ledger))

        async def begun() -> bool | None:
            assert not batch.done()
            return told(folder, "asked") == [0] or None

        await until(begun, PATIENCE, "the first run")
        kill(below(os.getpid(), "small_bench"))
        let_go(folder)
        await batch
    assert ledger.deaths == [0]
    assert sorted(row.seed for row in ledger.rows) == list(SEEDS)
    assert {row.seed: row.aside for row in ledger.rows} == {seed: int(seed == 0) for seed in SEEDS}
    assert all(row.status is Status.PASSED for row in ledger.rows)
    assert told(folder) == list(SEEDS)


class Frail:
    """A crew of this process, and a worker of it, which dies of jobs at the deadly seed."""

    def __init__(self, deadly: int | None) -> None:
        self._deadly = deadly
        self._station = Station(lambda job: a_task(seed=job.seed), lambda job, task: says(*SOLUTION), scripted)

    async def hire(self) -> "Frail":
        return Frail(self._deadly)

    async def play(self, job: Job, folder: Path) -> None:
        if job.seed == self._deadly:
            raise WorkerDied("worker 7 ended with status 9")
        await self._station.play(job, folder)

    async def close(self) -> None:
        await self._station.close()


async def test_a_job_that_kills_its_workers_has_no_score(tmp_path: Path) -> None:
    ledger, asked = Ledger(), plan((0, 1))
    await run_batch(asked, tmp_path, Frail(deadly=1), 2, ledger)
    assert ledger.deaths == [1, 1, 1]
    result = result_of(asked, ledger.rows)
    assert (result.main.success.passed, result.main.success.of) == (1, 1)
    assert result.main.errors == {"error:env": 1}
    assert not result.complete
    assert result.rows[1].why == "its worker died 3 times: worker 7 ended with status 9"
    again = Ledger()
    await run_batch(asked, tmp_path, Frail(deadly=None), 2, again)
    assert again.begun == []  # what has ended stays, unless it is asked for
    await run_batch(asked, tmp_path, Frail(deadly=None), 2, again, again=True)
    assert again.begun == [1]
    assert [(row.seed, row.status, row.aside) for row in again.rows[-1:]] == [(1, Status.PASSED, 1)]


async def test_a_worker_that_cannot_start_is_said_to(tmp_path: Path) -> None:
    from agent.bench.processes import ProcessCrew
    from tools.errors import EnvError

    broken = ProcessCrew([sys.executable, "-c", "raise SystemExit('no such luck')"], {}, tmp_path / "workers.log")
    with pytest.raises(EnvError, match="a worker does not start: no such luck"):
        await run_batch(plan((0,)), tmp_path, broken, 1, Ledger())


def test_two_benches_in_one_folder(tmp_path: Path) -> None:
    with (
        held(tmp_path),
        pytest.raises(UserError, match=r"another bench is at work in .*; wait for its end"),
        held(tmp_path),
    ):
        pass


def other(**changes: object) -> Plan:
    return plan().model_copy(update=changes)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"suite": "web"}, "its suite is 'test', not 'web'"),
        ({"players": {"oracle": "oracle"}}, "its models are watched, not oracle"),
        ({"seeds": (0, 1, 7)}, "its seeds are 0-7, not 0-1,7"),
        ({"repeat": 2}, "its runs are repeated 1 times, not 2"),
        ({"digest": "1"}, "its tasks have changed since"),
        ({"settings": {"steps": 3}}, "its setting steps is None, not 3"),
        ({"versions": {"surehand": "9"}}, "it was begun by surehand None, and this is 9"),
    ],
)
def test_a_folder_of_another_bench(change: dict[str, object], why: str, tmp_path: Path) -> None:
    begin(tmp_path, plan())
    with pytest.raises(UserError) as refused:
        begin(tmp_path, other(**change))
    assert why in str(refused.value)
    begin(tmp_path, other(settings={"parallel": 7}))


def test_a_folder_of_an_older_version_or_of_something_else(tmp_path: Path) -> None:
    begin(tmp_path, plan())
    file = tmp_path / "bench.json"
    file.write_text(file.read_text().replace('"version": 1', '"version": 0'))
    with pytest.raises(UserError, match="has version 0: this surehand reads version 1; run it again into a new folder"):
        begin(tmp_path, plan())
    file.rename(tmp_path / "thesis.doc")
    with pytest.raises(UserError, match=r"holds something else: there is 'thesis.doc'; choose a new folder"):
        begin(tmp_path, plan())


A_JOB = Job(player="model", model="m", scenario="test/note", source="test/note", seed=7)


async def test_a_station_keeps_its_world_and_gives_up_one_that_died(tmp_path: Path) -> None:
    from env.base import Environment
    from env.scripted import ScriptedWorld
    from scenarios.base import Task
    from tests.agent.desk import APP

    made: list[Environment] = []

    def make_world(task: Task) -> Environment:
        made.append(ScriptedWorld(APP, task.size, fail_at=0 if len(made) == 1 else None))
        return made[-1]

    def task(job: Job) -> Task:
        if job.seed == 9:
            raise ScenarioError("it cannot be drawn")
        return a_task(seed=job.seed, world="browser" if job.seed == 8 else "desktop")

    station = Station(task, lambda job, task: says(*SOLUTION), make_world)
    for number, (seed, worlds) in enumerate([(1, 1), (2, 1), (8, 3), (3, 3), (9, 3)]):
        await station.play(A_JOB.model_copy(update={"seed": seed}), tmp_path / str(number))
        assert len(made) == worlds, f"at seed {seed}"
    await station.close()
    ended = [RunFolder(tmp_path / str(number)).run() for number in range(5)]
    assert [run.status for run in ended] == [*[Status.PASSED] * 4, Status.ERROR_SCENARIO]
    assert [(tmp_path / str(number) / "report.html").exists() for number in range(5)] == [False] * 4 + [True]


async def test_a_run_in_which_nothing_happens_is_given_up(tmp_path: Path) -> None:
    stalled = Station(lambda job: a_task(), lambda job, task: gives(Waits()), scripted, stall=0.5)
    await stalled.play(A_JOB, tmp_path / "run")
    run = RunFolder(tmp_path / "run").run()
    assert run.status is Status.ERROR_MODEL
    assert run.failure
    assert run.failure.message == "nothing happened for 0.5 s, and the run was given up"


async def test_a_task_that_cannot_be_done_is_passed_by_saying_so(tmp_path: Path) -> None:
    async def ended(model: Model) -> Status | None:
        station = Station(lambda job: a_task(feasible=False), lambda job, task: gives(model), scripted)
        await station.play(A_JOB, tmp_path / model.name)
        return RunFolder(tmp_path / model.name).run().status

    assert await ended(GiveUpModel()) is Status.PASSED
    assert await ended(IdleModel()) is Status.FAILED
