import asyncio
import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from agent.cli import main
from agent.commands.doctor import examine
from agent.runner import run
from agent.settings import PREFIX, load
from agent.trace import RunFolder, Status
from tests.agent.desk import a_task, oracle, record_of, scripted, steps_of

ROOT = Path(__file__).resolve().parent.parent.parent
ASK = 'id: ask\ntitle: Say it\nworld: browser\ngoal: Say forty-two.\ncheck: {answer: {equals: "42"}}\n'


@pytest.fixture(autouse=True)
def _somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)


class Said(NamedTuple):
    status: int
    out: str
    err: str


class Surehand:
    """The command line, called in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *arguments: str) -> Said:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert isinstance(ended.value.code, int)
        return Said(ended.value.code, *self.capsys.readouterr())

    def refuses(self, *arguments: str) -> str:
        """What is said of a mistake: one line, exit status 2, and nothing else."""
        status, out, err = self(*arguments)
        assert (status, out) == (2, "")
        assert err.count("\n") == 1
        return err.strip()


@pytest.fixture
def surehand(capsys: pytest.CaptureFixture[str]) -> Surehand:
    return Surehand(capsys)


def environment(**variables: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **variables}


def in_its_own_process(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "agent", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment(**variables))


def answers(*texts: str) -> str:
    """A script of answers, as the model that gives them is named."""
    Path("script.jsonl").write_text("".join(f'{{"action": "answer", "text": "{text}"}}\n' for text in texts))
    return "scripted:script.jsonl"


def test_help_is_cheap() -> None:
    """Nobody waits for what only a run needs."""
    heavy = ["langgraph", "playwright", "numpy", "pydantic", "PIL", "rich", "yaml", "httpx", "jinja2", "openai"]
    code = f"""if True:
        import sys
        from agent.cli import main
        try:
            main(["--help"])
        except SystemExit:
            print("loaded:", [name for name in {heavy!r} if name in sys.modules])"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.endswith("loaded: []\n")
    assert "scenarios" in done.stdout


def test_alone_it_says_what_it_can_do(surehand: Surehand) -> None:
    for command in ([], ["scenarios"]):
        status, out, err = surehand(*command)
        assert (status, err) == (0, "")
        assert "Commands:" in out


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("rnu", "surehand: no such command 'rnu'. Did you mean 'run'? (see `surehand --help`)"),
        ("run", "surehand: missing argument 'SCENARIO|GOAL' (see `surehand run --help`)"),
        ("run web/login --sed 3", "surehand: no such option: --sed (Possible options: --seed, --size, --steps) "
         "(see `surehand run --help`)"),
        ("run web/logn", "surehand: no scenario 'web/logn'; did you mean 'web/login'? "
         "`surehand scenarios list` shows them all"),
        ("run no.yaml", "surehand: cannot read 'no.yaml'"),
        ("run web/login", "surehand: no model is named: surehand has none of its own yet; point at a"),
        ("run web/login --model http://127.0.0.1:1/v1", "surehand: no model server at 'http://127.0.0.1:1/v1'"),
        ("run web/login --model orcle", "surehand: no model 'orcle'; did you mean 'oracle'?"),
        ("run web/login --model scripted:no.jsonl", "surehand: cannot read the script 'no.jsonl': No such file"),
        ("run web/login --model replay:no", "surehand: no run in 'no': it has no run.json"),
        ("run web/login --world kisok", "surehand: no world 'kisok'; did you mean 'kiosk'?"),
        ("run web/login --size wide", "surehand: setting size = 'wide' (command line): write a size as"),
        ("run web/login --config no.toml", "surehand: no settings file 'no.toml'; name one with"),
        ("report", "surehand: no run named; `surehand report --list` lists them"),
        ("report .", "surehand: no run in '.': it has no run.json; see `surehand report --list`"),
        ("report --list", "surehand: no folder 'runs': nothing was run yet; try `surehand demo`"),
        ("replay no", "surehand: no run in 'no': it has no run.json"),
        ("scenarios list --world deskop", "surehand: no world 'deskop'; did you mean 'desktop'?"),
        ("scenarios list web/lgin", "surehand: no scenario 'web/lgin'; did you mean 'web/login'?"),
        ("scenarios check web/lgin", "surehand: no scenario 'web/lgin'; did you mean 'web/login'?"),
        ("scenarios check --seeds 3-1", "surehand: no seeds '3-1'; write numbers and ranges, such as 0-2,7"),
        ("scenarios check --parallel 0", "surehand: setting parallel = 0 (command line): Input should be greater"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(surehand: Surehand, line: str, said: str) -> None:
    assert surehand.refuses(*line.split()).startswith(said)


def test_a_broken_scenario(surehand: Surehand) -> None:
    Path("ask.yaml").write_text("id: ask\ntitle: [\n")
    assert surehand.refuses("run", "ask.yaml").startswith("surehand: ask.yaml:")
    Path("ask.yaml").write_text(ASK.replace("goal:", "gaol:"))
    said = surehand.refuses("run", "ask.yaml")
    assert said.startswith("surehand: ask.yaml:4: gaol: unknown key 'gaol'")
    assert said.endswith("did you mean 'goal'?")


def test_a_broken_script(surehand: Surehand) -> None:
    Path("ask.yaml").write_text(ASK)
    Path("script.jsonl").write_text('{"action": "answer", "text": "a"}\n\n{"action": "anwser"}\n')
    assert surehand.refuses("run", "ask.yaml", "--model", "scripted:script.jsonl").startswith(
        "surehand: script.jsonl:3: Input tag 'anwser' found using 'action' does not match"
    )
    Path("script.jsonl").write_text("nothing\n")
    assert surehand.refuses("run", "ask.yaml", "--model", "scripted:script.jsonl").startswith(
        "surehand: script.jsonl:1: Invalid JSON"
    )


def test_a_scenario_without_an_oracle_needs_another_model(surehand: Surehand) -> None:
    Path("ask.yaml").write_text(ASK)
    assert surehand.refuses("run", "ask.yaml", "--model", "oracle") == (
        "surehand: scenario 'ask' has no oracle; choose another model with --model"
    )


def test_without_programs_it_says_what_to_do(tmp_path: Path) -> None:
    done = in_its_own_process("run", "web/login", "--model", "idle", PATH="", HOME=str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "surehand: no Chromium on this machine: looked for chromium and google-chrome; run `make setup`\n"
    )
    done = in_its_own_process("doctor", PATH="", HOME=str(tmp_path))
    assert done.returncode == 1
    assert re.search(r"✗ programs +no Xvfb, .*bwrap", done.stdout)
    assert re.search(r"✗ chromium +no Chromium on this machine", done.stdout)
    assert done.stderr == ""


def test_the_doctor_for_programs(surehand: Surehand) -> None:
    status, out, _ = surehand("doctor", "--json")
    findings = json.loads(out)
    assert {"python", "packages: base", "python-xlib", "sandbox", "chromium", "vllm", "disk", "worlds"} <= {
        one["name"] for one in findings
    }
    assert all(one["state"] in ("ok", "warn", "missing") and one["found"] for one in findings)
    assert all(one["remedy"] for one in findings if one["state"] != "ok" and one["name"] != "packages")
    assert status == any(one["state"] == "missing" for one in findings)


def test_the_doctor_looks_at_the_chromium_that_is_set(tmp_path: Path) -> None:
    (tmp_path / "chromium").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "chromium").chmod(0o755)
    found = {one.name: one for one in examine(load(chromium=str(tmp_path / "chromium")))}
    assert found["chromium"].state == "missing"
    assert "does not start" in found["chromium"].found
    assert "apt-get install" in found["chromium"].remedy


