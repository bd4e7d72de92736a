"""A film of a display, as OSWorld's recordings are: MPEG-4, encoded here, with nothing running inside."""

import asyncio
import contextlib
import tempfile
from pathlib import Path

from env.display import Display

_A_SECOND = 5
"""Pictures a second; each is taken through the display's worker, between other orders."""


class Film:
    """One recording at a time."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._frames: list[bytes] = []
        self._enough = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> bool:
        """Begins to film; False when it does already."""
        if self._task is not None:
            return False
        self._frames = []
        self._enough.clear()
        self._task = asyncio.create_task(self._take())
        return True

    async def end(self) -> bytes | None:
        """The film, with at least one picture; None when nothing was being filmed. Raises EnvError."""
        if self._task is None:
            return None
        await self.discard()
        frames, self._frames = self._frames, []
        return await asyncio.to_thread(_encoded, frames)

    async def discard(self) -> None:
        """Films no longer; may be called twice. Waits for a picture that is being taken: the worker answers in turn."""
        task, self._task = self._task, None
        if task is not None:
            self._enough.set()
            await task

    async def _take(self) -> None:
        while not self._frames or not self._enough.is_set():
            self._frames.append((await self._display.look(0.0, 0.0)).frame.png)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._enough.wait(), 1 / _A_SECOND)


def _encoded(frames: list[bytes]) -> bytes:
    import cv2
    import numpy as np

    pictures = [cv2.imdecode(np.frombuffer(frame, np.uint8), cv2.IMREAD_COLOR) for frame in frames]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        height, width = (pictures[0] if pictures[0] is not None else np.zeros((1, 1))).shape[:2]
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), _A_SECOND, (width, height))
        for picture in pictures:
            if picture is not None:
                writer.write(picture)
        writer.release()
        return path.read_bytes()
