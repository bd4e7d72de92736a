"""Goals in plain words: what is one, what its browser may reach, and how its run ends without a check."""

from pathlib import Path

import pytest

from agent.commands.asked import Asked, asked_for, asked_in, task_of
from agent.commands.live import exit_code
from agent.commands.wiring import worlds
from agent.model import ScriptedModel
from agent.report import write_report
from agent.runner import run
from agent.settings import Settings, recorded
from agent.trace import Status, Stop
from agent.words import verdict
from env.allow import Allow
from env.setup import OpenUrl
from scenarios.goal import goal_task, own_domain
from tests.agent.desk import CLICK_NOTE, DONE, GIVE_UP, a_task, gives, record_of, says, scripted, steps_of
from tests.agent.harm import Gate, Runner, Site
from tools.actions import Answer, ComputerAction, Goto
from tools.errors import UserError


@pytest.mark.parametrize(
    ("what", "world", "url", "allow", "kind"),
    [
        ("web/login", None, "", (), None),
        ("web/login", "headless", "", (), None),
        ("my own task.yaml", None, "", (), None),
        ("Write a letter", None, "", (), "desktop"),
        ("Tidy", "desktop", "", (), "desktop"),
        ("Look", "browser", "", (), "browser"),
        ("Look", None, "http://shop.example/", (), "browser"),
        ("Look", "headless", "http://shop.example/", (), "browser"),
        ("Look around", "kiosk", "", (), "browser"),
        ("Look", None, "", ("shop.example",), "browser"),
        ("Look", "desktop", "http://shop.example/", (), "desktop"),
    ],
)
def test_what_is_a_goal(what: str, world: str | None, url: str, allow: tuple[str, ...], kind: str | None) -> None:
    asked = asked_for(what, 3, world, url, allow)
    assert asked.world == kind
    assert (asked.what, asked.seed) == (what, 3)


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://www.shop.example/a?b", "shop.example"),
        ("http://pay.shop.example:8443/", "pay.shop.example"),
        ("http://127.0.0.1:8000/a", "127.0.0.1:8000"),
        ("http://localhost/", "localhost:80"),
    ],
)
def test_the_domain_of_an_address(url: str, domain: str) -> None:
    assert own_domain(url) == domain
    task = goal_task(" Look around ", "browser", url, ["other.example"])
    assert (task.goal, task.setup, task.check) == ("Look around", (OpenUrl(url=url),), None)
    assert (task.allow, task.network) == (Allow(domains=(domain, "other.example")), True)


@pytest.mark.parametrize("url", ["shop.example", "file:///etc/passwd", "ftp://a.example/", "http://", "http://a:b/"])
def test_what_is_no_web_address(url: str) -> None:
    with pytest.raises(UserError, match="no web address"):
        own_domain(url)


def test_a_desktop_has_no_network() -> None:
    assert goal_task("Tidy up", "desktop").network is False
    with pytest.raises(UserError, match="a browser reaches nothing by itself"):
        goal_task("Look", "browser")


def test_settings_narrow_what_a_goal_reaches() -> None:
    settings = Settings(allow_domains=("shop.example",), steps=3)
    task = task_of(settings, Asked(what="Look", world="browser", url="https://pay.shop.example/"))
    assert task.limits.steps == 3
    with pytest.raises(UserError, match=r"'https://else.example/' is not allowed; widen the setting allow_domains"):
        task_of(settings, Asked(what="Look", world="browser", url="https://else.example/"))


@pytest.mark.parametrize(
    ("end", "status", "word", "why", "code"),
    [
        (DONE, Status.DONE, "Done, unchecked", "the model says so, and nothing checks it", 0),
        (Answer(text="42"), Status.DONE, "Done, unchecked", "it answers “42”; nothing checks that", 0),
        (GIVE_UP, Status.FAILED, "Failed", "the model gave up", 1),
    ],
)
async def test_how_a_goal_ends(
    tmp_path: Path, end: ComputerAction, status: Status, word: str, why: str, code: int
) -> None:
    done = await run(a_task(check=None), says(CLICK_NOTE, end), scripted, tmp_path)
    assert (done.status, done.result, done.failure) == (status, None, None)
    assert (verdict(done).word, verdict(done).why) == (word, why)
    assert (status.scored, exit_code(status)) == (status is Status.FAILED, code)
    page = write_report(tmp_path).read_text()
    assert word in page
    assert "counts in no score" not in page


async def test_a_goal_that_runs_into_a_limit(tmp_path: Path) -> None:
    done = await run(a_task(check=None), says(*[CLICK_NOTE] * 5), scripted, tmp_path)
    assert (done.status, done.stop) == (Status.LIMIT, Stop(reason="stuck", limit=3))


@pytest.mark.browser
async def test_a_browser_reaches_what_its_goal_names_and_nothing_else(tmp_path: Path) -> None:
    with Site() as site, Site() as other:
        place = other.url.removeprefix("http://").rstrip("/")
        for name, allow in (("closed", ()), ("open", (place,))):
            task = goal_task("Look around.", "browser", site.url, allow)
            model = gives(ScriptedModel(Goto(url=other.url), DONE))
            done = await run(task, model, worlds(Settings(browser="headless")), tmp_path / name)
            first, last = steps_of(tmp_path / name)
            assert (done.status, first.seen.url) == (Status.DONE, site.url)
            assert first.outcome
            assert first.outcome.ok is (name == "open")
            assert last.seen.url == (other.url if name == "open" else site.url)


@pytest.mark.desktop
@pytest.mark.browser
@pytest.mark.timeout(300)
def test_from_the_command_line_over_http(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with Site() as site, Gate("ab") as model:
        model.let_all()
        told = ("--world", "browser", "--url", site.url, "--model", model.url, "--out", str(folder))
        status, said = Runner("run", "Type the letters", *told).end()
        assert status == 0, said
        assert site.typed == "ab"
        assert "Done, unchecked: the model says so, and nothing checks it" in " ".join(said.split())
        record = record_of(folder)
        assert (record.scenario, record.goal, record.status) == ("goal", "Type the letters", Status.DONE)
        assert asked_in(record) == Asked(what="Type the letters", world="browser", url=site.url)
        assert recorded(record.settings).model == model.url
        status, said = Runner("replay", str(folder), "--out", str(tmp_path / "again")).end()
        assert status == 0, said
        assert site.typed == "abab"
        status, said = Runner("resume", str(folder)).end()
        assert (status, said.startswith(f"surehand: the run in '{folder}' is finished: it ended as done")) == (2, True)
