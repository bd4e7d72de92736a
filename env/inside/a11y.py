"""Prints the accessibility tree of a desktop as JSON lines. Runs inside a world on Debian's Python with pyatspi.

One process a look: AT-SPI crashes when it is read from several threads, and an application that hangs must not hang the
keeper. Nodes are limited in number, so that a spreadsheet with a million cells ends, too.
"""

import json
import sys
from typing import Any

import pyatspi
from gi.repository import GLib

MOST_NODES = 5000
DEEPEST = 60


def facts(node: Any, app: str, window: str) -> "dict[str, Any]":
    """Everything about one node, as `env.base.Node` has it."""
    try:
        component = node.queryComponent()
        box = component.getExtents(pyatspi.DESKTOP_COORDS)
        rect = [box.x, box.y, box.x + box.width, box.y + box.height]
    except NotImplementedError:
        rect = [0, 0, 0, 0]
    try:
        text = node.queryText().getText(0, 2000)
    except NotImplementedError:
        text = ""
    states = [pyatspi.stateToString(s) for s in node.getState().getStates()]
    return {
        "role": node.getRoleName(),
        "name": node.name or "",
        "text": text,
        "rect": rect,
        "states": states,
        "app": app,
        "window": window,
    }


def walk(node: Any, app: str, window: str, depth: int, left: "list[int]") -> None:
    """Print a node and, below it, what is showing."""
    if left[0] <= 0 or depth > DEEPEST:
        return
    left[0] -= 1
    sys.stdout.write(json.dumps(facts(node, app, window)) + "\n")
    if node.getState().contains(pyatspi.STATE_MANAGES_DESCENDANTS):
        children = min(node.childCount, 400)
    else:
        children = node.childCount
    for index in range(children):
        try:
            child = node.getChildAtIndex(index)
        except (LookupError, RuntimeError):
            continue
        if child is not None and child.getState().contains(pyatspi.STATE_SHOWING):
            walk(child, app, window, depth + 1, left)


def main() -> None:
    """Print the trees of all applications."""
    left = [MOST_NODES]
    desktop = pyatspi.Registry.getDesktop(0)
    for index in range(desktop.childCount):
        app = desktop.getChildAtIndex(index)
        if app is None:
            continue
        for number in range(app.childCount):
            try:
                window = app.getChildAtIndex(number)
                if window is not None:
                    walk(window, app.name or "", window.name or "", 0, left)
            except (GLib.Error, LookupError, RuntimeError) as error:  # the application died while it was read
                sys.stderr.write(f"{app.name}: {error}\n")


main()
