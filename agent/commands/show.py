"""`surehand report` and `surehand config`: what is on the disk, and what is set."""

import os
import webbrowser
from pathlib import Path

from rich.table import Table
from rich.text import Text

from agent.commands.live import console, signed
from agent.report import write_report
from agent.settings import Settings, strangers
from agent.trace import RunFolder
from agent.words import verdict
from tools.errors import UserError


def make_report(folder: Path, show: bool) -> None:
    """Writes a run's report again. Raises UserError."""
    report = write_report(folder)
    console().print(Text(f"report: {report}"), soft_wrap=True)
    if show:
        webbrowser.open(report.resolve().as_uri())


def list_runs(runs: Path) -> None:
    """Every run below a folder, the newest first; a damaged one is listed as such. Raises UserError: no such folder."""
    if not runs.is_dir():
        raise UserError(f"no folder {str(runs)!r}", cause="nothing was run yet", remedy="try `surehand demo`")
    out = console()
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for head in ("ended as", "scenario", "seed", "model", "started", "folder"):
        table.add_column(head, overflow="fold", no_wrap=head != "folder")
    rows = [_row(file.parent) for file in runs.rglob("run.json")]
    for _, row in sorted(rows, key=lambda row: row[0], reverse=True):
        table.add_row(*row)
    out.print(table if rows else Text(f"no runs in {str(runs)!r}"))


def _row(folder: Path) -> tuple[str, tuple[Text | str, ...]]:
    place = os.path.relpath(folder)
    try:
        run = RunFolder(folder).run()
    except UserError:
        return "", (signed("bad", "damaged"), "", "", "", "", place)
    ended = verdict(run)
    started = f"{run.started.astimezone():%Y-%m-%d %H:%M}"
    return run.started.isoformat(), (
        signed(ended.tone, ended.word), run.scenario, str(run.seed), run.model, started, place,
    )  # fmt: skip


def show_settings(settings: Settings) -> None:
    """Every setting with its value and source, and variables that were probably meant to be settings."""
    out = console()
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for head in ("setting", "value", "from", "what it is"):
        table.add_column(head, overflow="fold", no_wrap=head == "setting", ratio=2 if head == "what it is" else None)
    for name, value, source, about in settings.sources():
        table.add_row(
            Text(name, style="bold"),
            _shown(value),
            Text(source, style="dim" if source == "default" else "green"),
            about,
        )
    out.print(table)
    for stranger in strangers():
        out.print(signed("warn", stranger), soft_wrap=True)


def _shown(value: object) -> str:
    match value:
        case None | () | "":
            return "–"
        case (int(width), int(height)):
            return f"{width}x{height}"
        case tuple():
            return os.pathsep.join(map(str, value))
        case float():
            return f"{value:g}"
    return str(value)
