"""`surehand tune check`: whether data is fit to train on."""

from pathlib import Path

from rich.text import Text

from agent.commands.live import console, signed
from agent.training.check import check
from scenarios.schema import counted

_MOST = 50
"""Faults that are shown one by one."""


def check_data(path: Path) -> int:
    """Prints every fault with its place and remedy. Returns 0 where there is none, else 1. Raises UserError."""
    screen = console()
    with screen.status(f"looking at {path}"):
        checked = check(path)
    for found in checked.found[:_MOST]:
        screen.print(Text(str(found)), soft_wrap=True)
    if len(checked.found) > _MOST:
        screen.print(Text(f"… and {len(checked.found) - _MOST} more"), soft_wrap=True)
    counts = ((checked.rows, "row"), (checked.files, "file"), (checked.pictures, "picture"))
    rows, files, pictures = (counted(number, noun) for number, noun in counts)
    said = f"{rows} in {files}, {pictures}"
    if checked.found:
        screen.print(signed("bad", f"{counted(len(checked.found), 'fault')}: {said}"), soft_wrap=True)
        return 1
    screen.print(signed("good", f"nothing wrong: {said}"), soft_wrap=True)
    return 0
