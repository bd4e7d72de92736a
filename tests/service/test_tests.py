"""Tests as runs of the service, and folders of them as batches."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from agent.scripting import ids
from agent.scripting.results import Played, Result
from agent.service.book import Book, Wish
from agent.service.ledger import Ledger
from agent.service.orders import Attempt, Limits, RunOrder, RunView
from agent.service.parts import SurehandParts
from agent.service.playing import Playing
from agent.service.prepared import Prepared
from agent.service.records import PAGE, keep_played, played_file, steps_of, write_page_of
from agent.service.setup import Setup
from agent.service.store import Ordered, Store, now
from agent.service.testing import PreparedTest
from agent.service.timings import Timings
from agent.trace import Run, RunFolder
from env.kept import KeptEnvironment
from env.scripted import ScriptedWorld
from env.setup import SetupStep
from tests.agent.desk import APP
from tests.service.conftest import SHOP, TEST, TESTS, Service
from tests.service.small_service import SmallParts
from tests.service.test_runs import followed, held
from tools.actions import BrowserAction, ComputerAction, Outcome
from tools.errors import EnvError, ModelError, ScenarioError, SurehandError, UserError

GOOD, BAD, WORDS = "shop/test_note.yaml::good", "shop/test_note.yaml::bad one", "test_words.yaml"
service_group = pytest.mark.xdist_group("service")


def a_test(service: Service, name: str, model: str = "solution") -> dict[str, Any]:
    """A test, ordered."""
    return service.order(scenario=None, test=name, model=model)


@service_group
def test_a_test_is_ordered_followed_and_found_again(service: Service) -> None:
    run = a_test(service, GOOD)
    assert (run["scenario"], run["goal"]) == (GOOD, "Keep a note")
    events = followed(service, run["id"])
    assert [data["state"] for kind, data in events if kind == "state"] == ["queued", "running", "ended"]
    told = [data for kind, data in events if kind == "step"]
    assert [(step["number"], step["ok"]) for step in told] == [(1, True), (2, True), (3, True), (4, True)]
    place = f"/v1/runs/{run['id']}"
    page = service.ada.get(f"{place}/steps", params={"after": 1}).json()
    assert page["steps"] == [{name: step[name] for name in page["steps"][0]} for step in told[1:]]
    assert (page["result"]["score"], page["steps"][0]["say"]) == (1, "type: milk")
    assert [step["screenshot"] for step in told] != [""] * 4
    for picture in (f"screenshots/{told[0]['screenshot']}", f"shots/{told[0]['screenshot']}.png", "screenshot"):
        assert service.ada.get(f"{place}/{picture}").content[:4] == b"\x89PNG", picture
    report = service.ada.get(f"{place}/report")
    assert "type: milk" in report.text
    assert f'"shots/{told[0]["screenshot"]}.png"' in report.text
    assert report.headers["content-security-policy"] == "sandbox"
    found = service.until(run["id"], state="ended")
    assert (found["status"], found["why"], found["steps"]) == ("passed", "all 4 steps came off", 4)
    record = RunFolder(service.setup.runs / run["id"] / "1").run()
    assert (record.scenario, record.settings["order"]["test"], record.status) == (GOOD, GOOD, "passed")


@service_group
def test_a_folder_of_tests_is_a_batch(service: Service) -> None:
    batch = service.ada.post("/v1/batches", json={"name": "nightly", "tests": ["*"], "model": "solution"}).json()
    place = f"/v1/batches/{batch['id']}"
    service.eventually(lambda: service.ada.get(place).json()["statuses"] == {"passed": 1, "failed": 2})
    runs = service.ada.get("/v1/runs", params={"batch": batch["id"]}).json()["runs"]
    whys = {run["scenario"]: run["why"] for run in runs}
    assert whys.keys() == {GOOD, BAD, WORDS}
    assert whys[BAD].startswith("line 8: ")
    assert "the model did not do it" in whys[WORDS]
    answer = service.ada.get(f"{place}/junit.xml")
    assert answer.headers["content-type"] == "application/xml"
    suite = ElementTree.fromstring(answer.text)
    assert {name: suite.get(name) for name in ("name", "tests", "failures", "errors", "skipped")} == {
        "name": "nightly", "tests": "3", "failures": "2", "errors": "0", "skipped": "0"
    }  # fmt: skip
    bad, good, words = suite
    assert [case.get("name") for case in suite] == ["bad one", "good", WORDS]
    assert [len(case) for case in (bad, good, words)] == [1, 0, 1]
    assert (bad.get("classname"), bad[0].get("message")) == ("shop/test_note.yaml", whys[BAD])


@service_group
def test_what_a_model_did_is_a_page_of_its_own(service: Service) -> None:
    run = a_test(service, WORDS)["id"]
    service.until(run, state="ended")
    report = service.ada.get(f"/v1/runs/{run}/report").text
    assert 'href="do-1/report.html"' in report
    page = service.ada.get(f"/v1/runs/{run}/do-1/report.html")
    assert (page.status_code, page.headers["content-security-policy"]) == (200, "sandbox")
    shot = next((service.setup.runs / run / "1" / "do-1" / "shots").glob("*.png")).name
    assert service.ada.get(f"/v1/runs/{run}/do-1/shots/{shot}").content[:4] == b"\x89PNG"
    for other in ("do-2/report.html", "shots/report.html", "..%2f/report.html", "do-1/shots/run.json", "do-1/run.json"):
        assert service.ada.get(f"/v1/runs/{run}/{other}").status_code in (404, 422), other


class Broken(ScriptedWorld):
    """A world that never begins."""

    def __init__(self, error: SurehandError) -> None:
        super().__init__(APP)
        self._error = error

    async def reset(self, setup: Sequence[SetupStep], seed: int) -> None:
        raise self._error


class Worker:
    """What a worker plays runs with."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        setup.runs.mkdir(parents=True)
        self.store, self.ledger, self.parts = Store(setup.tables_url), Ledger(), SmallParts(setup)
        self.order = RunOrder(test=GOOD, model="solution")
        self.run = self.store.submit("ada", Ordered(self.order, "Keep a note", ""), None).id

    async def play(self, prepared: Prepared) -> RunView:
        """The run, from here to its end."""
        book = Book(self.store, "this one")
        taken = book.take(self.run)
        assert taken is not None
        self.playing = Playing(taken, self.setup, book, self.ledger, Timings())
        await self.playing.go(prepared)
        await self.ledger.written()
        return self.store.run(self.run)


