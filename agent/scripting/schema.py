"""The language of tests as JSON Schema, so that editors complete and check what is written."""

from typing import Any

from pydantic import BaseModel

from agent.scripting.language import ALL
from agent.scripting.written import Written
from env.setup import STEPS as SETUP_STEPS
from scenarios.checkers import known_checks
from scenarios.schema import Strict

_TEMPLATE = {"type": "string", "pattern": r"\{[{%]"}
"""Every value may be a template instead."""
_NOT_TEXT = {"integer", "number", "boolean", "array"}


def json_schema() -> dict[str, Any]:
    """A JSON Schema (draft 2020-12) of test files; checks of scenarios stand in it by name, without their arguments."""
    definitions: dict[str, Any] = {}
    steps = {name: _arguments(cls, definitions) for name, cls in ALL.items()}
    setup = {name: _arguments(cls, definitions) for name, cls in SETUP_STEPS.items()}
    definitions["Step"] = {"anyOf": [_named(name, schema) for name, schema in steps.items()]}
    definitions["Setup"] = {"anyOf": [_named(name, schema) for name, schema in (setup | steps).items()]}
    definitions["Check"] = {"type": "object", "propertyNames": {"enum": sorted(known_checks())}, "maxProperties": 1}
    file = _lifted(Written, definitions)
    for part, kind in (("setup", "Setup"), ("steps", "Step"), ("teardown", "Step")):
        file["properties"][part] = _list_of(kind)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A surehand test", **file,
            "$defs": definitions}  # fmt: skip


def _arguments(cls: type[BaseModel], definitions: dict[str, Any]) -> dict[str, Any]:
    """What may stand after a step's name: its keys, or its one value alone; nothing where no key is needed."""
    schema = _lifted(cls, definitions)
    properties = schema.get("properties", {})
    for name in properties:
        if name in ("steps", "else"):
            properties[name] = _list_of("Step")
    ways = [schema]
    if issubclass(cls, Strict) and cls.whole:
        ways.append(properties[cls.whole])
    if not schema.get("required"):
        ways.append({"type": "null"})
    return ways[0] if len(ways) == 1 else {"anyOf": ways}


def _lifted(cls: type[BaseModel], definitions: dict[str, Any]) -> dict[str, Any]:
    """A class's schema, with what it refers to moved among the definitions, and templates allowed for every value."""
    schema = cls.model_json_schema(by_alias=True)
    for name, part in schema.pop("$defs", {}).items():
        definitions.setdefault(name, _open(part))
    return _open(schema)


def _open(schema: dict[str, Any]) -> dict[str, Any]:
    properties = {name: _or_template(part) for name, part in schema.get("properties", {}).items()}
    return schema | ({"properties": properties} if properties else {})


def _or_template(part: dict[str, Any]) -> dict[str, Any]:
    if part.get("type") in _NOT_TEXT:
        return {"anyOf": [part, _TEMPLATE]}
    if "anyOf" in part and any(way.get("type") in _NOT_TEXT for way in part["anyOf"]):
        return part | {"anyOf": [*part["anyOf"], _TEMPLATE]}
    if part.get("type") == "string":
        return part | {"type": ["string", "number"]}
    return part


def _named(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {name: arguments}, "required": [name], "additionalProperties": False}


def _list_of(kind: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/$defs/{kind}"}}
