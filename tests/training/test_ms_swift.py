"""What ms-swift itself makes of the rows: the texts of test_lessons.py, and boxes as Qwen3-VL writes them."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from agent.prompt import Style
from agent.serving.machine import ROOT
from agent.training.dataset import make
from agent.training.rows import Telling
from tests.agent.desk import NOTE, on
from tests.serving.test_chat_template import PICTURE
from tests.training.runs import rows_of
from tests.training.test_lessons import trained

PYTHON = ROOT / ".venv-tune" / "bin" / "python"
pytestmark = [
    pytest.mark.soak,
    pytest.mark.vllm,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not PYTHON.exists(), reason="no .venv-tune with ms-swift"),
]
ENCODE = r"""
import json, re, sys
from agent.serving import stand_in
from swift.dataset import load_dataset
from swift.model import get_processor
from swift.template import get_template

stand_in.build(stand_in.location())
template = get_template(get_processor(str(stand_in.location()), model_type="qwen3_vl"), agent_template="hermes")
template.set_mode("train")
rows, _ = load_dataset([sys.argv[1]], num_proc=1, load_from_cache_file=False)


def learned(tokens, labels):
    runs = [[]]
    for token, label in zip(tokens, labels):
        if label != -100:
            runs[-1].append(token)
        elif runs[-1]:
            runs.append([])
    return [template.tokenizer.decode(run) for run in runs if run]


for row in rows:
    made = template.encode(dict(row))
    text = re.sub(r"(<\|image_pad\|>)+", "<|image_pad|>", template.tokenizer.decode(made["input_ids"]))
    print("ROW", json.dumps({"text": text, "learned": learned(made["input_ids"], made["labels"])}))
"""


def encoded(file: Path, cache: Path, **variables: str) -> list[dict[str, Any]]:
    """The rows of a file as ms-swift tokenizes them, decoded again: the whole text, and what is learned of it."""
    env = os.environ | {
        "PYTHONPATH": str(ROOT), "MODELSCOPE_CACHE": str(cache), "HF_HOME": str(cache), "HF_HUB_OFFLINE": "1",
        "QWENVL_BBOX_FORMAT": "new", "ROOT_IMAGE_DIR": str(file.parent),
    }  # fmt: skip
    done = subprocess.run(
        [PYTHON, "-c", ENCODE, str(file)], cwd=cache, env=env | variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line[4:]) for line in done.stdout.splitlines() if line.startswith("ROW ")]


@pytest.mark.parametrize("style", [Style(), Style(history="user", thoughts=False)])
def test_conversations(style: Style, long_run: Path, tmp_path: Path) -> None:
    for form in ("swift-agent", "sharegpt"):
        make([long_run], tmp_path / form, form, Telling(style))
    made = encoded(tmp_path / "swift-agent" / "train.jsonl", tmp_path)
    rows = rows_of(tmp_path / "swift-agent" / "train.jsonl")
    assert len(made) == len(rows)
    for row, one in zip(rows, made, strict=True):
        pieces = list(trained(row))
        assert one["text"] == "".join(text for text, _ in pieces) + "<|im_end|>\n"
        said = "".join(text for text, learned in pieces if learned)
        assert "".join(one["learned"]).replace("<|im_end|>\n", "") == said
    if style.history == "tool":
        assert encoded(tmp_path / "sharegpt" / "train.jsonl", tmp_path) == made


def test_grounding(runs: Path, tmp_path: Path) -> None:
    make([runs / "a"], tmp_path / "data", "swift", Telling(Style()))
    file = tmp_path / "data" / "train.jsonl"
    first = encoded(file, tmp_path)[0]
    box = [int(value) for value in (on(NOTE).x1, on(NOTE).y1, on(NOTE).x2, on(NOTE).y2)]
    name = "the textbox 'Note'"
    answer = f'[{{"bbox_2d": {box}, "label": "{name}"}}]'
    assert first["learned"] == [f"{answer}<|im_end|>\n"]
    assert f"<|im_start|>user\n{PICTURE}Locate {name}. " in first["text"]
    assert "<|box_start|>" in encoded(file, tmp_path, QWENVL_BBOX_FORMAT="legacy")[0]["text"]  # its default: a trap
