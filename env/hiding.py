"""Where secrets may show on an X display: as far as the accessibility tree tells, else whole windows."""

from collections.abc import Collection, Sequence

from env.base import Node, Window
from tools.geometry import Rect

_TITLE = 40
"""Pixels above a window that its title may take."""


def hiding(
    nodes: Sequence[Node], windows: Sequence[Window], secretive: Collection[str], texts: Sequence[str]
) -> tuple[Rect, ...]:
    """Elements and titles that hold a secret, and all windows of programs that were given one and do not show it.

    `secretive` are those programs by their window class. A field for passwords shows dots, and its program is believed
    while that field has the keyboard.
    """
    holding = [node for node in nodes if any(text in part for text in texts for part in (node.text, node.name))]
    telling = {node.app.lower() for node in holding}
    telling |= {node.app.lower() for node in nodes if node.role == "password text" and "focused" in node.states}
    silent = {app.lower() for app in secretive} - telling
    titled = [window.rect for window in windows if any(text in window.title for text in texts)]
    covered = [window.rect for window in windows if window.app.lower() in silent]
    return (*(node.rect for node in holding), *covered, *(Rect(r.left, r.top - _TITLE, r.right, r.top) for r in titled))
