"""Tests in a YAML file: read strictly, one for each row of its table, every mistake told with its line."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError

from agent.scripting.language import check_steps, listed, words_in
from env.setup import STEPS as SETUP_STEPS
from env.setup import SetupStep
from scenarios.base import World
from scenarios.documents import Document, read_document
from scenarios.draw import Loc, TemplateFault, render
from scenarios.loader import ASSETS
from scenarios.schema import Strict, named
from scenarios.written import line_of, mistake
from tools.errors import UserError
from tools.geometry import Size

PATTERN = "test_*.yaml"
"""Names of test files in a folder; a file that is named itself may be called anything."""
_NOWHERE = yaml.Mark("", 0, 0, 0, None, 0)
_SETUP: TypeAdapter[SetupStep] = TypeAdapter(
    Annotated[SetupStep, BeforeValidator(lambda value: named(value, SETUP_STEPS, "setup step"))]
)


class Written(Strict):
    """The keys of a test file.

    `params` are variables for templates; each row of `table` makes a test of its own and may set them anew (its `id`
    names it). `setup` begins with the world's own steps (put_file, serve, open_url, launch, run); steps of the test's
    language may follow. `teardown` is played in any case. `wait` is the patience of every step, `limit` that of the
    whole test, both in seconds. Folders to `serve` lie beside the file, or among surehand's own pages.
    """

    title: str
    world: World = "browser"
    size: Size = Size(1280, 720)
    wait: float = Field(default=10.0, ge=0)
    limit: float = Field(default=300.0, gt=0)
    tags: tuple[str, ...] = ()
    params: dict[str, Any] = Field(default_factory=dict)
    table: tuple[dict[str, Any], ...] = ()
    setup: Any = ()
    steps: Any
    teardown: Any = ()


@dataclass(frozen=True, slots=True)
class Case:
    """One test: a file at one row of its table. `prepared` are the world's steps, `played` those that follow them."""

    name: str
    file: Written
    document: Document
    names: Mapping[str, Any]
    prepared: tuple[SetupStep, ...]
    played: tuple[Any, ...]

    @property
    def path(self) -> Path:
        """Of the file."""
        return self.document.path

    @property
    def assets(self) -> Path:
        """The folder whose folders can be served."""
        served = [step["serve"]["folder"] for step in self.file.setup or () if "serve" in step]
        beside = self.path.absolute().parent
        return beside if any((beside / str(folder)).is_dir() for folder in served) else ASSETS

    def words(self) -> Loc | None:
        """Where the first step is that only a model can do."""
        parts = (("setup", self.file.setup), ("steps", self.file.steps), ("teardown", self.file.teardown))
        return next((place for part, raws in parts for place in words_in(raws, (part,))), None)

    def line(self, loc: Loc) -> int:
        """Where something stands in the file."""
        return self.document.where(loc)[0]


def find_tests(paths: Sequence[Path], only: str = "*") -> list[Case]:
    """The tests of files and folders, in order; `only` is a pattern for names.

    Raises UserError, with the line, for the first mistake, and for a path that is not there.
    """
    cases = [case for path in paths for file in _files(path) for case in read_test(file)]
    return [case for case in cases if fnmatchcase(case.name, only) or only in case.name]


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(path.rglob(PATTERN))
    if not path.exists():
        raise UserError(f"no test {str(path)!r}", remedy=f"name a .yaml file, or a folder with files called {PATTERN}")
    return [path]


def read_test(path: Path) -> list[Case]:
    """The tests of one file, each checked. Raises UserError with file and line."""
    document = read_document(path)
    try:
        file = Written.model_validate(document.data)
        return list(_cases(file, document))
    except (ValidationError, TemplateFault) as error:
        raise UserError(line_of(error, document)) from None


def case_of(data: Mapping[str, Any], path: Path, name: str) -> Case:
    """A test whose keys are written elsewhere than in a file of ours. Raises UserError."""
    document = Document(path, dict(data), yaml.MappingNode("tag:yaml.org,2002:map", [], _NOWHERE, _NOWHERE))
    try:
        return _case(name, Written.model_validate(document.data), document, {})
    except (ValidationError, TemplateFault) as error:
        raise UserError(line_of(error, document)) from None


def _cases(file: Written, document: Document) -> Iterator[Case]:
    rows = file.table or ({},)
    for number, row in enumerate(rows):
        names = file.params | row
        if odd := next((name for name in names if not str(name).isidentifier()), None):
            raise TemplateFault(("table", number, odd), f"{odd!r} cannot be used as a name in templates")
        name = str(document.path) + (f"[{row.get('id', number)}]" if file.table else "")
        yield _case(name, file, document, names)


def _case(name: str, file: Written, document: Document, names: Mapping[str, Any]) -> Case:
    setup = listed(file.setup, ("setup",))
    worldly = [isinstance(step, dict) and next(iter(step), None) in SETUP_STEPS for step in setup]
    count = worldly.index(False) if False in worldly else len(worldly)
    if True in worldly[count:]:
        late = worldly.index(True, count)
        raise TemplateFault(("setup", late), "a step of the world stands before those that are played in it")
    prepared = tuple(_prepared(step, names, ("setup", number)) for number, step in enumerate(setup[:count]))
    known = dict(names)
    later: set[str] = set()
    for part, raws in (("setup", setup[count:]), ("steps", file.steps), ("teardown", file.teardown)):
        check_steps(raws, known, (part,), later, first=count if part == "setup" else 0)
        _check_pictures(raws, document.path.parent, (part,))
    return Case(name, file, document, names, prepared, tuple(setup[count:]))


def _check_pictures(value: object, folder: Path, loc: Loc) -> None:
    """Raises TemplateFault for a picture that is not there."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
    for key, part in parts:
        if key == "picture" and isinstance(part, str) and "{{" not in part and not (folder / part).is_file():
            raise TemplateFault((*loc, key), f"there is no picture {part!r} beside the test")
        _check_pictures(part, folder, (*loc, key))


def _prepared(raw: object, names: Mapping[str, Any], loc: Loc) -> SetupStep:
    try:
        return _SETUP.validate_python(render(raw, names, loc))
    except ValidationError as error:
        place, why = mistake(error.errors(include_url=False)[0])
        raise TemplateFault((*loc, *place), why) from None
