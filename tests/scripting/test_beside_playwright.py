"""The fixture `page_agent` beside pytest-playwright: an agent in the test's own page."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent.scripting.export.files import export
from agent.scripting.written import read_test
from agent.settings import PREFIX
from env.world import find_chromium
from tests.scripting.test_command import ROOT

VERSION = "pytest-playwright==0.10.0"
CONFTEST = """
import os

import pytest


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    return {**browser_type_launch_args, "executable_path": os.environ["BROWSER"]}
"""
TESTS = """
from playwright.sync_api import Page, expect

SHOP = '''<!doctype html><title>Shop</title><label>Item <input></label>
<button onclick="add()">Add</button><ul></ul><script>
const add = async () => {
  const answer = await fetch('/price?of=' + document.querySelector('input').value);
  const row = document.createElement('li');
  row.textContent = document.querySelector('input').value + ': ' + await answer.text();
  document.querySelector('ul').append(row);
};
</script>'''


def test_both_see_one_page(page: Page, page_agent) -> None:
    asked = []

    def price(route):
        asked.append(route.request.url)
        route.fulfill(body="3 euros")

    page.route("http://shop.test/", lambda route: route.fulfill(body=SHOP, content_type="text/html"))
    page.route("http://shop.test/price*", price)
    page.goto("http://shop.test/")
    page_agent.type("Tea", into={"role": "textbox", "name": "Item"})
    expect(page.get_by_role("textbox")).to_have_value("Tea")
    page_agent.click(role="button", name="Add")
    page_agent.expect("Tea: 3 euros")
    assert asked == ["http://shop.test/price?of=Tea"]
    page.get_by_role("textbox").fill("Milk")
    page.get_by_role("button", name="Add").click()
    page_agent.expect(css="li", count=2)
    assert page_agent.extract(css="li", nth=1) == "Milk: 3 euros"


def test_a_failure_is_told_as_ever(page: Page, page_agent) -> None:
    page.set_content("<h1>Nothing else</h1>")
    page_agent.expect("Coffee", within=0.2)
"""

EXPORTED = """
title: An exported test beside others
steps:
  - goto: "about:blank"
  - expect: {url: {equals: "about:blank"}}
"""


@pytest.fixture
def playwright_plugin(tmp_path: Path) -> Path:
    """A folder with pytest-playwright, apart from our own environment: it would load itself into every test of ours."""
    folder = tmp_path / "plugin"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), "--no-deps", VERSION,
               "python-slugify", "text-unidecode"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"pip cannot install {VERSION}: {done.stderr.strip()[-200:]}")
    return folder


@pytest.mark.soak  # for it asks the network for a package
@pytest.mark.browser
@pytest.mark.timeout(600)
def test_the_agent_works_in_the_page_of_the_test(tmp_path: Path, playwright_plugin: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "pytest.ini").write_text("[pytest]\n")
    (project / "conftest.py").write_text(CONFTEST)
    (project / "test_shop.py").write_text(TESTS)
    (project / "blank.yaml").write_text(EXPORTED)
    export(read_test(project / "blank.yaml"), "playwright-python", project / "test_blank.py")
    kept = {name: value for name, value in os.environ.items() if not name.startswith((PREFIX, "PYTEST"))}
    path = os.pathsep.join([str(playwright_plugin), str(ROOT / "agent/scripting/plugin")])
    command = [sys.executable, "-m", "pytest", "-p", "playwright", "-p", "surehand_pytest", "--surehand-out=out"]
    env = {**kept, "PYTHONPATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "BROWSER": str(find_chromium(""))}
    done = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, check=False)
    assert "1 failed, 2 passed" in done.stdout, done.stdout + done.stderr
    assert "Unmet: expect: 'Coffee' should be there and is not; there is 'Nothing else'" in done.stdout
    assert "test_both_see_one_page" in (project / "out" / "index.html").read_text()
