import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import pytest

from agent.means import MakeModel
from agent.model import reply
from agent.report import write_index, write_report
from agent.runner import run
from agent.trace import RunFolder
from env.described import DescribedEnvironment, View
from env.scripted import SMALL, ScriptedWorld
from env.world import find_chromium
from scenarios.checkers import known_checks
from scenarios.schema import named
from tests.agent.desk import (
    APP,
    CLICK_MORE,
    CLICK_NOTE,
    CLICK_SAVE,
    GIVE_UP,
    SAVE,
    SOLUTION,
    Raises,
    a_task,
    gives,
    oracle,
    record_of,
    says,
    scripted,
    steps_of,
    worlds,
)
from tools.actions import Answer, Key, LeftClickDrag, Scroll, Type
from tools.errors import ModelError, UserError
from tools.geometry import GridPoint

EVIL = """<script>document.title = 'owned'</script><img src="http://evil.test/x" onerror="document.title='owned'">'"&"""


class Page(HTMLParser):
    """What a page is made of: tags with their attributes, and the text that is read."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.said: list[str] = []
        self.feed(file.read_text(encoding="utf-8"))
        self.text = " ".join(" ".join(self.said).split())

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.said.append(data)

    def all(self, tag: str, name: str) -> list[str]:
        return [
            value for found, attributes in self.tags if found == tag and (value := attributes.get(name)) is not None
        ]


async def a_run(folder: Path, model: MakeModel = oracle, **changes: object) -> Page:
    await run(a_task(**changes), model, scripted, folder)
    return Page(write_report(folder))


async def an_evil_run(folder: Path) -> Page:
    """Every text that a page, a model or a scenario may write is hostile."""
    check = named({"file_text": {"path": "note.txt", "equals": EVIL}}, known_checks(), "check")
    model = says(reply(EVIL, f"Click {EVIL}", CLICK_NOTE), f"no call {EVIL}", Type(text=EVIL), Key(keys=(EVIL,)),
                 CLICK_SAVE, Answer(text=EVIL))  # fmt: skip
    task = a_task(check=check, goal=EVIL, scenario=EVIL)
    await run(task, model, scripted, folder, settings={EVIL: EVIL})
    return Page(write_report(folder))


async def test_a_report_tells_the_whole_run(tmp_path: Path) -> None:
    page = await a_run(tmp_path)
    for text in ("Passed", "Save a note that says milk.", "test/note", "note.txt holds 'milk'", "oracle", "4 steps",
                 "Click the textbox 'Note'.", "type “milk”", "the target changed", "Looking", "Deciding", "Acting",
                 '"name": "computer_use"', "About this run", "python"):  # fmt: skip
        assert text in page.text
    assert page.all("article", "id") == [f"step-{step.number}" for step in steps_of(tmp_path)]
    assert [link for link in page.all("a", "href") if link.startswith("#")] == [
        f"#{name}" for name in page.all("article", "id")
    ]


async def test_everything_on_it_lies_beside_it(tmp_path: Path) -> None:
    page = await a_run(tmp_path)
    pictures = {step.seen.sha256 for step in steps_of(tmp_path)}
    assert set(page.all("img", "src")) == {f"shots/{sha}.png" for sha in pictures}
    assert all((tmp_path / src).is_file() for src in page.all("img", "src"))
    assert {tag for tag, attributes in page.tags if "src" in attributes} == {"img"}
    assert "http://" not in re.sub(r"http://(www\.w3\.org|site\.test)", "", (tmp_path / "report.html").read_text())
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]


async def test_the_target_is_drawn_where_it_was_clicked(tmp_path: Path) -> None:
    page = await a_run(tmp_path, says(CLICK_SAVE, GIVE_UP))
    (clicked, _) = steps_of(tmp_path)
    assert clicked.outcome
    assert clicked.outcome.point
    assert set(page.all("circle", "cx")) >= {str(clicked.outcome.point.x)}
    assert set(page.all("circle", "cy")) >= {str(clicked.outcome.point.y)}
    (left, *_), (top, *_) = page.all("rect", "x"), page.all("rect", "y")
    assert abs(int(left) - SAVE.left) <= 1
    assert abs(int(top) - SAVE.top) <= 1
    assert f"0 0 {SMALL.width} {SMALL.height}" in page.all("svg", "viewbox")


async def test_a_drag_and_the_wheel_show_their_way(tmp_path: Path) -> None:
    drag = LeftClickDrag(coordinate=GridPoint(100, 250), coordinate2=GridPoint(500, 750))
    wheel = Scroll(coordinate=GridPoint(500, 500), pixels=-200)
    page = await a_run(tmp_path, says(drag, wheel, GIVE_UP))
    assert {"M64 100L320 300", "M320 200L320 264"} <= set(page.all("path", "d"))
    assert "scroll down 200 px" in page.text


@pytest.mark.parametrize(
    ("model", "world", "texts"),
    [
        (says(*SOLUTION[:-1], GIVE_UP), None, ["Failed"]),
        (says(*[CLICK_MORE] * 8), None, ["Stopped at a limit", "its last 5 actions led nowhere, though it was told"]),
        (says("a", "b", "c"), None, ["Unreadable replies", "The reply could not be read", "there is no <tool_call>"]),
        (says(Key(keys=("hyper",)), GIVE_UP), None, ["Failed", "there is no key 'hyper'"]),
        (gives(Raises(ModelError("no answer"))), None, ["Error in the model", "counts in no score", "Traceback"]),
        (oracle, ScriptedWorld(APP, fail_at=2), ["Error in the world", "the world died of action 2", "Traceback"]),
        (oracle, ScriptedWorld(APP, restless=True), ["Passed", "the screen was still moving"]),
    ],
)
async def test_every_ending(
    model: MakeModel, world: ScriptedWorld | None, texts: Sequence[str], tmp_path: Path
) -> None:
    await run(a_task(), model, worlds(world) if world else scripted, tmp_path)
    page = Page(write_report(tmp_path))
    assert [text for text in texts if text not in page.text] == []


async def test_a_check_of_many_parts_explains_itself(tmp_path: Path) -> None:
    parts = [{"file_text": {"path": "note.txt", "equals": "milk"}}, {"not": {"file_exists": {"path": "note.txt"}}},
             {"any_of": [{"file_missing": {"path": "a.txt"}}, {"file_exists": {"path": "a.txt"}}]}]  # fmt: skip
    check = named({"all_of": parts}, known_checks(), "check")
    page = await a_run(tmp_path, check=check)
    for text in ("2 of 3 hold", "file_text", "this must not be so", "1 of 2 hold", "Evidence", "Failed"):
        assert text in page.text


async def test_a_run_that_is_under_way_or_was_cut_off(tmp_path: Path) -> None:
    await run(a_task(), oracle, scripted, tmp_path)
    record = RunFolder(tmp_path)
    record.save(record_of(tmp_path).model_copy(update={"status": None, "ended": None, "result": None, "final": None}))
    page = Page(write_report(tmp_path))
    assert "Unfinished" in page.text
    assert "The check" not in page.text
    (tmp_path / "steps.jsonl").unlink()
    assert "step-1" not in Page(write_report(tmp_path)).all("article", "id")


async def test_what_the_model_was_told_besides_the_picture(tmp_path: Path) -> None:
    world = DescribedEnvironment(ScriptedWorld(APP), View.MARKS)
    await run(a_task(), oracle, worlds(world), tmp_path)
    page, (first, *_) = Page(write_report(tmp_path)), steps_of(tmp_path)
    assert first.seen.marked
    assert f"shots/{first.seen.marked.sha256}.png" in page.all("img", "src")
    assert "The numbers drawn on this screenshot" in page.text
    assert '"Save" [' in page.text


async def test_a_picture_that_is_missing(tmp_path: Path) -> None:
    await run(a_task(), oracle, scripted, tmp_path)
    first = steps_of(tmp_path)[0].seen
    RunFolder(tmp_path).picture(first).unlink()
    page = Page(write_report(tmp_path))
    assert f"shots/{first.sha256}.png" not in page.all("img", "src")
    assert "The picture of this screen is missing" in page.text


async def test_a_damaged_run_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no run in '.*': it has no run.json; see `surehand report --list`"):
        write_report(tmp_path)
    await run(a_task(), oracle, scripted, tmp_path)
    lines = (tmp_path / "steps.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "steps.jsonl").write_text("".join([lines[0], "{}\n", *lines[2:]]))
    with pytest.raises(UserError, match=r"damaged run '.*steps.jsonl': line 2: number: Field required"):
        write_report(tmp_path)
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(UserError, match=r"damaged run '.*run.json'"):
        write_report(tmp_path)


async def test_a_report_that_cannot_be_written(tmp_path: Path) -> None:
    await run(a_task(), oracle, scripted, tmp_path)
    (tmp_path / "report.html").mkdir()
    with pytest.raises(UserError, match=r"cannot write '.*report.html': Is a directory"):
        write_report(tmp_path)


async def test_an_index_leads_to_every_report(tmp_path: Path) -> None:
    await a_run(tmp_path / "runs" / "one")
    await a_run(tmp_path / "runs" / "two", says(GIVE_UP))
    (tmp_path / "page").mkdir()
    folders = [tmp_path / "runs" / "one", tmp_path / "runs" / "two"]
    page = Page(write_index(folders, tmp_path / "page" / "index.html", "Both", "A lead."))
    assert page.all("a", "href") == ["../runs/one/report.html", "../runs/two/report.html"]
    assert all((tmp_path / "page" / path).is_file() for path in page.all("a", "href") + page.all("img", "src"))
    assert all(text in page.text for text in ("Both", "A lead.", "Passed", "Failed", "2 runs"))


async def test_what_others_wrote_is_only_text(tmp_path: Path) -> None:
    page = await an_evil_run(tmp_path)
    assert page.all("img", "onerror") == []
    assert [src for src in page.all("img", "src") if "evil" in src] == []
    assert len([tag for tag, _ in page.tags if tag == "script"]) == 1
    assert page.text.count("document.title = 'owned'") > 5


@pytest.mark.browser
async def test_in_a_browser(tmp_path: Path) -> None:
    """Hostile text does nothing, nothing is fetched, it fits a telephone, and j and k go from step to step."""
    from playwright.async_api import async_playwright

    await an_evil_run(tmp_path)
    complaints: list[str] = []
    asked: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_chromium(""))
        page = await browser.new_page(viewport={"width": 390, "height": 844}, reduced_motion="reduce")
        page.on("console", lambda message: complaints.append(message.text))
        page.on("request", lambda request: asked.append(request.url))
        await page.goto((tmp_path / "report.html").as_uri())
        await page.evaluate("document.querySelectorAll('img').forEach((one) => { one.loading = 'eager' })")
        await page.wait_for_load_state("networkidle")
        assert (await page.title()).startswith("Passed: <script>")
        assert await page.evaluate("[...document.images].every((one) => one.naturalWidth > 0)")
        assert await page.evaluate("document.documentElement.scrollWidth") == 390
        tops = []
        for key in "jjk":
            await page.keyboard.press(key)
            tops.append(await page.evaluate("document.activeElement.id"))
        await browser.close()
    assert tops == ["step-1", "step-2", "step-1"]
    assert complaints == []
    assert asked
    assert all(url.startswith("file://") for url in asked)
