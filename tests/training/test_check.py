"""The check of training data finds each fault, says where it is, and what to do; what is right it lets pass."""

import base64
import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from agent.commands.check_data import check_data
from agent.prompt import Style
from agent.training.check import check
from agent.training.dataset import make
from agent.training.rows import Telling
from tests.training.runs import rows_of
from tools.errors import UserError

Row = dict[str, Any]
Change = Callable[[Row], object]
FOLDED = '[\n{"bbox_2d": <bbox>, "label": "<ref-object>"}%s\n{"bbox_2d": <bbox>, "label": "<ref-object>"}\n]'
CALL = '{"name": "computer_use", "arguments": %s}'


def turn(row: Row, number: int) -> dict[str, Any]:
    found: dict[str, Any] = row["messages"][number]
    return found


def says(number: int, text: str) -> Change:
    return lambda row: turn(row, number).update(content=text)


def boxed(*boxes: list[float], **more: Any) -> Change:
    return lambda row: row["objects"].update(bbox=list(boxes), **more)


def two(comma: str) -> Change:
    """The answer of the release announcement, and a right one."""

    def change(row: Row) -> None:
        turn(row, 2)["content"] = FOLDED % comma
        row["objects"] = {"ref": ["a", "a", "b"], "bbox": [[1, 2, 3, 4], [5, 6, 7, 8]]}

    return change


