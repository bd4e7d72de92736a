import io
from datetime import datetime
from typing import Any

import pytest
from openpyxl import Workbook
from pydantic import TypeAdapter, ValidationError

from env.base import Posted, Process, Window
from scenarios.base import CheckResult
from scenarios.checkers import AnyCheck, NamedCheck, checker
from tests.scenarios.probes import CannedProbe, element, front
from tools.errors import EnvError
from tools.geometry import Rect

BODY = {"email": "ada@example.test", "count": "3", "tags": ["a", "b"], "to": {"city": "Graz", "zip": "8010"}}
TEXT = '[...document.querySelectorAll("body")].map(element => element.innerText)'
NOTES = '[...document.querySelectorAll("#note")].map(element => element.innerText)'


def sheet() -> bytes:
    book = Workbook()
    page = book.active
    assert page is not None
    page.title = "May"
    page.append(["Item", "Amount", datetime(2026, 5, 3)])
    page.append(["Taxi ", 12.5, True])
    page["B3"] = "=SUM(B2:B2)"
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


WORLD = CannedProbe(
    files={
        "Documents/note.txt": "Grüße\nan alle\n".encode(),
        "Documents/blob.bin": b"\xff\xfe",
        "Documents/may.xlsx": sheet(),
        "a.txt": b"",
    },
    open_windows=(
        Window(title="Desktop", app="d", rect=Rect(0, 0, 9, 9), active=False),
        Window(title="note.txt - Editor", app="e", rect=Rect(0, 0, 9, 9), active=True),
    ),
    running=(Process(pid=7, command=("/usr/bin/editor", "note.txt")), Process(pid=8, command=())),
    dom={
        "#news": (element("", Rect(0, 0, 9, 9), checked=True, value="on"),),
        "button": (element("Save", Rect(0, 0, 9, 9)), element("Save", Rect(0, 0, 0, 0), visible=False)),
    },
    front=front("http://site.test/done.html?id=7"),
    scripts={TEXT: ["Thank you, Ada\nOrder 41"], NOTES: ["one", "two"], "cart.length": 3},
    copied="copied text",
    sent=(
        Posted(path="/api/other", body={}),
        Posted(path="/api/order", body=BODY),
        Posted(path="/api/order", body="?"),
    ),
)


async def judge(check: dict[str, Any], answer: str | None = None, probe: CannedProbe = WORLD) -> CheckResult:
    return await TypeAdapter[NamedCheck](AnyCheck).validate_python(check).judge(probe, answer)