@pytest.fixture
async def desk(tmp_path: Path, folder: Path) -> AsyncIterator[Worker]:
    """A worker's side of a service with the tests of `folder`."""
    worker = Worker(Setup(folder=tmp_path / "service", tests=(folder,)))
    yield worker
    await worker.ledger.close()
    worker.store.close()


async def test_a_test_that_a_dead_worker_left_is_begun_anew(desk: Worker) -> None:
    """In a fresh world; its attempts tell."""
    dead = Book(desk.store, "dead")
    dead.take(desk.run)
    dead.attempts(desk.run, (Attempt(number=1, worker="dead", began=now()),))
    left = RunFolder(desk.setup.runs / desk.run / "1")
    left.save(Run(id="1", scenario=GOOD, seed=0, goal="Keep a note", model="", started=now()))
    keep_played(left, Played(words="click: Note", line=7, part="steps", ok=True))
    with played_file(left).open("a") as torn:
        torn.write('{"words": "type')
    ended = await desk.play(desk.parts.prepared(desk.order))
    assert (ended.status, ended.steps) == ("passed", 4)
    told = [(one.number, one.worker, one.resumed, one.outcome) for one in ended.attempts]
    assert told == [(1, "dead", False, "it cannot be gone on with"), (2, "this one", False, "passed")]
    assert [step.say for step in steps_of(left)] == ["click: Note"]
    assert "goes on" in write_page_of(left).read_text()


