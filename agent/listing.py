"""What is on a screenshot in words, for a model that is given more than pixels: a line for each thing."""

import json

from env.base import Item, Observation

TREE = "Elements on this screenshot, with their boxes on the 0-1000 grid:"
MARKS = "The numbers drawn on this screenshot, and the boxes (0-1000 grid) that they mean; answer with boxes:"
LONGEST = 6000
"""Characters of a listing; the lines that are too many are counted."""


def listing(seen: Observation) -> str:
    """The items of an observation; empty where it has none. Names are quoted, so that each stays on its line."""
    if not seen.items:
        return ""
    lines, left = [MARKS if seen.marked else TREE], LONGEST
    for number, item in enumerate(seen.items, start=1):
        line = _line(number if seen.marked else None, item)
        if len(line) > left:
            lines.append(f"({len(seen.items) - number + 1} more)")
            break
        lines.append(line)
        left -= len(line) + 1
    return "\n".join(lines)


def _line(number: int | None, item: Item) -> str:
    box = ", ".join(f"{value:g}" for value in (item.box.x1, item.box.y1, item.box.x2, item.box.y2))
    name = json.dumps(item.name, ensure_ascii=False) if item.name else ""
    words = " ".join(filter(None, (str(number or ""), item.role, name)))
    return f"{words} [{box}]" + (f" ({item.state})" if item.state else "")
