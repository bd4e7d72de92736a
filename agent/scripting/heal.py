"""Things that none of their ways lead to any more, found again by a model, and written back as a diff to be read.

The model only points: what stands there gets its ways as when a test is recorded, and the test must pass with them.
"""

import copy
import difflib
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import yaml

from agent.scripting.minds import Healed, Lost, Mind
from agent.scripting.record import on_a_line
from agent.scripting.results import Ending, Mended, Result
from agent.scripting.ways import Way, as_locator, ways_to
from env.base import Environment
from scenarios.documents import Document, parse_document
from scenarios.draw import Loc
from scenarios.locate import Locator
from tools.errors import UserError

_LOST = "{thing}. A test needs it for this step: {step}. It may look different now, or say other words for the same."
_COMMENT = re.compile(r"\s#.*\n")
_OTHER = "the file is not what it was when the test began"
_KEYS = {field.alias or name for name, field in Locator.model_fields.items()}


class ModelHealer:
    """A Healer that asks a test's mind, and remembers what it was told."""

    def __init__(self, mind: Mind) -> None:
        self._mind = mind
        self.mended: list[Mended] = []

    async def heal(self, lost: Lost, world: Environment) -> Healed:
        """Raises what broke: the world or the model."""
        pointed = await self._mind.point(_LOST.format(thing=lost.thing.label, step=lost.step), world)
        if pointed.rect is None:
            return Healed(None, pointed.why, pointed.run)
        ways = [way for way in await ways_to(pointed.rect.center, world.probe()) if "box" not in way]
        if not ways:
            return Healed(None, "the model points at a place where nothing is that could be told again", pointed.run)
        now = as_locator(ways)
        self.mended.append(Mended(loc=lost.loc, was=lost.thing.label, now=now))
        return Healed(Locator.model_validate(now), run=pointed.run)


class Mending(NamedTuple):
    """What a session mends in one test file: its text before and after, and what is left to a person, and why."""

    file: Path
    before: str
    after: str
    left: tuple[str, ...]

    def diff(self) -> str:
        """Unified, for `patch -p1` or `git apply` in the current folder; empty where nothing can be written."""
        name = os.path.relpath(self.file)
        lines = difflib.unified_diff(
            self.before.splitlines(keepends=True), self.after.splitlines(keepends=True), f"a/{name}", f"b/{name}"
        )
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)

    def write(self) -> None:
        """Changes the file. Raises UserError."""
        try:
            self.file.write_bytes(self.after.encode())
        except OSError as error:
            raise UserError(f"cannot write {str(self.file)!r}", cause=error.strerror or str(error)) from None


def mendings(results: Sequence[Result]) -> Iterator[Mending]:
    """For each file with mended things whose tests all passed. Raises UserError for a file that is gone."""
    for file in dict.fromkeys(result.file for result in results):
        of_file = [result for result in results if result.file == file]
        found = [one for result in of_file for one in result.mended]
        if found and all(result.ending is Ending.PASSED for result in of_file):
            yield _mending(file, found)


def _mending(file: Path, found: Iterable[Mended]) -> Mending:
    try:
        before = file.read_bytes().decode()
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {str(file)!r}", cause=str(error)) from None
    places: dict[Loc, list[Mended]] = {}
    for one in found:
        places.setdefault(one.loc, []).append(one)
    text, left = before, []
    for loc, ones in places.items():
        document = parse_document(text, file)
        why = "it is another thing each time" if any(one.now != ones[0].now for one in ones) else None
        changed = why or _changed(text, document, ones[0])
        if isinstance(changed, tuple):
            (text,) = changed
        else:
            left.append(f"{file}:{document.where(loc)[0]}: {ones[0].was} has to be mended by hand: {changed}")
    return Mending(file, before, text, tuple(left))


def _changed(text: str, document: Document, mended: Mended) -> tuple[str] | str:
    """The text with a locator changed where it stands, all else left as it is; or why that cannot be done."""
    node, now = document.node(mended.loc), mended.now
    if not isinstance(node, yaml.MappingNode):
        return _OTHER
    old = {key.value: text[value.start_mark.index : _end(value)] for key, value in node.value}
    if any("{{" in words for key, words in old.items() if key in _KEYS):
        return "it is told by a template"
    changed = _in_flow(text, node, old, now) if node.flow_style else _in_block(text, node, now)
    wanted = copy.deepcopy(document.data)
    place = _held(wanted, mended.loc)
    if Locator.model_validate({key: place.pop(key) for key in _KEYS & place.keys()}).label != mended.was:
        return _OTHER
    place |= parse_document(on_a_line(now), document.path).data
    unlike = parse_document(changed, document.path).data != wanted or _COMMENT.search("".join(old.values()))
    return "it is written in an unusual way" if unlike else (changed,)


def _in_flow(text: str, node: yaml.MappingNode, old: Mapping[str, str], now: Way) -> str:
    kept = [f", {key}: {words}" for key, words in old.items() if key not in _KEYS]
    new = on_a_line(now).removesuffix("}") + "".join(kept) + "}"
    return text[: node.start_mark.index] + new + text[node.end_mark.index :]


def _in_block(text: str, node: yaml.MappingNode, now: Way) -> str:
    """Each key on its line; a key that stays keeps the comment behind it."""
    edits, behind, newline = [], 0, "\r\n" if "\r\n" in text else "\n"
    for key, value in (pair for pair in node.value if pair[0].value in _KEYS):
        end = _end(value)
        behind = text.find("\n", end) + 1 or len(text)
        if key.value in now:
            edits.append((value.start_mark.index, end, on_a_line(now[key.value])))
        else:
            edits.append((text.rfind("\n", 0, key.start_mark.index) + 1, behind, ""))
    indent, there = " " * node.start_mark.column, {key.value for key, _ in node.value}
    new = [f"{indent}{key}: {on_a_line(value)}{newline}" for key, value in now.items() if key not in there]
    edits.append((behind, behind, "".join(new) if text[:behind].endswith("\n") else newline + "".join(new)))
    for start, end, words in sorted(edits, reverse=True):
        text = text[:start] + words + text[end:]
    return text


def _end(node: yaml.Node) -> int:
    """Where its last character stands; what PyYAML takes for the end of a block is the beginning of what follows."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _held(data: Any, loc: Loc) -> dict[str, Any]:
    for part in loc:
        data = data[part]
    return cast("dict[str, Any]", data)
