"""What a model did well, as lessons for itself: its runs that passed (filtered behaviour cloning)."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from agent.prompt import Style
from agent.school.holdout import SEEDS
from agent.school.lesson import Lesson
from agent.training.demonstrations import taught
from agent.training.episodes import LeftOut, episodes


def successes(runs: Sequence[Path], style: Style, left_out: LeftOut) -> Iterator[Lesson]:
    """The decisions of every run below these folders that passed; what was left out is counted, with the reason.

    Runs of seeds that figures are made of are left out. Raises UserError: no run there.
    """
    for run, steps in episodes(runs, left_out):
        if run.seed in SEEDS["training"]:
            yield from taught(run.scenario, run.goal, steps, style)
        else:
            left_out["run", "of a seed that is held out"] += 1
