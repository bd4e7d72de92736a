import json
import os
import subprocess
import sys
from pathlib import Path

from agent.trace import RunFolder

ROOT = Path(__file__).parents[2]

SCRIPT = """
import asyncio, json, resource, sys
from pathlib import Path
from agent.runner import run
from tests.agent.desk import SOLUTION, a_task, says, scripted
from tools.actions import Type
from tools.errors import UserError

async def main(base):
    long = [Type(text=f"{n}" * 12_000) for n in range(6)]
    for limit in map(int, sys.argv[2:]):
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))  # no file may grow beyond, as on a full disk
        said = ""
        try:
            await run(a_task(), says(SOLUTION[0], *long, *SOLUTION), scripted, base / str(limit))
        except UserError as error:
            said = str(error)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        print(json.dumps([limit, said]), flush=True)

asyncio.run(main(Path(sys.argv[1])))
"""


def test_a_disk_that_fills_up(tmp_path: Path) -> None:
    limits = [0, 5_000, 40_000, 75_000, 150_000, 400_000, 10_000_000]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path), *map(str, limits)], cwd=ROOT, capture_output=True, text=True,
        timeout=120, check=False, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    said = dict(json.loads(line) for line in done.stdout.splitlines())
    assert list(said) == limits, done.stderr
    assert "Task exception" not in done.stderr
    for limit in limits[:-1]:
        assert f"cannot write the run in '{tmp_path / str(limit)}'" in said[limit]
        assert "make room or choose another folder" in said[limit]
    assert said[limits[-1]] == ""

    for limit in limits[1:-1]:
        folder = RunFolder(tmp_path / str(limit))
        steps = list(folder.steps())
        assert [step.number for step in steps] == [*range(1, len(steps) + 1)]
        assert all(folder.picture(step.seen).exists() for step in steps)
        assert folder.run().status is None
    assert len(list(RunFolder(tmp_path / "400000").steps())) > 0