@pytest.mark.parametrize(
    ("check", "why"),
    [
        ({"file_text": {"path": "Documents/note.txt", "equals": "Grüße\nan alle"}},
         r"Documents/note.txt should equal 'Grüße\nan alle' and does"),
        ({"file_text": {"path": "Documents/note.txt", "equals": "Grüße\nan alle\n", "strip": False}},
         r"Documents/note.txt should equal 'Grüße\nan alle\n' and does"),
        ({"file_text": {"path": "Documents/note.txt", "contains": "an"}},
         "Documents/note.txt should contain 'an' and does"),
        ({"file_text": {"path": "Documents/note.txt", "matches": "^an .*e$"}},
         "Documents/note.txt should match '^an .*e$' and does"),
        ({"file_exists": {"path": "*.txt"}}, "*.txt should exist, and there is a.txt"),
        ({"file_exists": {"path": "a*.txt", "count": 1}}, "a*.txt should match 1 file, and there is a.txt"),
        ({"file_exists": {"path": "*.pdf", "count": 0}}, "*.pdf should match 0 files, and there is none"),
        ({"file_missing": {"path": "*.pdf"}}, "*.pdf should not exist, and it does not"),
        ({"window": {"title": "Editor"}},
         "a window with 'Editor' in its title should be open; open: Desktop, note.txt - Editor (active)"),
        ({"window": {"title": "Editor", "active": True}},
         "a window with 'Editor' in its title should be the active one; open: Desktop, note.txt - Editor (active)"),
        ({"process": {"name": "editor"}}, "'editor' should be running and is"),
        ({"clipboard": {"contains": "copied"}}, "the clipboard should contain 'copied' and does"),
        ({"posted": {"path": "/api/order", "body": {"email": "ada@example.test", "count": 3, "to": {"zip": 8010}}}},
         "{'email': 'ada@example.test', 'count': 3, 'to': {'zip': 8010}} should be sent to /api/order, "
         "and it was 1 time"),
        ({"posted": {"path": "/api/order", "body": BODY, "exactly": True, "count": 1}},
         "{'email': 'ada@example.test', 'count': '3', 'tags': ['a', 'b'], 'to': {'city': 'Graz', 'zip': '8010'}} "
         "should be sent to /api/order 1 time, and it was 1 time"),
        ({"posted": {"path": "/api/order", "body": "?", "last": True}},
         "'?' should be sent to /api/order last, and it was"),
        ({"posted": {"path": "/api/order", "count": 2}},
         "something should be sent to /api/order 2 times, and it was 2 times"),
        ({"posted": {"path": "/api/delete", "count": 0}},
         "something should be sent to /api/delete 0 times, and nothing was"),
        ({"page_text": {"contains": "Thank you"}}, "the page's text should contain 'Thank you' and does"),
        ({"page_text": {"css": "#note", "equals": "one\ntwo"}}, r"the text of #note should equal 'one\ntwo' and does"),
        ({"page_url": {"matches": r"id=\d$"}}, r"the address should match 'id=\\d$' and does"),
        ({"script": {"expression": "cart.length", "equals": 3}}, "cart.length should be 3 and is 3"),
        ({"element": {"css": "#news", "checked": True}},
         "#news should be visible and checked, and it is"),
        ({"element": {"role": "button", "name": "Save", "count": 1}},
         "1 × button Save should be visible, and 1 is"),
        ({"element": {"role": "button", "visible": None, "count": 2}},
         "2 × button should be in the page, and 2 are"),
        ({"element": {"css": "#gone", "count": 0}},
         "0 × #gone should be visible, and 0 are"),
        ({"not": {"window": {"title": "Print"}}},
         "rightly not so: a window with 'Print' in its title should be open; "
         "open: Desktop, note.txt - Editor (active)"),
        ({"any_of": [{"file_missing": {"path": "a.txt"}}, {"process": {"name": "editor"}}]},
         "'editor' should be running and is"),
        ({"all_of": [{"process": {"name": "editor"}}, {"clipboard": {"equals": "copied text"}}]},
         "'editor' should be running and is; the clipboard should equal 'copied text' and does"),
        ({"spreadsheet": {"path": "Documents/may.xlsx", "rows": [["Item", "Amount", datetime(2026, 5, 3).date()]],
                          "cells": {"A2": "Taxi", "B2": 12.5, "C2": True, "D9": ""}, "formulas": {"B3": "sum("}}},
         "all 8 cells looked at in Documents/may.xlsx are right"),
    ],
)  # fmt: skip
async def test_a_check_that_passes_says_why(check: dict[str, Any], why: str) -> None:
    result = await judge(check)
    assert result.why == why
    assert result.passed


