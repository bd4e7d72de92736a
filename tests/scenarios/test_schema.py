"""What a person reads who made a mistake in a scenario's file."""

import textwrap
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from scenarios.loader import load
from tools.errors import UserError

GOOD = """\
id: shop/order
title: Order a few things
world: browser
draw:
  count: {integer: [2, 9]}
  who: {choice: [Ada, Grace]}
goal: Order {{ count }} for {{ who }}.
setup:
  - serve: {folder: shop, data: {who: "{{ who }}"}}
oracle:
  - click: {role: textbox, name: Count}
  - type: "{{ count }}"
check:
  all_of:
    - posted: {path: /api/order, body: {count: "{{ count }}"}}
    - not: {page_text: {contains: Sorry}}
"""


def mistake(folder: Path, old: str, new: str) -> str:
    """What is said about the good file with one thing in it changed, folded for reading here."""
    assert old in GOOD
    file = folder / "shop" / "order.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(GOOD.replace(old, new), encoding="utf-8")
    with pytest.raises(UserError) as caught:
        load(str(file))
    return fold(str(caught.value).replace(str(folder), "…"))


def fold(text: str) -> str:
    return "\n".join(textwrap.wrap(text, 100, break_long_words=False, break_on_hyphens=False))


def test_the_good_file_is_good(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "order.yaml").write_text(GOOD, encoding="utf-8")
    assert load("shop/order", [tmp_path]).title == "Order a few things"


def test_a_wrong_key_at_the_top(tmp_path: Path) -> None:
    assert mistake(tmp_path, "title:", "titel:") == snapshot("""\
…/shop/order.yaml:2: titel: unknown key 'titel': one of id, title, world, size, limits, tags, draw,
goal, allow, setup, oracle, near_miss, check; did you mean 'title'?\
""")


def test_a_wrong_key_deep_inside(tmp_path: Path) -> None:
    assert mistake(tmp_path, "body:", "bdoy:") == snapshot("""\
…/shop/order.yaml:15: check.all_of.0.posted.bdoy: unknown key 'bdoy': one of path, body, exactly,
last, count; did you mean 'body'?\
""")


def test_a_wrong_check(tmp_path: Path) -> None:
    assert mistake(tmp_path, "page_text:", "page_txt:") == snapshot("""\
…/shop/order.yaml:16: check.all_of.1.not.page_txt: unknown check 'page_txt': one of all_of, answer,
any_of, archive, clipboard, document, element, file_exists, file_missing, file_text, json_file, not,
page_text, page_url, picture, playlist, posted, process, refused, script, spreadsheet, visited,
window; did you mean 'page_text'?\
""")


def test_a_wrong_setup_step(tmp_path: Path) -> None:
    assert mistake(tmp_path, "- serve:", "- server:") == snapshot("""\
…/shop/order.yaml:9: setup.0.server: unknown setup step 'server': one of launch, open_url, osworld,
put_file, run, script, serve; did you mean 'serve'?\
""")


def test_a_wrong_key_of_a_setup_step(tmp_path: Path) -> None:
    assert mistake(tmp_path, "folder:", "foldr:") == snapshot("""\
…/shop/order.yaml:9: setup.0.serve.foldr: unknown key 'foldr': one of folder, data; did you mean
'folder'?\
""")


def test_a_wrong_oracle_step(tmp_path: Path) -> None:
    assert mistake(tmp_path, "- click:", "- clik:") == snapshot("""\
…/shop/order.yaml:11: oracle.0.clik: unknown oracle step 'clik': one of answer, back, click,
double_click, drag, goto, move, new_tab, press, right_click, scroll, select, switch_tab,
triple_click, type, upload, wait_for, wait_gone; did you mean 'click'?\
""")


def test_a_wrong_key_of_a_locator(tmp_path: Path) -> None:
    assert mistake(tmp_path, "name: Count", "nam: Count") == snapshot("""\
…/shop/order.yaml:11: oracle.0.click.nam: unknown key 'nam': one of text, role, name, css, picture,
box, nth, exact, window, describe, or; did you mean 'name'?\
""")


def test_two_ways_to_locate(tmp_path: Path) -> None:
    assert mistake(tmp_path, "name: Count", "css: input") == snapshot("""\
…/shop/order.yaml:11: oracle.0: give exactly one of text, role, css, picture, box, or describe alone
(found {'role': 'textbox', 'css': 'input'})\
""")


def test_a_wrong_draw(tmp_path: Path) -> None:
    assert mistake(tmp_path, "integer:", "intger:") == snapshot("""\
…/shop/order.yaml:5: draw.count.intger: unknown draw 'intger': one of choice, date, decimal,
integer, sample, shuffle, value; did you mean 'integer'?\
""")


def test_a_wrong_value_in_a_draw(tmp_path: Path) -> None:
    assert mistake(tmp_path, "[2, 9]", "[2, many]") == snapshot("""\
…/shop/order.yaml:5: draw.count.integer.1: Input should be a valid integer, unable to parse string
as an integer (found 'many')\
""")


def test_a_missing_key(tmp_path: Path) -> None:
    assert mistake(tmp_path, "path: /api/order, ", "") == snapshot(
        "…/shop/order.yaml:15: check.all_of.0: the key 'path' is missing"
    )