GROUNDING: list[tuple[Change, str]] = [
    (lambda row: row.pop("messages"), "messages are missing (it has images, objects); write"),
    (lambda row: row.update(messages=[]), "messages is no list with turns in it; "),
    (lambda row: turn(row, 1).pop("role"), "turn 2 has no role; "),
    (lambda row: turn(row, 1).update(role="usr"), "turn 2 has the role 'usr'; use one of system, user"),
    (lambda row: turn(row, 1).pop("content"), "turn 2 has no content; "),
    (lambda row: turn(row, 1).update(content=7), "the content of turn 2 is no text; "),
    (lambda row: row["messages"].append("hi"), "turn 4 is no JSON object; "),
    (lambda row: row["messages"].pop(), "it ends with a turn of the user; end with the answer"),
    (lambda row: row["messages"].pop(1), "it begins with a turn of the assistant; "),
    (lambda row: row["messages"].append(row["messages"][0]), "a system turn that is not the first; put it first"),
    (lambda row: turn(row, 2).update(loss=False), "nothing in it is learned; "),
    (two(""), "no comma between two boxes of an answer; write [{"),
    (
        says(2, '{"bbox_2d": <bbox>, "label": "a"}\n{"bbox_2d": [1, 2, 3, 4]}'),
        "no comma between two boxes of an answer",
    ),
    (says(2, '[{"bbox_2d": <bbox>, "label": "a}]'), "an answer with boxes is no JSON: Unterminated string"),
    (says(2, '[{"bbox_2d": "<bbox>", "label": "a"}]'), "the box '[0, 0, 1, 1]' stands in quotes; "),
    (says(2, '[{"bbox_2d": [1, 2, 3], "label": "a"}]'), "the box [1, 2, 3] of an answer; "),
    (
        says(2, '[{"bbox_2d": [10, 20, 1210, 500]}]'),
        "the box [10, 20, 1210, 500] of an answer is not on the 0–1000 grid",
    ),
    (says(2, '```json\n[{"bbox_2d": [30, 20, 10, 50]}]\n```'), "the box [30, 20, 10, 50] has its corners swapped; "),
    (says(2, "<|box_start|>(1,2),(3,4)<|box_end|>"), "the token <|box_start|> of older models; "),
    (says(2, "<ref>it</ref><box>(1,2),(3,4)</box>"), "the token <ref> of older models; "),
    (says(1, "<|vision_start|><|image_pad|><|vision_end|>Where?"), "the token <|vision_start|> in a text; "),
    (lambda row: row["objects"].update(ref=["one"]), "2 <ref-object> in its texts, but 1 in objects.ref; each"),
    (lambda row: row["objects"].update(ref=['say "hi"'] * 2), "an answer with boxes is no JSON: "),
    (lambda row: row["objects"].pop("bbox"), "objects has no list bbox; "),
    (lambda row: row.pop("objects"), "1 <bbox> in its texts, but 0 in objects.bbox; "),
    (boxed(), "1 <bbox> in its texts, but 0 in objects.bbox; "),
    (boxed([10, 20, 30, 500]), "the box [10, 20, 30, 500] is out of its picture of 640x400; give pixels"),
    (boxed([10, 20, 30, 500]), "if it is on the 0–1000 grid, that is x / 1000 * width"),
    (boxed([-1, 20, 30, 40]), "the box [-1, 20, 30, 40] is out of its picture"),
    (boxed([30, 20, 10, 40]), "the box [30, 20, 10, 40] has its corners swapped; "),
    (boxed([10, 20, 10, 40]), "the box [10, 20, 10, 40] is empty; "),
    (boxed([0.1, 0.2, 0.3, 0.4]), "the box [0.1, 0.2, 0.3, 0.4] is a share of the picture; "),
    (boxed([1, 2, 3, 4], bbox_type="norm1"), "the box [1, 2, 3, 4] is out of its picture of 1x1; bbox_type norm1"),
    (boxed([1, 2, 3]), "the box [1, 2, 3]; "),
    (boxed([1, 2, 3, 4], image_id=[1]), "a box on picture 1, of 1; "),
    (lambda row: row.update(images=[]), "1 <image> in its texts, but 0 pictures; "),
    (lambda row: row.update(images=row["images"] * 2), "1 <image> in its texts, but 2 pictures; "),
    (lambda row: row.update(images=["no.png"]), "the picture 'no.png' is not there; paths are seen from"),
    (lambda row: row.update(images=["data.jsonl"]), "the picture 'data.jsonl' cannot be read: "),
    (lambda row: row.update(images=["torn.png"]), "the picture 'torn.png' cannot be read: "),
    (lambda row: row.update(images=[f"{'x' * 300}.png"]), "is not there; "),
    (lambda row: row.update(images=[7]), "a picture that is no path: 7; "),
]
AGENT: list[tuple[Change, str]] = [
    (lambda row: row["messages"].pop(0), "tools without a system turn; begin with one"),
    (lambda row: row.update(tools="[{"), "tools is no JSON: "),
    (lambda row: row.update(tools=[{"type": "function"}]), "tools has a function without a name; "),
    (says(2, "<think>\na\n</think>\n\nAction: b."), "the text before a tool_call does not end with a line break; "),
    (says(3, "left_click(5, 6)"), "a tool_call is no JSON: "),
    (says(3, "[]"), "a tool_call without name and arguments; "),
    (says(3, CALL % '"x"'), "a tool_call without name and arguments; "),
    (
        says(3, CALL % '{"action": "clik"}'),
        "a tool_call that cannot be done: computer_use has no action 'clik'; it has",
    ),
    (says(3, CALL % '{"action": "left_click"}'), "cannot be done: left_click: a target is missing"),
    (
        says(3, CALL % '{"action": "left_click", "coordinate": [1200, 40]}'),
        "coordinate: 1200 is outside the screen, which runs from 0 to 1000; coordinates run from 0 to 1000",
    ),
    (says(3, '{"name": "mobile_use", "arguments": {}}'), "a call of 'mobile_use', which is not among the tools; "),
    (says(2, "a\n</think>\n\nAction: b.\n"), "0 <think>, but 1 </think>; write <think>"),
    (says(2, "b <think>\na\n</think>\n\nAction: b.\n"), "a thought that does not begin its turn; "),
    (says(2, "Action: b.\n"), "some answers with a thought, some without; keep all of them or strip all"),
    (
        says(2, "<think>\na\n</think>\n\nAction: b\nAction Input: c\n"),
        "both 'Action:' and 'Action Input:' in an answer",
    ),
    (lambda row: turn(row, 4).update(role="user"), "a thought before a later turn of the user; strip it"),
    (lambda row: row["messages"].pop(4), "3 <image> in its texts, but 4 pictures; "),
    (lambda row: row["messages"].insert(2, row["messages"][4]), "a result of a call after a turn of the user; "),
]


