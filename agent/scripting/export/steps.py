"""The steps of a test as statements that drive Playwright; what cannot be one is refused, with its line."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from agent.scripting.expect import Expect, Words
from agent.scripting.export.program import (
    PAGE,
    Chain,
    Do,
    HomeFile,
    If,
    SecretValue,
    Statement,
    TakePage,
    Value,
    expect,
    function,
)
from agent.scripting.export.things import NotExported, Ways, expectation, one, place, shown, whole
from agent.scripting.language import Repeat, When, listed, read_step
from agent.scripting.written import Case
from env.setup import OpenUrl, PutFile
from env.vault import names_in
from scenarios.draw import Loc, TemplateFault
from scenarios.locate import Found, Locator
from scenarios.oracle import Step, WaitGone
from scenarios.schema import Strict
from tools.actions import (
    Back,
    BrowserAction,
    ComputerAction,
    DoubleClick,
    Goto,
    Key,
    LeftClick,
    LeftClickDrag,
    MouseMove,
    NewTab,
    RightClick,
    Scroll,
    SwitchTab,
    TripleClick,
    Type,
)
from tools.errors import UserError
from tools.geometry import Rect, Size
from tools.keys import to_playwright

_CLICKS: dict[type, tuple[str, dict[str, Value]]] = {
    LeftClick: ("click", {}), DoubleClick: ("dblclick", {}), TripleClick: ("click", {"click_count": 3}),
    RightClick: ("click", {"button": "right"}), MouseMove: ("hover", {}),
}  # fmt: skip
_REFUSED = {
    "do": ("a step in plain words", "write exact steps here, or export a recorded run"),
    "extract": ("a variable that is read from a page", "expect what should be there"),
    "while": ("`repeat` with `while`", "say how many `times`"),
}


class Plain(NamedTuple):
    """A step with its variables filled in, and where it stands."""

    name: str
    step: Strict
    loc: Loc
    names: Mapping[str, Any]


class _Part(NamedTuple):
    """One action, and the things that it needs; no action where their being there is all."""

    targets: tuple[Locator, ...]
    action: ComputerAction | BrowserAction | None


def plain(case: Case, raws: object, loc: Loc, names: Mapping[str, Any], first: int = 0) -> Iterator[Plain]:
    """The steps in order, each as often as it is repeated. Raises UserError for one that no program can do."""
    for number, raw in enumerate(listed(raws, loc), start=first):
        here = (*loc, number)
        name = next(iter(raw)) if isinstance(raw, dict) else ""
        if name in _REFUSED:
            raise refused(case, here, *_REFUSED[name])
        try:
            step = read_step(raw, names, here).step
        except TemplateFault as error:
            raise refused(case, error.loc, f"this step ({error.why})", "write it without variables") from None
        if isinstance(step, Repeat):
            if step.test is not None:
                raise refused(case, here, *_REFUSED["while"])
            for inside in step.rounds():
                yield from plain(case, step.steps, (*here, name, "steps"), {**names, **inside})
        else:
            yield Plain(name, step, here, names)


def refused(case: Case, loc: Loc, what: str, remedy: str) -> UserError:
    """The error for a step that cannot be exported."""
    return UserError(f"{case.path}:{case.line(loc)}: {what} cannot be exported", remedy=remedy)


class Translator:
    """The statements of one test."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._size = Size(*case.file.size)
        self._files = {step.path for step in case.prepared if isinstance(step, PutFile)}
        self._parts = self._read()
        self._ways = Ways(self._locators())
        acts = [act.action for part in self._parts for each in part for act in self._acts(each.step)]
        self._has_tabs = any(isinstance(action, NewTab | SwitchTab) for action in acts)

    def statements(self) -> list[Statement]:
        """Of the setup and the steps. Raises UserError, with the line."""
        opened = [Do(PAGE.call("goto", step.url)) for step in self._case.prepared if isinstance(step, OpenUrl)]
        return [*opened, *(done for part in self._parts[:-1] for done in self._all(part))]

    def teardown(self) -> list[Statement]:
        """Of the steps that are done in any case."""
        return list(self._all(self._parts[-1]))

    def _read(self) -> list[list[Plain]]:
        """Setup, steps and teardown."""
        case, file = self._case, self._case.file
        names, first = case.names, len(case.prepared)
        setup = plain(case, case.played, ("setup",), names, first)
        return [list(setup), *(list(plain(case, raws, (part,), names))
                               for part, raws in (("steps", file.steps), ("teardown", file.teardown)))]  # fmt: skip

    def _locators(self) -> Iterator[Locator]:
        for part in self._parts:
            for each in part:
                yield from (target for act in self._acts(each.step) for target in act.targets)

    def _all(self, steps: Sequence[Plain]) -> Iterator[Statement]:
        before: _Part | None = None
        held: list[Statement] = []
        for each in steps:
            acts = self._acts(each.step)
            if before and (path := self._chosen(before, acts)):
                held = [Do(function("upload", self._thing(before.targets[0], each.loc), HomeFile(path)))]
            else:
                yield from held
                held = list(self._one(each, acts))
            before = acts[0] if len(acts) == 1 else None
        yield from held

    def _chosen(self, before: _Part, acts: Sequence[_Part]) -> str | None:
        """The file that is typed into a chooser: a file of the setup, named just after a click."""
        typed = acts[0].action if len(acts) == 1 else None
        found = isinstance(before.action, LeftClick) and isinstance(typed, Type) and typed.text in self._files
        return typed.text if found and isinstance(typed, Type) else None

    def _acts(self, step: Strict) -> list[_Part]:
        """What a step does, one action after another; nothing for one that only waits, or holds others."""
        if isinstance(step, WaitGone | Expect) or not isinstance(step, Step):
            return []
        nowhere = Found(Rect(0, 0, 2, 2), "")
        acts = []
        for part in step.parts():
            targets = part.targets()
            intent = part.intent([nowhere] * len(targets), self._size)
            acts.append(_Part(targets, intent.action if intent else None))
        return acts

    def _one(self, each: Plain, acts: Sequence[_Part]) -> Iterator[Statement]:
        try:
            match each.step:
                case When():
                    yield self._when(each.step, each.loc, each.names)
                case Expect(url=Words() as address) if self._has_tabs:
                    yield TakePage(function("tab_at", PAGE, whole(address)))
                case Expect():
                    yield from expectation(each.step)
                case WaitGone():
                    yield Do(expect(shown(Expect(**_asked(each.step)))).call("to_have_count", 0))
                case _:
                    yield from self._step(each, acts)
        except NotExported as error:
            raise refused(self._case, each.loc, "this step", str(error)) from None

    def _when(self, step: When, loc: Loc, names: Mapping[str, Any]) -> Statement:
        test = step.test
        on_screen = test.text or test.role or test.css
        if not on_screen or test.within or test.model_fields_set & {"count", "value", "checked", "says"}:
            raise NotExported("`when` asks only whether something can be seen now: a text, a role or a selector")
        then, otherwise = (
            tuple(self._all(list(plain(self._case, raws, (*loc, "when", key), names))))
            for key, raws in (("steps", step.steps), ("else", step.otherwise))
        )
        return If(shown(test).getter("first").call("is_visible"), test.visible, then, otherwise)

    def _step(self, each: Plain, acts: Sequence[_Part]) -> Iterator[Statement]:
        """A step with a name of its own in Playwright, or one call for each of its parts."""
        target = acts[0].targets[0] if acts[0].targets else None
        if len(acts) > 1 and target is not None:
            thing, text = self._thing(target, each.loc), next(a.action for a in acts if isinstance(a.action, Type))
            match each.name:
                case "type":
                    yield self._pointed(target, thing.call("fill", _text(text)))
                case "select":
                    yield self._pointed(target, thing.call("select_option", label=text.text))
                case "upload":
                    yield self._pointed(target, function("upload", thing, HomeFile(text.text)))
            return
        for part in acts:
            yield from self._part(part, each.loc)

    def _thing(self, locator: Locator, loc: Loc) -> Chain:
        if locator.box is not None:
            raise refused(self._case, loc, "a step on a bare place", "name the thing by its role or text")
        return one(self._ways.of(locator)[0])

    def _pointed(self, locator: Locator, what: Chain) -> Do:
        return Do(what, tuple(one(way) for way in self._ways.of(locator)[1:]))

    def _part(self, part: _Part, loc: Loc) -> Iterator[Statement]:
        match part.action:
            case None:
                self._thing(part.targets[0], loc)  # a bare place is always there
                there = shown(Expect(**_asked(part.targets[0]))).getter("first")
                yield Do(expect(there).call("to_be_visible"))
            case LeftClickDrag():
                yield from self._drag(part.targets[0], part.targets[1], loc)
            case Scroll(pixels=up):
                middle = Rect(0, 0, *self._size).center
                yield self._hover(part.targets[0], loc) if part.targets else self._at(middle, "move")
                yield Do(PAGE.name("mouse").call("wheel", 0, -up))
            case action if type(action) in _CLICKS:
                method, options = _CLICKS[type(action)]
                if at := place(part.targets[0], self._size):
                    yield self._at(at, "move" if method == "hover" else method, options)
                else:
                    thing = self._thing(part.targets[0], loc)
                    yield self._pointed(part.targets[0], thing.call(method, **options))
            case action:
                yield from _untargeted(action)

    def _drag(self, start: Locator, end: Locator, loc: Loc) -> Iterator[Statement]:
        if start.box is None and end.box is None:
            yield self._pointed(start, self._thing(start, loc).call("drag_to", self._thing(end, loc)))
            return
        mouse = PAGE.name("mouse")
        yield self._hover(start, loc)
        yield Do(mouse.call("down"))
        yield self._hover(end, loc)
        yield self._hover(end, loc)  # a drop needs a dragover on the target itself
        yield Do(mouse.call("up"))

    def _hover(self, locator: Locator, loc: Loc) -> Statement:
        at = place(locator, self._size)
        return self._at(at, "move") if at else self._pointed(locator, self._thing(locator, loc).call("hover"))

    def _at(self, point: tuple[int, int], method: str, options: Mapping[str, Value] | None = None) -> Statement:
        return Do(PAGE.name("mouse").call(method, *point, **(options or {})))