def test_settings_are_shown_with_their_source(surehand: Surehand, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("surehand.toml").write_text('size = "1920x1080"\n')
    monkeypatch.setenv("SUREHAND_STEPS", "9")
    monkeypatch.setenv("SUREHAND_STEP", "9")
    status, out, _ = surehand("config")
    assert status == 0
    assert re.search(r"steps +9 +SUREHAND_STEPS", out)
    assert re.search(r"size +1920x1080 +surehand.toml", out)
    assert re.search(r"model +– +default", out)
    assert "! SUREHAND_STEP is set, but is no setting; did you mean SUREHAND_STEPS?" in out


def test_scenarios_are_listed(surehand: Surehand) -> None:
    status, out, _ = surehand("scenarios", "list", "web/*", "--tag", "login")
    assert status == 0
    assert re.search(r"web/login +\S.* +browser +form, login", out)
    assert "desktop/" not in out
    assert out.endswith("1 scenario\n")


def test_runs_are_listed_and_reported(surehand: Surehand, tmp_path: Path) -> None:
    asyncio.run(run(a_task(), oracle, scripted, tmp_path / "runs" / "good"))
    (tmp_path / "runs" / "bad").mkdir()
    (tmp_path / "runs" / "bad" / "run.json").write_text("{")
    status, out, _ = surehand("report", "--list")
    assert status == 0
    assert re.search(r"✓ Passed +test/note +7 +oracle +\S+ \S+ +runs/good", out)
    assert re.search(r"✗ damaged +runs/bad", out)
    assert surehand("report", "runs/good") == (0, "report: runs/good/report.html\n", "")
    assert Path("runs/good/report.html").is_file()
    assert surehand.refuses("report", "runs/bad").startswith("surehand: damaged run 'runs/bad/run.json'")


def seen_on_a_terminal(*arguments: str, **variables: str) -> str:
    """What a command writes when it writes to a terminal."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "agent", *arguments]
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, env=environment(**variables)):
        os.close(theirs)
        return b"".join(_until_closed(ours)).decode()


def _until_closed(ours: int) -> Iterator[bytes]:
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        while True:
            try:
                part = terminal.read(4096)
            except OSError:  # how Linux says that the other end was closed
                return
            if not part:
                return
            yield part


def test_colours_only_where_they_are_wanted() -> None:
    colour = re.compile(r"\x1b\[[0-9;]*3[0-7]")
    assert colour.search(seen_on_a_terminal("doctor"))
    plain = seen_on_a_terminal("doctor", NO_COLOR="1")
    assert not colour.search(plain)
    assert "✓ python" in plain


@pytest.mark.browser
class TestInABrowser:
    """Everything at once: settings, scenario, world, loop, record, report."""

    @pytest.fixture(autouse=True)
    def _settings(self) -> None:
        Path("surehand.toml").write_text('browser = "headless"\n')
        Path("ask.yaml").write_text(ASK)

    def test_a_run_its_report_and_its_replay(self, surehand: Surehand, tmp_path: Path) -> None:
        status, out, err = surehand("run", "web/login", "--model", "oracle", "--seed", "3", "--out", "first")
        assert (status, err) == (0, "")
        assert re.search(r"\n +1 +Click .* left click +✓ done +changed", out)
        assert "\n✓ Passed: " in out
        assert "\nreport: first/report.html\n" in out
        assert Path("first/report.html").is_file()
        assert record_of(tmp_path / "first").settings["browser"] == "headless"
        status, out, err = surehand("replay", "first", "--out", "second")
        assert (status, err) == (0, "")
        steps = len(steps_of(tmp_path / "first"))
        assert f"✓ actions: {steps} of {steps} the same\n" in out
        assert "✓ verdict: Passed, before: Passed\n" in out
        assert record_of(tmp_path / "second").seed == 3

    def test_a_replay_that_ends_otherwise(self, surehand: Surehand, tmp_path: Path) -> None:
        assert surehand("run", "ask.yaml", "--model", answers("42"), "--out", "first").status == 0
        Path("ask.yaml").write_text(ASK.replace('"42"', '"43"'))
        status, out, _ = surehand("replay", "first", "--out", "second")
        assert status == 1
        assert "✓ actions: 1 of 1 the same\n" in out
        assert "✗ verdict: Failed, before: Passed\n" in out

    def test_exit_statuses(self, surehand: Surehand, tmp_path: Path) -> None:
        assert surehand("run", "ask.yaml", "--model", answers("41"), "--out", "a").status == 1
        Path("ask.yaml").write_text(ASK + "setup: [{run: {command: ['false']}}]\n")
        status, out, _ = surehand("run", "ask.yaml", "--model", "idle", "--out", "b")
        assert status == 3
        assert "– Error in the scenario: " in out
        assert record_of(tmp_path / "b").status is Status.ERROR_SCENARIO
        status, _, err = surehand("run", "ask.yaml", "--model", "idle", "--out", "b")
        assert (status, err) == (2, "surehand: there is a run in 'b' already; choose another folder\n")

    def test_a_check_goes_on_after_an_error(self, surehand: Surehand, tmp_path: Path) -> None:
        Path("mine").mkdir()
        Path("mine/broken.yaml").write_text("id: broken\n")
        Path("mine/ask.yaml").write_text(ASK + 'oracle: [{answer: "42"}]\nnear_miss: [{answer: "41"}]\n')
        Path("mine/easy.yaml").write_text(
            ASK.replace("id: ask", "id: easy").replace("{equals", "{contains").replace('"42"', '""')
            + 'oracle: [{answer: "42"}]\nnear_miss: [{answer: "41"}]\n'
        )
        status, out, err = in_folder_mine(surehand)
        assert (status, err) == (1, "")
        assert "✓ ask at seed 0" in out
        assert re.search(r"✗ broken at seed 0 .*\n +mine/broken.yaml:1: the key '\w+' is missing", out)
        assert re.search(r"✗ easy at seed 0 .*\n +easy at seed 0: the near miss should end as failed", out)
        assert "✗ 1 sound, 2 unsound" in out
        assert Path("proofs/easy/0/near_miss/report.html").is_file()
        assert not Path("proofs/ask/0").exists()
        assert Path("result.xml").read_text().count("<failure") == 2

    def test_ctrl_c_ends_quietly(self, tmp_path: Path) -> None:
        keys = ['{"action": "key", "keys": ["shift"]}'] * 2
        Path("script.jsonl").write_text("\n".join([*keys, '{"action": "wait", "time": 30}']))
        command = ["run", "ask.yaml", "--model", "scripted:script.jsonl", "--out", "first"]
        with subprocess.Popen(
            [sys.executable, "-u", "-m", "agent", *command], env=environment(), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as process:  # fmt: skip
            assert process.stdout
            assert process.stderr
            assert next(line for line in process.stdout if "press shift" in line)
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 130
            assert process.stderr.read() == ""
        record = RunFolder(tmp_path / "first").run()
        assert record.status is None
        assert record.ended


def in_folder_mine(surehand: Surehand) -> Said:
    Path("surehand.toml").write_text('browser = "headless"\nscenarios = ["mine"]\n')
    return surehand("scenarios", "check", "ask", "broken", "easy", "--out", "proofs", "--junit", "result.xml")
