"""Scores put into words, the same in the terminal and on pages."""

from collections.abc import Sequence

from agent.bench.scores import Rate, Score
from scenarios.schema import counted


def remarks(scores: Sequence[Score]) -> list[str]:
    """What the rates do not count, a line for each player that it concerns."""
    lines = []
    for one in scores:
        if one.errors:
            kinds = ", ".join(f"{count} {kind}" for kind, count in one.errors.items())
            lines.append(f"{one.player}: {sum(one.errors.values())} of {one.planned} runs have no score, as the "
                         f"machinery failed ({kinds}); success is of the other {one.success.of}")  # fmt: skip
        if one.without:
            lines.append(f"{one.player}: without {counted(one.without, 'task')} that no oracle is known for")
        if one.aside:
            lines.append(f"{one.player}: without {counted(one.aside, 'attempt')} cut off or done again")
        if one.missing:
            lines.append(f"{one.player}: {counted(one.missing, 'run')} not done")
    return lines


def share(rate: Rate) -> str:
    """`93.3 %`."""
    return "–" if rate.share is None else f"{100 * rate.share:.1f} %"


def interval(rate: Rate) -> str:
    """`70–99`, in percent."""
    return "" if rate.share is None else f"{100 * rate.low:.0f}–{100 * rate.high:.0f}"


def counts(rate: Rate) -> str:
    """`14 of 15`."""
    return f"{rate.passed} of {rate.of}"
