"""A world in memory: screens of widgets that answer clicks, text and keys. For tests and for teaching.

note = Field("Note", Rect(20, 60, 300, 90))
save = Button("Save", Rect(20, 110, 100, 140), (Write("note.txt", "{Note}"), Show("saved")))
world = ScriptedWorld({
    "editor": Screen("Editor", (note, save)),
    "saved": Screen("Saved", (Label("Saved: {Note}", Rect(20, 60, 300, 90)),)),
})
"""

import errno
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from random import Random
from typing import Any

from env.allow import EVERYTHING, Allow, Border, Refused
from env.base import Line, Node, Observation, Posted, Process, Shots, Visit, Window
from env.clock import VirtualClock
from env.screens import App, Button, Copy, Field, Fill, Label, Post, Reaction, Screen, Show, Shown, Widget, Write, draw
from env.setup import Launch, OpenUrl, Osworld, PutFile, Run, Script, Serve, SetupStep
from tools import actions
from tools.actions import BrowserAction, ComputerAction, Outcome
from tools.base import Frame
from tools.dom import Element, PageState, TabState
from tools.errors import EnvError, ScenarioError
from tools.geometry import Point, Rect, Size
from tools.keys import UnknownKey, find

SMALL = Size(640, 400)


@dataclass(slots=True)
class _State:
    """Everything that a reset makes new."""

    app: App
    trail: list[str]
    fields: dict[str, str]
    data: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    posted: list[Posted] = field(default_factory=list)
    clipboard: str = ""
    focus: str | None = None
    selected: bool = False
    pointer: Point | None = None
    looks: int = 0
    last: int = 0
    outcomes: dict[int, Outcome] = field(default_factory=dict)

    @property
    def screen(self) -> Screen:
        return self.app[self.trail[-1]]

    def shown(self) -> tuple[Shown, ...]:
        """The widgets in front, with their texts filled in."""
        return tuple(self._shown(widget) for widget in self.screen.widgets)

    def _shown(self, widget: Widget) -> Shown:
        match widget:
            case Label(text=text, rect=rect):
                return Shown("text", self.text(text), "", rect)
            case Button(name=name, rect=rect):
                return Shown("button", self.text(name), "", rect)
            case Field(name=name, rect=rect):
                focused = name == self.focus
                return Shown("textbox", name, self.fields[name], rect, focused, focused and self.selected)

    def text(self, template: str) -> str:
        """A template with fields and data put in. Raises ScenarioError for a name that is neither."""
        try:
            return template.format_map(self.data | self.fields)
        except KeyError as error:
            raise ScenarioError(f"{template!r} names {error}, which is no field and no datum of this world") from None


class ScriptedWorld:
    """An Environment without a display.

    `app` may be made from a Random of the seed. Trouble comes to order: with `fail_at=n` the world dies of its action
    number n (0: of the reset); every look takes `slow` seconds of `clock`; a `restless` picture never settles.
    """

    def __init__(
        self, app: App | Callable[[Random], App], size: Size = SMALL, *, fail_at: int | None = None,
        slow: float = 0.0, restless: bool = False, clock: VirtualClock | None = None, allow: Allow = EVERYTHING,
    ) -> None:  # fmt: skip
        self._make: Callable[[Random], App] = app if callable(app) else lambda random: app
        self.size, self.clock, self.border = size, clock or VirtualClock(), Border(allow)
        self._fail_at, self._slow, self._restless = fail_at, slow, restless
        self._state: _State | None = None

    @property
    def description(self) -> Mapping[str, str]:
        """It is all in memory."""
        return {"isolation": "a world in memory"}

    async def reset(self, setup: Sequence[SetupStep], seed: int) -> None:
        """Every screen as it was written, set up. Raises ScenarioError for a step that this world cannot do."""
        self._state = None
        self.border.clear()
        if self._fail_at == 0:
            raise EnvError("the world died of its reset, as ordered")
        app = self._make(Random(seed))
        names = [w.name for screen in app.values() for w in screen.widgets if isinstance(w, Field)]
        self._state = _State(app, [next(iter(app))], dict.fromkeys(names, ""))
        for step in setup:
            _prepare(self._state, step)

    async def observe(self, shots: Shots) -> Observation:
        """The screen, drawn."""
        state = self.state()
        state.looks += self._restless
        self.clock.advance(self._slow)
        path, digest = shots.put(self.drawn())
        return Observation(path=path, sha256=digest, size=self.size, settled=not self._restless, waited=self._slow,
                           url=state.screen.url)  # fmt: skip

    def drawn(self) -> Frame:
        """The screen as it is."""
        state = self.state()
        return Frame(draw(state.screen.title, state.shown(), self.size, state.pointer, state.looks), self.size)

    async def execute(self, number: int, action: ComputerAction | BrowserAction) -> Outcome:
        """Does the action with this number, at most once; numbers grow."""
        state = self.state()
        if number not in state.outcomes:
            if number <= state.last:
                return Outcome(ok=False, note="unknown: interrupted")
            state.last = number
            if self._fail_at is not None and number >= self._fail_at:
                self._state = None
                raise EnvError(f"the world died of action {number}, as ordered")
            why = self.border.refusal(action)
            state.outcomes[number] = Outcome(ok=False, note=why) if why else self._do(state, action)
        return state.outcomes[number]

    def probe(self) -> "ScriptedProbe":
        """Read-only facts."""
        return ScriptedProbe(self)

    async def close(self) -> None:
        """Forgets everything."""
        self._state = None

    def state(self) -> _State:
        """What there is. Raises EnvError when the world is not open."""
        if self._state is None:
            raise EnvError("the world is not open: it was closed, or died, or was never reset")
        return self._state

    def _do(self, state: _State, action: ComputerAction | BrowserAction) -> Outcome:
        match action:
            case actions.Type(text=text):
                _type(state, text)
            case actions.Key(keys=keys):
                return _press(state, keys)
            case actions.Wait(time=seconds):
                self.clock.advance(seconds)
            case actions.Goto() | actions.Back() | actions.NewTab() | actions.SwitchTab():
                return _browse(state, action)
            case actions.Answer() | actions.Terminate():
                pass
            case _:
                point = action.point(self.size)
                state.pointer = point or state.pointer
                if point and isinstance(action, actions.LeftClick | actions.DoubleClick | actions.TripleClick):
                    _click(state, point, whole=not isinstance(action, actions.LeftClick))
                return Outcome(ok=True, point=point)
        return Outcome(ok=True)


