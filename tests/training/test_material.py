"""Data is looked at before it is trained on: the first fault is told with its place and a remedy."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from agent.training.material import open_material
from tests.training.small_data import agent_row, grounding_row, picture, write_dataset, write_rows
from tools.errors import UserError
from tools.geometry import Size


def test_a_dataset_as_it_should_be(tmp_path: Path) -> None:
    seen = open_material(write_dataset(tmp_path / "gui", rows=6, validation=2))
    assert (seen.rows, seen.validation_rows, seen.pictures, seen.picture) == (6, 2, 2, Size(320, 256))
    assert (seen.tools, seen.thoughts) == (True, False)
    assert 2 * 80 < seen.tokens < 1000


def test_a_file_alone(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "rows.jsonl", [grounding_row(tmp_path, "one", random.Random(1))])
    seen = open_material(file)
    assert (seen.train, seen.folder, seen.validation, seen.rows) == (file, tmp_path, None, 1)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"messages": []}, ""),
        ({"images": ["images/gone.png"]}, "the picture 'images/gone.png' is not there"),
        ({"objects": {"ref": ["Save"], "bbox": [[1, 2, 3, 4]]}}, "<ref-object>"),
        ({"objects": {"ref": ["Save", "Save"], "bbox": [[1, 2, 3, 4000]]}}, ""),
    ],
)
def test_a_broken_row(tmp_path: Path, changed: dict[str, Any], said: str) -> None:
    good = grounding_row(tmp_path, "one", random.Random(1))
    file = write_rows(tmp_path / "train.jsonl", [good, good | changed])
    with pytest.raises(UserError) as told:
        open_material(tmp_path)
    assert str(told.value).startswith(f"{file}:2: ")
    assert said in str(told.value)


def test_no_json(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text('{"messages": [}\n{"messages": [}\n', encoding="utf-8")
    with pytest.raises(UserError, match=r"train\.jsonl:1: it is no JSON.*`surehand tune check` lists 2 faults"):
        open_material(tmp_path)


def test_rows_of_another_kind(tmp_path: Path) -> None:
    row = {"conversations": [{"from": "human", "value": "Hello"}, {"from": "gpt", "value": "Hello."}]}
    with pytest.raises(UserError, match="1: no row of ms-swift; export with --format swift"):
        open_material(write_rows(tmp_path / "rows.jsonl", [row]))


@pytest.mark.parametrize("name", ["none", "empty", "rows.jsonl"])
def test_nothing_there(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no training data in"):
        open_material(tmp_path / name)


def test_thoughts_and_long_rows(tmp_path: Path) -> None:
    row = agent_row(tmp_path, "one", random.Random(1))
    for said in row["messages"]:
        if said["role"] == "assistant":
            said["content"] = f"<think>\nhm\n</think>\n\n{said['content']}"
    row["images"] = [picture(tmp_path, "large", (0, 0, 9, 9), (1920, 1080))] * 2
    seen = open_material(write_rows(tmp_path / "rows.jsonl", [row]))
    assert seen.thoughts
    assert seen.tokens > 2 * 2040
    assert json.loads((tmp_path / "rows.jsonl").read_text())["tools"]
