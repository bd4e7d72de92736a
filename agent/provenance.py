"""What a run was made with: versions of programs and libraries, and the revision of this code."""

import platform
import shutil
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_LIBRARIES = ("surehand", "langgraph", "langgraph-checkpoint-sqlite", "pydantic", "Pillow", "mss", "pyautogui",
              "playwright", "openai", "rapidocr", "onnxruntime")  # fmt: skip
_PATIENCE = 20.0


@cache
def versions() -> dict[str, str]:
    """Versions by name: python, libraries, and the installed ones of docker/packages.txt as `debian/<package>`."""
    found = {"python": platform.python_version(), "system": platform.platform()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found | _debian_packages(_ROOT / "docker" / "packages.txt")


@cache
def revision() -> str:
    """The commit of this checkout, with `-dirty` where files differ from it; empty where there is none."""
    if not (_ROOT / ".git").exists():
        return ""
    return _output("git", "-C", str(_ROOT), "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty").strip()


def _debian_packages(file: Path) -> dict[str, str]:
    if not file.exists():
        return {}
    lines = (line.partition("#")[0].strip() for line in file.read_text(encoding="utf-8").splitlines())
    names = [line for line in lines if line and not line.startswith("[")]
    rows = [row.split() for row in _output("dpkg-query", "-W", "-f", "${Package} ${Version}\n", *names).splitlines()]
    return {f"debian/{row[0]}": row[1] for row in rows if len(row) == 2}


def _output(program: str, *arguments: str) -> str:
    """What a program prints; nothing where it is not installed. Absent packages only change its exit status."""
    if shutil.which(program) is None:
        return ""
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=_PATIENCE, check=False)
    return done.stdout
