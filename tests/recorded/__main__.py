"""`python -m tests.recorded [PATTERN …]`: records the tests of this folder anew, each from a run of the oracle."""

import subprocess
import sys
import tempfile
from pathlib import Path

from scenarios.loader import find

HERE = Path(__file__).resolve().parent
CHOSEN = ("web/*", "desktop/editor-note", "desktop/file-manager", "desktop/terminal-log")
SEED = "7"


def record(scenario: str, runs: Path) -> None:
    """Runs the scenario and replaces its test. Raises CalledProcessError."""
    run, file = runs / scenario, (HERE / scenario).with_suffix(".yaml")
    run.parent.mkdir(exist_ok=True)
    _surehand("run", scenario, "--model", "oracle", "--seed", SEED, "--out", str(run))
    file.unlink(missing_ok=True)
    _surehand("record", str(run), "--out", str(file))


def _surehand(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "agent", *arguments], check=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for one in find(sys.argv[1:] or CHOSEN):
            record(one.id, Path(folder))
