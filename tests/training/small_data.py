"""A small dataset as `surehand export` makes it: boxes to be found, and an agent that clicks one and is done."""

import json
import random
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

SYSTEM = {"role": "system", "content": "You are a helpful assistant."}
TOOLS = json.dumps(
    [{"type": "function", "function": {"name": "computer_use", "description": "Use a mouse and keyboard.",
                                       "parameters": {"type": "object", "properties": {"action": {"type": "string"}}}}}]
)  # fmt: skip
SIZE = (320, 256)


def write_dataset(folder: Path, *, rows: int = 8, validation: int = 2) -> Path:
    """Half of the rows are grounding, half are an agent's; pictures lie in images/. The same every time."""
    draw = random.Random(3)
    (folder / "images").mkdir(parents=True)
    for name, count in (("train", rows), ("validation", validation)):
        made = [
            (agent_row if number % 2 else grounding_row)(folder, f"{name}-{number}", draw) for number in range(count)
        ]
        write_rows(folder / f"{name}.jsonl", made)
    return folder


def write_rows(file: Path, rows: list[dict[str, Any]]) -> Path:
    """A row a line."""
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def picture(folder: Path, name: str, box: tuple[int, int, int, int], size: tuple[int, int] = SIZE) -> str:
    """A white picture with a blue box; returns what a row calls it."""
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).rectangle(box, fill="blue")
    (folder / "images").mkdir(exist_ok=True)
    image.save(folder / "images" / f"{name}.png")
    return f"images/{name}.png"


def grounding_row(folder: Path, name: str, draw: random.Random) -> dict[str, Any]:
    """Where is a thing? Each tag has an entry of its own."""
    x, y = draw.randrange(0, 200), draw.randrange(0, 150)
    box = (x, y, x + 60, y + 40)
    return {
        "messages": [
            SYSTEM,
            {"role": "user", "content": "<image>Locate <ref-object>. Report its bbox coordinates in JSON format."},
            {"role": "assistant", "content": '[{"bbox_2d": <bbox>, "label": "<ref-object>"}]'},
        ],
        "images": [picture(folder, name, box)], "objects": {"ref": ["Save", "Save"], "bbox": [list(box)]},
    }  # fmt: skip


def agent_row(folder: Path, name: str, draw: random.Random) -> dict[str, Any]:
    """A click on the box, and the end."""
    x, y = draw.randrange(0, 600), draw.randrange(0, 600)
    shown = picture(folder, name, (x * 320 // 1000, y * 256 // 1000, x * 320 // 1000 + 60, y * 256 // 1000 + 40))
    click = {"name": "computer_use", "arguments": {"action": "left_click", "bbox_2d": [x, y, x + 180, y + 150]}}
    end = {"name": "computer_use", "arguments": {"action": "terminate", "status": "success"}}
    return {
        "tools": TOOLS,
        "messages": [
            SYSTEM,
            {"role": "user", "content": "<image>Instruction: press Save."},
            {"role": "assistant", "content": "Action: Click Save.\n"},
            {"role": "tool_call", "content": json.dumps(click)},
            {"role": "tool_response", "content": "ok<image>"},
            {"role": "assistant", "content": "Action: It is done.\n"},
            {"role": "tool_call", "content": json.dumps(end)},
        ],
        "images": [shown, shown],
    }  # fmt: skip