@pytest.mark.parametrize(
    ("check", "why"),
    [
        ({"file_text": {"path": "Documents/note.txt", "equals": "Gruss"}},
         r"Documents/note.txt should equal 'Gruss' and is 'Grüße\nan alle\n'"),
        ({"file_text": {"path": "Documents/note.txt", "equals": "Grüße\nan alle", "strip": False}},
         r"Documents/note.txt should equal 'Grüße\nan alle' and is 'Grüße\nan alle\n'"),
        ({"file_text": {"path": "Documents/notes.txt", "equals": ""}},
         "Documents/notes.txt should exist, but there is blob.bin, may.xlsx, note.txt"),
        ({"file_text": {"path": "Music/a.txt", "equals": ""}},
         "Music/a.txt should exist, but its folder holds no file"),
        ({"file_text": {"path": "Documents/blob.bin", "contains": "a"}},
         "Documents/blob.bin should contain 'a', but it is not UTF-8 text: invalid start byte"),
        ({"file_exists": {"path": "*.pdf"}}, "*.pdf should exist, but there is a.txt"),
        ({"file_exists": {"path": "*.txt", "count": 2}}, "*.txt should match 2 files, and there is a.txt"),
        ({"file_missing": {"path": "a.txt"}}, "a.txt should not exist, and there is a.txt"),
        ({"window": {"title": "Desktop", "active": True}},
         "a window with 'Desktop' in its title should be the active one; open: Desktop, note.txt - Editor (active)"),
        ({"process": {"name": "edit"}}, "'edit' should be running and is not"),
        ({"clipboard": {"equals": ""}}, "the clipboard should equal '' and is 'copied text'"),
        ({"posted": {"path": "/api/order", "body": {"email": "a"}}},
         "{'email': 'a'} should be sent to /api/order, and what was sent is '?'"),
        ({"posted": {"path": "/api/order", "body": {"count": 3}, "exactly": True}},
         "{'count': 3} should be sent to /api/order, and what was sent is '?'"),
        ({"posted": {"path": "/api/order", "body": {"tags": ["a"]}}},
         "{'tags': ['a']} should be sent to /api/order, and what was sent is '?'"),
        ({"posted": {"path": "/api/order", "body": {"email": "ada@example.test"}, "last": True}},
         "{'email': 'ada@example.test'} should be sent to /api/order last, and what was sent is '?'"),
        ({"posted": {"path": "/api/order", "count": 1}},
         "something should be sent to /api/order 1 time, and it was 2 times"),
        ({"posted": {"path": "/api/delete"}}, "something should be sent to /api/delete, and nothing was"),
        ({"page_text": {"contains": "Sorry"}},
         r"the page's text should contain 'Sorry' and is 'Thank you, Ada\nOrder 41'"),
        ({"page_text": {"css": "#gone", "contains": "x"}},
         "the text of #gone should contain 'x', but the page has no such element"),
        ({"page_url": {"equals": "http://site.test/"}},
         "the address should equal 'http://site.test/' and is 'http://site.test/done.html?id=7'"),
        ({"script": {"expression": "cart.length", "equals": "3"}}, "cart.length should be '3' and is 3"),
        ({"script": {"expression": "nothing", "equals": True}}, "nothing should be True and is None"),
        ({"element": {"css": "#news", "checked": False}},
         "#news should be visible and not checked, and one is visible and checked"),
        ({"element": {"css": "#news", "value": "off"}},
         "#news should be visible and filled with 'off', and one is visible and filled with 'on'"),
        ({"element": {"css": "#gone"}}, "#gone should be visible, and it is not"),
        ({"element": {"role": "button", "count": 2}}, "2 × button should be visible, and 1 is"),
        ({"not": {"process": {"name": "editor"}}}, "this must not be so: 'editor' should be running and is"),
        ({"any_of": [{"file_missing": {"path": "a.txt"}}, {"process": {"name": "vi"}}]},
         "none of these holds: a.txt should not exist, and there is a.txt; 'vi' should be running and is not"),
        ({"all_of": [{"process": {"name": "editor"}}, {"process": {"name": "vi"}}]},
         "'vi' should be running and is not"),
        ({"spreadsheet": {"path": "Documents/note.txt", "cells": {"A1": 1}}},
         "Documents/note.txt should be an .xlsx spreadsheet, but cannot be read as one: File is not a zip file"),
        ({"spreadsheet": {"path": "gone.xlsx", "cells": {"A1": 1}}}, "gone.xlsx should exist, but there is a.txt"),
        ({"spreadsheet": {"path": "Documents/may.xlsx", "sheet": "June", "cells": {"A1": 1}}},
         "Documents/may.xlsx should have a sheet 'June', and has ['May']"),
        ({"spreadsheet": {"path": "Documents/may.xlsx", "cells": {"B3": 12.5}, "formulas": {"B2": "="}}},
         "2 of 2 cells in Documents/may.xlsx are wrong: B3 should be 12.5 and is None, "
         "B2 should be a formula with '=' and is 12.5"),
    ],
)  # fmt: skip
async def test_a_check_that_fails_says_why(check: dict[str, Any], why: str) -> None:
    result = await judge(check)
    assert result.why == why
    assert not result.passed


