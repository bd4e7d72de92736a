"""Where worlds live on this machine: one private folder each, numbered, locked by its keeper."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

from tools.errors import EnvError

FIRST_UID = 61000
"""Worlds of root run as FIRST_UID + number, so that no two share a user."""
MOST_WORLDS = 500
KEEPER_FILES = ("keeper.sock", "keeper.log", "keeper.json")


def base() -> Path:
    """The folder of all worlds of this user. Raises EnvError when somebody else owns it."""
    folder = Path(tempfile.gettempdir()) / f"surehand-{os.getuid()}"
    folder.mkdir(mode=0o711, exist_ok=True)
    found = folder.lstat()
    if folder.is_symlink() or found.st_uid != os.getuid():
        raise EnvError(f"{folder} belongs to somebody else; remove it or set TMPDIR to another folder")
    folder.chmod(0o711)  # a world's own user passes through, but sees no list
    return folder


class WorldFolder:
    """A world's folder and number. The lock goes with the process that holds it, however it ends."""

    def __init__(self, number: int, path: Path, lock: int) -> None:
        self.number, self.path, self._lock = number, path, lock

    @classmethod
    def take(cls) -> "WorldFolder":
        """The first free number; what a killed keeper left there is removed. Raises EnvError when all are taken."""
        root = base()
        for number in range(1, MOST_WORLDS + 1):
            lock = os.open(root / f"{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                continue
            path = root / str(number)
            remove_tree(path)
            path.mkdir(mode=0o711)
            return cls(number, path, lock)
        raise EnvError(f"{MOST_WORLDS} worlds are open on this machine; close some")

    @property
    def uid(self) -> int:
        """The user that the world's programs run as, seen from outside."""
        return FIRST_UID + self.number if os.getuid() == 0 else os.getuid()

    def own(self, name: str, mode: int = 0o700) -> Path:
        """A new folder inside that belongs to the world's user."""
        path = self.path / name
        path.mkdir(mode=mode)
        path.chmod(mode)
        self.give(path)
        return path

    def give(self, path: Path) -> None:
        """Makes a path belong to the world's user."""
        if os.getuid() == 0:
            os.lchown(path, self.uid, self.uid)

    def clear(self) -> None:
        """Removes what a world left, but for the keeper's own files."""
        empty(self.path, KEEPER_FILES)

    def remove(self) -> None:
        """Removes everything and gives the number back; may be called twice."""
        if self._lock >= 0:
            remove_tree(self.path)
            os.close(self._lock)
            self._lock = -1


def empty(folder: Path, keep: tuple[str, ...]) -> None:
    """Removes what is in a folder, but for the names to keep."""
    for entry in folder.iterdir():
        if entry.name in keep:
            continue
        if entry.is_dir() and not entry.is_symlink():
            remove_tree(entry)
        else:
            entry.unlink(missing_ok=True)


def remove_tree(path: Path) -> None:
    """Removes a folder whatever it holds; what is gone already does not matter."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(path)
