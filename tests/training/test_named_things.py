"""Rows for grounding: what was clicked, by its name, with its box in pixels of the picture that is stored."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.prompt import Style
from agent.trace import Decision, RunFolder
from agent.training.dataset import make
from agent.training.grounding import name_in
from agent.training.rows import Telling
from tests.agent.desk import NOTE, SAVE
from tests.training.runs import rows_of
from tools.geometry import Box, Size


def test_a_row_for_each_thing_that_was_clicked(runs: Path, tmp_path: Path) -> None:
    make([runs / "a"], tmp_path / "data", "swift", Telling(Style()))
    rows = rows_of(tmp_path / "data" / "train.jsonl")
    steps = [step for step in RunFolder(runs / "a").steps() if step.outcome and step.outcome.point]
    assert len(rows) == len(steps) == 2
    for row, step, name, rect in zip(
        rows, steps, ("the textbox 'Note'", "the button 'Save'"), (NOTE, SAVE), strict=True
    ):
        assert row["images"] == [f"images/{step.seen.sha256}.png"]
        assert row["objects"]["ref"] == [name, name]  # one for each place where it stands
        (box,) = row["objects"]["bbox"]
        assert all(abs(ours - true) <= 1 for ours, true in zip(box, rect, strict=True))
        assert isinstance(step.reply, Decision)
        system, user, answer = (turn["content"] for turn in row["messages"])
        assert system
        assert user.startswith("<image>")
        said = answer.replace("<ref-object>", name).replace("<bbox>", str(box))
        assert json.loads(said) == [{"bbox_2d": box, "label": name}]


@given(
    *[st.integers(0, 1000)] * 4, st.sampled_from([Size(640, 400), Size(1280, 720), Size(1920, 1080), Size(999, 777)])
)
def test_pixels_are_the_grid_again_after_ms_swift(x1: int, y1: int, x2: int, y2: int, size: Size) -> None:
    """ms-swift rounds x / width * 1000 (swift/template/base.py, normalize_bbox); a pixel is 1 to 3 units here."""
    box = Box.model_validate([x1, y1, x2, y2])
    left, top, right, bottom = box.to_rect(size)
    for pixel, length, wanted in (
        (left, size.width, box.x1), (top, size.height, box.y1), (right, size.width, box.x2),
        (bottom, size.height, box.y2),
    ):  # fmt: skip
        assert abs(round(pixel / length * 1000) - wanted) <= 2 * 1000 / length + 1


@pytest.mark.parametrize(
    ("say", "name"),
    [
        ("Click the button 'Save'.", "the button 'Save'"),
        ("click on the blue link", "the blue link"),
        ("Double-click 'Files'.", "'Files'"),
        ("Right-click the cell 'a.txt'.", "the cell 'a.txt'"),
        ("Left click the cell 'a.txt'.", "the cell 'a.txt'"),
        ("Triple-click the textbox 'Name' to select it.", "the textbox 'Name'"),
        ("Move the pointer to the menu 'File'.", "the menu 'File'"),
        ("Click the button \"Say 'hi'\".", "the button 'Say 'hi''"),
        ("Click it.", None),
        ("Click the place.", None),
        ("Click what save.png shows.", None),
        ("Click #total.", None),
        ("Click td.day.", None),
        ("Click the file C:\\notes.", None),
        ("Scroll down.", None),
        ("Do left_click.", None),
        ("", None),
    ],
)
def test_the_name_in_a_sentence(say: str, name: str | None) -> None:
    assert name_in(say) == name


def test_clicks_without_a_name_are_counted(runs: Path, long_run: Path, tmp_path: Path) -> None:
    made = make([long_run, runs / "a"], tmp_path / "data", "swift", Telling(Style()))
    assert made.left_out == ("2 clicks whose sentence does not name its target",)
    assert (made.train + made.validation, made.pictures) == (2, 2)
