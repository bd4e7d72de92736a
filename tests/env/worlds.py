"""The kept worlds that tests share: a spec for each kind, and what to set up for the conformance suite."""

import contextlib
import os
import signal
from collections.abc import Sequence
from pathlib import Path

from env.kept import KeptEnvironment
from env.setup import Launch, OpenUrl, PutFile, Run, Serve, SetupStep
from env.world import WorldSpec
from tools.actions import LeftClick, Type
from tools.geometry import GridPoint, Size

PAGES = Path(__file__).parent / "pages"
KINDS = ("desktop", "browser", "kiosk")

LINKS = Run(command=("sh", "-c", "ln -s /etc/passwd out.txt; ln -s /etc etc; mkfifo pipe"))
OUTSIDE = ("out.txt", "etc/passwd", "Documents/../../etc/passwd")

SETUPS: dict[str, tuple[SetupStep, ...]] = {
    "desktop": (
        PutFile(path="Documents/note.txt", text="one\n"),
        LINKS,
        Launch(command=("mousepad", "Documents/note.txt"), window="note.txt"),
    ),
    "browser": (LINKS, Serve(folder="form", data={"name": "Ada"}), OpenUrl(url="http://site.test/")),
}
SETUPS["kiosk"] = SETUPS["browser"]

CHANGES: dict[str, tuple[LeftClick | Type, ...]] = {
    "desktop": (Type(text="changed "),),
    "browser": (LeftClick(coordinate=GridPoint(200, 150)), Type(text="changed")),
}
CHANGES["kiosk"] = CHANGES["browser"]


SIZE = Size(1024, 768)


def make(kind: str, size: Size = SIZE) -> KeptEnvironment:
    """A world of a kind; close it."""
    return KeptEnvironment(WorldSpec.model_validate({"kind": kind, "size": size, "assets": PAGES, "lease": 60}))


def kill(pids: Sequence[int]) -> None:
    """Kills processes, of which there must be some; the death of one may take others along."""
    assert pids, "there is no such process"
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