@pytest.mark.parametrize(
    ("check", "answer", "passes"),
    [
        ({"equals": "Graz"}, " graz. ", True),
        ({"equals": "Graz"}, "It is Graz", False),
        ({"contains": "Graz"}, "It is GRAZ", True),
        ({"matches": r"\bGraz\b"}, "It is Graz", True),
        ({"number": 42}, "42", True),
        ({"number": 42}, "It is 42 EUR, so 42.", True),
        ({"number": 1234.5}, "€1,234.50", True),
        ({"number": -3}, "−3", True),
        ({"number": 42}, "41 or 42", False),
        ({"number": 42}, "B42", False),
        ({"number": 42}, "many", False),
        ({"number": 3.14, "tolerance": 0.01}, "3.1416", True),
        ({"equals": "Graz"}, None, False),
        ({"number": 42}, None, False),
    ],
)
async def test_answers(check: dict[str, Any], answer: str | None, passes: bool) -> None:
    assert (await judge({"answer": check}, answer)).passed is passes


async def test_an_answer_s_verdict_quotes_it() -> None:
    assert (await judge({"answer": {"number": 42}}, "41")).why == "the answer should be the number 42 and is '41'"
    assert (await judge({"answer": {"number": 42}})).why == "the answer should be the number 42, but there is none"


async def test_all_of_is_as_good_as_its_worst_part_and_any_of_as_its_best() -> None:
    half = {"spreadsheet": {"path": "Documents/may.xlsx", "cells": {"A1": "Item", "A9": 1}}}
    whole, none = {"process": {"name": "editor"}}, {"process": {"name": "vi"}}
    assert (await judge(half)).score == 0.5
    assert (await judge({"all_of": [whole, half]})).score == 0.5
    assert (await judge({"all_of": [none, half]})).score == 0
    assert (await judge({"any_of": [none, half]})).score == 0.5
    assert (await judge({"not": half})).score == 1


async def test_rows_that_are_there_anyway_earn_nothing() -> None:
    may: dict[str, Any] = {"path": "Documents/may.xlsx", "rows": [["Item", "Amount"]], "cells": {"A2": "Taxi", "B3": 1}}
    assert (await judge({"spreadsheet": may})).score == 0.5
    assert (await judge({"spreadsheet": may | {"rows": [["Items"]]}})).score == 0
    assert (await judge({"spreadsheet": may | {"cells": {"B3": 1}}})).score == 0


async def test_evidence_names_every_part() -> None:
    result = await judge({"all_of": [{"not": {"process": {"name": "vi"}}}, {"clipboard": {"contains": "x"}}]})
    parts = result.evidence["parts"]
    assert isinstance(parts, list)
    assert [(part["check"], part["score"]) for part in parts if isinstance(part, dict)] == [
        ("not", 1),
        ("clipboard", 1),
    ]
    assert CheckResult.model_validate_json(result.model_dump_json()) == result


async def test_a_world_that_is_gone_is_no_verdict() -> None:
    class Gone(CannedProbe):
        async def read(self, path: str) -> bytes:
            raise EnvError("gone")

    with pytest.raises(EnvError):
        await judge({"not": {"file_text": {"path": "a.txt", "equals": ""}}}, probe=Gone())


def test_two_checks_cannot_share_a_name() -> None:
    with pytest.raises(TypeError, match="two checks are called 'window'"):
        checker("window")(type("Other", (NamedCheck,), {}))


@pytest.mark.parametrize(
    "check",
    [
        {"file_text": {"path": "a"}},
        {"file_text": {"path": "a", "equals": "b", "contains": "c"}},
        {"answer": {"equals": "b", "number": 1}},
        {"answer": {}},
        {"element": {"css": "a", "role": "b"}},
        {"spreadsheet": {"path": "a.xlsx"}},
        {"spreadsheet": {"path": "a.xlsx", "cells": {"7B": 1}}},
        {"all_of": []},
        {"not": {"nothing": {}}},
    ],
)
def test_wrong_checks(check: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter[NamedCheck](AnyCheck).validate_python(check)
