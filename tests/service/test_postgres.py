"""A sample on a real Postgres, in this process; `make soak` runs all tests of the service on one."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agent.service.access import Caller
from agent.service.book import Book
from agent.service.desk import Desk
from agent.service.engine import Queue
from agent.service.orders import Role, RunOrder, State
from agent.service.setup import Setup
from agent.service.store import Refused, Store, now
from agent.service.timings import Count
from tests.service.conftest import Postgres
from tests.service.small_service import SmallParts

ADA = Caller("ada", Role.OPERATOR)
ORDER = RunOrder(scenario="test/note", model="solution")


@pytest.mark.xdist_group("service")
@pytest.mark.parametrize("on", ["sqlite", "postgres"])
def test_whoever_is_first_decides(on: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """A run is taken by a worker and cancelled by a person at the same moment: one of them is told of the other."""
    server: Postgres | None = request.getfixturevalue("postgres") if on == "postgres" else None
    setup = Setup(folder=tmp_path, database=server.fresh() if server else "")
    store, queue = Store(setup.tables_url), Queue(setup)
    desk, book = Desk(setup, SmallParts(setup), store, queue), Book(store, "w")
    with ThreadPoolExecutor(2) as both:
        for number in range(20):
            run = desk.order(ADA, ORDER, f"key {number}").id
            taking, stopping = both.submit(book.take, run), both.submit(store.wish, run, "stop", "ada")
            taken, wished = taking.result(), stopping.result()
            if taken is None:
                assert (wished.state, wished.status) == (State.ENDED, "stopped")
            else:
                assert wished.state is State.RUNNING or taken.wish.wish == "stop"
                assert store.run(run).state is State.RUNNING
    assert desk.order(ADA, ORDER, "key 1").id == store.runs(30).runs[18].id
    with pytest.raises(Refused, match="was used for another request"):
        desk.order(ADA, ORDER.model_copy(update={"seed": 2}), "key 1")
    book.measured([Count("act", 1, 2, 0.1)])
    book.measured([Count("act", 1, 3, 0.2)])
    assert book.alive("here", 1, 4, 0, first=True)
    assert store.workers(10) == 1
    assert desk.tidy(now()) == 0
    queue.close()
    store.close()
