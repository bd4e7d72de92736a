"""`surehand export`: what is written passes by itself in pytest or @playwright/test, and fails when it should."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.scripting.export.files import TARGETS, default_name, export
from agent.scripting.export.writing import Python, TypeScript, block, comment
from agent.scripting.written import read_test
from agent.settings import PREFIX
from env.world import find_chromium
from scenarios.loader import find
from tests.scripting.test_command import PAGES, surehand
from tools.errors import UserError

ROOT = Path(__file__).parents[2]
RECORDED = [ROOT / "tests/recorded/web" / name for name in ("files.yaml", "login.yaml", "two-tabs.yaml")]
CARRIED = {"PATH", "HOME", "LANG", "TMPDIR"}
HOSTILE = "\"; print('a') # \\ \" \"\"\" ''' ${process.exit(1)} */ --> \n\t\u2028 </script> `x` \\"
SHOP = """
title: Buy "things" in the \\ shop
wait: 30
params: {size: Large}
table:
  - {id: tea, items: [Tea], total: "1,234.50"}
  - {id: more, items: ["Milk 'n' honey", 'a "b" \\ c'], total: "2,469.00"}
setup:
  - serve: {folder: shop, data: {unused: [1, null, true, "\\u2028"]}}
  - open_url: {url: "http://site.test/index.html"}
  - wait_for: {text: We use cookies}
steps:
  - when: {is: {role: button, name: Accept cookies}, steps: [{click: Accept cookies}], else: [{press: end}]}
  - wait_gone: {text: We use cookies}
  - when: {is: {text: We use cookies, visible: false}, steps: [{expect: {css: "#item", value: old words}}]}
  - repeat:
      for: "{{ items }}"
      as: thing
      steps:
        - type: {into: {role: textbox, name: Item}, text: "{{ thing }}"}
        - select: {role: combobox, name: Size, option: "{{ size }}"}
        - click: {role: button, name: Add, exact: true}
        - expect: {css: "#list li", count: "{{ round }}"}
        - expect: {text: "{{ thing }}, {{ size }}"}
  - expect: {css: "#total", says: {equals: "EUR {{ total }}"}}
  - click: {role: button, name: Order now, or: [{css: "#order"}]}
  - expect: {title: {equals: Thank you}}
  - expect: {title: Thank}
  - expect: {url: {matches: "index\\\\.html$"}, within: 9}
  - expect: {text: Corner shop, exact: true}
  - expect: {text: Coffee, visible: false}
  - expect: {check: {posted: {path: /api/order, count: 1, body: {rows: "{{ rows }}"}}}}
  - expect: {check: {script: {expression: "document.title.length", equals: 9}}}
teardown:
  - scroll: {pixels: -200}
  - click: {box: [400, 400, 420, 420]}
