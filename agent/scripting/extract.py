"""Texts that were read, made into what a test asked for."""

import re
from collections.abc import Sequence
from datetime import date

from agent.scripting.language import Value, Wanted
from scenarios.schema import shown

_NUMBER = re.compile(r"[-+−]?\d+(?:,\d{3})*(?:\.\d+)?")


class Unfit(ValueError):
    """What was read is not there, or not what was asked for."""


def converted(found: Sequence[str], wanted: Wanted) -> Value | list[Value]:
    """The values in texts that were found. Raises Unfit.

    A number may have other words around it, but no other number; thousands are written 1,234.50, dates 2026-01-31.
    """
    if wanted.all:
        return [_one(text, wanted) for text in found]
    if len(found) <= wanted.nth:
        raise Unfit(f"{wanted.label} is not there")
    return _one(found[wanted.nth], wanted)


def _one(text: str, wanted: Wanted) -> Value:
    if wanted.pattern is not None:
        if (match := re.search(wanted.pattern, text)) is None:
            raise Unfit(f"nothing in {shown(text)} fits {wanted.pattern!r}")
        text = match[1] if match.re.groups else match[0]
    match wanted.kind:
        case "text":
            return text
        case "date":
            try:
                return date.fromisoformat(text.strip())
            except ValueError:
                raise Unfit(f"{shown(text)} is not a date such as 2026-01-31") from None
    numbers = _NUMBER.findall(text)
    if len(numbers) != 1:
        raise Unfit(f"{shown(text)} holds {len(numbers) or 'no'} numbers, not one")
    number = numbers[0].replace(",", "").replace("−", "-")
    if wanted.kind == "integer" and "." in number:
        raise Unfit(f"{shown(text)} is not a whole number")
    return int(number) if wanted.kind == "integer" else float(number)
