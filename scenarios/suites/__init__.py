"""Other people's benchmarks as scenarios. A suite is a module here; its name begins the ids of its scenarios."""

import importlib
from collections.abc import Iterable
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

    def deviations(self) -> tuple[str, ...]:
        """What is otherwise than in the suite's own runs, a line each. Raises UserError as `ids`."""
        ...


def deviations(ids: Iterable[str]) -> tuple[str, ...]:
    """What is otherwise than in the own runs of the suites that these scenarios belong to, a line each."""
    names = dict.fromkeys(id.partition("/")[0] for id in ids)
    suites = [suite for name in names if (suite := suite_of(f"{name}/"))]
    return tuple(line for suite in suites for line in suite.deviations())


def suite_of(id: str) -> Suite | None:
    """The suite that an id, or a pattern for ids, belongs to: `miniwob/click-test`, `miniwob/*`."""
    name, slash, _ = id.partition("/")
    if not slash or name not in NAMES:
        return None
    return cast(Suite, importlib.import_module(f"{__name__}.{name}"))
