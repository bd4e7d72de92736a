"""Times and their tables."""

import statistics
import time
from collections.abc import Awaitable, Callable, Sequence

from rich.table import Table

Sample = list[float]
"""Seconds of repeated calls."""


async def sample(call: Callable[[], Awaitable[object]], times: int, warm: int = 2) -> Sample:
    """Seconds of each of `times` calls, after `warm` calls that do not count."""
    found = []
    for number in range(warm + times):
        began = time.perf_counter()
        await call()
        if number >= warm:
            found.append(time.perf_counter() - began)
    return found


def p50(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)


def p95(values: Sequence[float]) -> float:
    """The value that 95 of 100 stay below."""
    return statistics.quantiles(values, n=20)[-1] if len(values) > 1 else values[0]


def milliseconds(seconds: float) -> str:
    """With as many digits as mean something."""
    value = seconds * 1000
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(title: str, *columns: str) -> Table:
    """A table whose first column is words and whose others are numbers."""
    made = Table(title=title, title_justify="left", title_style="bold")
    for number, column in enumerate(columns):
        made.add_column(column, justify="left" if number == 0 else "right")
    return made
