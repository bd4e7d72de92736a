"""A file chooser that is answered by typing, on a real headless Chromium."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from env.files import HomeFiles
from tools.chooser import LISTED

if TYPE_CHECKING:
    from tests.tools.browser_fixtures import OpenScreen, Screen

pytest_plugins = ("tests.tools.browser_fixtures",)
pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PAGE = """<input type=file id=f MULTIPLE style="width: 300px"><input id=t style="position: fixed; top: 100px; left: 0">
<script>
  const names = () => Promise.all([...f.files].map(async file => file.name + ': ' + await file.text()));
</script>"""
OPENED = "ok; a file chooser opened: type the path of "


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "Documents").mkdir()
    (tmp_path / "Documents" / "a.txt").write_text("first")
    (tmp_path / "Documents" / "b.txt").write_text("second")
    (tmp_path / ".profile").write_text("hidden")
    (tmp_path / "outside").symlink_to("/etc/passwd")
    return tmp_path


@pytest_asyncio.fixture(loop_scope="session")
async def screen(open_screen: "OpenScreen", home: Path) -> "Screen":
    return await open_screen(files=HomeFiles(home, str(home)))


async def opened(screen: "Screen", multiple: str = "") -> str:
    await screen.open(PAGE.replace("MULTIPLE", multiple))
    return (await screen.do("left_click", at=(20, 10))).note


async def chosen(screen: "Screen") -> list[str]:
    names: list[str] = await (await screen.tabs.front()).page.evaluate("names()")
    return names


@pytest.mark.parametrize(
    "path", ["Documents/a.txt", "~/Documents/a.txt", "HOME/Documents/a.txt\n", "file://HOME/Documents/a.txt"]
)
async def test_a_typed_path_chooses_a_file(screen: "Screen", home: Path, path: str) -> None:
    assert await opened(screen) == OPENED + "a file to choose; there is Documents/a.txt, Documents/b.txt"
    outcome = await screen.do("type", text=path.replace("HOME", str(home)))
    assert (outcome.ok, outcome.note) == (True, "ok")
    assert await chosen(screen) == ["a.txt: first"]


async def test_text_that_is_typed_afterwards_goes_to_the_page(screen: "Screen") -> None:
    await opened(screen)
    await screen.do("type", text="Documents/a.txt")
    await screen.do("left_click", at=(20, 110))
    await screen.do("type", text="Documents/b.txt")
    assert await (await screen.tabs.front()).page.input_value("#t") == "Documents/b.txt"
    assert await chosen(screen) == ["a.txt: first"]


@pytest.mark.parametrize("path", ["nothing.txt", "outside", "../../etc/passwd", "/etc/passwd", "Documents", "", "\n"])
async def test_a_path_that_leads_to_no_file_of_home_is_refused(screen: "Screen", path: str) -> None:
    await opened(screen)
    outcome = await screen.do("type", text=path)
    assert not outcome.ok
    assert outcome.note.startswith(f"the file chooser is still open: there is no file {path.strip()!r}; there is ")
    await screen.do("wait", time=0)
    assert (await screen.do("type", text="Documents/b.txt")).ok
    assert await chosen(screen) == ["b.txt: second"]


async def test_several_files_are_chosen_where_the_page_takes_them(screen: "Screen") -> None:
    assert (await opened(screen, "multiple")).startswith(OPENED + "files, one a line, to choose;")
    assert (await screen.do("type", text="Documents/a.txt\nDocuments/b.txt")).ok
    assert await chosen(screen) == ["a.txt: first", "b.txt: second"]
    await opened(screen)
    assert "one file only" in (await screen.do("type", text="Documents/a.txt\nDocuments/b.txt")).note
    assert (await screen.do("type", text="Documents/a.txt")).ok


async def test_another_input_closes_the_chooser(screen: "Screen") -> None:
    await opened(screen)
    note = (await screen.do("key", keys=["escape"])).note
    assert note == "ok; the file chooser closed: no file was chosen"
    await screen.do("left_click", at=(20, 110))
    await screen.do("type", text="Documents/a.txt")
    assert await chosen(screen) == []
    assert await (await screen.tabs.front()).page.input_value("#t") == "Documents/a.txt"


async def test_a_long_list_is_cut_short(screen: "Screen", home: Path) -> None:
    for number in range(20):
        (home / f"file-{number:02}.txt").touch()
    assert (await opened(screen)).endswith(f"file-{LISTED - 1:02}.txt and {22 - LISTED} more")
