"""Files of Playwright tests: the tests, and the helpers that they need of what surehand does by itself."""

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from agent.report import TEMPLATES
from agent.scripting.export.program import Chain, Do, HomeFile, If, Pattern, Statement, Value
from agent.scripting.export.steps import Translator, refused
from agent.scripting.export.writing import Language, Python, TypeScript, block, comment
from agent.scripting.written import Case
from env.setup import Launch, PutFile, Run, Script, Serve
from env.site import KIT
from scenarios.loader import ASSETS
from tools.errors import UserError

_HELPERS = ("upload", "tab", "tab_at", "expect_script", "expect_file", "expect_no_file")


@dataclass(frozen=True, slots=True)
class Written:
    """A test as the templates know it: literals and lines of the language."""

    name: str
    title: str
    limit: int
    lines: Sequence[str]
    inner: Sequence[str]
    teardown: Sequence[str]
    files: Sequence[tuple[str, str]]
    folder: str
    data: str
    data_name: str
    data_block: str
    home: bool


class Exported(NamedTuple):
    """The text of a file, and folders of surehand's own pages of which it needs copies."""

    text: str
    pages: Sequence[Path] = ()


def playwright(cases: Sequence[Case], target: str, out: Path) -> Exported:
    """All tests of a file. Raises UserError, with the line, for what Playwright by itself cannot do."""
    waits = target != "playwright-python"
    language: Language = TypeScript() if target == "playwright-ts" else Python(waits=waits)
    translators = [Translator(case) for case in cases]
    programs = [(one.statements(), one.teardown()) for one in translators]
    used = {name for body, teardown in programs for name in _names([*body, *teardown])}
    tests = list(_tests(cases, programs, language))
    folders = [step.folder for case in cases for step in case.prepared if isinstance(step, Serve)]
    if used & {"site"} and not all(test.folder for test in tests):
        raise UserError(f"{cases[0].path}: what pages send is known only of those that the test serves",
                        remedy="begin the setup with `serve`")  # fmt: skip
    needs = {name: name in used for name in (*_HELPERS, "re")} | {
        "home": any(test.home for test in tests), "files": any(test.files for test in tests),
        "any": bool(folders) or "expect_script" in used, "page": bool(folders or used & {*_HELPERS}),
    }  # fmt: skip
    eventually = bool(folders or used & {"tab_at", "expect_script", "expect_file", "expect_no_file"})
    width, height = cases[0].file.size
    text = _templates().get_template("typescript.ts.j2" if target == "playwright-ts" else "python.py.j2").render(
        tests=tests, needs=needs, eventually=eventually, waits=waits, site=bool(folders), patience=cases[0].file.wait,
        viewport=language.literal({"width": width, "height": height}),
        pages=language.literal(_pages(cases[0], out)) if folders else None,
    )  # fmt: skip
    own = folders and cases[0].assets == ASSETS
    return Exported(text, [ASSETS / name for name in (*folders, KIT)] if own else ())


def copied(folders: Iterable[Path], out: Path) -> list[Path]:
    """Puts pages of surehand's own beside the file, so that it needs surehand no more. Raises OSError."""
    beside = out.parent / _beside(out)
    for folder in folders:
        shutil.copytree(folder, beside / folder.name, dirs_exist_ok=True)
    return [beside] if beside.is_dir() else []


def names_of(cases: Sequence[Case]) -> list[str]:
    """A name for each test, fit for a function, none twice."""
    names: list[str] = []
    for case in cases:
        row = case.name.rpartition("[")[2].rstrip("]") if case.file.table else ""
        words = re.sub(r"[^a-z0-9]+", "_", f"{case.file.title} {row}".lower()).strip("_") or "it"
        again = sum(name == f"test_{words}" or name.startswith(f"test_{words}__") for name in names)
        names.append(f"test_{words}" + (f"__{again + 1}" if again else ""))
    return names


def _beside(out: Path) -> str:
    return f"{out.name.partition('.')[0]}_pages"


def _pages(case: Case, out: Path) -> str:
    """The folder of all pages, seen from the file: the test's own, or a copy of surehand's."""
    return _beside(out) if case.assets == ASSETS else os.path.relpath(case.assets, out.absolute().parent)


def _tests(
    cases: Sequence[Case], programs: Sequence[tuple[list[Statement], list[Statement]]], language: Language
) -> Iterator[Written]:
    for case, name, (body, teardown) in zip(cases, names_of(cases), programs, strict=True):
        files, serve = _prepared(case)
        data: Mapping[str, Any] = serve.data if serve else {}
        title = case.file.title + (f" [{case.name.rpartition('[')[2]}" if case.file.table else "")
        constant = name.removeprefix("test_").upper() + "_DATA" if data else ""
        yield Written(
            name=name, title=language.literal(title) if isinstance(language, TypeScript) else comment(title),
            limit=round(case.file.limit * 1000), lines=list(language.lines(body)),
            inner=list(language.lines(body, 2)), teardown=list(language.lines(teardown, 2)) if teardown else [],
            files=[(language.literal(HomeFile(path)), language.literal(text)) for path, text in files],
            folder=language.literal(serve.folder) if serve else "", data=constant or "{}", data_name=constant,
            data_block=block(language, data), home=bool(files) or "home" in _names([*body, *teardown]),
        )  # fmt: skip


def _prepared(case: Case) -> tuple[list[tuple[str, str]], Serve | None]:
    """The texts that are put into HOME, and what is served. Raises UserError for what a page needs no more."""
    files: list[tuple[str, str]] = []
    serve = None
    for number, step in enumerate(case.prepared):
        match step:
            case PutFile(path=path, text=str(text)):
                files.append((path, text))
            case Serve():
                serve = step
            case PutFile() | Launch() | Run():
                what = "a file that surehand makes" if isinstance(step, PutFile) else "a program of the setup"
                raise refused(case, ("setup", number), what, "put the file beside the exported test by hand")
            case Script():
                raise refused(case, ("setup", number), "a script", "let the page begin by itself")
    return files, serve


def _names(statements: Iterable[Statement]) -> Iterator[str]:
    """What a program calls and names; `home` for files of its own, `re` for patterns."""
    for statement in statements:
        match statement:
            case If(seen, _, then, otherwise):
                yield from (*_used(seen), *_names((*then, *otherwise)))
            case Do(what, others):
                yield from (name for chain in (what, *others) for name in _used(chain))
            case taken:
                yield from _used(taken.page)


def _used(value: Value) -> Iterator[str]:
    match value:
        case Chain(links):
            for link in links:
                yield link.name
                yield from (name for part in (*link.arguments, *link.options.values()) for name in _used(part))
        case HomeFile():
            yield "home"
        case Pattern():
            yield "re"


def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES / "export"), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True,
    )  # fmt: skip
