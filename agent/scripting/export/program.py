"""A program that drives Playwright, in no language yet: chains of calls, named as Playwright for Python names them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression, in what Python and JavaScript have in common. `flags` are letters: `i`, `m`."""

    source: str
    flags: str = ""


@dataclass(frozen=True, slots=True)
class SecretValue:
    """The value of a secret, which the test takes from the environment."""

    name: str


@dataclass(frozen=True, slots=True)
class HomeFile:
    """A file below the test's own folder, which stands for HOME."""

    path: str


Value = Any
"""What can be written as an argument: JSON, Pattern, SecretValue, HomeFile or a Chain."""


@dataclass(frozen=True, slots=True)
class Link:
    """One part of a chain. A `getter` is a property in Python and a method in TypeScript, a `name` is one in both."""

    name: str
    kind: Literal["call", "getter", "name"] = "call"
    arguments: tuple[Value, ...] = ()
    options: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chain:
    """`page.get_by_role("button").click()`."""

    links: tuple[Link, ...] = ()

    def call(self, method: str, /, *arguments: Value, **options: Value) -> Self:
        """With a call at the end; options that are None are left out."""
        given = {option: value for option, value in options.items() if value is not None}
        return type(self)((*self.links, Link(method, "call", arguments, given)))

    def getter(self, name: str) -> Self:
        """With something at the end that only Python has as a property."""
        return type(self)((*self.links, Link(name, "getter")))

    def name(self, name: str) -> Self:
        """With a property at the end."""
        return type(self)((*self.links, Link(name, "name")))


PAGE = Chain().name("page")
SITE = Chain().name("site")


def function(name: str, /, *arguments: Value, **options: Value) -> Chain:
    """A call of one of the helpers that are written into the file."""
    return Chain().call(name, *arguments, **options)


def expect(thing: Chain) -> Chain:
    """What Playwright's assertions begin with."""
    return function("expect", thing)


@dataclass(frozen=True, slots=True)
class Do:
    """Does a call and waits for it; `others` are further ways to its thing, for the reader."""

    what: Chain
    others: tuple[Chain, ...] = ()


@dataclass(frozen=True, slots=True)
class TakePage:
    """Goes on in another page."""

    page: Chain


@dataclass(frozen=True, slots=True)
class If:
    """Statements that are done where something can be seen (or cannot), else others."""

    seen: Chain
    wanted: bool
    then: "tuple[Statement, ...]"
    otherwise: "tuple[Statement, ...]" = ()


Statement = Do | TakePage | If
