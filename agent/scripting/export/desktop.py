"""A desktop test as a pytest file: the steps as calls of the fixture `desktop_agent`."""

import keyword
import re
from collections.abc import Iterator, Sequence
from typing import Any

from agent.scripting.export.steps import refused
from agent.scripting.export.writing import Python, block, comment
from agent.scripting.language import listed
from agent.scripting.written import Case
from scenarios.draw import Loc, TemplateFault, render

_METHODS = {
    "click", "double_click", "right_click", "type", "press", "select", "upload", "scroll", "goto", "expect", "do",
}  # fmt: skip
"""Steps that the fixture has as methods with the same arguments."""
_HEAD = '''"""Exported by surehand. It needs pytest, and surehand for its fixture `desktop_agent`."""

import pytest
'''
_PYTHON = Python(waits=False)


def desktop(cases: Sequence[Case], names: Sequence[str]) -> str:
    """The text of the file. Raises UserError, with the line, for what cannot be filled in beforehand."""
    return _HEAD + "".join(_test(case, name) for case, name in zip(cases, names, strict=True))


def _test(case: Case, name: str) -> str:
    file = case.file
    setup = [_filled(case, raw, ("setup", number)) for number, raw in enumerate(listed(file.setup, ("setup",)))]
    marks = {"size": list(file.size), "wait": file.wait, "setup": setup[: len(case.prepared)]}
    given = "".join(f"    {key}={block(_PYTHON, value, 1)},\n" for key, value in marks.items())
    played = [f"desktop_agent.{_call(step)}" for step in setup[len(case.prepared) :]]
    steps, last = ([f"desktop_agent.{_call(step)}" for step in _part(case, part)] for part in ("steps", "teardown"))
    body = [*played, *steps]
    if last:
        body = ["try:", *(f"    {line}" for line in body or ["pass"]), "finally:", *(f"    {line}" for line in last)]
    lines = "".join(f"    {line}\n" for line in [f"# {comment(file.title)}", *body, *([] if body else ["pass"])])
    return f"\n\n@pytest.mark.surehand(\n{given})\ndef {name}(desktop_agent):\n{lines}"


def _part(case: Case, part: str) -> Iterator[dict[str, Any]]:
    for number, raw in enumerate(listed(getattr(case.file, part), (part,))):
        yield _filled(case, raw, (part, number))


def _filled(case: Case, raw: Any, loc: Loc) -> Any:
    """A step with the test's own variables filled in; what is still a brace is no template."""
    raw = _without_pictures(raw)
    if not case.names:
        return raw
    try:
        return _plain(render(raw, case.names, loc))
    except TemplateFault as error:
        raise refused(case, error.loc, f"this step ({error.why})", "write it without variables") from None


def _without_pictures(value: Any) -> Any:
    """Other ways to a thing by its picture are left out: the pictures lie beside the test in YAML."""
    match value:
        case {"or": ways}:
            others = [way for way in ways if "picture" not in way]
            return {key: part for key, part in value.items() if key != "or"} | ({"or": others} if others else {})
        case dict():
            return {key: _without_pictures(part) for key, part in value.items()}
        case list():
            return [_without_pictures(part) for part in value]
        case _:
            return value


def _plain(value: Any) -> Any:
    match value:
        case str():
            return re.sub(r"\{[{%]", lambda brace: "{{ '" + brace[0] + "' }}", value)
        case dict():
            return {key: _plain(part) for key, part in value.items()}
        case list():
            return [_plain(part) for part in value]
        case _:
            return value


def _call(step: dict[str, Any]) -> str:
    (name, arguments), *_ = step.items()
    simple = name in _METHODS and not isinstance(arguments, list)
    if simple and isinstance(arguments, dict) and all(_is_keyword(key) for key in arguments):
        return f"{name}({', '.join(f'{key}={_PYTHON.literal(value)}' for key, value in arguments.items())})"
    if simple and isinstance(arguments, str):
        return f"{name}({_PYTHON.literal(arguments)})"
    return f"step({_PYTHON.literal(name)}, {_PYTHON.literal(arguments)})"


def _is_keyword(key: str) -> bool:
    return key.isidentifier() and not keyword.iskeyword(key)
