"""Why one of OSWorld's tasks cannot run here: what it asks for that this machine, or its client, has not."""

import json
import re
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from env.osworld.client import NAMES
from env.osworld.guest import PROGRAMS
from scenarios.schema import counted
from scenarios.suites.osworld.file import Getter, TaskFile
from tools.errors import UserError

_UNFINISHED = ("act", "replay", "tidy_desktop")
"""Setup types that OSWorld names and has not written."""
_LEFT_OUT = {"compare_image_text": "easyocr, which needs torch", "compare_audios": "librosa, which needs LLVM"}
"""Metrics by the library that docker/osworld.lock leaves out."""
_LIVE = {"info_from_website", "pdf_from_url", "gotoRecreationPage_and_get_html_content", "number_of_search_results"}
"""Getters that load a page of the web."""
_ACCOUNT = ("googledrive", "login", "googledrive_file")
_PROGRAMS_OF_APPS = {
    "chrome": "chromium", "gimp": "gimp", "libreoffice_calc": "localc", "libreoffice calc": "localc",
    "libreoffice_writer": "lowriter", "writer": "lowriter", "libreoffice_impress": "loimpress",
    "thunderbird": "thunderbird", "vlc": "vlc", "vscode": "code", "vs_code": "code", "picard": "picard",
    "terminal": "gnome-terminal", "ubuntu_media_player": "totem",
}  # fmt: skip
_PROGRAMS_OF_GETTERS = {"vm_terminal_output": "gnome-terminal", "vscode_config": "code", "vlc_config": "vlc"}
_KNOWN = ("code", "conda", "docker", "gnome-terminal", "gsettings", "jq", "nautilus", "pactl", "pip", "socat",
          "thunderbird", "timedatectl", "xdg-mime")  # fmt: skip
"""Programs that are looked for in the words of shell commands."""
_SCHEMAS = Path("/usr/share/glib-2.0/schemas")
_APT_ONLY = re.compile(r"echo \S+ \| sudo -S apt(?:-get)? (?:update -y|install (?:-y )?(?P<what>\w[\w.-]*)(?: -y)?)")
_BY_ID = {
    "94d95f96-9699-4208-98ba-3c3119edf9c2": "Spotify is to be installed from the internet",
    "48d05431-6cd5-4e76-82eb-12b60d823f7d": "Conda is to be installed from the internet",
    "937087b6-f668-4ba6-9110-60682ee33441": "VLC is the only video player here, so that nothing is left to do",
}
"""What only a reader of the instruction sees."""


@dataclass(frozen=True, slots=True)
class Names:
    """What OSWorld's client knows by name."""

    setups: frozenset[str]
    getters: frozenset[str]
    metrics: frozenset[str]


@cache
def known_names() -> Names:
    """What the client in .venv-osworld knows. Raises UserError where there is none."""
    try:
        found = json.loads(NAMES.read_text())
    except (OSError, ValueError):
        raise UserError("OSWorld's tasks need its own client", cause=f"there is no {NAMES.parent.name}",
                        remedy="run `make osworld`") from None  # fmt: skip
    return Names(*(frozenset(found[kind]) for kind in ("setups", "getters", "metrics")))


def why_not(task: TaskFile, kept: Path | None) -> str:
    """Why the task cannot run here, in a line; empty when it can. `kept` holds what was downloaded before.

    Raises UserError without OSWorld's client.
    """
    reasons = [*_unknown(task, known_names())]
    if not reasons:
        reasons = [*_elsewhere(task), *_missing(task), *_not_kept(task, kept)]
    return "; ".join(dict.fromkeys(reasons))


def _unknown(task: TaskFile, names: Names) -> Iterator[str]:
    for step in task.steps:
        if step.type not in names.setups:
            yield f"unknown setup type {step.type!r}"
        elif step.type in _UNFINISHED:
            yield f"setup type {step.type!r} is named by OSWorld and not written"
    yield from (f"unknown getter {g.type!r}" for g in task.evaluator.getters if g.type not in names.getters)
    for name in task.evaluator.functions:
        if name not in names.metrics and name != "infeasible":
            yield f"unknown metric {name!r}"
        elif name in _LEFT_OUT:
            yield f"metric {name!r} needs {_LEFT_OUT[name]}"


