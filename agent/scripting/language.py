"""The steps of a test: those of the scenarios' oracles, and what only a test has.

`expect` waits for something to hold, `extract` reads something into a variable, `do` leaves words to the model, and
`when` and `repeat` hold steps of their own. Steps are filled with variables and read one at a time, just before each
is played, for an earlier one may extract what a later one needs; `check_steps` reads all of them beforehand.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self

import yaml
from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError, model_validator

from agent.scripting.expect import Expect
from env.vault import names_in
from scenarios.draw import Loc, TemplateFault, render
from scenarios.locate import Locator
from scenarios.oracle import STEPS as EXACT
from scenarios.oracle import Step
from scenarios.schema import Strict, Text, named, shown
from scenarios.written import mistake
from tools.actions import Type

_MOST_ROUNDS = 1000

Kind = Literal["text", "integer", "number", "date"]
Value = str | int | float | date


class Wanted(Locator):
    """What is read: the text of a thing (a field's value), or the part of it that `pattern` finds (its first group).

    `as` is what the text must be and becomes; `all` gives a list, one item for everything that fits.
    """

    kind: Kind = Field(default="text", alias="as")
    pattern: Text | None = None
    all: bool = False

    @model_validator(mode="after")
    def _has_a_text(self) -> Self:
        if self.only_described or self.picture:
            raise ValueError("a text is read from what text, role or css leads to")
        return self


class Extract(Step):
    """Reads things into variables, which the steps after it may use in templates."""

    whole: ClassVar[str | None] = "variables"
    variables: dict[str, Wanted] = Field(min_length=1)


class Do(Step):
    """Words for the model, which acts until it says that they are done."""

    whole: ClassVar[str | None] = "words"
    words: Text


class When(Strict):
    """Steps that are played only where something holds now (or comes to hold `within` seconds), else others."""

    test: Expect = Field(alias="is")
    steps: Any
    otherwise: Any = Field(default=(), alias="else")


class Repeat(Strict):
    """Steps that are played a number of times, for each of some values, or while something holds (`most` times)."""

    times: int | None = Field(default=None, ge=0, le=_MOST_ROUNDS)
    each: tuple[Any, ...] | None = Field(default=None, alias="for")
    name: str = Field(default="item", alias="as")
    test: Expect | None = Field(default=None, alias="while")
    most: int = Field(default=20, ge=1, le=_MOST_ROUNDS)
    steps: Any

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(way is not None for way in (self.times, self.each, self.test)) != 1:
            raise ValueError("give exactly one of times, for, while")
        return self

    def rounds(self) -> Iterator[dict[str, Any]]:
        """The names of each round: `round` counts from 1."""
        values = self.each if self.each is not None else range(self.times if self.times is not None else self.most)
        for number, value in enumerate(values, start=1):
            yield {"round": number} | ({self.name: value} if self.each is not None else {})


HOLDERS: dict[str, type[Strict]] = {"when": When, "repeat": Repeat}
ALL: dict[str, type[Strict]] = {
    **{name: cls for name, cls in EXACT.items() if name != "answer"},  # a test asks nothing
    **{"expect": Expect, "extract": Extract, "do": Do},
    **HOLDERS,
}
"""Every step of a test by its name."""


_STEP: TypeAdapter[Strict] = TypeAdapter(Annotated[Strict, BeforeValidator(lambda value: named(value, ALL, "step"))])
_WAYS = {"text", "role", "css", "picture", "box"}
_LATER = ("steps", "else", "otherwise")
"""Keys of a holder whose steps are filled one by one, when their turn comes."""
_EXAMPLES: dict[Kind, Value] = {"text": "text", "integer": 1, "number": 1.0, "date": date(2000, 1, 1)}


class Read(NamedTuple):
    """One step, filled with variables: as it would stand in the file, and as a value."""

    words: str
    step: Strict


def read_step(raw: object, names: Mapping[str, Any], loc: Loc) -> Read:
    """One step, filled with variables. Raises TemplateFault, for every mistake, with where it stands."""
    filled = _filled(raw, names, loc)
    try:
        return Read(_words(filled), _STEP.validate_python(filled))
    except ValidationError as error:
        place, why = mistake(error.errors(include_url=False)[0])
        raise TemplateFault((*loc, *place), why) from None


def listed(raws: object, loc: Loc) -> list[Any]:
    """Steps as they stand in the file. Raises TemplateFault where that is no list."""
    if isinstance(raws, list | tuple):
        return list(raws)
    raise TemplateFault(loc, f"expected a list of steps (found {shown(raws)})")


def check_steps(raws: object, names: dict[str, Any], loc: Loc, later: set[str], first: int = 0) -> None:
    """Reads all steps without playing them; what is extracted gets an example for a value. Raises TemplateFault.

    A step that needs one of the `later` names (those that are extracted) may only turn out wrong when it is played.
    `first` is the number of the first step in its list. Adds to `names` and `later`.
    """
    for number, raw in enumerate(listed(raws, loc), start=first):
        place = (*loc, number)
        try:
            step = read_step(raw, names, place).step
        except TemplateFault:
            if _mentions(raw, later):
                continue
            raise
        match step:
            case Extract(variables=wanted):
                names |= {name: _example(one) for name, one in wanted.items()}
                later |= wanted.keys()
            case When():
                check_steps(step.steps, names, (*place, "when", "steps"), later)
                check_steps(step.otherwise, names, (*place, "when", "else"), later)
            case Repeat():
                inside = names | next(step.rounds(), {"round": 1, step.name: ""})
                check_steps(step.steps, inside, (*place, "repeat", "steps"), later | {step.name})
                names |= {name: value for name, value in inside.items() if name not in ("round", step.name)}


def words_in(raws: object, loc: Loc) -> Iterator[Loc]:
    """The places of the steps that only a model can do or judge, inside of others, too."""
    for number, raw in enumerate(listed(raws, loc)):
        (name, arguments), *_ = raw.items() if isinstance(raw, dict) else ((raw, None),)
        now = {k: v for k, v in arguments.items() if k not in _LATER} if isinstance(arguments, dict) else arguments
        if name == "do" or (name != "extract" and _only_described(now)):
            yield (*loc, number)
        if name in HOLDERS and isinstance(arguments, dict):
            for key in (key for key in _LATER if key in arguments):
                yield from words_in(arguments[key], (*loc, number, name, key))


def _only_described(value: object) -> bool:
    """Whether a description without any other way is in it."""
    if not isinstance(value, dict):
        return isinstance(value, list) and any(map(_only_described, value))
    alone = isinstance(value.get("describe"), str) and not _WAYS & value.keys()
    return alone or any(map(_only_described, value.values()))


def _words(filled: object) -> str:
    """On one line: `click: {role: button, name: Save}`."""
    shortened = filled
    if isinstance(filled, dict) and (held := next((a for n, a in filled.items() if n in HOLDERS), None)):
        shortened = {name: {k: v for k, v in held.items() if k not in _LATER} for name in filled}
    text = yaml.safe_dump(shortened, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6)
    line = re.sub(r"\s*\n\s*", "⏎ ", text.strip().removesuffix("...").strip())
    return line.removeprefix("{").removesuffix("}")


def _filled(raw: object, names: Mapping[str, Any], loc: Loc) -> object:
    """The step with its templates filled; the steps that it holds stay as they are."""
    if isinstance(raw, dict) and len(raw) == 1:
        (name, arguments), *_ = raw.items()
        if name in HOLDERS and isinstance(arguments, dict):
            now = {key: value for key, value in arguments.items() if key not in _LATER}
            held = {key: value for key, value in arguments.items() if key in _LATER}
            return {name: _rendered(now, names, (*loc, name)) | held}
    return _rendered(raw, names, loc)


def _rendered(value: object, names: Mapping[str, Any], loc: Loc) -> Any:
    if found := names_in(Type(text=str(value))):
        raise TemplateFault(loc, f"a secret cannot stand in a text; write `type: {{secret: {found[0]}}}`")
    return render(value, names, loc)


def _mentions(raw: object, names: set[str]) -> bool:
    return any(re.search(rf"\{{[{{%].*\b{re.escape(name)}\b", str(raw), re.DOTALL) for name in names)


def _example(wanted: Wanted) -> object:
    example = _EXAMPLES[wanted.kind]
    return [example] * _MOST_ROUNDS if wanted.all else example
