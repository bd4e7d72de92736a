"""A YAML file, and where everything in it stands."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tools.errors import UserError


class _Loader(yaml.SafeLoader):
    """SafeLoader with the plain scalars of YAML 1.2 and dates, so that `no`, `12:30` and `007` stay text."""

    yaml_implicit_resolvers = {  # noqa: RUF012  the name that yaml reads
        None: [
            ("tag:yaml.org,2002:null", re.compile(r"(?:~|null|)$")),
            ("tag:yaml.org,2002:bool", re.compile(r"(?:true|false)$")),
            ("tag:yaml.org,2002:int", re.compile(r"[-+]?(?:0|[1-9][0-9]*)$")),
            ("tag:yaml.org,2002:float", re.compile(r"[-+]?(?:0|[1-9][0-9]*)\.[0-9]+(?:[eE][-+]?[0-9]+)?$")),
            ("tag:yaml.org,2002:timestamp", re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}$")),
        ]
    }


@dataclass(frozen=True, slots=True)
class Document:
    """The data of a YAML file, and its nodes for finding lines."""

    path: Path
    data: Any
    root: yaml.Node

    def where(self, loc: Sequence[object]) -> tuple[int, str]:
        """The line of a place in the data, counted from 1, and its keys with dots between; as near as it is written.

        Names that are implied in the file (`type: hello` is `type: {text: hello}`) may be in `loc` all the same.
        """
        node, line, keys = self.root, self.root.start_mark.line, []
        for part in loc:
            if (found := _inside(node, part)) is None:
                continue
            keys += found[0]
            node, line = found[1], found[2]
        return line + 1, ".".join(keys)

    def node(self, loc: Sequence[object]) -> yaml.Node | None:
        """The node at a place in the data, if it is written there."""
        node: yaml.Node | None = self.root
        for part in loc:
            found = node and _inside(node, part)
            node = found[1] if found else None
        return node


def read_document(path: Path) -> Document:
    """Reads a file. Raises UserError with file and line for what is not YAML, and for keys that are there twice."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {str(path)!r}", cause=str(error)) from None
    return parse_document(text, path)


def parse_document(text: str, path: Path) -> Document:
    """What a file with this text holds; the marks of its nodes count the characters of the text. Raises UserError."""
    try:
        loader = _Loader(text)
    except ValueError as error:
        raise UserError(f"cannot read {str(path)!r}", cause=str(error)) from None
    try:
        root = loader.get_single_node()
        if root is None:
            raise UserError(f"{path}:1", cause="the file is empty")
        _refuse_duplicates(root, path)
        return Document(path, loader.construct_document(root), root)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        remedy = "a template stands in quotes" if "unhashable" in str(error) else ""
        raise UserError(f"{path}:{line}", cause=str(error.problem), remedy=remedy) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UserError(f"{path}:1", cause=f"this cannot be read as YAML: {error}") from None
    finally:
        loader.dispose()


def _refuse_duplicates(node: yaml.Node, path: Path) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: dict[object, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if isinstance(key, yaml.ScalarNode) and (first := seen.setdefault(key.value, line)) != line:
                raise UserError(f"{path}:{line}", cause=f"the key {key.value!r} is there already, in line {first}")
            _refuse_duplicates(value, path)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_duplicates(item, path)


def _inside(node: yaml.Node, part: object) -> tuple[list[str], yaml.Node, int] | None:
    """The keys to a part of a node, that part, and its line; the one key of a mapping may be stepped over."""
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        item = node.value[part]
        return [str(part)], item, item.start_mark.line
    if not isinstance(node, yaml.MappingNode):
        return None
    for key, value in node.value:
        if key.value == str(part):
            return [key.value], value, key.start_mark.line
    if len(node.value) == 1:
        key, value = node.value[0]
        if isinstance(key, yaml.ScalarNode) and (found := _inside(value, part)):
            return [key.value, *found[0]], found[1], found[2]
    return None
