"""`surehand doctor`: what is missing on this machine, and the command that mends it. Changes nothing."""

import fcntl
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from rich.text import Text

from agent.commands.live import console, signed
from agent.serving import machine
from agent.settings import Settings
from agent.training.tuner import find_tuner
from agent.words import Tone
from env import folder as worlds
from env.sandbox import Isolation, find_isolation
from env.world import find_chromium
from tools.errors import EnvError, UserError

PACKAGES = Path(__file__).resolve().parent.parent.parent / "docker" / "packages.txt"
INSTALLED = Path("/var/lib/dpkg/status")
OPTIONAL = {
    "office": "scenarios with spreadsheets and letters cannot be run",
    "media": "the scenario with a playlist cannot be run",
    "service": "only tests need one here: the service has SQLite by itself",
}
"""Sections of docker/packages.txt that most scenarios do without."""
PROGRAMS = ("Xvfb", "openbox", "xdpyinfo", "dbus-launch", "bwrap", "setpriv")
_USUAL = "/usr/sbin:/usr/bin:/sbin:/bin"
_FONTS = {"Latin": "DejaVu", "Chinese, Japanese, Korean": "WenQuanYi|Noto Sans CJK", "emoji": "Emoji"}
_ROOM_NEEDED, _ROOM_WANTED = 0.3, 2.0  # GB
_PATIENCE = 20.0

State = Literal["ok", "warn", "missing"]
_TONES: dict[State, Tone] = {"ok": "good", "warn": "warn", "missing": "bad"}


class Finding(NamedTuple):
    """One line: what was looked at, how it is, and the command that mends it."""

    name: str
    state: State
    found: str
    remedy: str = ""


def doctor(settings: Settings, as_json: bool) -> int:
    """Looks at everything on this machine and says it. Returns 1 if something needed is missing."""
    return say(examine(settings), as_json)


def say(examined: Iterable[Finding], as_json: bool) -> int:
    """Says what was found. Returns 1 if something needed is missing."""
    findings = list(examined)
    missing = sum(one.state == "missing" for one in findings)
    out = console()
    if as_json:
        out.print(json.dumps([one._asdict() for one in findings], indent=2), soft_wrap=True)
        return 1 if missing else 0
    width = max(len(one.name) for one in findings) + 2
    for one in findings:
        out.print(signed(_TONES[one.state], f"{one.name:{width}}") + Text(one.found), soft_wrap=True)
        if one.remedy:
            out.print(Text(f"{'':{width + 2}}→ {one.remedy}", style="cyan"), soft_wrap=True)
    out.print()
    out.print(signed("bad", f"{missing} missing") if missing else signed("good", "ready"))
    return 1 if missing else 0


def examine(settings: Settings) -> Iterator[Finding]:
    """Every finding, in the order in which one would mend them."""
    yield _python()
    yield from _packages()
    yield from _programs()
    yield _xlib()
    yield _isolation()
    yield _chromium(settings.chromium)
    yield from _fonts()
    yield _vllm()
    yield _tuner()
    yield from _room(settings.runs)
    yield _worlds()


def _python() -> Finding:
    ok = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return Finding("python", "ok" if ok else "missing", platform.python_version(),
                   "" if ok else "install Python 3.11, 3.12 or 3.13 and run `make setup`")  # fmt: skip


def _packages() -> Iterator[Finding]:
    """The sections of docker/packages.txt against what dpkg has."""
    if not PACKAGES.exists() or not INSTALLED.exists():
        yield Finding("packages", "warn", "cannot be told: this is no checkout on Debian or Ubuntu; see programs below")
        return
    wanted, there = _sections(PACKAGES.read_text(encoding="utf-8")), _installed(INSTALLED.read_text(encoding="utf-8"))
    for section, names in wanted.items():
        if missing := [name for name in names if name not in there and not _comes_otherwise(name)]:
            state: State = "warn" if section in OPTIONAL else "missing"
            why = f"; {OPTIONAL[section]}" if section in OPTIONAL else ""
            yield Finding(f"packages: {section}", state, f"no {', '.join(missing)}{why}", _install(missing))
        else:
            yield Finding(f"packages: {section}", "ok", f"all {len(names)}")


def _comes_otherwise(package: str) -> bool:
    """Ubuntu's `chromium` is a snap, which cannot be used; any Chromium that is found will do, headless ones, too."""
    return package in ("chromium", "chromium-headless-shell")


def _install(packages: list[str]) -> str:
    sudo = "" if os.getuid() == 0 else "sudo "
    return f"{sudo}apt-get update && {sudo}apt-get install -y --no-install-recommends {' '.join(packages)}"


def _sections(text: str) -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    for line in text.splitlines():
        line = line.partition("#")[0].strip()
        if line.startswith("["):
            sections[line.strip("[]")] = []
        elif line:
            sections[list(sections)[-1]].append(line)
    return sections


