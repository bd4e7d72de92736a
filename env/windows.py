"""Windows of an X display, as its window manager lists them (EWMH)."""

from contextlib import suppress
from typing import Any

from tools.deeds import Target
from tools.errors import EnvError
from tools.geometry import Point, Rect


class Windows:
    """One connection to the display, kept open. Raises EnvError when the display is gone."""

    def __init__(self, display: str) -> None:
        from Xlib.display import Display
        from Xlib.error import ConnectionClosedError, DisplayError

        self._gone = (ConnectionClosedError, DisplayError, OSError)
        try:
            self._display = Display(display)
        except self._gone as error:
            raise EnvError(f"no display {display!r}: {error}") from None
        self._root = self._display.screen().root

    def list(self) -> list[dict[str, Any]]:
        """Title, class, rectangle and whether it has the focus, the lowest window first."""
        from Xlib.error import XError

        try:
            active = self._property(self._root, "_NET_ACTIVE_WINDOW")
            found = []
            for number in self._property(self._root, "_NET_CLIENT_LIST_STACKING"):
                try:
                    found.append(self._describe(number, number in active))
                except XError:
                    continue  # closed between the list and the look
        except self._gone as error:
            raise EnvError(f"the display is gone: {error}") from None
        return found

    def about(self, point: Point | None) -> Target:
        """Words for what is at a place, or has the keyboard: the window."""
        found = []
        with suppress(EnvError):
            found = self.list()
        for window in reversed(found):
            left, top, right, bottom = Rect(*window["rect"])
            if window["active"] if point is None else left <= point.x < right and top <= point.y < bottom:
                return Target(f"the window '{window['title']}'")
        return Target("the desktop")

    def pointer(self) -> tuple[int, int]:
        """Where the mouse pointer is, in pixels of the screen."""
        try:
            found = self._root.query_pointer()
        except self._gone as error:
            raise EnvError(f"the display is gone: {error}") from None
        return found.root_x, found.root_y

    def _describe(self, number: int, active: bool) -> dict[str, Any]:
        window = self._display.create_resource_object("window", number)
        shape = window.get_geometry()
        at = window.translate_coords(self._root, 0, 0)
        left, top = -at.x, -at.y
        title = bytes(self._property(window, "_NET_WM_NAME")).decode(errors="replace")
        names = window.get_wm_class() or ("", "")
        return {
            "title": title or window.get_wm_name() or "", "app": names[1], "active": active,
            "rect": [left, top, left + shape.width, top + shape.height],
        }  # fmt: skip

    def _property(self, window: Any, name: str) -> Any:
        found = window.get_full_property(self._display.intern_atom(name), 0)
        return found.value if found is not None else []
