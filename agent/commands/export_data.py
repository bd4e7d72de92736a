"""`surehand export --format swift` and its like: training data of runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from agent.chat.functions import read_wording
from agent.commands.live import console, signed
from agent.prompt import IMAGE_MAX, Style
from agent.settings import Settings, load
from agent.training.dataset import Made, make
from agent.training.rows import Telling
from scenarios.schema import counted

if TYPE_CHECKING:
    from agent.commands.export import Wanted


def export_data(config: Path | None, runs: Sequence[Path], out: Path | None, wanted: "Wanted") -> int:
    """Writes the dataset and says what is in it. Returns the exit status. Raises UserError."""
    settings, screen = load(config, history=wanted.history), console()
    telling, folder = _telling(settings, wanted), out or Path(f"{wanted.form}-data")
    with screen.status("reading runs"):
        made = make(runs, folder, wanted.form, telling, every=wanted.every, share=wanted.share)
    screen.print(signed("good", f"{counted(made.runs, 'run')} as data: {_rows(made)}"), soft_wrap=True)
    for line in (_told(wanted.form, telling.style), *_left_out(made), f"data: {folder}"):
        screen.print(Text(line), soft_wrap=True)
    return 0


def _telling(settings: Settings, wanted: "Wanted") -> Telling:
    """As the settings ask a model; it thinks unless they, or the command, say that it is an Instruct one."""
    thoughts = settings.model_kind != "instruct" if wanted.thoughts is None else wanted.thoughts == "keep"
    style = Style(history=settings.history, thoughts=thoughts, boxes=settings.boxes,
                  image_max=settings.image_max or IMAGE_MAX, fold=settings.fold)  # fmt: skip
    return Telling(style, read_wording(settings.tool_text) if settings.tool_text else None)


def _rows(made: Made) -> str:
    validation = f"{made.validation} to validate with" if made.validation else "none to validate with"
    return f"{counted(made.train, 'row')} to learn from, {validation}, {counted(made.pictures, 'picture')}"


def _told(form: str, style: Style) -> str:
    if form == "swift":
        return "format: swift, a row for each thing that was clicked, with its box in pixels"
    thoughts = "thoughts kept (for a Thinking model)" if style.thoughts else "no thoughts (for an Instruct model)"
    history = "results of calls" if style.history == "tool" else "turns of the user"
    return f"format: {form}, {thoughts}, screenshots as {history}, at most {style.image_max} in a row"


def _left_out(made: Made) -> list[str]:
    return [f"left out: {'; '.join(made.left_out)}"] if made.left_out else []
