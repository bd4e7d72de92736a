"""Reference solutions: steps written in YAML, played one action at a time by someone who may look at the facts."""

from collections.abc import AsyncIterator, Sequence
from random import Random
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from env.base import Probe
from env.vault import placeholder
from scenarios.base import Intent, Oracle
from scenarios.locate import Found, Locator, closest, is_further_down, locate
from scenarios.schema import Strict, Text, named, shown
from tools.actions import (
    Answer,
    Back,
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
    Terminate,
    TripleClick,
    Type,
    Wait,
)
from tools.errors import ScenarioError
from tools.geometry import GRID, Box, GridPoint, Size, to_grid
from tools.keys import UnknownKey, find

PATIENCE = (0.5, 0.5, 1.0, 2.0, 3.0, 3.0)
"""Seconds of each wait for something that is not there yet; when they are used up the oracle gives up."""
_MOST_SCROLLS = 10
_MODIFIERS = [find(name) for name in ("ctrl", "shift", "alt", "meta")]


class Step(Strict):
    """One step: what must be found on the screen, and the action that follows from where it is."""

    def targets(self) -> tuple[Locator, ...]:
        """What must be in view first."""
        return ()

    def intent(self, found: Sequence[Found], size: Size) -> Intent | None:
        """The action, given where each target is; None where being there is all."""
        return None

    def parts(self) -> "tuple[Step, ...]":
        """The steps of one action each that this one stands for."""
        return (self,)

    def place_of(self, target: Locator) -> tuple[str, ...]:
        """The keys in the step's arguments under which a target of one of its parts is written; none: they are it."""
        if isinstance(self, Locator):
            return ()
        fields = type(self).model_fields.items()
        return next(((field.alias or name,) for name, field in fields if _same(getattr(self, name), target)), ())


def _same(value: object, target: Locator) -> bool:
    """Whether they are one locator; a step that points has more fields than it."""
    names = Locator.model_fields
    return isinstance(value, Locator) and all(getattr(value, name) == getattr(target, name) for name in names)


class _Pointed(Locator, Step):
    verb: ClassVar[type[LeftClick | DoubleClick | TripleClick | RightClick | MouseMove]]

    def targets(self) -> tuple[Locator, ...]:
        return (self,)

    def intent(self, found: Sequence[Found], size: Size) -> Intent:
        return Intent(self.verb(bbox_2d=Box.from_rect(found[0].rect, size)), found[0].label)


class _Click(_Pointed):
    verb = LeftClick


class _DoubleClick(_Pointed):
    verb = DoubleClick


class _TripleClick(_Pointed):
    verb = TripleClick


class _RightClick(_Pointed):
    verb = RightClick


class _Move(_Pointed):
    verb = MouseMove


class WaitFor(Locator, Step):
    """Waits until something is to be seen."""

    def targets(self) -> tuple[Locator, ...]:
        """What is waited for."""
        return (self,)


class WaitGone(Locator, Step):
    """Waits until something is not to be seen any more."""

    @model_validator(mode="after")
    def _found_without_a_model(self) -> Self:
        if self.only_described:
            raise ValueError("what is only described cannot be waited for to go; expect a description of what is left")
        return self


class _Drag(Step):
    start: Locator = Field(alias="from")
    to: Locator

    def targets(self) -> tuple[Locator, ...]:
        return (self.start, self.to)

    def intent(self, found: Sequence[Found], size: Size) -> Intent:
        start, to = found
        action = LeftClickDrag(bbox_2d=Box.from_rect(start.rect, size), coordinate2=to_grid(to.rect.center, size))
        return Intent(action, f"{start.label} to {to.label}")


class _Scroll(Step):
    at: Locator | None = None
    pixels: float

    def targets(self) -> tuple[Locator, ...]:
        return (self.at,) if self.at else ()

    def intent(self, found: Sequence[Found], size: Size) -> Intent:
        box = Box.from_rect(found[0].rect, size) if found else None
        return Intent(Scroll(bbox_2d=box, pixels=self.pixels), found[0].label if found else "the screen")


class _Type(Step):
    """Types a text; with `into`, in place of what that field holds. A `secret` is typed by its name alone.

    The name's value is put in where the keys are pressed (env.vault), so that no file and no log ever holds it.
    """

    text: Text | None = None
    secret: str | None = Field(default=None, pattern=r"^[\w-]+$")
    into: Locator | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        return value if isinstance(value, dict | cls) else {"text": value}

    @model_validator(mode="after")
    def _one_text(self) -> Self:
        if (self.text is None) == (self.secret is None):
            raise ValueError("give exactly one of text, secret")
        return self

    def parts(self) -> tuple[Step, ...]:
        if self.into is None:
            return (self,)
        typing = self.model_copy(update={"into": None})
        return (_clicked(self.into), _Press(keys=("ctrl", "a")), typing)

    def intent(self, found: Sequence[Found], size: Size) -> Intent:
        if self.secret is not None:
            return Intent(Type(text=placeholder(self.secret)), f"the secret {self.secret}")
        return Intent(Type(text=self.text or ""), shown(self.text))


class _Select(Locator, Step):
    """Opens a list and chooses the option with these words, as the keyboard does."""

    option: Text

    def parts(self) -> tuple[Step, ...]:
        return (_clicked(self), _Type(text=self.option), _Press(keys=("enter",)))


class _Upload(Locator, Step):
    """Clicks what opens a file chooser, and answers that with the path of a file, seen from HOME."""

    path: Text

    def parts(self) -> tuple[Step, ...]:
        return (_clicked(self), _Type(text=self.path))


def _clicked(target: Locator) -> _Click:
    return _Click.model_validate({name: getattr(target, name) for name in Locator.model_fields})