""".replace(
    '"{{ rows }}"', '"{{ [[items[0], size]] if items | length == 1 else [[items[0], size], [items[1], size]] }}"'
).replace("click: Accept cookies", "click: {text: Accept cookies}")
REFUSED = {
    "do: buy tea": "a step in plain words cannot be exported; write exact steps here, or export a recorded run",
    "extract: {total: {css: b}}": "a variable that is read from a page cannot be exported; expect what should be there",
    "repeat: {while: {text: a}, steps: []}": "`repeat` with `while` cannot be exported; say how many `times`",
    "expect: {clipboard: a}": "this step cannot be exported; Playwright has no hold of the clipboard",
    "expect: {url: {matches: '(?P<a>b)'}}": "this step cannot be exported; '(?P' in a pattern is known to Python only",
    "wait_for: {box: [1, 1, 2, 2]}": "a step on a bare place cannot be exported; name the thing by its role or text",
    "click: {describe: the blue one}": "this step cannot be exported; Playwright finds nothing by a picture or a"
    " description: give its role or text",
    "expect: {describe: it is blue}": "this step cannot be exported; Playwright finds nothing by a picture or a"
    " description: give its role or text",
    "expect: {check: {process: {name: a}}}": "this step cannot be exported; this check is known to surehand only",
}
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(VALUES)
def test_a_value_is_a_literal_of_python(value: Any) -> None:
    language = Python(waits=False)
    assert ast.literal_eval(language.literal(value)) == value
    assert ast.literal_eval(block(language, value, width=10)) == value


@given(st.text() | st.just(HOSTILE))
def test_a_text_is_a_literal_of_typescript_and_a_comment_stays_one(text: str) -> None:
    literal = TypeScript().literal(text)
    assert literal.isascii()
    assert json.loads(literal) == text
    assert not re.search(r"[\n\r\x0b\x0c\x85\u2028\u2029\0]", comment(text))


def test_a_mapping_in_typescript_is_read_as_it_was() -> None:
    value = {"__proto__": {"a b": HOSTILE}, "plain": [1, 2.5, None, True], "day": date(2026, 1, 31)}
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on this machine")
    language = TypeScript()
    for literal in (language.literal(value), block(language, value, width=10)):
        done = subprocess.run([node, "-e", f"console.log(JSON.stringify({literal}))"], capture_output=True, text=True)
        assert json.loads(done.stdout) == value | {"day": "2026-01-31"}


@pytest.mark.parametrize("step", REFUSED)
def test_what_no_program_can_do_is_refused_with_its_line(tmp_path: Path, step: str) -> None:
    file = tmp_path / "test_bad.yaml"
    file.write_text(f"title: Bad\nsteps:\n  - press: a\n  - {step}\n")
    with pytest.raises(UserError) as error:
        export(read_test(file), "playwright-python", tmp_path / "test_bad.py")
    assert str(error.value) == f"{file}:4: {REFUSED[step]}"
    assert not (tmp_path / "test_bad.py").exists()


def test_a_mistake_is_one_line_and_status_2(tmp_path: Path) -> None:
    done = surehand("export", "test_note.yaml", "--format", "playwright-pyton", cwd=tmp_path)
    said = "a test cannot be exported to 'playwright-pyton'; did you mean 'playwright-python'?"
    assert (done.returncode, done.stderr) == (2, f"surehand: {said}\n")


def test_a_desktop_is_no_page(tmp_path: Path) -> None:
    (tmp_path / "test_note.yaml").write_text("title: A\nworld: desktop\nsteps: [{press: a}]\n")
    with pytest.raises(UserError, match="a test of a desktop cannot be exported to playwright-ts; use desktop-python"):
        export(read_test(tmp_path / "test_note.yaml"), "playwright-ts", tmp_path / "a.spec.ts")


@pytest.mark.parametrize("target", TARGETS)
def test_texts_of_a_test_are_never_code(tmp_path: Path, target: str) -> None:
    world = "desktop" if target == "desktop-python" else "browser"
    text = json.dumps(HOSTILE)
    file = tmp_path / "test_hostile.yaml"
    file.write_text(
        f"title: {text}\nworld: {world}\nsteps:\n  - click: {{role: button, name: {text}, or: [{{text: {text}}}]}}\n"
        f"  - type: {text}\n  - type: {{secret: shop}}\n"
    )
    out = tmp_path / default_name(file.stem, target)
    export(read_test(file), target, out)
    written = out.read_text()
    if target == "playwright-ts":
        assert "name: " + json.dumps(HOSTILE) in written
        assert 'process.env["SUREHAND_SECRET_SHOP"]!' in written
        return
    texts = [node.value for node in ast.walk(ast.parse(written)) if isinstance(node, ast.Constant)]
    assert HOSTILE in texts
    assert target == "desktop-python" or 'os.environ["SUREHAND_SECRET_SHOP"]' in written
    assert not [node for node in ast.walk(ast.parse(written)) if isinstance(node, ast.Call) and name(node) == "print"]


def name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def alone(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """A command without surehand: nothing of this project can be imported."""
    kept = {name: os.environ[name] for name in CARRIED if name in os.environ}
    env = {**kept, "PLAYWRIGHT_CHROMIUM_EXECUTABLE_PATH": str(find_chromium("")), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    return alone([sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments], folder)


@pytest.mark.browser
def test_a_written_test_passes_in_python_and_fails_with_the_page(tmp_path: Path) -> None:
    shutil.copytree(PAGES / "shop", tmp_path / "shop")
    (tmp_path / "test_shop.yaml").write_text(SHOP)
    done = surehand("export", "test_shop.yaml", "--format", "playwright-python", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "✓ exported 2 tests of test_shop.yaml\ntest: test_shop.py\n"
    export(read_test(tmp_path / "test_shop.yaml"), "playwright-python-async", tmp_path / "test_shop_async.py")
    done = run_pytest(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "4 passed" in done.stdout
    page = tmp_path / "shop" / "index.html"
    page.write_text(page.read_text().replace("JSON.stringify({rows})", "JSON.stringify({rows: []})"))
    (test := tmp_path / "test_shop.py").write_text(test.read_text().replace("PATIENCE = 30.0", "PATIENCE = 5.0"))
    done = run_pytest(tmp_path, test.name, "-k", "shop_tea")
    assert "1 failed" in done.stdout
    assert "should be sent to /api/order" in done.stdout


@pytest.mark.browser
@pytest.mark.soak
def test_recorded_tests_pass_in_python(tmp_path: Path) -> None:
    for file in RECORDED:
        for kind in ("python", "python-async"):
            export(
                read_test(file), f"playwright-{kind}", tmp_path / f"test_{file.stem.replace('-', '_')}_{kind[7:]}.py"
            )
    done = run_pytest(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "6 passed" in done.stdout


@pytest.fixture(scope="session")
def npm_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with @playwright/test in it."""
    folder = tmp_path_factory.mktemp("npm")
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no npm on this machine")
    install = [npm, "install", "--no-save", "--no-audit", "--no-fund", "@playwright/test@1.65"]
    done = subprocess.run(install, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"npm cannot install @playwright/test: {done.stderr.strip()[-200:]}")
    return folder