def _prepare(state: _State, step: SetupStep) -> None:
    match step:
        case PutFile(path=path, text=str(text)):
            state.files[path] = text.encode()
        case Serve(data=data):
            state.data = data
        case OpenUrl(url=url) if name := _find(state, lambda screen: screen.url == url):
            state.trail.append(name)
        case Launch(window=window) if name := _find(state, lambda screen: window.lower() in screen.title.lower()):
            state.trail.append(name)
        case Run() | PutFile() | OpenUrl() | Launch() | Script() | Osworld():
            raise ScenarioError(f"a scripted world without such a screen or program cannot do {step!r}")


def _find(state: _State, fits: Callable[[Screen], bool]) -> str | None:
    return next((name for name, screen in state.app.items() if fits(screen)), None)


def _react(state: _State, reactions: tuple[Reaction, ...]) -> None:
    for reaction in reactions:
        match reaction:
            case Show(screen=screen):
                state.trail.append(screen)
                state.focus = None
            case Write(path=path, text=text):
                state.files[state.text(path)] = state.text(text).encode()
            case Post(path=path, body=body):
                state.posted.append(Posted(path=path, body={k: state.text(v) for k, v in body.items()}))
            case Fill(field=name, text=text):
                state.fields[name] = state.text(text)
            case Copy(text=text):
                state.clipboard = state.text(text)


def _click(state: _State, point: Point, *, whole: bool) -> None:
    """A click on the uppermost widget; one of several selects a `whole` line."""
    x, y = point
    under = (w for w in state.screen.widgets if w.rect.left <= x < w.rect.right and w.rect.top <= y < w.rect.bottom)
    match [*under]:
        case [*_, Button(does=does)]:
            _react(state, does)
        case [*_, Field(name=name)]:
            state.focus, state.selected = name, whole
        case _:
            state.focus = None


def _type(state: _State, text: str) -> None:
    """Goes to the field that has the focus, or nowhere; a line break is the Enter key."""
    for number, line in enumerate(text.split("\n")):
        if number:
            _press(state, ("enter",))
        if state.focus is not None:
            state.fields[state.focus] = ("" if state.selected else state.fields[state.focus]) + line
            state.selected = False


def _chord(keys: Iterable[str]) -> tuple[str, ...]:
    """Keys under one name each, whatever they were called. Raises UnknownKey."""
    found = [find(key) for key in keys]
    return tuple(key.pyautogui or key.keysym for key in found)


def _press(state: _State, keys: tuple[str, ...]) -> Outcome:
    try:
        chord = _chord(keys)
    except UnknownKey as error:
        return Outcome(ok=False, note=str(error))
    fields = [w for w in state.screen.widgets if isinstance(w, Field)]
    focused = next((w for w in fields if w.name == state.focus), None)
    if does := next((d for shortcut, d in state.screen.keys.items() if _chord(shortcut.split("+")) == chord), None):
        _react(state, does)
    elif chord == _TAB and fields:
        state.focus = fields[(fields.index(focused) + 1) % len(fields) if focused else 0].name
    elif focused:
        _edit(state, focused, chord)
    return Outcome(ok=True)


_TAB, _ENTER, _ALL, _BACKSPACE = _chord(["tab"]), _chord(["enter"]), _chord(["ctrl", "a"]), _chord(["backspace"])


