"""What is seen in the terminal while something runs: finished lines stay, the last one is alive."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

from agent.trace import Decision, Run, Step
from agent.trace import Status as Ending
from agent.words import Tone, action_words, seconds_words, verdict
from env.base import Effect

COLOURS: dict[Tone, str] = {"good": "green", "bad": "red", "warn": "yellow", "muted": "magenta"}
SIGNS: dict[Tone, str] = {"good": "✓", "bad": "✗", "warn": "!", "muted": "–"}
_WIDTHS = {"step": 4, "action": 24, "outcome": 12, "screen": 9, "time": 11}
_GAP = 2
_NARROW = 90
"""Below this width the action's column gives its place to the sentence."""


def console() -> Console:
    """Where commands write: coloured only on a terminal that wants it (NO_COLOR), every text as it is."""
    width = None if sys.stdout.isatty() else 120
    return Console(file=sys.stdout, highlight=False, emoji=False, markup=False, width=width)


def signed(tone: Tone, text: str) -> Text:
    """A sign and a text in one colour; without colours the sign still tells."""
    return Text.assemble((f"{SIGNS[tone]} {text}", COLOURS[tone]))


class StepTable:
    """The table of a run's steps as they happen. A step's line is written when the next picture shows what it did."""

    def __init__(self, out: Console) -> None:
        self._out = out
        self._last: Step | None = None
        self._status = Status("preparing the world", console=out)

    def __enter__(self) -> Self:
        self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._status.stop()
        self._write(None)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Inside, the terminal belongs to somebody else; the last step is written first."""
        self._status.stop()
        yield
        self._status.start()

    def step(self, step: Step) -> None:
        """Takes a step that was just done."""
        self._write(step.effect_before)
        self._last = step
        said = step.reply.say if isinstance(step.reply, Decision) else step.reply.why
        self._status.update(_line(f"{step.number:>2}  {said}"))

    def _write(self, effect: Effect | None) -> None:
        step, self._last = self._last, None
        if step is None:
            return
        if step.number == 1:
            self._row(
                *(Text(head, style="dim") for head in ("", "what it says", "action", "outcome", "screen", "time"))
            )
        time = Text(seconds_words(sum(step.seconds.values())), style="dim")
        number = Text(f"{step.number:>3}", style="dim")
        if not isinstance(step.reply, Decision):
            self._row(number, _line(step.reply.why), Text("–"), signed("bad", "unreadable"), Text(""), time)
            return
        outcome = step.outcome
        done = signed("good", "done") if outcome is None or outcome.ok else signed("bad", outcome.note)
        screen = Text(effect or "", style="yellow" if effect is Effect.UNCHANGED else "dim")
        action = _line(action_words(step.reply.action))
        action.stylize("cyan")
        self._row(number, _line(step.reply.say), action, done, screen, time)

    def _row(self, step: Text, say: Text, action: Text, outcome: Text, screen: Text, time: Text) -> None:
        cells = {"step": step, "say": say, "action": action, "outcome": outcome, "screen": screen, "time": time}
        if self._out.width < _NARROW:
            del cells["action"]
        fixed = sum(_WIDTHS.get(name, 0) + _GAP for name in cells)
        grid = Table.grid(padding=(0, _GAP, 0, 0))
        for name in cells:
            width = _WIDTHS.get(name) or max(10, self._out.width - fixed)
            grid.add_column(
                width=width, no_wrap=True, overflow="ellipsis", justify="right" if name == "time" else "left"
            )
        grid.add_row(*cells.values())
        self._out.print(grid)


def _line(text: str) -> Text:
    """A text that stays on its line."""
    return Text(" ".join(text.split()))


def say_verdict(out: Console, run: Run) -> None:
    """The line that ends a run."""
    word, tone, why = verdict(run)
    out.print(signed(tone, word) + Text(f": {why}" if why else ""), soft_wrap=True)


def exit_code(run: Run) -> int:
    """0 passed, or done as far as the model says; 1 not; 3 the machinery failed and there is no score."""
    given_up = run.stop is not None and run.stop.status == "failure"
    if run.status is Ending.PASSED or (run.status is Ending.UNCHECKED and not given_up):
        return 0
    return 1 if run.status is not None and not run.status.value.startswith("error:") else 3
