"""`surehand demo`: a desktop and a web page by the oracle, a few steps through vLLM, and a page to look at then."""

import contextlib
import subprocess
import sys
import webbrowser
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.text import Text

from agent.commands.goal import Asked
from agent.commands.live import console, exit_code, signed
from agent.commands.run import run_one
from agent.commands.served import STAND_IN
from agent.commands.wiring import new_folder
from agent.report import write_index
from agent.settings import Settings
from agent.trace import Run

SCENARIOS = ("desktop/editor-note", "web/registration")
SEED = 1
PLUMBING = "web/login"
PLUMBING_STEPS = 4
_LEAD = (
    "No model with skill is used here. The oracle, the reference solution that comes with every scenario, decides what "
    "to do; it answers in a model's own wire format, so that prompt, parser, mouse, keyboard and check work as they do "
    "for one."
)
_PLUMBING = (
    f"Now {PLUMBING_STEPS} steps of {PLUMBING} through vLLM, as with a real Qwen3-VL: the same prompt, the same HTTP, "
    "the same reading of replies. It will not pass."
)


def demo(settings: Settings, out: Path | None, show: bool) -> int:
    """Runs all, and says where to look. Returns the first exit status that is not 0, else 0.

    What the stand-in does is shown and counts for nothing, unless the machinery fails.
    """
    settings = settings.model_copy(update={"model": "oracle"})
    folder = out or new_folder(settings, "demo")
    screen = console()
    screen.print(Text(_LEAD))
    codes, folders = [], []
    with _stand_in() as there:
        for scenario in SCENARIOS:
            screen.print()
            done, report = run_one(screen, settings, Asked(scenario), SEED, folder / scenario.replace("/", "-"))
            codes.append(exit_code(done))
            folders.append(report.parent)
        machinery = 0
        if there:
            done, report = _plumbing(screen, settings, folder / STAND_IN)
            machinery = 0 if done.status and done.status.scored else exit_code(done)
            folders.append(report.parent)
        else:
            screen.print("\nno vLLM on this machine, so nothing through it: `bash docker/setup-serve.sh` installs one")
    page = write_index(folders, folder / "index.html", "What surehand did", _LEAD)
    passed = codes.count(0)
    screen.print()
    screen.print(signed("good" if passed == len(codes) else "bad", f"{passed} of {len(codes)} passed"))
    screen.print(
        Text(f"look at {page}: every step with its screenshot, what was clicked, and why it passed"), soft_wrap=True
    )
    screen.print(
        Text("next: `surehand scenarios list`, then `surehand run SCENARIO --model oracle --seed 7`"), soft_wrap=True
    )
    if show:
        webbrowser.open(page.resolve().as_uri())
    return next((code for code in [*codes, machinery] if code), 0)


@contextlib.contextmanager
def _stand_in() -> Iterator[bool]:
    """Whether the stand-in can be served here. It starts while other things are done; one that ran before stays."""
    from agent.serving.family import find
    from agent.serving.machine import look
    from agent.serving.vllm_server import servers

    model = find(STAND_IN)
    if look().cpu_program is None:
        yield False
        return
    if any((server.source, server.adapter) == (model.source, None) for server in servers()):
        yield True
        return
    serve = [sys.executable, "-m", "agent", "serve", STAND_IN]
    with subprocess.Popen(serve, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as starting:
        try:
            yield True
        finally:
            starting.wait()
            subprocess.run([*serve, "--stop"], stdout=subprocess.DEVNULL, check=False)


def _plumbing(screen: Console, settings: Settings, folder: Path) -> tuple[Run, Path]:
    screen.print()
    screen.print(Text(_PLUMBING))
    screen.print()
    asked = settings.model_copy(update={"model": STAND_IN, "steps": PLUMBING_STEPS})
    return run_one(screen, asked, Asked(PLUMBING), SEED, folder)
