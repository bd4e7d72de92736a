"""What keeps a service going for months: schedules, retention, room, fairness. Its parts, in this process."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from agent.service.access import Accounts, Caller
from agent.service.book import Book
from agent.service.desk import Desk
from agent.service.engine import Queue
from agent.service.ledger import Ledger
from agent.service.orders import AccountOrder, Role, RunOrder, ScheduleOrder
from agent.service.setup import Setup
from agent.service.store import Refused, Store, now
from agent.service.tables import RunRow
from env.settle import until
from tests.service.conftest import Service
from tests.service.small_service import SmallParts
from tests.service.test_runs import held

ADA, BOB = Caller("ada", Role.OPERATOR), Caller("bob", Role.OPERATOR)
ORDER = RunOrder(scenario="test/note", model="solution")


@pytest.fixture(scope="module")
def queue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Queue]:
    queue = Queue(Setup(folder=tmp_path_factory.mktemp("queue")))
    yield queue
    queue.close()


@pytest.fixture
def desk(tmp_path: Path, queue: Queue) -> Iterator[Desk]:
    setup = Setup(folder=tmp_path, keep_days=30, room=1e-3, waiting=5)
    store = Store(setup.tables_url)
    yield Desk(setup, SmallParts(setup), store, queue)
    store.close()


def an_ended_run(desk: Desk, days_ago: float, size: int) -> str:
    """A run with files, that ended some days ago."""
    run = desk.order(ADA, ORDER, None).id
    book = Book(desk.store, "w")
    book.take(run)
    book.ends(run, "passed", "")
    book.weighs(run, size)
    (desk.setup.runs / run).mkdir(parents=True)
    with desk.store.writing() as session:
        session.execute(update(RunRow).where(RunRow.id == run).values(ended=now() - timedelta(days=days_ago)))
        session.commit()
    return run


def left(desk: Desk) -> set[str]:
    """Runs that are still known; their files are there, and those of no other."""
    known = {run.id for run in desk.store.runs(500).runs}
    assert {folder.name for folder in desk.setup.runs.iterdir()} == known
    return known


def test_runs_of_long_ago_are_forgotten(desk: Desk) -> None:
    old, young = an_ended_run(desk, 31, 10), an_ended_run(desk, 29, 10)
    assert old != young
    assert desk.tidy(now()) == 1
    assert left(desk) == {young}


def test_the_oldest_make_room(desk: Desk) -> None:
    runs = [an_ended_run(desk, days, 300_000) for days in (3, 2, 1)]
    assert desk.tidy(now()) == 0
    runs.append(an_ended_run(desk, 0, 300_000))
    with pytest.raises(Refused, match="take all of their") as refused:
        desk.order(ADA, ORDER, None)
    assert refused.value.status == 507
    assert desk.tidy(now()) == 1
    assert left(desk) == {*runs[1:]}
    desk.order(ADA, ORDER, None)


def test_nobody_fills_the_queue(desk: Desk) -> None:
    for _ in range(5):
        desk.order(ADA, ORDER, None)
    with pytest.raises(Refused, match="'ada' has too many runs waiting") as refused:
        desk.order(ADA, ORDER, None)
    assert refused.value.status == 429
    desk.order(BOB, ORDER, None)


@pytest.mark.parametrize(
    ("cron", "zone", "ok"),
    [
        ("0 3 * * *", "UTC", True), ("*/5 0 1 1 0", "Europe/Berlin", True), ("61 * * * *", "UTC", False),
        ("x * * * *", "UTC", False), ("0 3 * * *", "Mars/Base", False),
    ],
)  # fmt: skip
def test_schedules_are_at_real_times(desk: Desk, cron: str, zone: str, ok: bool) -> None:
    order = ScheduleOrder(name="nightly", cron=cron, timezone=zone, run=ORDER)
    if not ok:
        with pytest.raises(Refused):
            desk.schedule(ADA, order)
        return
    desk.schedule(ADA, order)
    with pytest.raises(Refused):
        desk.schedule(BOB, order)
    with pytest.raises(Refused, match="somebody else's"):
        desk.drop_schedule(BOB, "nightly")
    (found,) = desk.schedules()
    assert (found.owner, found.cron, found.run) == ("ada", cron, ORDER)
    desk.drop_schedule(ADA, "nightly")
    assert desk.schedules() == []


def test_a_moment_of_a_schedule_comes_once(desk: Desk) -> None:
    order, moment = ScheduleOrder(name="nightly", cron="0 3 * * *", run=ORDER), now()
    for at in (moment, moment, moment + timedelta(days=1)):
        desk.fire(ADA, order, at)
    assert len(desk.store.runs(10).runs) == 2


@pytest.mark.parametrize("cron", ["* * * * * *", "@hourly", "0 3 * *", "0 3 * * *; x"])
def test_a_schedule_has_five_fields(cron: str) -> None:
    with pytest.raises(ValueError, match="cron"):
        ScheduleOrder(name="x", cron=cron, run=ORDER)


def test_a_run_that_was_deleted_has_no_end_more(desk: Desk) -> None:
    run = an_ended_run(desk, 0, 1)
    desk.delete(ADA, run)
    book = Book(desk.store, "w")
    book.ends(run, "error:env", "its folder was gone")
    book.weighs(run, 5)
    assert book.take(run) is None
    assert run not in left(desk)


async def test_a_ledger_that_cannot_write_is_no_secret() -> None:
    def broken() -> None:
        raise KeyError("run")

    ledger = Ledger()
    ledger.check()
    ledger.put(broken)
    with pytest.raises(KeyError):
        await until(lambda: checked(ledger), 5, "the ledger to write")


async def checked(ledger: Ledger) -> bool | None:
    ledger.check()
    return None


def test_who_has_no_account_any_more_is_nobody(tmp_path: Path) -> None:
    store = Store(Setup(folder=tmp_path).tables_url)
    accounts = Accounts(store)
    accounts.add(AccountOrder(name="ada", role=Role.ADMIN))
    assert accounts.named("ada") == Caller("ada", Role.ADMIN)
    assert accounts.named("bob") is None
    store.close()


def test_others_give_up_a_silent_worker_and_it_never_does_itself(desk: Desk) -> None:
    silent, other = Book(desk.store, "silent"), Book(desk.store, "other")
    for book in (silent, other):
        assert book.alive("here", 1, 4, 0, first=True)
    silent.leaves("silent", now() - timedelta(seconds=60))
    assert silent.silent(5) == []
    assert other.silent(5) == ["silent"]
    assert silent.alive("here", 1, 4, 0, first=False)
    assert other.silent(5) == []
    other.given_up(["silent"])
    assert not silent.alive("here", 1, 4, 0, first=False)


@pytest.mark.xdist_group("service")
def test_a_schedule_orders_runs_as_its_owner(service: Service) -> None:
    body = {"name": "often", "cron": "0 0 1 1 *", "batch": {"scenarios": ["test/sched"], "model": "solution"}}
    assert service.ada.post("/v1/schedules", json=body).status_code == 201
    assert service.ada.post("/v1/schedules/often/fire").status_code == 202

    def found() -> list[dict[str, Any]]:
        runs: list[dict[str, Any]] = service.ada.get("/v1/runs", params={"scenario": "test/sched"}).json()["runs"]
        return runs

    service.eventually(lambda: [run["state"] for run in found()] == ["ended"])
    assert found()[0]["owner"] == "admin"
    assert service.ada.delete("/v1/schedules/often").status_code == 204
    assert service.ada.post("/v1/schedules/often/fire").status_code == 404


@pytest.mark.xdist_group("service")
def test_what_is_urgent_goes_first(service: Service) -> None:
    """All slots of an account are taken; of those that wait, the high ones begin first, whoever came first."""
    with held(service):
        busy = [service.order(model="held", seed=seed)["id"] for seed in range(3)]
        service.eventually(lambda: [service.run(run)["state"] for run in busy] == ["running"] * 3)
        low = [service.order(priority="low")["id"] for _ in range(5)]
        high = [service.order(priority="high")["id"] for _ in range(5)]
    ended = [service.until(run, state="ended") for run in (*low, *high, *busy)]
    began = {run["id"]: run["began"] for run in ended}
    assert max(began[run] for run in high) < max(began[run] for run in low)
    assert sorted(began[run] for run in high)[0] < sorted(began[run] for run in low)[0]


@pytest.mark.xdist_group("service")
def test_nobody_takes_all_the_slots(service: Service) -> None:
    """There are four, three for each account: whoever comes second does not wait for the first to be done."""
    made = service.ada.post("/v1/accounts", json={"name": "late", "role": "operator"}).json()
    with held(service), service.as_one(made["token"]) as late:
        busy = [service.order(model="held", seed=seed)["id"] for seed in range(5)]
        service.eventually(lambda: [service.run(run)["state"] for run in busy].count("running") == 3)
        run = late.post("/v1/runs", json={"scenario": "test/note", "model": "solution"}).json()["id"]
        assert service.until(run, state="ended")["status"] == "passed"
        assert [service.run(run)["state"] for run in busy].count("queued") == 2
    for run in busy:
        service.until(run, state="ended")
    service.ada.delete("/v1/accounts/late")