class _Press(Step):
    """Keys pressed together: `ctrl+s`, or a list."""

    whole: ClassVar[str | None] = "keys"
    keys: tuple[str, ...]

    @field_validator("keys", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return Key.model_validate({"keys": value}).keys

    @model_validator(mode="after")
    def _together(self) -> Self:
        for key in self.keys:
            try:
                find(key)
            except UnknownKey as error:
                raise ValueError(str(error)) from None
        odd = [key for key in self.keys[:-1] if find(key) not in _MODIFIERS]
        if odd:
            raise ValueError(f"keys of one `press` are pressed together; write a step of its own for {odd[0]!r}")
        return self

    def intent(self, found: Sequence[Found], size: Size) -> Intent:
        return Intent(Key(keys=self.keys), "+".join(self.keys))


class _Goto(Step):
    whole: ClassVar[str | None] = "url"
    url: Text

    def intent(self, found: Sequence[Found], size: Size) -> Intent:
        return Intent(Goto(url=self.url), self.url)


class _Back(Step):
    def intent(self, found: Sequence[Found], size: Size) -> Intent:
        return Intent(Back(), "the page before")


class _NewTab(Step):
    whole: ClassVar[str | None] = "url"
    url: Text | None = None

    def intent(self, found: Sequence[Found], size: Size) -> Intent:
        return Intent(NewTab(url=self.url), self.url or "a new tab")


class _SwitchTab(Step):
    whole: ClassVar[str | None] = "tab"
    tab: int = Field(ge=0)

    def intent(self, found: Sequence[Found], size: Size) -> Intent:
        return Intent(SwitchTab(tab=self.tab), f"tab {self.tab}")


class _Answer(Step):
    whole: ClassVar[str | None] = "text"
    text: Text

    def intent(self, found: Sequence[Found], size: Size) -> Intent:
        return Intent(Answer(text=self.text), shown(self.text))


STEPS: dict[str, type[Step]] = {
    "click": _Click,
    "double_click": _DoubleClick,
    "triple_click": _TripleClick,
    "right_click": _RightClick,
    "move": _Move,
    "drag": _Drag,
    "scroll": _Scroll,
    "type": _Type,
    "press": _Press,
    "select": _Select,
    "upload": _Upload,
    "wait_for": WaitFor,
    "wait_gone": WaitGone,
    "goto": _Goto,
    "back": _Back,
    "new_tab": _NewTab,
    "switch_tab": _SwitchTab,
    "answer": _Answer,
}

AnyStep = Annotated[Step, BeforeValidator(lambda value: named(value, STEPS, "oracle step"))]
"""A field that holds a step, on the wire `{name: arguments}`."""


def _answer_last(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    if any(isinstance(step, _Answer) for step in steps[:-1]):
        raise ValueError("an `answer` ends the task: no step can follow it")
    return steps


def _without_a_model(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    targets = [target for step in steps for part in step.parts() for target in part.targets()]
    if any(target.only_described for target in targets):
        raise ValueError("a description alone needs a model, and an oracle asks none")
    if any(way.picture for target in targets for way in (target, *target.others)):
        raise ValueError("a picture lies beside a test, and a scenario is none")
    return steps


Steps = Annotated[tuple[AnyStep, ...], AfterValidator(_answer_last), AfterValidator(_without_a_model)]
"""A field that holds an oracle's steps."""


def compile_steps(steps: Sequence[Step]) -> Oracle:
    """An oracle that plays the steps and then says that the task is done, unless it ended with an answer.

    Raises ScenarioError while it is played when a target does not appear, naming what was there instead.
    """
    steps = tuple(steps)

    async def oracle(probe: Probe, random: Random) -> AsyncIterator[Intent]:
        for part in (part for step in steps for part in step.parts()):
            async for intent in _wait_gone(part, probe) if isinstance(part, WaitGone) else _play(part, probe):
                yield intent
        if not (steps and isinstance(steps[-1], _Answer)):
            yield Intent(Terminate(status="success"), "the task")

    return oracle


async def _play(step: Step, probe: Probe) -> AsyncIterator[Intent]:
    """Waits for the step's targets, scrolls to them, and acts."""
    size, targets = await probe.size(), step.targets()
    waits, scrolls = list(PATIENCE), _MOST_SCROLLS
    while True:
        places = [(target, await locate(target, probe)) for target in targets]
        absent = next((target for target, place in places if place is None), None)
        if absent is None:
            break
        waited = len(waits) < len(PATIENCE)
        if scrolls and (waited or absent.role) and await is_further_down(absent, probe):
            scrolls -= 1
            yield scroll_down(absent, size)
        elif waits:
            yield Intent(Wait(time=waits.pop(0)), absent.label)
        else:
            instead = await _instead(absent, probe)
            raise ScenarioError(f"{absent.label} did not appear in {sum(PATIENCE):g} s; {instead}")
    if (intent := step.intent([place for _, place in places if place], size)) is not None:
        yield intent


async def _wait_gone(thing: Locator, probe: Probe) -> AsyncIterator[Intent]:
    waits = list(PATIENCE)
    while await locate(thing, probe) is not None:
        if not waits:
            raise ScenarioError(f"{thing.label} was still there after {sum(PATIENCE):g} s")
        yield Intent(Wait(time=waits.pop(0)), thing.label)


async def _instead(absent: Locator, probe: Probe) -> str:
    texts = await closest(absent, probe)
    return f"there is {', '.join(map(shown, texts))}" if texts else "there is nothing of the kind"


def scroll_down(target: Locator, size: Size) -> Intent:
    """Turns the wheel in the middle of the screen by a good half of its height."""
    return Intent(Scroll(coordinate=GridPoint(GRID / 2, GRID / 2), pixels=-round(0.6 * size.height)), target.label)
