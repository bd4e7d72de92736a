import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agent.model import reply
from agent.parse import parse
from agent.trace import VERSION, Completion, RunFolder, Step
from env.base import Observation
from tests.agent.desk import CLICK_NOTE
from tools.actions import Outcome
from tools.errors import UserError
from tools.geometry import Size

ROOT = Path(__file__).parents[2]


def step(number: int) -> Step:
    completion = Completion(text=reply("I see it.", "Click it.", CLICK_NOTE))
    seen = Observation(path=Path("/elsewhere/a.png"), sha256="a", size=Size(640, 400), settled=True, waited=0.1)
    return Step(number=number, seen=seen, completion=completion, reply=parse(completion), outcome=Outcome(ok=True))


def test_what_is_appended_is_read_back(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert list(folder.steps()) == []
    for number in (1, 2):
        folder.append(step(number))
    assert list(folder.steps()) == [step(1), step(2)]


def test_a_torn_last_line_is_dropped_and_mended_by_the_next(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for number in (1, 2):
        folder.append(step(number))
    whole = folder.steps_file.read_bytes()
    for cut in (1, 2, 50, len(whole) // 2 - 1):
        folder.steps_file.write_bytes(whole[:-cut])
        assert list(folder.steps()) == [step(1)]
    folder.append(step(2))
    assert list(folder.steps()) == [step(1), step(2)]
    folder.steps_file.write_bytes(whole[:20])
    folder.append(step(1))
    assert list(folder.steps()) == [step(1)]


def test_other_damage_is_named(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.append(step(1))
    folder.steps_file.write_bytes(b"{}\n" + folder.steps_file.read_bytes())
    with pytest.raises(UserError, match=r"damaged run .*steps.jsonl'?: line 1: number: Field required"):
        list(folder.steps())


def test_a_begun_action_without_an_outcome_is_pending(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert folder.pending() is None
    folder.intend(step(1))
    assert folder.pending() == step(1)
    folder.append(step(1))
    assert folder.pending() is None
    folder.append(step(2))
    folder.intend(step(3))
    assert folder.pending() == step(3)


def test_a_picture_is_found_after_the_folder_was_moved(tmp_path: Path) -> None:
    assert RunFolder(tmp_path).picture(step(1).seen) == tmp_path / "shots" / "a.png"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no run in"),
        ("{", "damaged run"),
        ("[1]", "damaged run"),
        ("{}", "damaged run .*id: Field required"),
        (json.dumps({"version": VERSION + 1}), f"has version {VERSION + 1}: this surehand reads up to {VERSION}"),
    ],
)
def test_a_folder_that_is_no_run(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "run.json").write_text(text)
    with pytest.raises(UserError, match=message):
        RunFolder(tmp_path).run()


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from agent.model import ScriptedModel
from agent.runner import run
from env.scripted import ScriptedWorld
from tests.agent.desk import APP, SOLUTION, a_task, worlds

class Deadly(ScriptedWorld):
    async def execute(self, number, action):
        if number == 2:
            os.kill(os.getpid(), getattr(signal, sys.argv[2]))
            await asyncio.Event().wait()
        return await super().execute(number, action)

model = ScriptedModel(*SOLUTION)
asyncio.run(run(a_task(), lambda task, probe: model, worlds(Deadly(APP)), Path(sys.argv[1])))
"""


def killed(folder: Path, by: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", KILLED, str(folder), by], cwd=ROOT, capture_output=True, text=True, timeout=120,
        check=False, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def test_a_killed_run_stays_readable(tmp_path: Path) -> None:
    done = killed(tmp_path, "SIGKILL")
    assert done.returncode == -signal.SIGKILL, done.stderr
    folder = RunFolder(tmp_path)
    assert [step.number for step in folder.steps()] == [1]
    pending = folder.pending()
    assert pending
    assert (pending.number, pending.outcome) == (2, None)
    assert folder.picture(pending.seen).exists()
    record = folder.run()
    assert (record.status, record.ended, record.failure, record.model) == (None, None, None, "scripted")


def test_ctrl_c_leaves_a_truthful_record(tmp_path: Path) -> None:
    done = killed(tmp_path, "SIGINT")
    assert "KeyboardInterrupt" in done.stderr
    folder = RunFolder(tmp_path)
    record = folder.run()
    assert record.status is None
    assert record.ended
    assert record.failure
    assert (record.failure.where, record.failure.kind) == ("act", "CancelledError")
    assert folder.pending()
