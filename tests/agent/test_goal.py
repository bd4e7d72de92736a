"""Goals in plain words: what is one, on which world, what it reaches; and secrets through a whole run."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.commands.goal import Asked, goal_task, is_goal, own_domain
from agent.secrets import secrets_of
from agent.serving.loopback import Handler, LoopbackServer
from agent.settings import PREFIX, load
from agent.trace import RunFolder, Status
from tests.agent.desk import steps_of
from tools.actions import LeftClick, Terminate, Type
from tools.errors import UserError
from tools.geometry import GridPoint

ROOT = Path(__file__).resolve().parent.parent.parent
VALUE = "Zeppelin7Hafen"
PAGE = b"""<!doctype html><title>Shop</title><style>body { margin: 0 } input { width: 800px; height: 300px }</style>
<form action="/send" method="post"><input name="text" autofocus></form>"""


@pytest.fixture(autouse=True)
def _somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("what", "world", "url", "goal"),
    [
        ("web/login", None, None, False),
        ("web/login", "headless", None, False),
        ("mine.yaml", None, None, False),
        ("write a letter", None, None, True),
        ("write", "desktop", None, True),
        ("write", None, "https://a.example", True),
        ("web/logn", None, None, False),
        ("web/logn", "kiosk", None, False),
    ],
)
def test_what_is_a_goal(what: str, world: str | None, url: str | None, goal: bool) -> None:
    assert is_goal(load(), Asked(what, world, url)) is goal


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (Asked("a b", "desktp"), "no world 'desktp'; did you mean 'desktop'"),
        (Asked("web/login", "desktop"), "'web/login' is a scenario: its world and pages are its own"),
        (Asked("a b", "desktop", "https://a.example"), "--url needs a browser, not --world desktop"),
        (Asked("web/login", allow=("a.example",)), "'web/login' is a scenario: its world and pages are its own"),
        (Asked("a b", "desktop", allow=("a.example",)), "--allow needs a browser, not --world desktop"),
        (Asked("a b", allow=("http://a",)), "--allow: 'http://a' is no domain; write one as shop.example"),
        (Asked("a b", None, "shop"), "no address 'shop'; write one as https://shop.example/"),
    ],
)
def test_mistakes(asked: Asked, why: str) -> None:
    with pytest.raises(UserError) as refused:
        _ = is_goal(load(), asked) and goal_task(load(), asked)
    assert str(refused.value).startswith(why)


def test_a_goal_reaches_the_domain_of_its_page_only() -> None:
    assert own_domain("https://www.shop.example/a") == ("shop.example",)
    assert own_domain("http://127.0.0.1:8000/") == ("127.0.0.1:8000",)
    task = goal_task(load(), Asked("buy it", None, "https://shop.example/a"))
    assert (task.world, task.network, task.allow.domains, task.check) == ("browser", True, ("shop.example",), None)
    task = goal_task(load(), Asked("buy it", None, "https://shop.example/a", ("cdn.example", "127.0.0.1:8000")))
    assert (task.world, task.allow.domains) == ("browser", ("shop.example", "cdn.example", "127.0.0.1:8000"))
    task = goal_task(load(), Asked("buy it", allow=("shop.example",)))
    assert (task.world, task.network, task.setup) == ("browser", True, ())
    bounded = load(allow_domains="shop.example")
    with pytest.raises(UserError, match=r"--allow 'cdn.example' is not allowed: allow_domains is shop.example"):
        goal_task(bounded, Asked("buy it", None, "https://shop.example/a", ("cdn.example",)))
    task = goal_task(load(), Asked("write it"))
    assert (task.world, task.network, task.allow.domains) == ("desktop", False, ())
    wider = load(allow_domains="shop.example,cdn.example")
    assert goal_task(wider, Asked("a b", None, "https://shop.example")).allow.domains == ("shop.example", "cdn.example")
    with pytest.raises(UserError, match="is not allowed: allow_domains is"):
        goal_task(load(allow_domains="cdn.example"), Asked("a b", None, "https://shop.example"))


def bind(text: str = 'domains = ["127.0.0.1"]') -> None:
    Path("surehand.toml").write_text(f"[secrets.shop]\n{text}\n")


def test_where_the_value_of_a_secret_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    bind()
    with pytest.raises(UserError, match="the secret 'shop' has no value; set SUREHAND_SECRET_SHOP"):
        secrets_of(load())
    monkeypatch.setenv("SUREHAND_SECRET_SHOP", VALUE)
    assert secrets_of(load())["shop"].value.get_secret_value() == VALUE
    monkeypatch.setenv("SUREHAND_SECRET_SHOP", "abc")
    with pytest.raises(UserError, match="less than 4 characters cannot be hidden") as refused:
        secrets_of(load())
    assert "abc" not in str(refused.value)
    monkeypatch.delenv("SUREHAND_SECRET_SHOP")
    file = Path("values.toml")
    file.write_text(f'shop = "{VALUE}"\n')
    file.chmod(0o640)
    with pytest.raises(UserError, match=r"others can read 'values.toml'; chmod 600"):
        secrets_of(load(secrets_file=file))
    file.chmod(0o600)
    assert secrets_of(load(secrets_file=file))["shop"].value.get_secret_value() == VALUE
    file.write_text(f'shop = "{VALUE}')
    with pytest.raises(UserError, match="not valid TOML") as refused:
        secrets_of(load(secrets_file=file))
    assert VALUE not in str(refused.value)
    bind("")
    with pytest.raises(UserError, match="belongs nowhere"):
        secrets_of(load())


class Shop(LoopbackServer):
    """A page with one field, and what was sent from it."""

    def __init__(self) -> None:
        super().__init__(_Counter)
        self.sent: list[str] = []


class _Counter(Handler[Shop]):
    def do_GET(self) -> None:
        self.send(200, PAGE, "text/html")

    def do_POST(self) -> None:
        self.owner.sent.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.do_GET()


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as shop:
        yield shop


@pytest.mark.browser
def test_a_goal_on_a_real_page_with_a_secret_that_nothing_shows(shop: Shop, tmp_path: Path) -> None:
    bind()
    script = [LeftClick(coordinate=GridPoint(300, 200)), Type(text="{{secret:shop}}\n"), Terminate(status="success")]
    Path("script.jsonl").write_text("\n".join(json.dumps(action.wire()) for action in script))
    command = [sys.executable, "-m", "agent", "run", "send the password", "--url", shop.url, "--world", "headless",
               "--model", "scripted:script.jsonl", "--out", "first"]  # fmt: skip
    env = {**os.environ, "PYTHONPATH": str(ROOT), "SUREHAND_SECRET_SHOP": VALUE}
    done = subprocess.run(command, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert shop.sent == [f"text={VALUE}"]
    record = RunFolder(tmp_path / "first").run()
    assert (record.status, record.result, record.scenario) == (Status.UNCHECKED, None, "goal")
    assert "Done, unchecked: the model says that it is done; nothing checked it" in done.stdout
    assert "{{secret:shop}} (only on 127.0.0.1)" in record.goal
    typed = steps_of(tmp_path / "first")[1].reply
    assert "{{secret:shop}}" in typed.model_dump_json()
    assert VALUE not in done.stdout + done.stderr
    searched = [file for file in (tmp_path / "first").rglob("*") if file.is_file()]
    assert {"steps.jsonl", "intents.jsonl", "run.json", "report.html", "checkpoint.sqlite"} <= {
        f.name for f in searched
    }
    assert [file for file in searched if VALUE.encode() in file.read_bytes()] == []


@pytest.mark.browser
def test_a_goal_reaches_no_other_port_of_this_machine(shop: Shop, tmp_path: Path) -> None:
    Path("script.jsonl").write_text('{"action": "goto", "url": "http://127.0.0.1:9/"}\n{"action": "terminate", '
                                    '"status": "failure"}')  # fmt: skip
    command = [sys.executable, "-m", "agent", "run", "look around", "--url", shop.url, "--world", "headless", "--model",
               "scripted:script.jsonl", "--out", "first"]  # fmt: skip
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Given up: the model says that it cannot be done" in done.stdout
    outcome = steps_of(tmp_path / "first")[0].outcome
    assert outcome
    assert outcome.note.startswith("http://127.0.0.1:9/ was not opened: only 127.0.0.1:")
