"""A person shows a task: their input goes through a real X server, and what was seen of it is a run."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.trace import Decision, RunFolder, Status, Step
from tests.tools.private_desktop import PrivateDesktop, until

ROOT = Path(__file__).parent.parent.parent
HANDS = """
import asyncio, json, sys
from tools.actions import ACTION
from tools.desktop import Desktop
from tools.geometry import Size

async def main() -> None:
    hands = Desktop()
    for line in sys.stdin:
        outcome = await hands.do(ACTION.validate_python(json.loads(line)), Size(1280, 720))
        print(json.dumps(outcome.model_dump(mode="json")), flush=True)
    hands.close()

asyncio.run(main())
"""


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
                env=person.environment | {"PYTHONPATH": str(ROOT), "SUREHAND_RUNS": str(folder.parent)}, cwd=ROOT,
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


pytestmark = [pytest.mark.desktop, pytest.mark.timeout(300)]


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
