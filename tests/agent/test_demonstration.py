"""A person shows a task: their input goes through a real X server, and what was seen of it is a run."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.cli import main
from agent.commands.replay import replay
from agent.serving.loopback import Handler, LoopbackServer
from agent.trace import Decision, RunFolder, Status, Step
from env.windows import Windows
from scenarios.loader import load
from tests.tools.private_desktop import SIZE, PrivateDesktop, until
from tools.geometry import Point, Rect, to_grid

ROOT = Path(__file__).parent.parent.parent
HANDS = """
import asyncio, json, os, sys, time
from env.settle import settle
from tools.actions import ACTION, MouseMove, Pointing
from tools.desktop import Desktop
from tools.geometry import Size
from tools.screen import DamageClock

async def main() -> None:
    hands, changes, size = Desktop(), DamageClock(os.environ["DISPLAY"]), Size(1280, 720)
    for line in sys.stdin:
        action = ACTION.validate_python(json.loads(line))
        steps = [MouseMove(coordinate=action.place), action] if isinstance(action, Pointing) else [action]
        for step in steps:
            outcome = await hands.do(step, size)
            await settle(changes, time.monotonic(), quiet=0.3)
        print(json.dumps(outcome.model_dump(mode="json")), flush=True)
    hands.close()
    changes.close()

asyncio.run(main())
"""
"""A person's hands: they look where they are going, and at what came of it, before they go on."""


@pytest.fixture
def person(tmp_path: Path) -> Iterator[PrivateDesktop]:
    """An X server of somebody's own."""
    with PrivateDesktop(tmp_path / "person") as desktop:
        yield desktop


class Hands:
    """Another process that gives real input to the person's display, by XTEST."""

    def __init__(self, person: PrivateDesktop) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", HANDS], env=person.environment | {"PYTHONPATH": str(ROOT)}, cwd=ROOT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def do(self, action: str, **words: Any) -> None:
        """Returns when the X server has it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"action": action, **words}) + "\n")
        self._process.stdin.flush()
        assert json.loads(self._process.stdout.readline())["ok"]

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


class Recording:
    """`surehand record` in a process of its own."""

    def __init__(self, person: PrivateDesktop, folder: Path, *options: str) -> None:
        self.folder = folder
        self._log = folder.with_suffix(".log")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "agent", "record", "--out", str(folder), *options],
                env=person.environment | {"PYTHONPATH": str(ROOT), "SUREHAND_BROWSER": "headless"}, cwd=ROOT,
                stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            )  # fmt: skip

    async def ready(self) -> None:
        await until(lambda: "Go ahead" in self._log.read_text() or self._process.poll() is not None, 90)
        assert self._process.poll() is None, self._log.read_text()

    async def steps(self, number: int) -> list[Step]:
        """The steps so far, once there are so many."""
        await until(lambda: len(self._steps()) >= number, 60)
        return self._steps()

    def _steps(self) -> list[Step]:
        return list(RunFolder(self.folder).steps()) if (self.folder / "run.json").exists() else []

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    async def over(self) -> int:
        await until(lambda: self._process.poll() is not None, 90)
        return int(self._process.returncode)

    def log(self) -> str:
        return self._log.read_text()

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()


def actions(steps: list[Step]) -> list[dict[str, Any]]:
    """What was recorded, without the places."""
    done = [step.reply.action for step in steps if isinstance(step.reply, Decision)]
    return [
        action.model_dump(mode="json", exclude={"bbox_2d", "coordinate", "coordinate2"}, exclude_none=True)
        for action in done
    ]


pytestmark = pytest.mark.timeout(300)


@pytest.mark.desktop
async def test_what_a_person_does_on_their_display_is_a_run(person: PrivateDesktop, tmp_path: Path) -> None:
    note = person.home / "note.txt"
    note.touch()
    person.start("mousepad", str(note))
    await until(lambda: "note.txt" in person.title())
    hands, recording = Hands(person), Recording(person, tmp_path / "run", "--goal", "Write a name down and save it.")
    try:
        await recording.ready()
        hands.do("left_click", coordinate=[500, 500])
        hands.do("type", text="Ada Lövelace 中")
        hands.do("key", keys=["ctrl", "s"])
        await until(lambda: note.read_text() == "Ada Lövelace 中")
        hands.do("key", keys=["ctrl", "alt", "e"])
        assert await recording.over() == 0, recording.log()
    finally:
        hands.close()
        recording.close()
    steps = list(RunFolder(recording.folder).steps())
    assert actions(steps) == [
        {"action": "left_click"},
        {"action": "type", "text": "Ada Lövelace 中"},
        {"action": "key", "keys": ["ctrl", "s"]},
        {"action": "terminate", "status": "success"},
    ]
    click, *_ = steps
    assert isinstance(click.reply, Decision)
    assert click.outcome is not None
    assert click.outcome.point is not None
    assert abs(click.outcome.point.x - 640) <= 1
    assert abs(click.outcome.point.y - 360) <= 1
    assert "note.txt" in click.reply.say
    assert note.read_text() == "Ada Lövelace 中"
    run = RunFolder(recording.folder).run()
    assert (run.model, run.status) == ("person", Status.UNCHECKED)
    assert (recording.folder / "report.html").exists()


class Page:
    """Where a page of 1280x720 stands on the person's display: at the bottom of its window, whose borders are equal."""

    def __init__(self, person: PrivateDesktop) -> None:
        (rect,) = [Rect(*one["rect"]) for one in Windows(person.name).list()]
        border = (rect.right - rect.left - SIZE.width) // 2
        self._origin = Point(rect.left + border, rect.bottom - border - SIZE.height)

    def at(self, x: int, y: int) -> list[float]:
        """A place in the page on the display's grid."""
        return list(to_grid(Point(self._origin.x + x, self._origin.y + y), SIZE))


