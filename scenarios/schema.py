"""Strict values read from YAML: a wrong key or name says what is allowed and what was probably meant."""

import difflib
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

M = TypeVar("M", bound=BaseModel)


class Strict(BaseModel):
    """A frozen value that takes no unknown key.

    A class that sets `whole` is written without its one field's name: `type: hello` for `type: {text: hello}`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    whole: ClassVar[str | None] = None

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: object) -> object:
        if isinstance(value, cls):
            return value
        if cls.whole and not (isinstance(value, dict) and set(value) == {cls.whole}):
            return {cls.whole: value}
        known_keys(value, cls)
        return value


def meant(word: object, options: Iterable[str]) -> str:
    """A remedy: the option that was probably meant, or nothing."""
    close = difflib.get_close_matches(str(word), list(options), n=1)
    return f"did you mean {close[0]!r}?" if close else ""


def known_keys(value: object, cls: type[BaseModel]) -> None:
    """Refuses a mapping with a key that is no field of `cls`; the error's context holds the key."""
    if not isinstance(value, Mapping):
        return
    allowed = [field.alias or name for name, field in cls.model_fields.items()]
    for key in value:
        if key not in allowed and key not in cls.model_fields:
            raise _wrong(f"unknown key {key!r}", f"one of {', '.join(allowed)}" if allowed else "no key at all",
                         meant(key, allowed), key)  # fmt: skip


def named(value: object, registry: Mapping[str, type[M]], noun: str) -> object:
    """`{name: arguments}` as the registry's class for that name; anything but a mapping is handed back."""
    if not isinstance(value, Mapping):
        return value
    if len(value) != 1:
        raise _wrong(f"a {noun} is one name with its arguments", f"not {len(value)} keys", "begin each with a dash")
    name, arguments = next(iter(value.items()))
    if name not in registry:
        raise _wrong(f"unknown {noun} {name!r}", f"one of {', '.join(sorted(registry))}", meant(name, registry), name)
    cls = registry[name]
    arguments = {} if arguments is None else arguments
    if not issubclass(cls, Strict):
        known_keys(arguments, cls)
    return cls.model_validate(arguments)


def _wrong(what: str, cause: str, remedy: str, key: object = None) -> PydanticCustomError:
    line = f"{what}: {cause}" + (f"; {remedy}" if remedy else "")
    return PydanticCustomError("wrong_key", "{line}", {"line": line, "key": key})


def _text(value: Any) -> Any:
    """A drawn number or date is written as text; true and false are refused, for `yes` may be meant."""
    if isinstance(value, int | float | date) and not isinstance(value, bool):
        return str(value)
    return value


Text = Annotated[str, BeforeValidator(_text)]


def counted(number: int, noun: str) -> str:
    """A number of things: `1 file`, `2 files`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def shown(value: object, limit: int = 60) -> str:
    """A value for a sentence: quoted, and cut in the middle where it is long."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit * 2 // 3]} … {text[-limit // 3 :]}"
