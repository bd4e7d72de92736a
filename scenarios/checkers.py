"""Checks by name: a file in scenarios/checks/ adds one, and all_of, any_of and not combine them."""

import importlib
import pkgutil
import re
from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import cache
from typing import Annotated, ClassVar, Self, TypeVar

from pydantic import BeforeValidator, Field, field_validator, model_validator

from env.base import Probe
from scenarios import checks
from scenarios.base import CheckResult
from scenarios.schema import Strict, Text, named, shown


class NamedCheck(Strict):
    """A check that YAML can name; its fields are the arguments."""

    @abstractmethod
    async def judge(self, probe: Probe, answer: str | None) -> CheckResult:
        """As `Check.judge`."""


C = TypeVar("C", bound=NamedCheck)
_CHECKS: dict[str, type[NamedCheck]] = {}


def checker(name: str) -> Callable[[type[C]], type[C]]:
    """Registers a check under its name in YAML."""

    def register(cls: type[C]) -> type[C]:
        other = _CHECKS.setdefault(name, cls)
        if other is not cls:
            raise TypeError(f"two checks are called {name!r}: {other.__module__} and {cls.__module__}")
        return cls

    return register


@cache
def known_checks() -> dict[str, type[NamedCheck]]:
    """Every check by name: those here, and those of each file in scenarios/checks/."""
    for module in pkgutil.iter_modules(checks.__path__, f"{checks.__name__}."):
        importlib.import_module(module.name)
    return _CHECKS


AnyCheck = Annotated[NamedCheck, BeforeValidator(lambda value: named(value, known_checks(), "check"))]
"""A field that holds a check, on the wire `{name: arguments}`."""


def verdict(ok: bool, why: str, **evidence: object) -> CheckResult:
    """All or nothing. Evidence that JSON does not know is kept as text."""
    return graded(1.0 if ok else 0.0, why, **evidence)


def graded(score: float, why: str, **evidence: object) -> CheckResult:
    """A score between."""
    return CheckResult.model_validate({"score": score, "why": why, "evidence": _plain(evidence)})


def _plain(value: object) -> object:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case dict():
            return {str(key): _plain(part) for key, part in value.items()}
        case list() | tuple():
            return [_plain(part) for part in value]
        case _:
            return str(value)


async def _all(parts: Sequence[NamedCheck], probe: Probe, answer: str | None) -> list[CheckResult]:
    return [await part.judge(probe, answer) for part in parts]


def _sentence(results: Sequence[CheckResult]) -> str:
    return "; ".join(result.why.rstrip(".") for result in results)


def _evidence(parts: Sequence[NamedCheck], results: Sequence[CheckResult]) -> list[object]:
    names = {cls: name for name, cls in _CHECKS.items()}
    return [
        {"check": names.get(type(p), type(p).__name__), **r.model_dump()} for p, r in zip(parts, results, strict=True)
    ]


@checker("all_of")
class AllOf(NamedCheck):
    """As good as its worst part, so that what holds from the beginning earns nothing."""

    whole: ClassVar[str | None] = "checks"
    checks: tuple[AnyCheck, ...] = Field(min_length=1)

    async def judge(self, probe: Probe, answer: str | None) -> CheckResult:
        """Names every part that failed."""
        results = await _all(self.checks, probe, answer)
        failed = [result for result in results if not result.passed]
        return graded(
            min(result.score for result in results), _sentence(failed or results), parts=_evidence(self.checks, results)
        )


@checker("any_of")
class AnyOf(NamedCheck):
    """As good as its best part."""

    whole: ClassVar[str | None] = "checks"
    checks: tuple[AnyCheck, ...] = Field(min_length=1)

    async def judge(self, probe: Probe, answer: str | None) -> CheckResult:
        """Names the parts that passed, or all of them where none did."""
        results = await _all(self.checks, probe, answer)
        passed = [result for result in results if result.passed]
        why = _sentence(passed) if passed else f"none of these holds: {_sentence(results)}"
        return graded(max(result.score for result in results), why, parts=_evidence(self.checks, results))


@checker("not")
class Not(NamedCheck):
    """Passes when its part does not pass."""

    whole: ClassVar[str | None] = "check"
    check: AnyCheck

    async def judge(self, probe: Probe, answer: str | None) -> CheckResult:
        """Says what should not hold, and whether it does."""
        result = await self.check.judge(probe, answer)
        why = f"this must not be so: {result.why}" if result.passed else f"rightly not so: {result.why}"
        return verdict(not result.passed, why, part=result.model_dump())


class TextTest(NamedCheck):
    """The part that checks of a text share: exactly one of `equals`, `contains`, `matches` (a pattern found in it)."""

    equals: Text | None = None
    contains: Text | None = None
    matches: Text | None = None

    @field_validator("matches")
    @classmethod
    def _is_pattern(cls, value: str | None) -> str | None:
        try:
            re.compile(value or "")
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from None
        return value

    @model_validator(mode="after")
    def _one_of_three(self) -> Self:
        if sum(part is not None for part in (self.equals, self.contains, self.matches)) != 1:
            raise ValueError("give exactly one of equals, contains, matches")
        return self

    def holds(self, text: str) -> bool:
        """Whether the text is as wanted."""
        if self.equals is not None:
            return text == self.equals
        if self.contains is not None:
            return self.contains in text
        return re.search(self.matches or "", text, re.MULTILINE) is not None

    def wanted(self) -> str:
        """What is wanted, to stand after the name of the thing: `equals 'x'`."""
        (verb, value), *_ = [(v, t) for v in ("equals", "contains", "matches") if (t := getattr(self, v)) is not None]
        return f"{verb.removesuffix('s').replace('matche', 'match')} {shown(value)}"

    def of(self, subject: str, text: str, **evidence: object) -> CheckResult:
        """The verdict on a text, which `subject` names at the beginning of the sentence."""
        ok = self.holds(text)
        why = f"{subject} should {self.wanted()} and " + ("does" if ok else f"is {shown(text)}")
        return verdict(ok, why, found=text[:2000], **evidence)
