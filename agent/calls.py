"""Calls in the text of a reply: where they stand, and what they say, with small slips of the pen mended. Pure.

Only the form is mended, and only where one reading is left; whether a call can be done is for `agent.parse` to say.
"""

import ast
import json
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

_JSON = json.JSONDecoder(strict=False)  # models write raw line breaks and tabs inside strings
_CALL = re.compile(r"<tool_call>\s*(?=\{|<function=)")
_CALL_END = re.compile(r"</?tool_call>")
_PARAMETER = re.compile(r"<parameter=(\w+)>\n?(.*?)\n?(?=</parameter>|<parameter=|</function>|$)", re.DOTALL)
_WORDS = ("action", "text", "status", "url")
"""Parameters that are texts in the XML form also where they look like JSON."""
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[][{}"]', re.DOTALL)
_SPARE_COMMA = re.compile(r'("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])', re.DOTALL)
_SAYS_CLICK = re.compile(r"^[ \t]*Action:[ \t]*(?:left[- ])?click\b", re.MULTILINE | re.IGNORECASE)
_LONGEST = 20_000
"""Characters up to which a text is searched for bare JSON, or mended."""
_PARTNER = {"{": "}", "[": "]"}


class Found(NamedTuple):
    """A call as an object, and where in the text it begins."""

    start: int
    call: dict[str, Any]


class Spoilt(NamedTuple):
    """What was meant as a call and cannot be read, and why."""

    start: int
    why: str


def found_calls(content: str) -> Iterator[Found | Spoilt]:
    """Every call in the order of the text: those in <tool_call>; where there are none, JSON with an action.

    `<tool_call>` in a sentence, with nothing like a call after it, is none.
    """
    begun = content.find("<think>")
    marks = list(_CALL.finditer(content))
    for mark in marks:
        if 0 <= begun < mark.start():
            yield Spoilt(mark.start(), "its thought was not ended with </think>")
        else:
            yield _tagged(content, mark)
    if not marks and begun < 0 and len(content) <= _LONGEST:
        yield from _bare(content)


def _tagged(content: str, mark: re.Match[str]) -> Found | Spoilt:
    end = _CALL_END.search(content, mark.end())
    segment = content[mark.end() : end.start() if end else len(content)].strip()
    if segment.startswith("<function="):
        return Found(mark.start(), _xml(segment))
    try:
        call, _ = _JSON.raw_decode(content, mark.end())
    except RecursionError:
        return Spoilt(mark.start(), "the <tool_call> is not valid JSON: it is nested too deeply")
    except ValueError as error:
        call = _mended(segment) if len(segment) <= _LONGEST else None
        if call is None:
            return Spoilt(mark.start(), f"the <tool_call> is not valid JSON: {error}")
    return Found(mark.start(), call)


def _mended(segment: str) -> dict[str, Any] | None:
    """A broken object read in the only way that is left: a spare comma, brackets not closed, written as in Python."""
    ways: tuple[Callable[[str], Any], ...] = (
        lambda text: _JSON.raw_decode(_without_spare_commas(text))[0],
        lambda text: _JSON.raw_decode(_without_spare_commas(_closed(text)))[0],
        _as_python,
    )
    for way in ways:
        try:
            call = way(segment)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            continue
        if isinstance(call, dict):
            return call
    return None


def _without_spare_commas(text: str) -> str:
    return _SPARE_COMMA.sub(lambda found: found[1] or "", text)


def _closed(text: str) -> str:
    """Brackets that were left open closed. Raises ValueError where a text or a number may have been cut."""
    pieces, still_open, done = list[str](), list[str](), 0
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark == '"':
            raise ValueError("a text in it is not ended")
        pieces.append(text[done : token.start()])
        done = token.end()
        if mark in _PARTNER.values():
            if mark not in map(_PARTNER.get, still_open):
                raise ValueError("it closes what was not opened")
            while (partner := _PARTNER[still_open.pop()]) != mark:
                pieces.append(partner)
        elif mark in _PARTNER:
            still_open.append(mark)
        pieces.append(mark)
        if not still_open:
            return "".join(pieces)
    rest = text[done:].rstrip()
    if rest[-1:].isalnum():
        raise ValueError("a value in it may have been cut")
    return "".join([*pieces, rest, *(_PARTNER[mark] for mark in reversed(still_open))])


def _as_python(text: str) -> Any:
    """The same as JSON would give: other types of Python are refused with TypeError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of backslashes, which are the model's own
        return json.loads(json.dumps(ast.literal_eval(text)))


def _xml(segment: str) -> dict[str, Any]:
    """`<function=NAME><parameter=KEY>VALUE</parameter>…`, which newer Qwen models write."""
    name = segment.removeprefix("<function=").partition(">")[0].strip()
    return {"name": name, "arguments": {key: _value(key, value) for key, value in _PARAMETER.findall(segment)}}


def _value(key: str, value: str) -> Any:
    if key in _WORDS:
        return value
    try:
        return _JSON.decode(value.strip())
    except (ValueError, RecursionError):
        return value


def _bare(content: str) -> Iterator[Found | Spoilt]:
    """JSON outside of any tag: a call or its arguments; or one box alone, where the sentence says to click it."""
    objects = list(found_objects(content))
    calls = [found for found in objects if "action" in found.call or "arguments" in found.call]
    yield from calls
    places = [found for found in objects if {"bbox_2d", "point_2d"} & found.call.keys()]
    if calls or not places:
        return
    start, place = places[0]
    if len(places) > 1 or not _SAYS_CLICK.search(content):
        yield Spoilt(start, "it names a place, but no action")
    elif "bbox_2d" in place:
        yield Found(start, {"action": "left_click", "bbox_2d": place["bbox_2d"]})
    else:
        yield Found(start, {"action": "left_click", "coordinate": place["point_2d"]})


def found_objects(content: str) -> Iterator[Found]:
    """Every whole JSON object of a text that is not inside another one."""
    at = content.find("{")
    while at >= 0:
        try:
            value, end = _JSON.raw_decode(content, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            yield Found(at, value)
        at = content.find("{", end)