def _edit(state: _State, focused: Field, chord: tuple[str, ...]) -> None:
    if chord == _ENTER:
        _react(state, focused.does)
    elif chord == _ALL:
        state.selected = True
    elif chord == _BACKSPACE:
        state.fields[focused.name] = "" if state.selected else state.fields[focused.name][:-1]
        state.selected = False


def _browse(state: _State, action: BrowserAction) -> Outcome:
    match action:
        case actions.Goto(url=url) if name := _find(state, lambda screen: screen.url == url):
            _react(state, (Show(name),))
        case actions.Goto(url=url):
            return Outcome(ok=False, note=f"there is no page {url!r}")
        case actions.Back() if len(state.trail) > 1:
            state.trail.pop()
        case actions.Back():
            return Outcome(ok=False, note="there is no page before this one")
        case _:
            return Outcome(ok=False, note="there is one tab only")
    return Outcome(ok=True)


class ScriptedProbe:
    """What is known of a scripted world, read off its widgets."""

    def __init__(self, world: ScriptedWorld) -> None:
        self._world = world

    async def read(self, path: str) -> bytes:
        """A file. Raises FileNotFoundError, also for a path that leads out of HOME."""
        files = self._world.state().files
        if PurePosixPath(path).is_absolute() or path not in files:
            raise FileNotFoundError(errno.ENOENT, "no such file below HOME", path)
        return files[path]

    async def glob(self, pattern: str) -> tuple[str, ...]:
        """Files that match, folder by folder."""
        parts = len(PurePosixPath(pattern).parts)
        paths = [PurePosixPath(path) for path in self._world.state().files]
        return tuple(sorted(str(path) for path in paths if len(path.parts) == parts and path.match(pattern)))

    async def windows(self) -> tuple[Window, ...]:
        """One, as large as the screen."""
        screen = self._world.state().screen
        return (Window(title=screen.title, app="scripted", rect=Rect(0, 0, *self._world.size), active=True),)

    async def processes(self) -> tuple[Process, ...]:
        """One."""
        self._world.state()
        return (Process(pid=1, command=("scripted",)),)

    async def elements(
        self, *, css: str | None = None, role: str | None = None, name: str | None = None, text: str | None = None
    ) -> tuple[Element, ...]:
        """Widgets by role and name, or by text; CSS finds none, for there is no document."""
        found = (_element(w) for w in self._world.state().shown() if not css)
        return tuple(
            e for e in found
            if (role is None or (e.role == role and _holds(e.name, name))) and (text is None or _holds(e.text, text))
        )  # fmt: skip

    async def page(self) -> PageState | None:
        """The screen's address, if it has one."""
        screen = self._world.state().screen
        if screen.url is None:
            return None
        tab = TabState(url=screen.url, title=screen.title)
        return PageState(url=tab.url, title=tab.title, tabs=(tab,), front=0)

    async def has_page(self) -> bool:
        """Whether the screen has an address."""
        return await self.page() is not None

    async def script(self, expression: str) -> Any:
        """None: there is no JavaScript here."""
        self._world.state()

    async def a11y(self) -> tuple[Node, ...]:
        """The widgets, by their AT-SPI roles."""
        return tuple(
            Node(role=_ATSPI[w.role], name=w.name, text=w.text, rect=w.rect, app="scripted",
                 states=frozenset({"enabled", "showing", "visible"} | ({"focused"} if w.focused else set())))
            for w in self._world.state().shown()
        )  # fmt: skip

    async def clipboard(self) -> str:
        """What `Copy` put there."""
        return self._world.state().clipboard

    async def posted(self) -> tuple[Posted, ...]:
        """What `Post` sent."""
        return tuple(self._world.state().posted)

    async def visited(self) -> tuple[Visit, ...]:
        """None: there is one site."""
        self._world.state()
        return ()

    async def refused(self) -> tuple[Refused, ...]:
        """What the allow-lists refused."""
        self._world.state()
        return tuple(self._world.border.refused)

    async def size(self) -> Size:
        """The screen's size."""
        self._world.state()
        return self._world.size

    async def screen_text(self) -> tuple[Line, ...]:
        """Every text that is drawn."""
        return tuple(Line(text=w.text or w.name, rect=w.rect, score=1.0) for w in self._world.state().shown())

    async def picture(self) -> Frame:
        """The screen, drawn."""
        return self._world.drawn()


_ATSPI = {"text": "label", "button": "push button", "textbox": "entry"}


def _holds(whole: str, part: str | None) -> bool:
    return part is None or part.lower() in whole.lower()


def _element(widget: Shown) -> Element:
    typed = widget.role == "textbox"
    return Element(
        tag={"text": "p", "button": "button", "textbox": "input"}[widget.role],
        role="paragraph" if widget.role == "text" else widget.role, name=widget.name,
        text="" if typed else widget.name, value=widget.text if typed else None, rect=widget.rect, visible=True,
        enabled=True, checked=None, attributes={},
    )  # fmt: skip
