"""What a seed decides: names, numbers, dates and orders are drawn, and templates are filled with them.

Templates are Jinja2, sandboxed, and an unknown name is an error. A string that is nothing but one
`{{ expression }}` becomes the expression's value (a number stays a number); any other becomes text.
"""

import re
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from random import Random
from typing import Annotated, Any, ClassVar

from jinja2 import StrictUndefined, TemplateError, Undefined, UndefinedError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BeforeValidator, Field, model_validator

from scenarios.schema import Strict, meant, named

Loc = tuple[str | int, ...]


class TemplateFault(ValueError):
    """A template could not be filled; `loc` says where in the scenario it stands."""

    def __init__(self, loc: Loc, why: str) -> None:
        self.loc, self.why = loc, why
        super().__init__(why)


class _Draw(Strict):
    @abstractmethod
    def take(self, random: Random) -> Any:
        """The drawn value."""


class _Choice(_Draw):
    whole: ClassVar[str | None] = "options"
    options: tuple[Any, ...] = Field(min_length=1)

    def take(self, random: Random) -> Any:
        return random.choice(self.options)


class _Integer(_Draw):
    whole: ClassVar[str | None] = "span"
    span: tuple[int, int]

    def take(self, random: Random) -> int:
        return random.randint(min(self.span), max(self.span))


class _Decimal(_Draw):
    """Low, high, and the number of places."""

    whole: ClassVar[str | None] = "span"
    span: tuple[float, float, Annotated[int, Field(ge=0, le=9)]]

    def take(self, random: Random) -> float:
        low, high, places = self.span
        return round(random.uniform(low, high), places)


class _Date(_Draw):
    whole: ClassVar[str | None] = "span"
    span: tuple[date, date]

    def take(self, random: Random) -> date:
        first, last = min(self.span), max(self.span)
        return first + timedelta(days=random.randint(0, (last - first).days))


class _Shuffle(_Draw):
    whole: ClassVar[str | None] = "items"
    items: tuple[Any, ...]

    def take(self, random: Random) -> list[Any]:
        return random.sample(self.items, len(self.items))


class _Sample(_Draw):
    """Some of the items, none twice, in drawn order."""

    items: tuple[Any, ...] = Field(alias="from")
    count: int = Field(ge=0)

    @model_validator(mode="after")
    def _enough(self) -> "_Sample":
        if self.count > len(self.items):
            raise ValueError(f"cannot draw {self.count} of {len(self.items)} items")
        return self

    def take(self, random: Random) -> list[Any]:
        return random.sample(self.items, self.count)


class _Value(_Draw):
    """Not drawn: made from what was drawn before."""

    whole: ClassVar[str | None] = "value"
    value: Any

    def take(self, random: Random) -> Any:
        return self.value


_DRAWS: dict[str, type[_Draw]] = {
    "choice": _Choice,
    "integer": _Integer,
    "decimal": _Decimal,
    "date": _Date,
    "shuffle": _Shuffle,
    "sample": _Sample,
    "value": _Value,
}


class _Drawn(Strict):
    """One entry of `draw`, wrapped so that pydantic reports where its errors are."""

    draw: dict[str, Annotated[_Draw, BeforeValidator(lambda value: named(value, _DRAWS, "draw"))]]


def draw(entries: Mapping[str, object], random: Random) -> dict[str, Any]:
    """Draws every entry in order; each may use those before it in templates.

    Raises TemplateFault or pydantic's ValidationError, both with locations that begin with `draw`.
    """
    drawn: dict[str, Any] = {}
    for name, entry in entries.items():
        if not name.isidentifier() or name in _JINJA.globals:
            raise TemplateFault(("draw", name), f"{name!r} cannot be used as a name in templates")
        filled = render(entry, drawn, ("draw", name))
        drawn[name] = _Drawn.model_validate({"draw": {name: filled}}).draw[name].take(random)
    return drawn


def render(value: object, names: Mapping[str, Any], loc: Loc = ()) -> Any:
    """The value with every template in it filled, keys included. Raises TemplateFault."""
    match value:
        case str():
            return _fill(value, names, loc)
        case Mapping():
            return {_key(k, names, loc): render(v, names, (*loc, k)) for k, v in value.items()}
        case Sequence():
            return [render(v, names, (*loc, i)) for i, v in enumerate(value)]
        case _:
            return value


def _key(key: Any, names: Mapping[str, Any], loc: Loc) -> Any:
    return str(_fill(key, names, (*loc, key))) if isinstance(key, str) and "{{" in key else key


_JINJA = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
del _JINJA.globals["lipsum"], _JINJA.filters["random"]  # they draw without the seed
_ONE = re.compile(r"\{\{(?![-+])(.*)(?<![-+])\}\}", re.DOTALL)


def _fill(text: str, names: Mapping[str, Any], loc: Loc) -> Any:
    if "{{" not in text and "{%" not in text:
        return text
    try:
        return _compiled(text)(names)
    except UndefinedError as error:
        unknown = re.fullmatch(r"'(\w+)' is undefined", str(error))
        remedy = unknown and (meant(unknown[1], names) or f"drawn are {', '.join(names) or 'no names'}")
        raise TemplateFault(loc, f"{error} in {text!r}" + (f"; {remedy}" if remedy else "")) from None
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise TemplateFault(loc, f"{str(error).rstrip('.') or type(error).__name__} in {text!r}") from None


@lru_cache(maxsize=4096)
def _compiled(text: str) -> Callable[[Mapping[str, Any]], Any]:
    one = _ONE.fullmatch(text)
    if one is None or not _is_one(text):
        return _JINJA.from_string(text).render
    evaluate = _JINJA.compile_expression(one[1].strip(), undefined_to_none=False)

    def value(names: Mapping[str, Any]) -> Any:
        found = evaluate(names)
        if isinstance(found, Undefined):
            str(found)  # raises UndefinedError with the reason
        return found

    return value


def _is_one(text: str) -> bool:
    """Whether the template is a single expression: `{{ a }}{{ b }}` is not."""
    body = _JINJA.parse(text).body
    return len(body) == 1 and isinstance(body[0], nodes.Output) and len(body[0].nodes) == 1