def run_playwright(npm: Path, folder: str) -> subprocess.CompletedProcess[str]:
    """The tests of a folder in the one that holds @playwright/test."""
    program = str(npm / "node_modules/.bin/playwright")
    return alone([program, "test", "--workers=1", "--reporter=list", f"{folder}/"], npm)


@pytest.mark.soak
@pytest.mark.browser
@pytest.mark.timeout(600)
def test_tests_pass_in_typescript(npm_folder: Path) -> None:
    folder = npm_folder / "some"
    shutil.copytree(PAGES / "shop", folder / "shop")
    written = folder / "test_shop.yaml"
    written.write_text(SHOP)
    files = [*RECORDED, written]
    for file in files:
        export(read_test(file), "playwright-ts", folder / default_name(file.stem, "playwright-ts"))
    done = run_playwright(npm_folder, "some")
    assert done.returncode == 0, done.stdout
    assert f"{len(files) + 1} passed" in done.stdout


@pytest.mark.desktop
def test_a_desktop_test_passes_as_a_python_one(tmp_path: Path) -> None:
    (tmp_path / "test_note.yaml").write_text(NOTE)
    done = surehand("export", "test_note.yaml", "--format", "desktop-python", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (tmp_path / "test_note.yaml").unlink()
    kept = {name: value for name, value in os.environ.items() if not name.startswith((PREFIX, "PYTEST"))}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "surehand_pytest", "-p", "no:cacheprovider"]
    plugin = ROOT / "agent/scripting/plugin"
    env = {**kept, "PYTHONPATH": str(plugin), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


NOTE = """
title: Write a name down
world: desktop
params: {name: Ada}
setup:
  - launch: {command: [mousepad, Documents/name.txt], window: name.txt}
steps:
  - type: "{{ name }} {{ '{' }}{ 2 }}"
  - press: ctrl+s
  - expect: {file: Documents/name.txt, says: {equals: "{{ name }} {{ '{' }}{ 2 }}"}}
"""


@pytest.mark.soak
@pytest.mark.browser
@pytest.mark.timeout(1800)
def test_every_web_scenario_is_exported_from_its_run(tmp_path: Path, npm_folder: Path) -> None:
    folder, targets = npm_folder / "every", ("playwright-python", "playwright-python-async", "playwright-ts")
    found = [scenario.id for scenario in find(["web/*"])]
    for number, scenario in enumerate(found):
        done = surehand("run", scenario, "--model", "oracle", "--out", f"run-{number}", cwd=tmp_path)
        assert done.returncode == 0, done.stdout
        done = surehand("record", f"run-{number}", "--out", f"test_{number}.yaml", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        for target in targets:
            out = folder / target / default_name(f"test_{number}", target)
            export(read_test(tmp_path / f"test_{number}.yaml"), target, out)
    done = surehand("export", "run-0", "--format", "playwright-ts", "--out", "a.spec.ts", cwd=tmp_path)
    assert done.stdout.endswith("test: a.spec.ts\npages: a_pages\n"), done.stderr
    for target in targets[:2]:
        assert f"{len(found)} passed" in run_pytest(folder / target).stdout
    assert f"{len(found)} passed" in run_playwright(npm_folder, "every").stdout
