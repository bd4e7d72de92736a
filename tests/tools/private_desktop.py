"""A private X desktop for tests, and the programs on it whose files and events tell what really arrived."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

from Xlib import X, Xatom
from Xlib.display import Display
from Xlib.error import BadWindow, ConnectionClosedError
from Xlib.protocol.event import ClientMessage

from tools.geometry import Point, Size

SIZE = Size(1280, 720)

T = TypeVar("T")


async def until(condition: Callable[[], T], within: float = 20) -> T:
    """The first true value of `condition`; fails when there is none within so many seconds."""
    async with asyncio.timeout(within):
        while not (value := condition()):  # noqa: ASYNC110  what is asked for tells nothing of itself
            await asyncio.sleep(0.02)
        return value


class PrivateDesktop:
    """An X server with a window manager and a home of its own."""

    def __init__(self, home: Path, *, layout: str = "us") -> None:
        self.home = home
        self._programs: list[subprocess.Popen[bytes]] = []
        read, write = os.pipe()
        screen = f"{SIZE.width}x{SIZE.height}x24"
        options = ["-displayfd", str(write), "-screen", "0", screen, "-nolisten", "tcp", "-noreset"]
        self.server = subprocess.Popen(["Xvfb", *options], pass_fds=[write], stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as answer:
            self.name = f":{answer.readline().strip()}"
        settings = home / ".config/gtk-3.0/settings.ini"
        settings.parent.mkdir(parents=True)
        settings.write_text("[Settings]\ngtk-cursor-blink=0\ngtk-enable-animations=0\n")
        self.environment = {**os.environ, "DISPLAY": self.name, "HOME": str(home), "XDG_RUNTIME_DIR": str(home)}
        self.environment |= {"LC_ALL": "C.UTF-8", "NO_AT_BRIDGE": "1", "GTK_IM_MODULE": "gtk-im-context-simple"}
        self.environment.pop("DBUS_SESSION_BUS_ADDRESS", None)
        self.display = Display(self.name)
        self.root = self.display.screen().root
        self.layout(layout)
        self._manager = self._start_window_manager()

    def _start_window_manager(self) -> subprocess.Popen[bytes]:
        self.root.change_attributes(event_mask=X.PropertyChangeMask)
        manager = self._start("openbox")
        check = self.display.intern_atom("_NET_SUPPORTING_WM_CHECK")
        while not self.root.get_full_property(check, X.AnyPropertyType):
            self.display.next_event()
        self.root.change_attributes(event_mask=X.NoEventMask)
        return manager

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.clear()
        _end(self._manager)
        with suppress(ConnectionClosedError):
            self.display.close()
        self.server.kill()
        self.server.wait()

    def layout(self, name: str) -> None:
        """Loads a key map: "us", or "us,ru" for two groups. Nothing of an earlier one stays."""
        subprocess.run(["setxkbmap", name], env=self.environment, check=True)

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Starts a program, until `clear`."""
        self._programs.append(self._start(*command))
        return self._programs[-1]

    def _start(self, *command: str) -> subprocess.Popen[bytes]:
        quiet = subprocess.DEVNULL
        return subprocess.Popen(command, env=self.environment, stdout=quiet, stderr=quiet, start_new_session=True)

    def clear(self) -> None:
        """Ends the programs that were started, with all that they started, and sees their windows go."""
        if not self._programs:
            return
        while self._programs:
            _end(self._programs.pop())
        clients = self.display.intern_atom("_NET_CLIENT_LIST")
        while (listed := self.root.get_full_property(clients, Xatom.WINDOW)) and len(listed.value):
            threading.Event().wait(0.02)

    def wait_for_manager(self) -> None:
        """Until the window manager has done all that came before, such as moving the focus from a window that ended.

        It is asked for something that it tells in a property.
        """
        asked, told = map(self.display.intern_atom, ("_NET_REQUEST_FRAME_EXTENTS", "_NET_FRAME_EXTENTS"))
        window = self.root.create_window(0, 0, 1, 1, 0, X.CopyFromParent)
        question = ClientMessage(window=window, client_type=asked, data=(32, [0] * 5))
        mask = X.SubstructureNotifyMask | X.SubstructureRedirectMask
        for tries in count():
            if tries % 25 == 0:  # it may leave a message unread until another one comes
                self.root.send_event(question, event_mask=mask)
            if window.get_full_property(told, Xatom.CARDINAL):
                break
            threading.Event().wait(0.02)
        window.destroy()

    def title(self) -> str:
        """The title of the active window, once it has the focus."""
        active = self.root.get_full_property(self.display.intern_atom("_NET_ACTIVE_WINDOW"), Xatom.WINDOW)
        if not active or not active.value[0]:
            return ""
        window = self.display.create_resource_object("window", active.value[0])
        try:
            if not self._has_focus(active.value[0]):
                return ""
            name = window.get_full_property(self.display.intern_atom("_NET_WM_NAME"), X.AnyPropertyType)
            return name.value.decode() if name else str(window.get_wm_name() or "")
        except BadWindow:  # it closed just now
            return ""

    def _has_focus(self, window: int) -> bool:
        """Whether keys go to this window or into it; the manager names a window active before it gets them."""
        focus = self.display.get_input_focus().focus
        while not isinstance(focus, int):
            if focus.id == window:
                return True
            focus = focus.query_tree().parent
        return False

    def pressed(self) -> list[int]:
        """Codes of the keys that the server holds for pressed."""
        held = self.display.query_keymap()
        return [code for code in range(256) if held[code // 8] >> code % 8 & 1]


def _end(program: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGKILL)
    program.wait()


class Busy:
    """Keeps so many processors busy meanwhile."""

    def __init__(self, processors: int) -> None:
        self._loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processors)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for loop in self._loops:
            loop.kill()
            loop.wait()


class Event(NamedTuple):
    """What a window got: "press", "release", "motion", "key" or "lift"; a button, or a key's code and keysym."""

    kind: str
    detail: int
    place: Point
    state: int
    time: int  # of the server, milliseconds
    symbol: int = 0


_KINDS = {2: "key", 3: "lift", 4: "press", 5: "release", 6: "motion"}
_WATCHED = X.KeyPressMask | X.KeyReleaseMask | X.ButtonPressMask | X.ButtonReleaseMask | X.PointerMotionMask


class Window:
    """A window over the whole screen that writes down what it gets, after `delay` seconds for each key.

    A key's symbol is looked up when it is read, as toolkits do. Pings are answered in order if `pings`.
    """

    def __init__(self, desktop: PrivateDesktop, *, delay: float = 0, pings: bool = True) -> None:
        self._desktop, self._delay = desktop, delay
        self._display = Display(desktop.name)
        self._log: list[Event] = []
        self._protocols = self._display.intern_atom("WM_PROTOCOLS")
        root = self._display.screen().root
        self.window = root.create_window(0, 0, *SIZE, 0, X.CopyFromParent, override_redirect=True, event_mask=_WATCHED)
        if pings:
            self.window.set_wm_protocols([self._display.intern_atom("_NET_WM_PING")])
        self.window.map()
        self._display.sync()
        self._take_focus()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _take_focus(self) -> None:
        """Gets the keys, and has them still when the window manager knows: it may give them back to itself."""
        focus: Any = None
        while getattr(focus, "id", focus) != self.window.id:
            self._desktop.wait_for_manager()
            self.window.set_input_focus(X.RevertToParent, X.CurrentTime)
            self._display.sync()
            self._desktop.wait_for_manager()
            focus = self._display.get_input_focus().focus

    def close(self) -> None:
        """Ends it."""
        self._tell("CLOSE")
        self._thread.join()
        self._display.close()

    async def events(self) -> list[Event]:
        """What came since the last call, all that was sent before included."""
        self._tell("MARK")
        await until(lambda: self._log and self._log[-1].kind == "mark")
        log, self._log = self._log[:-1], []
        return log

    async def text(self) -> str:
        """What was typed since the last call."""
        controls = {0xFF0D: "\n", 0xFF09: "\t"}
        symbols = [event.symbol for event in await self.events() if event.kind == "key"]
        return "".join(
            controls.get(s) or chr(s & 0xFFFFFF) for s in symbols if s < 0xFE00 or s > 0xFFFF or s in controls
        )

    def _tell(self, word: str) -> None:
        display = self._desktop.display
        message = ClientMessage(window=self.window, client_type=display.intern_atom(word), data=(32, [0] * 5))
        self.window_of(display).send_event(message)
        display.flush()

    def window_of(self, display: Any) -> Any:
        """This window by way of another connection."""
        return display.create_resource_object("window", self.window.id)

    def _read(self) -> None:
        while True:
            event = self._display.next_event()
            match event.type:
                case X.ClientMessage if event.client_type == self._protocols:
                    reply = ClientMessage(
                        window=self._display.screen().root, client_type=self._protocols, data=event.data
                    )
                    mask = X.SubstructureNotifyMask | X.SubstructureRedirectMask
                    self._display.screen().root.send_event(reply, event_mask=mask)
                    self._display.flush()
                case X.ClientMessage:
                    if self._display.get_atom_name(event.client_type) == "CLOSE":
                        return
                    self._log.append(Event("mark", 0, Point(0, 0), 0, 0))
                case kind if kind in _KINDS:
                    self._log.append(self._event(event))

    def _event(self, event: Any) -> Event:
        symbol = 0
        if event.type in (X.KeyPress, X.KeyRelease):
            threading.Event().wait(self._delay)
            plain, shifted = self._display.get_keyboard_mapping(event.detail, 1)[0][:2]
            symbol = shifted if event.state & X.ShiftMask and shifted else plain
        place = Point(event.root_x, event.root_y)
        return Event(_KINDS[event.type], event.detail, place, event.state, event.time, symbol)
