"""Rules: what holds for which action, and what a run does with it."""

from pathlib import Path
from typing import Any

import pytest

from agent.means import Means
from agent.rules import Deed, Rule, ruling
from agent.runner import run
from agent.trace import Leave, Question
from tests.agent.desk import CLICK_NOTE, DONE, SOLUTION, a_task, says, scripted, steps_of
from tools.actions import Action, Key, LeftClick, Scroll, Type
from tools.geometry import GridPoint

CLICK = LeftClick(coordinate=GridPoint(500, 500))
SHOP = "https://www.shop.example/basket"


def rule(effect: str = "deny", **conditions: Any) -> Rule:
    return Rule.model_validate({"effect": effect} | conditions)


def deed(action: Action = CLICK, url: str | None = SHOP, target: str | None = "Buy now", typed: int = 0) -> Deed:
    return Deed(action, url, target, typed)


@pytest.mark.parametrize(
    ("conditions", "one", "holds"),
    [
        ({}, deed(), True),
        ({"actions": ["left_click"]}, deed(), True),
        ({"actions": ["type"]}, deed(), False),
        ({"domains": ["shop.example"]}, deed(), True),
        ({"domains": ["shop.example"]}, deed(url="https://shop.example.evil.example/"), False),
        ({"domains": ["shop.example"]}, deed(url=None), False),
        ({"text": ["BUY"]}, deed(), True),
        ({"text": ["sell", "buy"]}, deed(target="Leave"), False),
        ({"text": ["buy"]}, deed(Scroll(pixels=3), target=""), False),
        ({"typed": 10}, deed(Type(text="x"), typed=11), True),
        ({"typed": 10}, deed(Type(text="x"), typed=10), False),
        ({"typed": 10}, deed(typed=99), False),
        ({"actions": ["left_click"], "domains": ["shop.example"], "text": ["buy"]}, deed(), True),
        ({"actions": ["left_click"], "domains": ["bank.example"], "text": ["buy"]}, deed(), False),
    ],
)
def test_a_rule_holds_when_all_its_conditions_do(conditions: dict[str, Any], one: Deed, holds: bool) -> None:
    assert (ruling([rule(**conditions)], one) is not None) == holds


def test_deny_wins_wherever_it_stands() -> None:
    ask, deny = rule("ask", why="a"), rule("deny", why="d")
    for rules in ([ask, deny], [deny, ask]):
        found = ruling(rules, deed())
        assert found
        assert (found.effect, found.why) == ("deny", "d")
    assert ruling([ask], deed()) == ask
    assert ruling([], deed()) is None


def test_what_cannot_be_told_is_asked() -> None:
    found = ruling([rule("deny", text=["buy"])], deed(target=None))
    assert found
    assert found.effect == "ask"


async def test_what_a_rule_forbids_is_not_done(tmp_path: Path) -> None:
    means = Means(rules=(rule(text=["SAVE"], why="read only"),))
    done = await run(a_task(), says(*SOLUTION), scripted, tmp_path, means)
    notes = [step.outcome.note for step in steps_of(tmp_path) if step.outcome]
    assert notes == ["ok", "ok", "not done: a rule forbids it (read only)"]
    assert done.status == "failed"


async def test_a_person_is_asked_with_the_reason(tmp_path: Path) -> None:
    asked: list[tuple[int, str]] = []

    async def ask(question: Question) -> Leave:
        asked.append((question.number, question.why))
        return Leave(answer="allow")

    rules = (rule("ask", typed=6, why="much"), rule("ask", text=["note"], actions=["key"]), rule("deny", text=["more"]))
    replies = (CLICK_NOTE, Type(text="mi"), Type(text="lk..."), Key(keys=("backspace",)), Key(keys=("Return",)), DONE)
    await run(a_task(), says(*replies), scripted, tmp_path, Means(ask=ask, rules=rules))
    assert asked == [(3, "much"), (5, "")]