def _untargeted(action: ComputerAction | BrowserAction) -> Iterator[Statement]:
    keyboard = PAGE.name("keyboard")
    match action:
        case Type():
            text = _text(action)
            pieces = re.split(r"(\t)", text) if isinstance(text, str) else [text]
            for piece in pieces:
                yield Do(keyboard.call("press", "Tab") if piece == "\t" else keyboard.call("type", piece))
        case Key(keys=keys):
            yield Do(keyboard.call("press", "+".join(map(to_playwright, keys))))
        case Goto(url=url):
            yield Do(PAGE.call("goto", _address(url)))
        case Back():
            yield Do(PAGE.call("go_back"))
        case NewTab(url=url):
            yield TakePage(PAGE.getter("context").call("new_page"))
            if url:
                yield Do(PAGE.call("goto", _address(url)))
        case SwitchTab(tab=tab):
            yield TakePage(function("tab", PAGE, tab))
        case _:
            raise NotExported(f"Playwright knows no {action.action}")


def _text(typed: Type) -> str | SecretValue:
    names = names_in(typed)
    return SecretValue(names[0]) if names else typed.text


def _address(url: str) -> str:
    """As a browser's address bar completes it."""
    return url if re.match(r"[a-z]+:", url) and not re.match(r"[\w.-]+:\d", url) else f"http://{url}"


def _asked(locator: Locator) -> dict[str, Any]:
    return {key: getattr(locator, key) for key in ("text", "role", "name", "css", "exact", "window")
            if key in locator.model_fields_set}  # fmt: skip