def test_a_wrong_world(tmp_path: Path) -> None:
    assert mistake(tmp_path, "world: browser", "world: brwser") == snapshot(
        "…/shop/order.yaml:3: world: Input should be 'desktop' or 'browser' (found 'brwser')"
    )


def test_an_id_that_is_not_the_path(tmp_path: Path) -> None:
    assert mistake(tmp_path, "id: shop/order", "id: shop/orders") == snapshot(
        "…/shop/order.yaml:1: the id 'shop/orders' is not the file's own path"
    )


def test_an_unknown_name_in_a_template(tmp_path: Path) -> None:
    assert mistake(tmp_path, "for {{ who }}", "for {{ whom }}") == snapshot("""\
…/shop/order.yaml:7: goal: 'whom' is undefined in 'Order {{ count }} for {{ whom }}.'; did you mean
'who'?\
""")


def test_a_template_with_a_wrong_expression(tmp_path: Path) -> None:
    assert mistake(tmp_path, '{count: "{{ count }}"}', '{count: "{{ count + who }}"}') == snapshot("""\
…/shop/order.yaml:15: check.all_of.0.posted.body.count: unsupported operand type(s) for +: 'int' and
'str' in '{{ count + who }}'\
""")


def test_a_template_cannot_reach_python(tmp_path: Path) -> None:
    assert mistake(tmp_path, "for {{ who }}", "for {{ who.__class__.__mro__ }}") == snapshot("""\
…/shop/order.yaml:7: goal: access to attribute '__class__' of 'str' object is unsafe in 'Order {{
count }} for {{ who.__class__.__mro__ }}.'\
""")


def test_a_template_without_quotes(tmp_path: Path) -> None:
    assert mistake(tmp_path, 'type: "{{ count }}"', "type: {{ count }}") == snapshot(
        "…/shop/order.yaml:12: found unhashable key; a template stands in quotes"
    )


def test_a_number_where_a_text_belongs(tmp_path: Path) -> None:
    assert mistake(tmp_path, "folder: shop", 'folder: "{{ count }}"') == snapshot("""\
…/shop/order.yaml:9: setup.0.serve.folder: Input should be a valid string; put it in quotes, or add
`| string` to the template (found 2)\
""")


def test_true_is_no_text(tmp_path: Path) -> None:
    assert mistake(tmp_path, 'type: "{{ count }}"', "type: true") == snapshot("""\
…/shop/order.yaml:12: oracle.1: Input should be a valid string; put it in quotes, or add `| string`
to the template (found True)\
""")


def test_keys_that_are_not_pressed_together(tmp_path: Path) -> None:
    assert mistake(tmp_path, 'type: "{{ count }}"', "press: [Tab, Enter]") == snapshot("""\
…/shop/order.yaml:12: oracle.1: keys of one `press` are pressed together; write a step of its own
for 'Tab' (found ['Tab', 'Enter'])\
""")


def test_a_step_after_the_answer(tmp_path: Path) -> None:
    assert mistake(tmp_path, '- type: "', '- answer: 3\n  - type: "') == snapshot("""\
…/shop/order.yaml:10: oracle: an `answer` ends the task: no step can follow it (found [{'click':
{'role': 'textbox', 'name': ' … r': 3}, {'type': 2}])\
""")


def test_a_wrong_pattern(tmp_path: Path) -> None:
    assert mistake(tmp_path, "contains: Sorry", 'matches: "Sorry("') == snapshot("""\
…/shop/order.yaml:16: check.all_of.1.not.page_text.matches: not a regular expression: missing ),
unterminated subpattern at position 5 (found 'Sorry(')\
""")


def test_a_text_check_without_a_text(tmp_path: Path) -> None:
    assert mistake(tmp_path, "contains: Sorry", "css: main") == snapshot("""\
…/shop/order.yaml:16: check.all_of.1: give exactly one of equals, contains, matches (found {'css':
'main'})\
""")


def test_a_key_that_is_there_twice(tmp_path: Path) -> None:
    assert mistake(tmp_path, "world: browser", "world: browser\nworld: desktop") == snapshot(
        "…/shop/order.yaml:4: the key 'world' is there already, in line 3"
    )


def test_no_yaml(tmp_path: Path) -> None:
    assert mistake(tmp_path, "title: Order", "title: [Order") == snapshot(
        "…/shop/order.yaml:3: expected ',' or ']', but got ':'"
    )


def test_an_empty_file(tmp_path: Path) -> None:
    assert mistake(tmp_path, GOOD, "") == snapshot("…/shop/order.yaml:1: the file is empty")


def test_a_list_instead_of_a_scenario(tmp_path: Path) -> None:
    assert mistake(tmp_path, GOOD, "- id: shop/order\n") == snapshot(
        "…/shop/order.yaml:1: expected keys with values (found [{'id': 'shop/order'}])"
    )


def test_an_unknown_scenario() -> None:
    with pytest.raises(UserError) as caught:
        load("desktop/editor-notes")
    assert fold(str(caught.value)) == snapshot(
        """\
no scenario 'desktop/editor-notes'; did you mean 'desktop/editor-note'? `surehand scenarios list`
shows them all\
"""
    )