def _elsewhere(task: TaskFile) -> Iterator[str]:
    """What is on the internet and cannot be downloaded before."""
    getters = task.evaluator.getters
    if any(name in _ACCOUNT for name in [*(step.type for step in task.steps), *(g.type for g in getters)]):
        yield "it needs somebody's Google account"
    if reason := _BY_ID.get(task.id):
        yield reason
    pages = [url for step in task.config for url in step.parameters.get("urls_to_open", ()) if _is_live(url)]
    pages += re.findall(r"https?://[^\s\"']+", task.instruction)
    if pages:
        yield f"it needs the live site {urlsplit(pages[0]).hostname}"
    yield from (f"getter {getter.type!r} needs a live site" for getter in getters if getter.type in _LIVE)


def _is_live(url: str) -> bool:
    return urlsplit(url).scheme in ("http", "https") and urlsplit(url).hostname not in ("localhost", "127.0.0.1")


def _missing(task: TaskFile) -> Iterator[str]:
    wanted = [_PROGRAMS_OF_APPS.get(app.lower(), "") for app in task.related_apps]
    wanted += [_PROGRAMS_OF_GETTERS.get(getter.type, "") for getter in task.evaluator.getters]
    for step in task.steps:
        command = step.parameters.get("command")
        if step.type == "launch" and command:
            wanted.append(_first_word(command))
    for text in task.commands:
        wanted += [name for name in _KNOWN if re.search(rf"(?:^|[\s|;&$(]){re.escape(name)}\s", text)]
        wanted += [found["what"] for found in _APT_ONLY.finditer(text) if found["what"]]
        if "sudo" in _APT_ONLY.sub("", text):
            yield "it needs root in the world"
        if "org.gnome.shell" in text and not (_SCHEMAS / "org.gnome.shell.gschema.xml").is_file():
            wanted.append("gnome-shell-common")
    missing = sorted({name for name in wanted if name and not _is_here(name)})
    if missing:
        yield f"{counted(len(missing), 'program')} missing: {', '.join(missing)}"


def _first_word(command: str | list[str]) -> str:
    words = command.split() if isinstance(command, str) else [str(word) for word in command]
    return next((word for word in words if not re.match(r"\w+=", word)), "").rpartition("/")[2]


def _is_here(program: str) -> bool:
    return shutil.which(program, path="/usr/local/bin:/usr/bin:/bin:/usr/games") is not None or program in PROGRAMS


def _not_kept(task: TaskFile, kept: Path | None) -> Iterator[str]:
    names = [name for name in downloads(task) if kept is None or not (kept / task.id / name).is_file()]
    if names:
        where = f"{task.id}/{names[0]}" + (f" and {len(names) - 1} more" if len(names) > 1 else "")
        yield f"{counted(len(names), 'download')} not in the cache: {where}"


def downloads(task: TaskFile) -> list[str]:
    """The files that its client would download, as OSWorld's own cache calls them in the folder of the task's id."""
    names = []
    for step in task.steps:
        if step.type == "download":
            names += [_kept_as(one["url"], one["path"]) for one in step.parameters.get("files", ())]
        if step.type == "update_browse_history":
            names.append("history_new.sqlite")
    for getter in task.evaluator.getters:
        if getter.type == "cloud_file":
            names += _dests(getter)
    return list(dict.fromkeys(names))


def _kept_as(url: str, path: str) -> str:
    return f"{uuid.uuid5(uuid.NAMESPACE_URL, url)}_{path.rpartition('/')[2]}"


def _dests(getter: Getter) -> list[str]:
    return getter.dest if isinstance(getter.dest, list) else [getter.dest or ""]