@pytest.mark.soak
@pytest.mark.desktop
@pytest.mark.browser
async def test_a_scenario_that_a_person_shows_is_judged_by_its_check(person: PrivateDesktop, tmp_path: Path) -> None:
    hands, recording = Hands(person), Recording(person, tmp_path / "run", "--scenario", "web/login", "--seed", "3")
    drawn = load("web/login").at(3).drawn
    try:
        await recording.ready()
        page = Page(person)
        hands.do("left_click", coordinate=page.at(250, 378))
        hands.do("type", text=drawn["email"])
        hands.do("left_click", coordinate=page.at(250, 464))
        hands.do("type", text=drawn["password"])
        hands.do("left_click", coordinate=page.at(128, 511))
        hands.do("key", keys=["enter"])
        await recording.steps(5)
        recording.interrupt()
        assert await recording.over() == 0, recording.log()
    finally:
        hands.close()
        recording.close()
    steps = list(RunFolder(recording.folder).steps())
    assert actions(steps) == [
        {"action": "left_click"},
        {"action": "type", "text": drawn["email"]},
        {"action": "left_click"},
        {"action": "type", "text": drawn["password"]},
        {"action": "left_click"},
        {"action": "key", "keys": ["enter"]},
        {"action": "terminate", "status": "success"},
    ]
    said = [step.reply.say for step in steps if isinstance(step.reply, Decision)]
    assert [said[n] for n in (0, 2, 4)] == [
        "Click the textbox 'Email'.",
        "Click the input 'Password'.",
        "Click the checkbox 'Keep me signed in'.",
    ]
    assert RunFolder(recording.folder).run().status is Status.PASSED
    assert await asyncio.to_thread(replay, None, recording.folder, tmp_path / "again") == 0
    assert RunFolder(tmp_path / "again").run().status is Status.PASSED


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((), "name one thing to record: RUN, --goal or --scenario"),
        (("runs/a", "--goal", "a b"), "name one thing to record"),
        (("runs/a", "--url", "https://a.example/"), "a run has its world and pages already"),
        (
            ("--goal", "a b", "--world", "desktop"),
            "nobody can be watched in the world 'desktop'; use display",
        ),
        (("--goal", "a b", "--world", "display", "--url", "https://a.example/"), "--url needs a browser"),
        (("--scenario", "web/login", "--url", "https://a.example/"), "a scenario has its own world and pages"),
        (("--scenario", "desktop/editor-note"), "happens on a private desktop, which nobody sees"),
        (("--scenario", "web/login"), "no display: DISPLAY is not set"),
        (("--goal", "a b"), "no display: DISPLAY is not set"),
    ],
)
def test_what_cannot_be_recorded_is_refused_with_the_remedy(
    arguments: tuple[str, ...], why: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(SystemExit) as ended:
        main(["record", *arguments])
    said = capsys.readouterr()
    assert (ended.value.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert why in said.err


VALUE = "Zeppelin7Hafen"
PAGE = b"""<!doctype html><title>Shop</title><style>
body { margin: 0 } input, button { width: 800px; height: 200px }</style>
<input type=password placeholder=Password><br><button>Buy</button>"""


class _Shop(Handler[LoopbackServer]):
    def do_GET(self) -> None:
        self.send(200, PAGE, "text/html")


@pytest.mark.soak
@pytest.mark.desktop
@pytest.mark.browser
async def test_what_is_done_around_a_page_and_a_password_that_nothing_shows(
    person: PrivateDesktop, tmp_path: Path
) -> None:
    with LoopbackServer(_Shop) as shop:
        recording = Recording(person, tmp_path / "run", "--goal", "Look around in the shop.", "--url", shop.url)
        hands = Hands(person)
        try:
            await recording.ready()
            page = Page(person)
            hands.do("left_click", coordinate=page.at(300, 100))
            hands.do("type", text=VALUE)
            for opened in ("ctrl+l", "ctrl+t"):
                hands.do("key", keys=opened)
                hands.do("type", text=f"{shop.url}two\n")
                hands.do("key", keys="alt+left" if opened == "ctrl+l" else "ctrl+1")
            hands.do("left_click", coordinate=page.at(300, 300))
            hands.do("type", text="x")
            await recording.steps(7)
            recording.interrupt()
            assert await recording.over() == 0, recording.log()
        finally:
            hands.close()
            recording.close()
    assert actions(list(RunFolder(recording.folder).steps())) == [
        {"action": "left_click"},
        {"action": "type", "text": "{{secret:password}}"},
        {"action": "goto", "url": f"{shop.url}two"},
        {"action": "back"},
        {"action": "new_tab"},
        {"action": "goto", "url": f"{shop.url}two"},
        {"action": "switch_tab", "tab": 0},
        {"action": "left_click"},
        {"action": "type", "text": "x"},
        {"action": "terminate", "status": "success"},
    ]
    files = [file for file in recording.folder.rglob("*") if file.is_file()]
    assert [file for file in files if VALUE.encode() in file.read_bytes()] == []
