"""Which ms-swift there is for tuning, and what it can use."""

import importlib.util
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from agent.serving.machine import ROOT
from tools.errors import UserError

TUNE_PYTHON = ROOT / ".venv-tune" / "bin" / "python"
_ASK = "import importlib.util as u; print(*(name for name in ('flash_attn', 'deepspeed') if u.find_spec(name)))"


class Tuner(BaseModel):
    """An ms-swift, and two libraries that make it faster or larger, where they are installed beside it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    program: str
    """The command `swift`."""
    flash_attention: bool = False
    deepspeed: bool = False


IDEAL = Tuner(program="swift", flash_attention=True, deepspeed=True)
"""What a machine with graphics cards should have; shown where there is none."""


def find_tuner() -> Tuner:
    """The ms-swift beside surehand, or else that of .venv-tune. Raises UserError: there is none."""
    python = Path(sys.executable) if _beside() else TUNE_PYTHON
    program = python.with_name("swift")
    if not program.exists():
        raise UserError(
            "there is no ms-swift to tune with: no .venv-tune",
            remedy="run 'make tune', or for graphics cards '.venv/bin/pip install ms-swift'",
        )  # fmt: skip
    has = subprocess.run([python, "-c", _ASK], capture_output=True, text=True, check=False).stdout.split()
    return Tuner(program=str(program), flash_attention="flash_attn" in has, deepspeed="deepspeed" in has)


def _beside() -> bool:
    try:
        return bool(version("ms-swift")) and importlib.util.find_spec("swift") is not None
    except PackageNotFoundError:
        return False
