"""Other people's benchmarks as scenarios. A suite is a module here; its name begins the ids of its scenarios."""

import importlib
from typing import Protocol, cast

from scenarios.base import Scenario

NAMES = ("miniwob", "osworld")


class Suite(Protocol):
    """Scenarios that lie elsewhere."""

    def ids(self) -> tuple[str, ...]:
        """Every scenario's id, in order. Raises UserError when what they are made of is not installed."""
        ...

    def load(self, id: str) -> Scenario:
        """The scenario with this id. Raises KeyError when there is none, UserError as `ids`."""
        ...


def suite_of(id: str) -> Suite | None:
    """The suite that an id, or a pattern for ids, belongs to: `miniwob/click-test`, `miniwob/*`."""
    name, slash, _ = id.partition("/")
    if not slash or name not in NAMES:
        return None
    return cast(Suite, importlib.import_module(f"{__name__}.{name}"))
