"""The pytest plugin in a project of its own, which has an `agent` package and pages of its own."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agent.settings import PREFIX
from tests.scripting.test_command import PAGES, ROOT, SIGN_UP

SHOP = """
import agent
import pytest

pytestmark = pytest.mark.surehand(
    wait=5, setup=[{"serve": {"folder": "shop"}}, {"open_url": {"url": "http://site.test/index.html"}}]
)


def test_buy(browser_agent):
    assert agent.MINE
    browser_agent.click("Accept cookies")
    browser_agent.type("Tea", into={"role": "textbox", "name": "Item"})
    browser_agent.select("Large", role="combobox", name="Size")
    browser_agent.click(role="button", name="Add")
    browser_agent.expect(css="#list li", count=1)
    assert browser_agent.extract(css="#total", kind="number") == 1234.5


def test_what_is_not_there(browser_agent):
    browser_agent.expect("Coffee", within=0.2)
"""


def project(folder: Path) -> None:
    (folder / "agent").mkdir()
    (folder / "agent" / "__init__.py").write_text("MINE = True\n")
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_buy.py").write_text(SHOP)
    (folder / "test_sign_up.yaml").write_text(SIGN_UP)
    (folder / "test_other.yaml").write_text("another: kind of test\n")
    shutil.copytree(PAGES / "shop", folder / "shop")


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith((PREFIX, "PYTEST"))}
    env = {**kept, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT / "agent/scripting/plugin")]),
           "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # fmt: skip
    command = [sys.executable, "-m", "pytest", "-p", "surehand_pytest", "--surehand-world=headless", *arguments]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


@pytest.mark.browser
def test_python_and_yaml_tests_side_by_side(tmp_path: Path) -> None:
    project(tmp_path)
    done = run_pytest(tmp_path, "--surehand-out=out", "--junitxml=junit.xml")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    assert "2 failed" in done.stdout
    assert "Unmet: expect: 'Coffee' should be there and is not; there is " in done.stdout
    assert "test_sign_up.yaml:10: the button 'Sign up' is not there" in done.stdout
    assert len(re.findall(r"record and last picture: \S+", done.stdout)) == 2
    assert "surehand: out/index.html" in done.stdout
    assert len(list((tmp_path / "out").glob("*/shots/*.png"))) == 3
    assert 'name="surehand"' in (tmp_path / "junit.xml").read_text()


@pytest.mark.browser
def test_workers_of_xdist_share_a_report(tmp_path: Path) -> None:
    project(tmp_path)
    done = run_pytest(tmp_path, "-p", "xdist", "-n2", "--surehand-out=out")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "2 failed, 1 passed" in done.stdout
    assert (tmp_path / "out" / "index.html").read_text().count('class="panel trial') == 3


def test_a_wrong_file_is_told_when_it_is_collected(tmp_path: Path) -> None:
    (tmp_path / "test_bad.yaml").write_text("title: Bad\nsteps:\n  - clik: {text: a}\n")
    done = run_pytest(tmp_path)
    assert done.returncode == 2
    assert "test_bad.yaml:3: steps.0.clik: unknown step 'clik'" in done.stdout
