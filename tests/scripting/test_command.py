"""`surehand test` as it is called, in real browsers."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest

from agent.scripting.language import ALL
from agent.settings import PREFIX
from env.setup import STEPS
from tests.agent.harm import Site

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = Path(__file__).resolve().parent / "pages"
SIGN_UP = """
title: There is no such button
world: browser
wait: 0.5
setup:
  - serve: {folder: shop}
  - open_url: {url: "http://site.test/index.html"}
steps:
  - type: {into: {role: textbox, name: Item}, text: Tea}
  - click: {role: button, name: Sign up}
"""


def surehand(*arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """The command line, in a process of its own, with no settings but these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    env = {**kept, "PYTHONPATH": str(ROOT), "SUREHAND_BROWSER": "headless", **variables}
    command = [sys.executable, "-m", "agent", *arguments]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)


def test_mistakes_are_one_line_and_status_2(tmp_path: Path) -> None:
    (tmp_path / "test_bad.yaml").write_text("title: Bad\nsteps:\n  - clik: {text: a}\n")
    done = surehand("test", ".", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("surehand: test_bad.yaml:3: steps.0.clik: unknown step 'clik': one of back, click,")
    assert surehand("test", cwd=tmp_path).stderr == (
        "surehand: no test named; name test files or folders: `surehand test tests/`\n"
    )


def test_an_unknown_model_is_a_mistake_before_anything_is_played(tmp_path: Path) -> None:
    (tmp_path / "test_sign_up.yaml").write_text(SIGN_UP)
    done = surehand("test", ".", "--model", "orakle", "--out", "out", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, "surehand: no model 'orakle'; did you mean 'oracle'?\n")
    assert not (tmp_path / "out").exists()


def test_no_tests_are_status_5(tmp_path: Path) -> None:
    assert surehand("test", ".", cwd=tmp_path).returncode == 5


def test_the_schema_names_every_step(tmp_path: Path) -> None:
    schema = json.loads(surehand("test", "--schema", cwd=tmp_path).stdout)
    named = {name for way in schema["$defs"]["Step"]["anyOf"] for name in way["properties"]}
    assert named == set(ALL)
    prepared = {name for way in schema["$defs"]["Setup"]["anyOf"] for name in way["properties"]}
    assert prepared == {*ALL, *STEPS}
    assert schema["properties"]["steps"] == {"type": "array", "items": {"$ref": "#/$defs/Step"}}
    assert {reference.removeprefix("#/$defs/") for reference in references(schema)} <= schema["$defs"].keys()


def references(schema: Any) -> Iterator[str]:
    """Every place of a schema that another one names."""
    if isinstance(schema, dict):
        yield from [schema["$ref"]] if isinstance(schema.get("$ref"), str) else []
    for part in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from references(part)


@pytest.mark.browser
def test_a_session_in_the_browser(tmp_path: Path) -> None:
    (tmp_path / "test_sign_up.yaml").write_text(SIGN_UP)
    shutil.copytree(PAGES / "shop", tmp_path / "shop")
    tests = (str(PAGES / "shop.yaml"), "test_sign_up.yaml")
    done = surehand("test", *tests, "--parallel", "1", "--out", "out", "--junit", "out/junit.xml", cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"✓ \S+shop.yaml\[one\]  \(", done.stdout), done.stdout
    assert re.search(r"✓ \S+shop.yaml\[three\]  \(", done.stdout)
    assert "    test_sign_up.yaml:10: click: {role: button, name: Sign up}\n" in done.stdout
    assert "    the button 'Sign up' is not there (waited" in done.stdout
    assert "✗ 2 passed, 1 failed in " in done.stdout
    suite = ElementTree.parse(tmp_path / "out" / "junit.xml").getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "0")
    attached = re.findall(r"\[\[ATTACHMENT\|(.*?)\]\]", suite.findtext("testcase/system-out") or "")
    assert [Path(path).suffix for path in attached] == [".html", ".png"]
    assert all(Path(path).is_file() for path in attached)
    page = (tmp_path / "out" / "index.html").read_text()
    assert "1 failed" in page
    assert "there is no such button" in page.casefold()


