"""Questions are made of rows, one for each answer; answers are judged as the loop would read them."""

import random
from pathlib import Path

import pytest

from agent.training.answers import Judged, cases, judge, score
from tests.training.small_data import agent_row, grounding_row, write_rows

CLICK = 'Action: Click.\n<tool_call>\n{"name": "computer_use", "arguments": {"action": "left_click", %s}}\n</tool_call>'
BOX = CLICK % '"bbox_2d": [100, 100, 300, 200]'


def test_every_answer_of_an_episode_is_a_question(tmp_path: Path) -> None:
    row = agent_row(tmp_path, "one", random.Random(1))
    first, second = cases(write_rows(tmp_path / "rows.jsonl", [row]))
    assert [message["role"] for message in first.row["messages"]] == ["system", "user"]
    assert [message["role"] for message in second.row["messages"]][-2:] == ["tool_call", "tool_response"]
    assert (len(first.row["images"]), len(second.row["images"])) == (1, 2)
    assert first.row["tools"] == row["tools"]
    assert first.truth.startswith('Action: Click Save.\n<tool_call>\n{"name": "computer_use"')
    assert judge(first.truth, first.truth) == Judged("action", hit=True, exact=True)


def test_answers_that_were_only_told_are_not_asked(tmp_path: Path) -> None:
    row = agent_row(tmp_path, "one", random.Random(1))
    for message in row["messages"][2:4]:
        message["loss"] = False
    (only,) = cases(write_rows(tmp_path / "rows.jsonl", [row]))
    assert '"terminate"' in only.truth


def test_boxes_are_on_the_grid_and_names_in_their_places(tmp_path: Path) -> None:
    row = grounding_row(tmp_path, "one", random.Random(1))
    left, top, right, bottom = row["objects"]["bbox"][0]
    (case,) = cases(write_rows(tmp_path / "rows.jsonl", [row]))
    wanted = [round(1000 * left / 320), round(1000 * top / 256), round(1000 * right / 320), round(1000 * bottom / 256)]
    assert case.truth == f'[{{"bbox_2d": {wanted}, "label": "Save"}}]'
    assert case.row["messages"][-1]["content"].startswith("<image>Locate Save.")
    assert judge(case.truth, f"```json\n{case.truth}\n```") == Judged("grounding", hit=True, overlap=1.0)


@pytest.mark.parametrize(
    ("said", "hit", "exact"),
    [
        (BOX, True, True),
        (CLICK % '"bbox_2d": [150, 120, 250, 180]', True, False),
        (CLICK % '"coordinate": [299, 199]', True, False),
        (CLICK % '"coordinate": [301, 199]', False, False),
        (BOX.replace("left_click", "right_click"), False, False),
        ("I cannot see it.", False, False),
        ("", False, False),
    ],
)
def test_an_action(said: str, hit: bool, exact: bool) -> None:
    assert judge(BOX, said) == Judged("action", hit=hit, exact=exact)


@pytest.mark.parametrize(
    ("said", "hit", "overlap"),
    [
        ('[{"bbox_2d": [0, 0, 100, 100], "label": "x"}]', True, 1.0),
        ('[{"bbox_2d": [50, 0, 150, 100]}]', True, 1 / 3),
        ('[{"bbox_2d": [200, 200, 300, 300]}]', False, 0.0),
        ('{"point_2d": [99, 1]}', True, 0.0),
        ('[{"bbox_2d": [1, 2, 3]}]', False, 0.0),
        ('[{"bbox_2d": [0, 0, 4000, 1]}]', False, 0.0),
        ("in the corner", False, 0.0),
    ],
)
def test_a_box(said: str, hit: bool, overlap: float) -> None:
    judged = judge('[{"bbox_2d": [0, 0, 100, 100], "label": "x"}]', said)
    assert (judged.kind, judged.hit) == ("grounding", hit)
    assert judged.overlap == pytest.approx(overlap)


def test_a_score_counts_each_kind_by_itself() -> None:
    found = [Judged("grounding", True, 0.5), Judged("grounding", False), Judged("action", True, exact=True)]
    assert score(found) == (2, 0.5, 0.25, 1, 1.0, 1.0)
    assert score([]) == (0, 0.0, 0.0, 0, 0.0, 0.0)
