"""`surehand bench compare`: two results in the terminal."""

from pathlib import Path

from rich.table import Table
from rich.text import Text

from agent.bench.compare import Comparison, Key, compare
from agent.bench.plan import unlike
from agent.bench.result import Result, read_result
from agent.bench.words import counts, interval, share
from agent.commands.live import console, signed
from agent.words import Tone

_MOST = 30


def say_comparison(first: Path, second: Path) -> None:
    """What flipped between two results, and whether that may be chance. Raises UserError."""
    one, other = read_result(first), read_result(second)
    found = compare(one, other)
    out = console()
    table = Table.grid(padding=(0, 3, 0, 0))
    for letter, result, rate in (("A", one, found.first), ("B", other, found.second)):
        table.add_row(letter, result.main.model, counts(rate), share(rate), interval(rate))
    out.print(table)
    for difference in _conditions(one, other):
        out.print(signed("warn", f"not the same in both: {difference}"), soft_wrap=True)
    if found.unpaired:
        out.print(signed("warn", f"{found.unpaired} runs have no score on the other side, and are left out"))
    _say_flips(found)
    out.print(signed(*_verdict(found)), soft_wrap=True)


def _conditions(one: Result, other: Result) -> list[str]:
    """What else differs than the model: then it may be that which made the difference."""
    return [
        f"{name} is {was!r} in A and {now!r} in B"
        for name, was, now in unlike(one.plan, other.plan) if name not in ("model", "model_name")
    ]  # fmt: skip


def _say_flips(found: Comparison) -> None:
    out = console()
    if not found.flips:
        out.print(Text(f"none of {found.pairs} pairs of runs flipped"))
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for head in ("task", "pairs", "only A passed", "only B passed", "p", ""):
        table.add_column(head, justify="right" if head in ("pairs", "p") else "left")
    for task in found.flips[:_MOST]:
        word = "more than chance" if task.certain else "may be chance"
        table.add_row(task.task, str(task.pairs), _at(task.lost), _at(task.gained), f"{task.p:.2g}", word)
    out.print(table)
    if len(found.flips) > _MOST:
        out.print(Text(f"and {len(found.flips) - _MOST} tasks more", style="dim"))


def _at(keys: tuple[Key, ...]) -> str:
    seeds = [f"{seed}" + (f" ({repeat + 1})" if repeat else "") for _, seed, repeat in keys]
    shown = ", ".join(seeds[:8]) + (f" and {len(seeds) - 8} more" if len(seeds) > 8 else "")
    return f"seed{'s' if len(seeds) > 1 else ''} {shown}" if seeds else "–"


def _verdict(found: Comparison) -> tuple[Tone, str]:
    flipped = f"of {found.pairs} pairs, {found.lost} only A passed and {found.gained} only B"
    tasks = f"B is better at {found.better} tasks and worse at {found.worse} (p = {found.p:.2g}"
    tasks += f"; by runs {found.p_runs:.2g})"
    if found.certain:
        return "good" if found.better > found.worse else "bad", f"{flipped}; {tasks}: that is more than chance"
    return "muted", f"{flipped}; {tasks}: that may be chance"
