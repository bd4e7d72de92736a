"""What is on the screen, as roles and names with boxes: from the page in front, or from the accessibility tree."""

from collections.abc import Iterable, Iterator

from env.base import Facts, Item, Node, Window
from tools.dom import Element
from tools.geometry import Box, Rect, Size

MOST = 120
"""Items of one look; controls come before texts when there are more."""
LONGEST = 80
"""Characters of a name or a value."""

_WIDGETS = (
    "button", "link", "checkbox", "radio", "switch", "tab", "menuitem", "menuitemcheckbox", "menuitemradio", "option",
    "combobox", "listbox", "textbox", "searchbox", "slider", "spinbutton", "treeitem",
)  # fmt: skip
_CONTROLS = ", ".join((
    "a[href]", "button", "input:not([type=hidden])", "select", "textarea", "summary", "[draggable=true]",
    "[contenteditable]:not([contenteditable=false])", "[tabindex]:not([tabindex='-1'])",
    *(f"[role={role}]" for role in _WIDGETS),
))  # fmt: skip
_TEXTS = (
    "h1, h2, h3, h4, h5, h6, p, li, dt, dd, td, th, caption, figcaption, legend, output, [role=alert], [role=status]"
)
_PLAIN = f":is({_TEXTS}, img[alt]):not(:has({_CONTROLS}, {_TEXTS})):not(:is({_CONTROLS}) *):not({_CONTROLS})"

_ATSPI_CONTROLS = frozenset((
    "push button", "toggle button", "check box", "radio button", "menu", "menu item", "check menu item",
    "radio menu item", "combo box", "entry", "text", "password text", "spin button", "slider", "page tab", "list item",
    "table cell", "tree item", "link", "icon", "terminal", "paragraph",
))  # fmt: skip
_ATSPI_TEXTS = frozenset(("label", "heading", "static", "alert", "status bar", "column header", "table column header"))
_ATSPI_FIELDS = frozenset(("entry", "text", "password text", "spin button"))
_ATSPI_WINDOWS = frozenset(("frame", "dialog", "window", "alert", "file chooser"))


async def on_screen(facts: Facts) -> tuple[Item, ...]:
    """At most MOST things that can be seen, from the top down. Raises EnvError when the world is gone."""
    size, found = await facts.size(), list[Item]()
    if await facts.page() is not None:
        found += _of_page(await facts.elements(css=_CONTROLS), size, acts=True)
        found += _of_page(await facts.elements(css=_PLAIN), size, acts=False)
    if not found:  # no page, or one without a document, as in a scripted world
        found += _of_desktop(await facts.a11y(), await facts.windows(), size)
    return _cut(found)


def _cut(items: Iterable[Item]) -> tuple[Item, ...]:
    """MOST of them, controls before texts, from the top down."""
    chosen = sorted(items, key=lambda item: not item.acts)[:MOST]
    return tuple(sorted(chosen, key=lambda item: (item.box.y1, item.box.x1)))


def _of_page(elements: Iterable[Element], size: Size, *, acts: bool) -> Iterator[Item]:
    for element in elements:
        name = _short(element.name or element.text)
        if element.visible and (acts or name):
            role = element.role or element.attributes.get("type", element.tag)
            yield Item(role=role, name=name, state=_state(element), acts=acts, box=Box.from_rect(element.rect, size))


def _state(element: Element) -> str:
    """In words; never what a password field holds."""
    words = []
    if element.checked is not None:
        words.append("checked" if element.checked else "not checked")
    elif element.value and element.attributes.get("type") not in ("password", "button", "submit", "reset"):
        words.append(f"value {_short(element.value)!r}")
    if not element.enabled:
        words.append("disabled")
    return ", ".join(words)


def _of_desktop(nodes: Iterable[Node], windows: tuple[Window, ...], size: Size) -> Iterator[Item]:
    screen, above = Rect(0, 0, *size), tuple[Window, ...]()
    for node in nodes:
        if node.role in _ATSPI_WINDOWS:
            above = _above(node, windows)
        covered = any(_inside(node.rect, window.rect) for window in above)
        if "showing" in node.states and _inside(node.rect, screen) and not covered and (item := _of_node(node, size)):
            yield item


def _of_node(node: Node, size: Size) -> Item | None:
    """A node that can be used or read; None for the panels and fillers around them."""
    acts = node.role in _ATSPI_CONTROLS
    text = "" if node.role == "password text" else _short(node.text)
    name = _short(node.name) or ("" if acts else text)
    if not (acts or node.role in _ATSPI_TEXTS) or not (name or text or node.role in _ATSPI_FIELDS):
        return None
    words = [f"value {text!r}"] if acts and text and text != name else []
    words += ["checked"] if "checked" in node.states else []
    words += [] if node.states & {"sensitive", "enabled"} else ["disabled"]
    return Item(role=node.role, name=name, state=", ".join(words), acts=acts, box=Box.from_rect(node.rect, size))


def _above(node: Node, windows: tuple[Window, ...]) -> tuple[Window, ...]:
    """The windows that lie above a node's own; none where it is not among them, as a menu's."""
    own = next((i for i, window in enumerate(windows) if node.name and window.title == node.name), len(windows))
    return windows[own + 1 :]


def _inside(rect: Rect, frame: Rect) -> bool:
    """Whether a rectangle is not empty and has its centre in the frame."""
    x, y = rect.center
    shown = frame.left <= x < frame.right and frame.top <= y < frame.bottom
    return shown and rect.left < rect.right and rect.top < rect.bottom


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= LONGEST else words[: LONGEST - 1].rstrip() + "…"
