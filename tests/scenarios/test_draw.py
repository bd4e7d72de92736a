from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest

from scenarios.checks.files import FileText
from scenarios.draw import TemplateFault, draw, render
from scenarios.loader import find, load
from tools.errors import ScenarioError, UserError

ENTRIES: dict[str, object] = {
    "first": {"choice": ["Ada", "Grace"]},
    "amount": {"integer": [10, 99]},
    "price": {"decimal": [1.5, 99.0, 2]},
    "due": {"date": [date(2026, 1, 1), date(2026, 12, 31)]},
    "order": {"shuffle": ["a", "b", "c"]},
    "people": {"sample": {"from": ["x", "y", "z", "{{ first }}"], "count": 3}},
    "email": {"value": "{{ first | lower }}@example.test"},
    "twice": {"value": "{{ amount * 2 }}"},
}


def drawn(seed: int) -> dict[str, Any]:
    return draw(ENTRIES, Random(seed))


def test_a_seed_draws_the_same_again_and_another_differs() -> None:
    assert drawn(1) == drawn(1)
    assert any(drawn(1) != drawn(seed) for seed in range(2, 5))


def test_draws_are_of_their_kind_and_within_their_bounds() -> None:
    for seed in range(50):
        values = drawn(seed)
        assert values["first"] in ("Ada", "Grace")
        assert 10 <= values["amount"] <= 99
        assert 1.5 <= values["price"] <= 99
        assert round(values["price"], 2) == values["price"]
        assert date(2026, 1, 1) <= values["due"] <= date(2026, 12, 31)
        assert sorted(values["order"]) == ["a", "b", "c"]
        assert len(set(values["people"])) == 3
        assert values["email"] == f"{values['first'].lower()}@example.test"
        assert values["twice"] == 2 * values["amount"]


def test_every_value_is_drawn_in_the_long_run() -> None:
    assert {drawn(seed)["first"] for seed in range(50)} == {"Ada", "Grace"}


NAMES = {"n": 7, "who": "Ada", "due": date(2026, 3, 9), "rows": [[1, "a"]]}


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ n }}", 7),
        (" {{ n }}", " 7"),
        ("{{ rows }}", [[1, "a"]]),
        ("{{ n }}{{ n }}", "77"),
        ("{{ n }}.", "7."),
        ("{{ due }}", date(2026, 3, 9)),
        ("{{ due.strftime('%d/%m/%Y') }}", "09/03/2026"),
        ("{{ '%.2f' | format(n) }}", "7.00"),
        ("{{ who if n > 5 else n }}", "Ada"),
        ("{% for x in range(3) %}{{ x }}\n{% endfor %}", "0\n1\n2\n"),
        ("no template {# at all", "no template {# at all"),
        (["{{ n }}", {"k{{ n }}": "{{ who }}"}], [7, {"k7": "Ada"}]),
        (None, None),
        (2.5, 2.5),
    ],
)
def test_templates(template: object, value: object) -> None:
    assert render(template, NAMES) == value


@pytest.mark.parametrize(
    "template",
    ["{{ m }}", "{{ who.nothing }}", "{{ n + who }}", "{{ n / 0 }}", "{{ x", "{{ rows[3] }}", "{{ [1] | random }}",
     "{{ lipsum() }}", "{{ who.__class__ }}", "{{ rows.append(1) }}", "{{ range(10 ** 9) }}", "{{ n }} {{ m }}"],
)  # fmt: skip
def test_a_template_that_cannot_be_filled_says_where(template: str) -> None:
    with pytest.raises(TemplateFault) as caught:
        render({"a": ["ok", template]}, NAMES)
    assert caught.value.loc == ("a", 1)


def test_a_name_that_jinja_has_itself_is_refused() -> None:
    with pytest.raises(TemplateFault, match="'range' cannot be used"):
        draw({"range": {"value": 1}}, Random(0))


SCENARIO = """\
id: {id}
title: A note
world: {world}
tags: [{tag}]
draw:
  n: {{integer: [0, 30]}}
  name: {{choice: [tea, coffee]}}
goal: "Save {{{{ name }}}} {{{{ n }}}}."
oracle: [{{type: "{{{{ name }}}}"}}]
check: {{file_text: {{path: "{{{{ name }}}}.txt", equals: "{{{{ 60 // (n - 7) }}}}"}}}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for id_, world, tag in (("a/one", "desktop", "x"), ("a/two", "browser", "x"), ("b/one", "desktop", "y")):
        file = tmp_path / f"{id_}.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(SCENARIO.format(id=id_, world=world, tag=tag), encoding="utf-8")
    return tmp_path


def ids(*patterns: str, folder: Path, **filters: Any) -> list[str]:
    return [s.id for s in find(patterns, [folder], **filters) if s.id.startswith(("a/", "b/"))]


def test_find_by_pattern_tag_and_world(folder: Path) -> None:
    assert ids(folder=folder) == ["a/one", "a/two", "b/one"]
    assert ids("a/*", folder=folder) == ["a/one", "a/two"]
    assert ids("b/*", "a/one", folder=folder) == ["b/one", "a/one"]
    assert ids("*/one", folder=folder, tags=["y"]) == ["b/one"]
    assert ids(folder=folder, world="browser") == ["a/two"]
    assert ids(str(folder / "b" / "one.yaml"), folder=folder) == ["b/one"]


def test_a_pattern_that_nothing_matches(folder: Path) -> None:
    with pytest.raises(UserError, match=r"no scenario 'b/two'.*did you mean './(one|two)'\?.*surehand scenarios list"):
        find(["b/two"], [folder])


def test_an_id_that_two_files_have(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "a").mkdir()
    (other / "a" / "one.yaml").write_text((folder / "a" / "one.yaml").read_text(), encoding="utf-8")
    with pytest.raises(UserError, match="two scenarios are called 'a/one'"):
        find([], [folder, other])


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no folder"):
        find([], [tmp_path / "none"])


def test_everything_in_a_task_comes_from_one_draw(folder: Path) -> None:
    task = load("a/one", [folder]).at(3)
    assert task.goal == f"Save {task.drawn['name']} {task.drawn['n']}."
    assert isinstance(task.check, FileText)
    assert task.check.path == f"{task.drawn['name']}.txt"
    assert task.check.equals == str(60 // (task.drawn["n"] - 7))


def test_a_template_that_fails_at_some_seed_only(folder: Path) -> None:
    scenario = load("a/one", [folder])
    bad = next(seed for seed in range(100) if _fails(scenario, seed))
    with pytest.raises(ScenarioError, match=rf"one\.yaml:10: check\.file_text\.equals: .* \(seed {bad}\)"):
        scenario.at(bad)


def _fails(scenario: Any, seed: int) -> bool:
    try:
        scenario.at(seed)
    except ScenarioError:
        return True
    return False
