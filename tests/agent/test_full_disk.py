"""A disk that fills up ends a run with a clear message, and what was written stays readable."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent.runner import run
from agent.trace import RunFolder
from env.scripted import ScriptedWorld
from tests.agent.desk import APP, SOLUTION, a_task, record_of, says, worlds
from tools.errors import EnvError, UserError

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("file", "where", "cause"),
    [
        ("intents.jsonl", "act", "No space left on device"),
        ("steps.jsonl", "act", "No space left on device"),
        ("checkpoint.sqlite", "loop", "database or disk is full"),
        ("shots", "observe", "File exists|Not a directory"),
    ],
)
async def test_a_file_that_takes_no_more(tmp_path: Path, file: str, where: str, cause: str) -> None:
    (tmp_path / file).symlink_to("/dev/full")
    world = ScriptedWorld(APP)
    with pytest.raises(UserError, match=f"cannot keep the run in .*: ({cause}); make room or choose another folder"):
        await run(a_task(), says(*SOLUTION), worlds(world), tmp_path)
    with pytest.raises(EnvError):
        world.state()
    record = record_of(tmp_path)
    assert record.failure
    assert (record.status, record.result, record.failure.where) == (None, None, where)


FULL = """
import asyncio, resource, sys
from pathlib import Path
from agent.runner import run
from tests.agent.desk import SOLUTION, a_task, says, scripted
from tools.errors import UserError

limit = int(sys.argv[2])  # no file may grow beyond, as on a full disk
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    asyncio.run(run(a_task(), says(*SOLUTION), scripted, Path(sys.argv[1])))
except UserError as error:
    print(error)
"""


def test_a_checkpoint_that_takes_no_more(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path), "200000"], cwd=ROOT, capture_output=True, text=True, timeout=120,
        check=False, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stdout.startswith(f"cannot keep the run in '{tmp_path}': disk I/O error; make room"), done.stderr
    assert not done.stderr
    folder = RunFolder(tmp_path)
    steps = list(folder.steps())
    assert [step.number for step in steps] == [*range(1, len(steps) + 1)]
    assert steps
    assert all(folder.picture(step.seen).exists() for step in steps)
    record = folder.run()
    assert (record.status, record.result) == (None, None)
    assert record.failure
    assert record.failure.kind == "OperationalError"
