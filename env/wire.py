"""How facts travel between a keeper and its client: JSON by the types that `Facts` declares, bytes as base64."""

from typing import Annotated, Any, get_type_hints

from pydantic import Base64Encoder, EncodedBytes, TypeAdapter

from env.base import Facts

_NAMES = [name for name in vars(Facts) if not name.startswith("_")]


def _adapter(name: str) -> TypeAdapter[Any]:
    kind = get_type_hints(getattr(Facts, name))["return"]
    return TypeAdapter(Annotated[bytes, _BASE64] if kind is bytes else kind)


_BASE64 = EncodedBytes(encoder=Base64Encoder)

FACTS: dict[str, TypeAdapter[Any]] = {name: _adapter(name) for name in _NAMES}
"""The facts by name, each with the type of its value."""
