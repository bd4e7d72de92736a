"""The form of a whole answer as a regular expression, made from the union of actions, for servers that can hold to it.

A sentence, then one call in the spacing that Qwen3-VL was trained on. Everything that it allows can be parsed.
"""

from collections.abc import Collection, Iterator
from typing import Any, get_args

from tools.actions import BrowserAction, ComputerAction, Pointing, Targeted

_GRID = "(?:0|[1-9][0-9]{0,2}|1000)"
_PLAIN = r'[^"\\\x00-\x1f\x7f]'
_ESCAPED = r'\\["\\/nrt]'
_KEY = f'"(?:{_PLAIN}|{_ESCAPED}){{1,16}}"'
_NUMBERS = {
    "pixels": "-?[1-9][0-9]{0,3}",
    "time": r"(?:[12]?[0-9]|30)(?:\.[0-9])?",
    "tab": "(?:0|[1-9][0-9]?)",
}


def constraint(
    *, boxes: bool = True, browser: bool = False, without: Collection[str] = (), longest: int | None = None
) -> str:
    """The expression. `without` names actions that are not allowed; `longest` is the most characters of a text.

    None allows texts of any length, which a model that knows nothing fills up to the limit of its tokens.
    """
    text = f'"(?:{_PLAIN}|{_ESCAPED})' + ("*" if longest is None else f"{{0,{longest}}}") + '"'
    unions = [("computer_use", ComputerAction)] + ([("browser", BrowserAction)] if browser else [])
    calls = "|".join(
        rf'"{tool}", "arguments": \{{(?:{"|".join(_verbs(union, boxes, without, text))})\}}' for tool, union in unions
    )
    # a bound such as {1,200} makes xgrammar compile for seconds, where vLLM gives up
    sentence = r"Action: [^\x00-\x1f<]" + ("+" if longest is None else f"{{1,{longest}}}")
    return rf'{sentence}\n<tool_call>\n\{{"name": (?:{calls})\}}\n</tool_call>'


def _verbs(union: Any, boxes: bool, without: Collection[str], text: str) -> Iterator[str]:
    for cls in get_args(union):
        (verb,) = get_args(cls.model_fields["action"].annotation)
        if verb not in without:
            yield f'"action": "{verb}"' + "".join(_parameters(cls, boxes, text))


def _parameters(cls: Any, boxes: bool, text: str) -> Iterator[str]:
    if issubclass(cls, Pointing):
        point = rf'"coordinate": \[{_GRID}, {_GRID}\]'
        place = rf'(?:"bbox_2d": \[{_GRID}(?:, {_GRID}){{3}}\]|{point})' if boxes else point
        yield f"(?:, {place})" + ("" if issubclass(cls, Targeted) else "?")
    for name, field in cls.model_fields.items():
        match name:
            case "action" | "bbox_2d" | "coordinate":
                continue
            case "coordinate2":
                value = rf"\[{_GRID}, {_GRID}\]" if boxes else None
            case "keys":
                value = rf"\[{_KEY}(?:, {_KEY}){{0,3}}\]"
            case "status":
                value = f'"(?:{"|".join(get_args(field.annotation))})"'
            case _:
                value = _NUMBERS.get(name, text)
        if value:
            yield f'(?:, "{name}": {value})' + ("" if field.is_required() else "?")