@pytest.mark.browser
def test_words_are_done_by_a_model(tmp_path: Path) -> None:
    shutil.copytree(PAGES / "shop", tmp_path / "shop")
    script = ['{"action": "type", "text": "Tea"}', '{"action": "terminate", "status": "success"}']
    (tmp_path / "script.jsonl").write_text("\n".join(script))
    steps = """steps:
  - click: {css: "#item"}
  - press: ctrl+a
  - do: Type the word Tea
  - expect: {css: "#item", value: Tea}
  - press: tab
"""
    (tmp_path / "test_words.yaml").write_text(SIGN_UP[: SIGN_UP.index("steps:")] + steps)
    done = surehand("test", ".", "--model", "scripted:script.jsonl", "--trace", "--out", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "out" / "01-test-words" / "do-1" / "report.html").is_file()
    with ZipFile(tmp_path / "out" / "01-test-words" / "trace.zip") as trace:  # of Playwright's
        noted = trace.read("trace.trace").decode()
    assert "keyboardDown" in noted
    assert 'href="01-test-words/trace.zip"' in (tmp_path / "out" / "index.html").read_text()
    done = surehand("test", ".", "--model", "idle", "--out", "again", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "done again from the cache" in (tmp_path / "again" / "index.html").read_text()


GIVE = """
title: Sign in and give a file
setup:
  - put_file: {path: Documents/list.txt, text: Tea}
  - serve: {folder: page}
  - open_url: {url: "http://site.test/index.html"}
steps:
  - type: {into: {css: "#pass"}, secret: shop-key}
  - expect: {text: "16 characters"}
  - upload: {role: button, name: Choose, path: Documents/list.txt}
  - expect: {text: "You gave list.txt"}
  - extract: {typed: {css: "#pass"}}
  - upload: {role: button, name: Choose, path: nowhere.txt}
"""
PAGE = """<!doctype html><title>Give</title>
<input id="pass"><p id="count"></p><input id="file" type="file" hidden><button>Choose</button><p id="given"></p>
<script>
const one = id => document.getElementById(id);
one("pass").oninput = event => { one("count").textContent = event.target.value.length + " characters"; };
document.querySelector("button").onclick = () => one("file").click();
one("file").onchange = event => { one("given").textContent = "You gave " + event.target.files[0].name; };
</script>
"""


@pytest.mark.browser
def test_secrets_are_typed_and_told_nowhere_and_files_are_given(tmp_path: Path) -> None:
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "index.html").write_text(PAGE)
    (tmp_path / "test_give.yaml").write_text(GIVE)
    (tmp_path / "surehand.toml").write_text('secrets_file = "keys.toml"\n[secrets.shop-key]\ndomains = ["site.test"]\n')
    keys = tmp_path / "keys.toml"
    keys.write_text('shop-key = "correct horse 77"\n')
    keys.chmod(0o600)
    done = surehand("test", ".", "--trace", "--out", "out", "--junit", "out/junit.xml", cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert not list((tmp_path / "out").rglob("trace.zip"))
    assert "test_give.yaml:13: upload: {role: button, name: Choose, path: nowhere.txt}\n" in done.stdout
    assert "there is no file 'nowhere.txt'; there is Documents/list.txt" in done.stdout
    told = [done.stdout, *(path.read_text() for path in (tmp_path / "out").rglob("*.*") if path.suffix != ".png")]
    assert not any("horse" in text for text in told)
    assert any("typed = '{{secret:shop-key}}'" in text for text in told)


@pytest.mark.browser
def test_a_test_reaches_the_outside_only_where_the_settings_name_it(tmp_path: Path) -> None:
    def play(out: str, wait: int, **variables: str) -> subprocess.CompletedProcess[str]:
        text = f"title: Letters\nwait: {wait}\nsteps:\n  - goto: {site.url}\n"
        (tmp_path / "test_outside.yaml").write_text(text + "  - expect: {role: heading, name: Letters}\n")
        return surehand("test", ".", "--out", out, cwd=tmp_path, **variables)

    with Site() as site:
        done = play("in", 3)
        assert done.returncode == 1, done.stdout + done.stderr
        done = play("out", 30, SUREHAND_ALLOW_DOMAINS=urlsplit(site.url).netloc)
        assert done.returncode == 0, done.stdout + done.stderr


def test_words_without_a_model_are_a_mistake_before_anything_is_begun(tmp_path: Path) -> None:
    steps = "steps:\n  - when:\n      is: {text: a}\n      steps: []\n      else:\n        - do: Type the word Tea\n"
    (tmp_path / "test_words.yaml").write_text(f"title: Words\n{steps}")
    said = "surehand: test_words.yaml:7: a step in plain words needs a model: {}; name one with --model, or write exact"
    for options, cause in (
        ((), "none is named"), (("--model", "oracle"), "an oracle knows no test"),
        (("--model", "idle", "--no-model"), "--no-model asks none"),
    ):  # fmt: skip
        done = surehand("test", ".", *options, "--out", "out", cwd=tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", said.format(cause) + " steps here\n")
    assert not (tmp_path / "out").exists()