def _installed(status: str) -> set[str]:
    """The packages that dpkg's own list calls installed."""
    entries = (dict(line.partition(": ")[::2] for line in entry.splitlines()[:3]) for entry in status.split("\n\n"))
    return {entry["Package"] for entry in entries if entry.get("Status", "").endswith(" installed")}


def _programs() -> Iterator[Finding]:
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if not missing:
        yield Finding("programs", "ok", ", ".join(PROGRAMS))
        return
    elsewhere = all(shutil.which(name, path=_USUAL) for name in missing)
    remedy = f"export PATH=$PATH:{_USUAL}" if elsewhere else "make setup"
    yield Finding("programs", "missing", f"no {', '.join(missing)} in PATH={os.environ.get('PATH', '')}", remedy)


def _xlib() -> Finding:
    """python3-xlib, an older library of the same name that pyautogui asks for, may lie over python-xlib."""
    import Xlib

    python = Path(sys.executable)
    mend = (
        f"{python} -m pip uninstall -y python3-xlib && {python} -m pip install --force-reinstall --no-deps python-xlib"
    )
    if tuple(Xlib.__version__) < (0, 33):
        return Finding("python-xlib", "missing", f"version {Xlib.__version_string__}, needed is 0.33", mend)
    try:
        shadow = importlib.metadata.version("python3-xlib")
    except importlib.metadata.PackageNotFoundError:
        return Finding("python-xlib", "ok", Xlib.__version_string__)
    return Finding(
        "python-xlib", "warn", f"{Xlib.__version_string__}, beside python3-xlib {shadow} of the same name", mend
    )


def _isolation() -> Finding:
    try:
        isolation = find_isolation()
    except UserError as error:
        return Finding("sandbox", "missing", f"{error.what}: {error.cause}", error.remedy)
    if isolation is Isolation.UID:
        return Finding("sandbox", "warn", isolation.value, "allow user namespaces, or keep to tasks that you trust")
    return Finding("sandbox", "ok", isolation.value)


def _chromium(configured: str) -> Finding:
    try:
        program = find_chromium(configured)
    except UserError as error:
        return Finding("chromium", "missing", f"{error.what}: {error.cause}".rstrip(": "), error.remedy)
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=_PATIENCE, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return Finding("chromium", "missing", f"{program} does not start: {error}", _install(["chromium"]))
    return Finding("chromium", "ok", f"{done.stdout.strip()} ({program})")


def _fonts() -> Iterator[Finding]:
    try:
        listing = ["fc-list", ":", "family"]
        families = subprocess.run(listing, capture_output=True, text=True, timeout=_PATIENCE, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        yield Finding("fonts", "warn", "cannot be told: no program 'fc-list'", _install(["fontconfig"]))
        return
    missing = [what for what, names in _FONTS.items() if not any(name in families for name in names.split("|"))]
    if missing:
        yield Finding("fonts", "warn", f"no font for {'; '.join(missing)}: such text shows as boxes", "make setup")
    else:
        yield Finding("fonts", "ok", ", ".join(_FONTS))


def _vllm() -> Finding:
    """What `surehand serve` starts; `run` needs none where a server is elsewhere."""
    here = machine.look()
    found = [where for where, program in (("GPU", here.gpu_program), ("CPU", here.cpu_program)) if program]
    if found:
        return Finding("vllm", "ok", f"for the {' and the '.join(found)}")
    return Finding("vllm", "warn", "none: models must be served elsewhere, and the stand-in is not shown", "make vllm")


def _tuner() -> Finding:
    """What `surehand tune` runs; nothing else needs it."""
    try:
        return Finding("ms-swift", "ok", find_tuner().program)
    except UserError:
        return Finding("ms-swift", "warn", "none: models cannot be tuned here", "make tune")


def _room(runs: Path) -> Iterator[Finding]:
    """Room for worlds and for runs; one line where both are on the same disk."""
    there = next(parent for parent in (runs, *runs.absolute().parents) if parent.exists())
    for place in {path.stat().st_dev: path for path in (there, Path(tempfile.gettempdir()))}.values():
        free = shutil.disk_usage(place).free / 1e9
        state: State = "ok" if free >= _ROOM_WANTED else "warn" if free >= _ROOM_NEEDED else "missing"
        remedy = "" if state == "ok" else "make room: a world takes about 0.1 GB, a run about 1 MB a step"
        yield Finding("disk", state, f"{free:.1f} GB free in {place}", remedy)


def _worlds() -> Finding:
    """What keepers that were killed left behind; it goes when its number is used again."""
    try:
        left = [path for path in worlds.base().iterdir() if path.is_dir() and not _locked(path.with_suffix(".lock"))]
    except EnvError as error:
        return Finding("worlds", "missing", str(error))
    if left:
        return Finding("worlds", "warn", f"{len(left)} left behind", f"rm -rf {' '.join(map(str, sorted(left)))}")
    return Finding("worlds", "ok", "none left behind")


def _locked(lock: Path) -> bool:
    """Whether a keeper holds this lock."""
    try:
        with lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False
