"""`surehand replay`: a recorded run once more, and what is the same."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from agent.commands.goal import KEPT, Asked
from agent.commands.live import console, exit_code, signed
from agent.commands.run import run_one
from agent.settings import load
from agent.trace import Decision, RunFolder, Step
from agent.words import verdict


class Compared(NamedTuple):
    """How many steps of two runs have something in common, of how many."""

    what: str
    same: int
    steps: int


def replay(config: Path | None, folder: Path, out: Path | None) -> int:
    """Does a run again: same scenario, seed, settings and replies. Returns 0 when actions and verdict are the same."""
    record = RunFolder(folder)
    before, old = record.run(), list(record.steps())
    settings = load(
        config, model=f"replay:{folder}", **{name: before.settings[name] for name in KEPT if name in before.settings}
    )
    screen = console()
    after, report = run_one(screen, settings, Asked.again(before), before.seed, out)
    compared = compare(old, list(RunFolder(report.parent).steps()))
    for one in compared:
        line = f"{one.what}: {one.same} of {one.steps} the same"
        screen.print(signed("good" if one.same == one.steps else "warn", line))
    same = after.status == before.status
    screen.print(signed("good" if same else "bad", f"verdict: {verdict(after).word}, before: {verdict(before).word}"))
    if exit_code(after) == 3 and not same:
        return 3
    return 0 if same and compared[0].same == compared[0].steps else 1


def compare(before: Sequence[Step], after: Sequence[Step]) -> tuple[Compared, ...]:
    """Actions first, then what became of them and what was seen. Steps that only one run has are different."""
    pairs = list(zip(before, after, strict=False))
    steps = max(len(before), len(after))

    def count(what: str, same: Sequence[bool]) -> Compared:
        return Compared(what, sum(same), steps)

    return (
        count("actions", [_action(one) == _action(two) for one, two in pairs]),
        count("outcomes", [one.outcome == two.outcome for one, two in pairs]),
        count("pictures", [one.seen.sha256 == two.seen.sha256 for one, two in pairs]),
    )


def _action(step: Step) -> object:
    return step.reply.action if isinstance(step.reply, Decision) else step.reply