@pytest.fixture(scope="module")
def data(runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of each kind, and pictures beside them; not to be changed."""
    folder = tmp_path_factory.mktemp("data")
    for form in ("swift", "swift-agent", "openai", "sharegpt"):
        make([runs / "a"], folder / form, form, Telling(Style()))
    return folder


def first(data: Path, form: str, folder: Path) -> Row:
    """A right row, with its pictures in `folder`."""
    (folder / "images").symlink_to(data / form / "images")
    return rows_of(data / form / "train.jsonl")[0]


def found_in(folder: Path, *rows: Row) -> list[str]:
    file = folder / "data.jsonl"
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return [str(found).removeprefix(str(file)) for found in check(file).found]


@pytest.mark.parametrize(("form", "change", "said"), [
    *(("swift", *case) for case in GROUNDING), *(("swift-agent", *case) for case in AGENT),
])  # fmt: skip
def test_each_fault_is_found(form: str, change: Change, said: str, data: Path, tmp_path: Path) -> None:
    right = first(data, form, tmp_path)
    (tmp_path / "torn.png").write_bytes((tmp_path / right["images"][0]).read_bytes()[:600])
    wrong = copy.deepcopy(right)
    change(wrong)
    found = found_in(tmp_path, right, wrong)
    assert found
    assert all(line.startswith(":2: ") and "; " in line for line in found)
    assert any(said in line for line in found), found
    assert len(found) <= 3


@pytest.mark.parametrize(("form", "change"), [
    ("swift", two(",")),
    ("swift", boxed([5, 6, 70, 80], image_id=[0])),
    ("swift", boxed([0.1, 0.2, 0.3, 0.4], bbox_type="norm1")),
    ("swift", says(2, '```json\n[{"bbox_2d": <bbox>, "label": "<ref-object>"}]\n```')),
    ("swift", lambda row: (turn(row, 2).update(content='[{"point_2d": <bbox>, "label": "<ref-object>"}]'),
                           boxed([5, 6])(row))),
    ("swift", lambda row: row["messages"].pop(0)),
    ("swift", lambda row: row.update(images=["https://site.test/a.png"])),
    ("swift-agent", lambda row: turn(row, 2).update(content="Action: b.\n", loss=False)),
    ("swift-agent", lambda row: turn(row, 2).update(content="<tool_call>\nclick <box>\n", loss=False)),
    ("swift-agent", says(2, '<think>\na\n</think>\n\nAction: Give bbox_2d [1 2].\n')),
    ("swift-agent", says(4, "<image>the page says <ref>it</ref>")),
    ("swift-agent", lambda row: turn(row, 3).update(content=json.loads(turn(row, 3)["content"]))),
    ("openai", lambda row: None),
    ("sharegpt", lambda row: None),
])  # fmt: skip
def test_what_is_right_passes(form: str, change: Change, data: Path, tmp_path: Path) -> None:
    row = first(data, form, tmp_path)
    change(row)
    assert found_in(tmp_path, row) == []


@pytest.mark.parametrize(("form", "key"), [("openai", "messages"), ("sharegpt", "conversations")])
def test_faults_of_other_formats(form: str, key: str, data: Path, tmp_path: Path) -> None:
    row = first(data, form, tmp_path)
    gone, called = copy.deepcopy(row), copy.deepcopy(row)
    called[key].pop(0)
    if form == "openai":
        gone[key][1]["content"][0]["image_url"]["url"] = "images/no.png"
        called[key][1]["tool_calls"][0]["function"]["arguments"] = '{"action": "clik"}'
    else:
        gone["images"][0] = "images/no.png"
        called[key][1]["value"] = "<think>\na\n</think>\n\nAction: b.\n<tool_call>\n" + CALL % '{"action": "clik"}'
    found = "\n".join(found_in(tmp_path, gone, called))
    assert ":1: the picture 'images/no.png' is not there" in found
    assert ":2: tools without a system turn" in found
    assert ":2: a tool_call that cannot be done: computer_use has no action 'clik'" in found


def test_pictures_within_a_row(data: Path, tmp_path: Path) -> None:
    row = first(data, "swift", tmp_path)
    shot = base64.b64encode((tmp_path / row["images"][0]).read_bytes()).decode()
    inside = row | {"images": [f"data:image/png;base64,{shot}"], "objects": row["objects"] | {"bbox": [[1, 2, 3, 700]]}}
    torn = row | {"images": ["data:image/png;base64,AAAA"]}
    out, unread = found_in(tmp_path, inside, torn)
    assert out.startswith(":1: the box [1, 2, 3, 700] is out of its picture of 640x400")
    assert unread.startswith(":2: the picture 'data:image/png;base64,AAAA' cannot be read")


def test_where_pictures_are_looked_for(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = rows_of(data / "swift" / "train.jsonl")[0]
    assert len(found_in(tmp_path, row)) == 1
    monkeypatch.setenv("ROOT_IMAGE_DIR", str(data / "swift"))
    assert found_in(tmp_path, row) == []


def test_lines_that_are_no_rows(data: Path, tmp_path: Path) -> None:
    good = json.dumps(first(data, "swift", tmp_path)).encode()
    lines = [b"{", b"[1, 2]", b'{"a": NaN}', b"\xff\xfe", b"", b"[" * 10_000, good]
    (tmp_path / "data.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    found = [str(one).removeprefix(f"{tmp_path}/data.jsonl:") for one in check(tmp_path / "data.jsonl").found]
    assert [line[:1] for line in found] == ["1", "2", "3", "4", "6"]
    said = ("it is no JSON", "the row is no JSON object", "it is no JSON: NaN", "it is not UTF-8", "it is no JSON")
    assert all(line[3:].startswith(words) for line, words in zip(found, said, strict=True))


def test_a_folder_as_a_whole(runs: Path, tmp_path: Path) -> None:
    make([runs], tmp_path / "data", "swift-agent", Telling(Style()))
    train, validation = (tmp_path / "data" / f"{name}.jsonl" for name in ("train", "validation"))
    rows = len(rows_of(train))
    validation.write_text(train.read_text() + validation.read_text())
    (tmp_path / "data" / "empty.jsonl").touch()
    found = [str(one).removeprefix(f"{tmp_path}/data/") for one in check(tmp_path / "data").found]
    assert [line.partition("; ")[0] for line in found] == [
        "empty.jsonl: there is no row in it",
        *(f"validation.jsonl:{number}: the same row as train.jsonl:{number}" for number in range(1, rows + 1)),
        f"validation.jsonl: {rows + 1} rows, but dataset.json counts 1",
    ]


def test_what_the_command_says(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check_data(data / "swift") == 0
    assert capsys.readouterr().out == "✓ nothing wrong: 2 rows in 1 file, 2 pictures\n"
    row = first(data, "swift", tmp_path)
    found_in(tmp_path, *[row | {"images": []}] * 60)
    assert check_data(tmp_path) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 52
    assert lines[0].startswith(f"{tmp_path}/data.jsonl:1: ")
    assert lines[-2] == "… and 70 more"
    assert lines[-1].startswith("✗ 120 faults: 60 rows in 1 file, 0 pictures")


@pytest.mark.parametrize(("name", "said"), [
    ("nowhere", "no file or folder '.*nowhere'; name a .jsonl file"),
    ("empty", "no data in '.*empty': there is no .jsonl file in it; "),
    ("empty/a.jsonl", "cannot read '.*a.jsonl': Is a directory"),
])  # fmt: skip
def test_what_is_no_data(name: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    if name.endswith("jsonl"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").touch()
        name = "empty"
    with pytest.raises(UserError, match=said):
        check_data(tmp_path / name)


def test_a_picture_as_large_as_it_says_is_not_read_into_memory(tmp_path: Path, data: Path) -> None:
    """A small file can claim a huge picture."""
    Image.new("1", (14_000, 14_000)).save(tmp_path / "bomb.png")
    row = first(data, "swift", tmp_path) | {"images": ["bomb.png"]}
    (found,) = found_in(tmp_path, row)
    assert "cannot be read: Image size (196000000 pixels) exceeds limit" in found
