"""A scenario written in a YAML file: read strictly, drawn and filled for a seed."""

from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_core import ErrorDetails

from env.allow import Allow
from env.setup import STEPS as SETUP_STEPS
from env.setup import SetupStep
from scenarios.base import Limits, Task, World
from scenarios.checkers import AnyCheck
from scenarios.documents import Document, read_document
from scenarios.draw import Loc, TemplateFault, draw, render
from scenarios.oracle import Steps, compile_steps
from scenarios.schema import Strict, Text, known_keys, named, shown
from tools.errors import ScenarioError, UserError
from tools.geometry import Size


class _File(Strict):
    """The keys of the file; those that may hold templates are read as they are."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9/_-]*$")
    title: str
    world: World
    size: Size = Size(1280, 720)
    limits: Limits = Limits()
    tags: tuple[str, ...] = ()
    draw: dict[str, Any] = Field(default_factory=dict)
    goal: Any
    allow: Any = Field(default_factory=dict)
    setup: Any = ()
    oracle: Any = ()
    near_miss: Any = ()
    check: Any


def _allow(value: object) -> object:
    known_keys(value, Allow)
    return value


class _Filled(Strict):
    """The parts with templates, filled for one seed."""

    goal: Text
    allow: Annotated[Allow, BeforeValidator(_allow)]
    setup: tuple[Annotated[SetupStep, BeforeValidator(lambda v: named(v, SETUP_STEPS, "setup step"))], ...]
    oracle: Steps
    near_miss: Steps
    check: AnyCheck


@dataclass(frozen=True, slots=True)
class WrittenScenario:
    """A Scenario from a file."""

    id: str
    title: str
    world: World
    tags: tuple[str, ...]
    document: Document
    file: _File

    def at(self, seed: int) -> Task:
        """As Scenario.at; the error names file, line and key."""
        try:
            return self._fill(seed)
        except (ValidationError, TemplateFault) as error:
            raise ScenarioError(f"{line_of(error, self.document)} (seed {seed})") from None

    def _fill(self, seed: int) -> Task:
        drawn = draw(self.file.draw, Random(f"{self.id}:{seed}"))
        parts = {name: render(getattr(self.file, name), drawn, (name,)) for name in _Filled.model_fields}
        filled = _Filled.model_validate(parts)
        return Task(
            scenario=self.id,
            seed=seed,
            world=self.world,
            size=self.file.size,
            limits=self.file.limits,
            goal=filled.goal,
            allow=filled.allow,
            setup=filled.setup,
            check=filled.check,
            oracle=compile_steps(filled.oracle) if filled.oracle else None,
            near_miss=compile_steps(filled.near_miss) if filled.near_miss else None,
            drawn=drawn,
        )


def read_scenario(path: Path) -> WrittenScenario:
    """Reads a file, and fills it for seed 0 so that mistakes are found now. Raises UserError with file and line."""
    document = read_document(path)
    try:
        file = _File.model_validate(document.data)
        if path.absolute().with_suffix("").parts[-file.id.count("/") - 1 :] != tuple(file.id.split("/")):
            raise UserError(
                f"{path}:{document.where(['id'])[0]}", cause=f"the id {file.id!r} is not the file's own path"
            )
        scenario = WrittenScenario(file.id, file.title, file.world, file.tags, document, file)
        scenario._fill(0)
    except (ValidationError, TemplateFault) as error:
        raise UserError(line_of(error, document)) from None
    return scenario


def line_of(error: ValidationError | TemplateFault, document: Document) -> str:
    """The first mistake in the file, on one line: file, line, keys, and what is wrong there."""
    if isinstance(error, TemplateFault):
        mistakes = [(error.loc, error.why)]
    else:
        mistakes = [mistake(detail) for detail in error.errors(include_url=False)]
    (line, keys), why = min((document.where(loc), why) for loc, why in mistakes)
    return f"{document.path}:{line}: " + (f"{keys}: " if keys else "") + why


def mistake(detail: ErrorDetails) -> tuple[Loc, str]:
    """One of pydantic's errors: where in the data, and what is wrong there in plain words."""
    loc, kind = tuple(detail["loc"]), detail["type"]
    if kind == "wrong_key":
        key = detail["ctx"]["key"]
        return (loc if key is None else (*loc, key)), detail["msg"]
    if kind == "missing":
        return loc, f"the key {loc[-1]!r} is missing"
    why = "expected keys with values" if kind == "model_type" else detail["msg"].removeprefix("Value error, ")
    if kind == "string_type" and isinstance(detail["input"], int | float):
        why += "; put it in quotes, or add `| string` to the template"
    return loc, f"{why} (found {shown(detail['input'])})"
