from pathlib import Path

import pytest

from agent.scripting.written import find_tests, read_test
from tests.scripting.desk import HEAD
from tools.errors import UserError


def mistake(folder: Path, text: str) -> str:
    """What is said of a wrong file, without its name."""
    path = folder / "test_wrong.yaml"
    path.write_text(HEAD + text, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        read_test(path)
    return str(caught.value).removeprefix(f"{path}:")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("steps:\n  - clik: {text: a}\n", "4: steps.0.clik: unknown step 'clik'"),
        ("steps:\n  - click: {txt: a}\n", "4: steps.0.click.txt: unknown key 'txt'"),
        ("steps:\n  - expect: {text: a, url: b}\n", "4: steps.0: give exactly one of text,"),
        ("steps:\n  - expect: {url: a, count: 2}\n", "4: steps.0: 'count' does not go with 'url'"),
        ("steps:\n  - click: {role: a, or: [{picture: a.png}]}\n",
         "4: steps.0.click.or.0.picture: there is no picture 'a.png' beside the test"),
        ("steps:\n  - wait_gone: {describe: the box}\n", "4: steps.0: what is only described cannot be"),
        ("steps:\n  - extract: {a: {describe: a}}\n", "4: steps.0.extract.a: a text is read from what"),
        ("steps:\n  - click: {describe: a, or: [{text: b}]}\n", "4: steps.0: give exactly one of text, role, css,"),
        ("steps:\n  - expect: {describe: a, visible: false}\n", "4: steps.0: 'visible' does not go with 'describe'"),
        ("steps:\n  - type: '{{ nam }}'\n", "4: steps.0.type: 'nam' is undefined in '{{ nam }}'"),
        ("steps:\n  - type: 'a {{secret:shop}}'\n",
         "4: steps.0: a secret cannot stand in a text; write `type: {secret: shop}`"),
        ("steps:\n  - answer: a\n", "4: steps.0.answer: unknown step 'answer'"),
        ("steps:\n  - repeat: {times: 2, for: [a], steps: []}\n", "4: steps.0: give exactly one of times"),
        ("steps:\n  - repeat:\n      times: 2\n      steps:\n        - clik: a\n",
         "7: steps.0.repeat.steps.0.clik: unknown step 'clik'"),
        ("steps:\n  - when:\n      is: {text: a}\n      steps: []\n      else:\n        - press: abc+d\n",
         "8: steps.0.when.else.0: there is no key 'abc'"),
        ("steps:\n  - when: {is: {text: a}, steps: [], els: []}\n", "4: steps.0.when.els: unknown key 'els'"),
        ("steps: click\n", "3: steps: expected a list of steps (found 'click')"),
        ("setup:\n  - press: tab\n  - serve: {folder: a}\nsteps: []\n",
         "5: setup.1: a step of the world stands before those that are played in it"),
        ("setup:\n  - serve: {foldr: a}\nsteps: []\n", "4: setup.0.serve.foldr: unknown key 'foldr'"),
        ("steps: []\nstep: []\n", "4: step: unknown key 'step'"),
        ("table:\n  - {a b: 1}\nsteps: []\n", "4: table.0.a b: 'a b' cannot be used as a name"),
    ],
)  # fmt: skip
def test_mistakes_are_told_with_their_line(tmp_path: Path, text: str, said: str) -> None:
    assert mistake(tmp_path, text).startswith(said)


def test_a_row_of_the_table_is_a_test(tmp_path: Path) -> None:
    text = "params: {a: 1, b: 2}\ntable:\n  - {id: x, b: 3}\n  - {b: 4}\nsteps: [{type: '{{ a + b }}'}]\n"
    path = tmp_path / "test_rows.yaml"
    path.write_text(HEAD + text)
    one, other = read_test(path)
    assert (one.name, other.name) == (f"{path}[x]", f"{path}[1]")
    assert (one.names["b"], other.names["b"]) == (3, 4)


def test_what_is_extracted_has_no_value_before(tmp_path: Path) -> None:
    text = """
steps:
  - extract: {words: {css: p}, rows: {css: li, all: true}}
  - type: "{{ words.split(',')[3] }} {{ rows[7] }}"
  - extract: {size: {css: b, as: integer}}
  - repeat: {times: "{{ size }}", steps: [{press: tab}]}
"""
    path = tmp_path / "test_later.yaml"
    path.write_text(HEAD + text)
    assert len(read_test(path)) == 1


def test_folders_are_searched_by_name(tmp_path: Path) -> None:
    for name in ("test_b.yaml", "sub/test_a.yaml", "other.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(HEAD + "steps: []\n")
    assert [case.path.name for case in find_tests([tmp_path])] == ["test_a.yaml", "test_b.yaml"]
    assert [case.path.name for case in find_tests([tmp_path / "other.yaml"])] == ["other.yaml"]
    assert [case.path.name for case in find_tests([tmp_path], "test_b")] == ["test_b.yaml"]
    with pytest.raises(UserError, match="no test"):
        find_tests([tmp_path / "nowhere"])
