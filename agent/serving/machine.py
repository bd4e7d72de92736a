"""What this machine has for serving a model: graphics cards, memory, disk, ports, and a vLLM."""

import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from pydantic import BaseModel, ConfigDict

ROOT = Path(__file__).resolve().parents[2]
CPU_PYTHON = ROOT / ".venv-serve" / "bin" / "python"
_MODULE = ("-m", "vllm.entrypoints.openai.api_server", "--model")


class Machine(BaseModel):
    """What is free on each graphics card and in memory, in GiB; and the programs that start vLLM, up to the model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cards: tuple[float, ...]
    memory: float
    gpu_program: tuple[str, ...] | None
    cpu_program: tuple[str, ...] | None


def look() -> Machine:
    """The facts of this machine, now."""
    found = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(encoding="ascii"))
    return Machine(
        cards=_cards(), memory=int(found[1]) / 2**20 if found else 0.0,
        gpu_program=_installed(), cpu_program=(str(CPU_PYTHON), *_MODULE) if CPU_PYTHON.exists() else _installed(),
    )  # fmt: skip


def _cards() -> tuple[float, ...]:
    ask = ["nvidia-smi", "--query-gpu=memory.free", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(ask, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(float(line) / 1024 for line in answer.stdout.split("\n") if line.strip().isdecimal())


def _installed() -> tuple[str, ...] | None:
    """A vLLM beside surehand, or on the PATH."""
    if program := shutil.which("vllm"):
        return (program, "serve")
    return (sys.executable, *_MODULE) if importlib.util.find_spec("vllm") else None


def free_disk(modelscope: bool) -> tuple[Path, float]:
    """Where downloaded weights go, and the GiB that are free there."""
    chosen = os.environ.get("MODELSCOPE_CACHE" if modelscope else "HF_HOME")
    folder = Path(chosen) if chosen else Path.home() / ".cache" / ("modelscope" if modelscope else "huggingface")
    there = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    return folder, shutil.disk_usage(there).free / 2**30


def free_port(wanted: int | None) -> int | None:
    """The wanted port of the loopback address, or any; None when it is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted or 0))
        except OSError:
            return None
        port: int = probe.getsockname()[1]
        return port