async def test_a_cancelled_test_ends_after_its_step(desk: Worker) -> None:
    class Cancelled(ScriptedWorld):
        async def execute(self, number: int, action: ComputerAction | BrowserAction) -> Outcome:
            desk.playing.heard(Wish("stop", "", None))
            return await super().execute(number, action)

    prepared = desk.parts.prepared(desk.order)
    assert isinstance(prepared, PreparedTest)
    ended = await desk.play(replace(prepared, make_world=lambda: lambda case: Cancelled(APP)))
    assert (ended.status, ended.why, ended.steps) == ("stopped", "cancelled", 1)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (EnvError("no display"), "error:env"), (ModelError("no answer"), "error:model"),
        (ScenarioError("no such folder"), "error:scenario"),
    ],
)  # fmt: skip
async def test_what_keeps_a_test_from_its_end_is_no_failure(desk: Worker, error: SurehandError, status: str) -> None:
    prepared = desk.parts.prepared(desk.order)
    assert isinstance(prepared, PreparedTest)
    ended = await desk.play(replace(prepared, make_world=lambda: lambda case: Broken(error)))
    assert (ended.status, str(error) in ended.why) == (status, True)
    folder = RunFolder(desk.setup.runs / desk.run / "1")
    assert (folder.run().result, list(steps_of(folder))) == (None, [])
    assert str(error) in (folder.path / PAGE).read_text()


@pytest.mark.soak
@service_group
def test_a_test_whose_worker_is_killed_is_begun_anew(service: Service) -> None:
    looked = service.setup.folder / "asked.log"
    looked.unlink(missing_ok=True)
    with held(service):
        run = a_test(service, GOOD, "held")["id"]
        service.eventually(looked.exists)
        service.kill_worker()
    ended = service.until(run, state="ended")
    assert (ended["status"], ended["steps"]) == ("passed", 4)
    told = [(one["number"], one["resumed"], one["outcome"]) for one in ended["attempts"]]
    assert told == [(1, False, "it cannot be gone on with"), (2, False, "passed")]
    assert service.ada.get(f"/v1/runs/{run}/steps").json()["attempt"] == 2
    assert service.ada.get(f"/v1/runs/{run}/steps", params={"attempt": 1}).json()["steps"] == []


@service_group
def test_a_test_is_cancelled_and_does_not_wait(service: Service) -> None:
    with held(service):
        run = a_test(service, GOOD, "held")["id"]
        service.eventually((service.setup.runs / run / "1" / "run.json").exists)
        for verb in ("pause", "take-over"):
            refused = service.ada.post(f"/v1/runs/{run}/{verb}")
            assert (refused.status_code, refused.json()["title"]) == (409, "a test does not wait")
        service.ada.post(f"/v1/runs/{run}/cancel")
        ended = service.until(run, state="ended")
    assert (ended["status"], ended["why"]) == ("stopped", "cancelled")
    assert "cut off" in service.ada.get(f"/v1/runs/{run}/report").text


@service_group
@pytest.mark.parametrize(
    "order",
    [
        {"test": "../shop/test_note.yaml"},
        {"test": "shop/../test_words.yaml"},
        {"test": "/etc/test_passwd.yaml"},
        {"test": "./test_words.yaml"},
        {"test": "shop//test_note.yaml::good"},
        {"test": "shop/test_note.yaml"},
        {"test": "shop/test_note.yaml::none"},
        {"test": "shop/test_note.yaml::../../test_words.yaml"},
        {"test": "test_note.yaml::good"},
        {"test": "test_words.yaml\n"},
        {"test": "test_words.yaml\x00"},
        {"test": "test_words"},
        {"test": WORDS, "seed": 1},
        {"test": WORDS, "scenario": "test/note"},
        {"test": WORDS, "goal": "x"},
        {"test": WORDS, "world": {"kind": "desktop"}},
    ],
)
def test_ids_that_are_none(service: Service, order: dict[str, Any]) -> None:
    answer = service.ada.post("/v1/runs", json={"model": "solution"} | order)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert str(service.setup.tests[0]) not in answer.text


