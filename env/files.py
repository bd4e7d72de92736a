"""Files of a world, reached from outside without following any link that the inside may have laid."""

import contextlib
import errno
import os
import stat
from pathlib import Path, PurePosixPath

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def _parts(path: str) -> tuple[str, ...]:
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or not pure.parts or "\0" in path:
        raise FileNotFoundError(errno.ENOENT, "not a path below HOME", path)
    return pure.parts


def _open(home: Path, path: str, flags: int, *, make_folders: bool = False, owner: int | None = None) -> int:
    parts = _parts(path)
    folder = os.open(home, _DIRECTORY)
    try:
        for part in parts[:-1]:
            if make_folders:
                _make_folder(part, folder, owner)
            inner = os.open(part, _DIRECTORY, dir_fd=folder)
            os.close(folder)
            folder = inner
        return os.open(parts[-1], flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644, dir_fd=folder)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise FileNotFoundError(errno.ENOENT, "a link, or below something that is no folder", path) from None
        raise
    finally:
        os.close(folder)


def _make_folder(name: str, above: int, owner: int | None) -> None:
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, 0o755, dir_fd=above)
        if owner is not None:
            os.chown(name, owner, owner, dir_fd=above, follow_symlinks=False)


def read_beneath(home: Path, path: str) -> bytes:
    """A file's content. Raises FileNotFoundError, also for links and for paths that lead out of `home`."""
    try:
        # Non-blocking, so that a pipe laid there cannot hold us up.
        with os.fdopen(_open(home, path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            return file.read()
    except IsADirectoryError:
        raise FileNotFoundError(errno.ENOENT, "a folder, not a file", path) from None


def write_beneath(home: Path, path: str, content: bytes, owner: int | None) -> None:
    """Writes a file, its folders too, and gives them to the user `owner`. Raises FileNotFoundError as above."""
    descriptor = _open(home, path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, make_folders=True, owner=owner)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        if owner is not None:
            os.fchown(file.fileno(), owner, owner)


def glob_beneath(home: Path, pattern: str) -> tuple[str, ...]:
    """Paths of files and folders that match, sorted, links and hidden ones left out unless asked for."""
    _parts(pattern)
    found = (p.relative_to(home) for p in home.glob(pattern) if not p.is_symlink())
    hidden_wanted = any(part.startswith(".") for part in PurePosixPath(pattern).parts)
    return tuple(sorted(str(p) for p in found if hidden_wanted or not any(q.startswith(".") for q in p.parts)))


class HomeFiles:
    """The files of HOME that a person would find in a file chooser; `inside` is where the world's programs see HOME."""

    def __init__(self, home: Path, inside: str) -> None:
        self._home, self._inside = home, inside

    def find(self, path: str) -> str | None:
        """The path inside of a file, named from HOME on or in full; None unless it is there."""
        below = path.removeprefix("file://").removeprefix(f"{self._inside}/").removeprefix("~/")
        return f"{self._inside}/{below}" if self._is_file(below) else None

    def names(self) -> tuple[str, ...]:
        """The files of HOME and of its folders, from HOME on."""
        found = (*glob_beneath(self._home, "*"), *glob_beneath(self._home, "*/*"))
        return tuple(name for name in found if self._is_file(name))

    def _is_file(self, path: str) -> bool:
        try:
            descriptor = _open(self._home, path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError:
            return False
        try:
            return stat.S_ISREG(os.fstat(descriptor).st_mode)
        finally:
            os.close(descriptor)
