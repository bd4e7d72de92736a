"""`surehand demo`: a desktop and a web page, by the oracle, and a page to look at afterwards."""

import webbrowser
from pathlib import Path

from rich.text import Text

from agent.commands.live import console, exit_code, signed
from agent.commands.run import run_one
from agent.commands.wiring import new_folder
from agent.report import write_index
from agent.settings import Settings

SCENARIOS = ("desktop/editor-note", "web/registration")
SEED = 1
_LEAD = (
    "No model is used here. The oracle, the reference solution that comes with every scenario, decides what to do; it "
    "answers in a model's own wire format, so that prompt, parser, mouse, keyboard and check work as they do for one."
)


def demo(settings: Settings, out: Path | None, show: bool) -> int:
    """Runs both, and says where to look. Returns the first exit status that is not 0, else 0."""
    settings = settings.model_copy(update={"model": "oracle"})
    folder = out or new_folder(settings, "demo")
    screen = console()
    screen.print(Text(_LEAD))
    codes, folders = [], []
    for scenario in SCENARIOS:
        screen.print()
        done, report = run_one(screen, settings, scenario, SEED, folder / scenario.replace("/", "-"))
        codes.append(exit_code(done.status))
        folders.append(report.parent)
    page = write_index(folders, folder / "index.html", "What surehand did", _LEAD)
    passed = codes.count(0)
    screen.print()
    screen.print(signed("good" if passed == len(codes) else "bad", f"{passed} of {len(codes)} passed"))
    screen.print(
        Text(f"look at {page}: every step with its screenshot, what was clicked, and why it passed"), soft_wrap=True
    )
    screen.print(Text("next: `surehand scenarios list`, then `surehand run SCENARIO --seed 7`"), soft_wrap=True)
    if show:
        webbrowser.open(page.resolve().as_uri())
    return next((code for code in codes if code), 0)
