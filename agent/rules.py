"""Rules about actions: what a person is asked about first, and what is never done, which wins."""

from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from env.allow import Allow, known_domains, known_verbs, place_of
from env.base import Facts, Item, Observation
from env.items import on_screen
from tools.actions import BrowserAction, ComputerAction, Key, Pointing, Type
from tools.geometry import Point
from tools.keys import UnknownKey, plain_name

_PRESSES = {"enter", "return", "space", "kp_enter", " "}
"""Keys that press whatever has the keyboard."""


class Rule(BaseModel):
    """One rule. It holds for an action that meets every condition that is given; without any, for all of them."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    effect: Literal["ask", "deny"]
    """Whether a person is asked first, or the action is not done."""
    actions: Annotated[tuple[str, ...] | None, AfterValidator(known_verbs)] = Field(default=None, max_length=50)
    """One of these verbs."""
    domains: Annotated[tuple[str, ...] | None, AfterValidator(known_domains)] = Field(default=None, max_length=100)
    """The page in front is of one of these."""
    text: tuple[Annotated[str, StringConstraints(min_length=1, max_length=200)], ...] | None = Field(
        default=None, max_length=50
    )
    """What it points at says one of these, in capitals or not. Where nobody can tell, a person is asked."""
    typed: int | None = Field(default=None, ge=0)
    """With it the run will have typed more characters than this."""
    why: str = Field(default="", max_length=300)
    """Told to the person and to the model."""


class Deed(NamedTuple):
    """What rules look at: an action, the page in front, what its target says (None: unknown), the characters typed."""

    action: ComputerAction | BrowserAction
    url: str | None
    target: str | None
    typed: int


def ruling(rules: Sequence[Rule], deed: Deed) -> Rule | None:
    """The rule that decides about a deed, if any does. One that may hold, for all that can be told, asks a person."""
    asks: Rule | None = None
    for rule in rules:
        match _meets(rule, deed):
            case True if rule.effect == "deny":
                return rule
            case True:
                asks = asks or rule
            case None:
                asks = asks or rule.model_copy(update={"effect": "ask"})
    return asks


def _meets(rule: Rule, deed: Deed) -> bool | None:
    """None where it depends on what the target says, and nobody knows that."""
    if rule.actions is not None and deed.action.action not in rule.actions:
        return False
    if rule.domains is not None and not _of(deed.url, rule.domains):
        return False
    if rule.typed is not None and not (isinstance(deed.action, Type) and deed.typed > rule.typed):
        return False
    if rule.text is None:
        return True
    if deed.target is None:
        return None
    said = deed.target.casefold()
    return any(text.casefold() in said for text in rule.text)


def _of(url: str | None, domains: tuple[str, ...]) -> bool:
    place = place_of(url) if url else None
    return place is not None and Allow(domains=domains).reaches(*place)


async def target_of(action: ComputerAction | BrowserAction, seen: Observation, facts: Facts) -> str | None:
    """What an action's target says; nothing where it has none, None where nobody can tell.

    Raises EnvError when the world is gone.
    """
    if isinstance(action, Pointing):
        point = action.point(seen.size)
        there = [] if point is None else [item for item in await on_screen(facts) if _holds_point(item, seen, point)]
        return "; ".join(f"{item.name} {item.state}" for item in there) or None
    return None if _presses(action) else ""


def _holds_point(item: Item, seen: Observation, point: Point) -> bool:
    left, top, right, bottom = item.box.to_rect(seen.size)
    return left <= point.x <= right and top <= point.y <= bottom


def _presses(action: ComputerAction | BrowserAction) -> bool:
    """Whether it may press what has the keyboard, whatever that is."""
    if isinstance(action, Key):
        return any(_is_pressing(name) for name in action.keys)
    return isinstance(action, Type) and "\n" in action.text


def _is_pressing(key: str) -> bool:
    try:
        return plain_name(key) in _PRESSES
    except UnknownKey:  # which nobody presses
        return False