@service_group
@pytest.mark.parametrize(
    "order",
    [
        {"tests": ["../*"]},
        {"tests": ["/*"]},
        {"tests": ["nothing/*"]},
        {"tests": ["shop/*::none"]},
        {"tests": ["*"], "scenarios": ["test/a"]},
        {"tests": ["*"], "seeds": [0, 1]},
        {"tests": []},
        {},
    ],
)
def test_batches_that_are_none(service: Service, order: dict[str, Any]) -> None:
    assert service.ada.post("/v1/batches", json={"model": "solution"} | order).status_code == 422


@pytest.mark.browser
@pytest.mark.xdist_group("browsing")
def test_a_test_in_a_browser(browsing: Service) -> None:
    """`surehand up --tests`, a page beside the test, a world of its own."""
    run = a_test(browsing, "test_page.yaml", "")["id"]
    ended = browsing.until(run, state="ended")
    assert (ended["status"], ended["steps"]) == ("passed", 2), ended
    result = Result.model_validate_json((browsing.setup.runs / run / "1" / "result.json").read_bytes())
    assert [bool(step.seen) for step in result.steps] == [True, True]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop").mkdir()
    for name, text in (*TESTS.items(), ("shop/test_page.yaml", TEST)):
        (tmp_path / name).write_text(text)
    (tmp_path / "shop" / "site").mkdir()
    (tmp_path / "shop" / "site" / "index.html").write_text(SHOP)
    return tmp_path


def test_patterns_fit_ids_and_files(folder: Path) -> None:
    assert ids.matching(["*"], [folder]) == [GOOD, BAD, "shop/test_page.yaml", WORDS]
    assert ids.matching(["shop/test_n*"], [folder]) == [GOOD, BAD]
    assert ids.matching(["*::good"], [folder]) == ids.matching([GOOD], [folder]) == [GOOD]
    case = ids.case_named(BAD, [folder])
    assert (case.name, case.names["what"]) == (BAD, "tea")
    (folder / "shop" / "test_note.yaml").write_text("title: Other\nsteps: [{click: {text: a}}]")
    assert ids.matching(["shop/test_note*"], [folder]) == ["shop/test_note.yaml"]


def test_two_folders_have_no_test_of_one_name(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "test_words.yaml").write_text(TESTS["test_words.yaml"])
    for folders, why in (((folder, other), "two tests are called 'test_words.yaml'"), ((folder / "no",), "no folder")):
        with pytest.raises(UserError, match=why):
            SurehandParts(Setup(tests=folders))
    (folder / "shop" / "test_twice.yaml").write_text("title: A\ntable: [{id: a}, {id: a}]\nsteps: [{click: {text: b}}]")
    with pytest.raises(UserError, match="two rows"):
        ids.matching(["*"], [folder])


def test_an_order_narrows_a_test(folder: Path) -> None:
    config = folder / "surehand.toml"
    config.write_text('seconds = 50\nbrowser = "headless"\n')
    parts = SurehandParts(Setup(config=config, tests=(folder,)))
    guard = {"domains": ["127.0.0.1:8080", "shop.example"], "actions": ["left_click"]}
    order = {"test": "shop/test_page.yaml", "limits": {"seconds": 9}, "guard": guard}
    found = parts.prepared(RunOrder.model_validate(order))
    assert isinstance(found, PreparedTest)
    assert (found.goal, found.model, found.case.file.limit) == ("Buy something", "", 9)
    world = found.make_world()(found.case)
    assert isinstance(world, KeptEnvironment)
    assert (world.spec.network, world.spec.allow.actions) == (False, ("left_click",))
    usual = parts.prepared(RunOrder(test="shop/test_page.yaml", limits=Limits(seconds=99)))
    assert isinstance(usual, PreparedTest)
    assert usual.case.file.limit == 50
    with pytest.raises(UserError, match="a step in plain words needs a model"):
        parts.prepared(RunOrder(test=WORDS))
    with pytest.raises(UserError, match="offers no model"):
        parts.prepared(RunOrder(test=WORDS, model="http://127.0.0.1:1/v1"))
    assert parts.prepared(RunOrder(test=WORDS, model="idle")).model == "idle"
    assert parts.tests(["shop/*", "*page*"]) == [GOOD, BAD, "shop/test_page.yaml"]
