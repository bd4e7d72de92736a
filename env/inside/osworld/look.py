"""What OSWorld's client asks a desktop for: `tree`, `terminal`, `folder PATH`, `read PATH`, and `write PATH`.

Runs inside, on Debian's Python. What is asked for goes to stdout, what is to be written comes on stdin.

The tree is XML as OSWorld's evaluators read it: an element for each node, named after its role; its states, its place
and its value are attributes in the name spaces of `SPACES`, its text is the element's.
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import sys
import xml.etree.ElementTree as ET
from typing import Any

SPACES = {
    name: f"https://accessibility.ubuntu.example.org/ns/{name}"
    for name in ("state", "attributes", "component", "value", "action")
}
PREFIXES = {"st": "state", "attr": "attributes", "cp": "component", "val": "value", "act": "action"}
MOST_NODES, MOST_CHILDREN, DEEPEST = 5000, 400, 50
TERMINALS = ("gnome-terminal-server", "gnome-terminal")


def key(space: str, name: str) -> str:
    """An attribute's name in one of the name spaces."""
    return f"{{{SPACES[space]}}}{name}"


def text_of(node: Any) -> str:
    """The text that a node holds; empty where it holds none."""
    try:
        text = node.queryText()
        return str(text.getText(0, text.characterCount))
    except NotImplementedError:
        return ""


def element(node: Any) -> ET.Element:
    """One node without its children."""
    import pyatspi

    tag = re.sub(r"[^a-z0-9]+", "-", (node.getRoleName() or "unknown").lower()).strip("-")
    made = ET.Element(tag or "unknown", name=printable(node.name or ""))
    for state in node.getState().getStates():
        made.set(key("state", pyatspi.stateToString(state).replace(" ", "-")), "true")
    for name, _, value in (attribute.partition(":") for attribute in node.getAttributes() or ()):
        if re.fullmatch(r"[A-Za-z_][\w-]*", name):
            made.set(key("attributes", name), printable(value))
    with contextlib.suppress(NotImplementedError):
        box = node.queryComponent().getExtents(pyatspi.DESKTOP_COORDS)
        made.set(key("component", "screencoord"), f"({box.x}, {box.y})")
        made.set(key("component", "size"), f"({box.width}, {box.height})")
    with contextlib.suppress(NotImplementedError):
        made.set(key("value", "value"), str(node.queryValue().currentValue))
    with contextlib.suppress(NotImplementedError):
        actions = node.queryAction()
        for index in range(actions.nActions):
            name = re.sub(r"[^\w-]+", "-", actions.getName(index)).strip("-")
            if name:
                made.set(key("action", f"{name}_desc"), printable(actions.getDescription(index) or ""))
    made.text = printable(text_of(node))
    return made


def printable(text: str) -> str:
    """A text without what XML does not allow."""
    return re.sub(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd]", "", text)


def grow(node: Any, depth: int, left: "list[int]") -> ET.Element:
    """A node with what is below it, as far as it is showing."""
    import pyatspi
    from gi.repository import GLib

    left[0] -= 1
    made = element(node)
    count = node.childCount
    if node.getState().contains(pyatspi.STATE_MANAGES_DESCENDANTS):
        count = min(count, MOST_CHILDREN)
    for index in range(count if depth < DEEPEST else 0):
        if left[0] <= 0:
            break
        try:
            child = node.getChildAtIndex(index)
            if child is not None and (depth < 2 or child.getState().contains(pyatspi.STATE_SHOWING)):
                made.append(grow(child, depth + 1, left))
        except (GLib.Error, LookupError, RuntimeError):
            continue  # it was closed while it was read
    return made


def tree() -> None:
    """Print the desktop's tree."""
    import pyatspi

    for prefix, space in PREFIXES.items():
        ET.register_namespace(prefix, SPACES[space])
    root = grow(pyatspi.Registry.getDesktop(0), 0, [MOST_NODES])
    sys.stdout.buffer.write(ET.tostring(root, encoding="utf-8"))


def terminal() -> None:
    """Print what the terminal that has the keyboard shows, as JSON; null where there is none."""
    import pyatspi

    desktop = pyatspi.Registry.getDesktop(0)
    shown = None
    for app in (desktop.getChildAtIndex(index) for index in range(desktop.childCount)):
        if app is None or app.name not in TERMINALS:
            continue
        for one in pyatspi.findAllDescendants(app, lambda node: node.getRoleName() == "terminal"):
            if one.getState().contains(pyatspi.STATE_FOCUSED):
                shown = text_of(one).rstrip()
    sys.stdout.write(json.dumps(shown))


def folder(path: str) -> None:
    """Print what is below a folder, as JSON; links are not followed."""

    def about(place: pathlib.Path) -> "dict[str, Any]":
        if place.is_dir() and not place.is_symlink():
            inner = [about(one) for one in sorted(place.iterdir())]
            return {"type": "directory", "name": place.name, "children": inner}
        return {"type": "file", "name": place.name}

    top = full(path)
    if not top.is_dir():
        sys.exit(f"no folder {path!r}")
    sys.stdout.write(json.dumps(about(top)))


def full(path: str) -> pathlib.Path:
    """A path with `~` and variables of the environment replaced."""
    return pathlib.Path(os.path.expandvars(path)).expanduser()


def read(path: str) -> None:
    """Print a file's content."""
    place = full(path)
    if not place.is_file():
        sys.exit(f"no file {path!r}")
    with place.open("rb") as file:
        shutil.copyfileobj(file, sys.stdout.buffer)


def write(path: str) -> None:
    """Write a file and its folders."""
    place = full(path)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
    except OSError as error:
        sys.exit(f"{path}: {error.strerror}")


DOES: "dict[str, Any]" = {"tree": tree, "terminal": terminal, "folder": folder, "read": read, "write": write}
DOES[sys.argv[1]](*sys.argv[2:])
