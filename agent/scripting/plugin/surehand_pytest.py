"""surehand in pytest: fixtures `browser_agent` and `desktop_agent`, and YAML tests collected beside Python ones.

Only the standard library and pytest are imported here. The agent lives in a process of its own, so a project's own
`agent` or `tools` package does not clash with surehand's.
"""

import json
import os
import re
import select
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

_MODULE = "agent.commands.pytest_agent"
_ROOT = next(
    folder for folder in Path(__file__).resolve().parents if (folder / f"{_MODULE.replace('.', '/')}.py").is_file()
)
_YAML = "test_*.yaml"
_SERVER = pytest.StashKey["Process"]()
_OUT = pytest.StashKey[Path]()
_AGENT = pytest.StashKey["Agent"]()
_REPORT = pytest.StashKey[dict[str, pytest.TestReport]]()
_GLANCE = 0.005
"""Seconds between looks at whether an answer came, while the test's own page is kept going."""


class Broken(Exception):
    """The agent's process, its world or the test's set-up is at fault, not what is tested."""


class Unmet(AssertionError):
    """A step did not come off, or an expectation does not hold."""


class Process:
    """The agent's process; started when it is first needed, ended with the session."""

    def __init__(self, folder: Path, settings: dict[str, Any], *, asks: bool) -> None:
        log, path = tempfile.mkstemp(prefix="surehand-")
        self._log = Path(path)
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", _MODULE], cwd=folder, env={**kept, "PYTHONPATH": str(_ROOT)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
        )  # fmt: skip
        os.close(log)
        self.ask("hello", settings=settings, asks=asks)

    def ask(self, order: str, *, meanwhile: Callable[[], None] | None = None, **arguments: Any) -> dict[str, Any]:
        """One order and its answer; `meanwhile` is called again and again until that comes. Raises Broken."""
        assert self._process.stdin
        assert self._process.stdout
        try:
            self._process.stdin.write(json.dumps({"do": order, **arguments}, default=str).encode() + b"\n")
            self._process.stdin.flush()
            while meanwhile and not select.select([self._process.stdout], [], [], _GLANCE)[0]:
                meanwhile()
            line = self._process.stdout.readline()
        except OSError:
            line = b""
        if not line:
            raise Broken(f"the agent's process ended: {self._said()}")
        answer: dict[str, Any] = json.loads(line)
        if not answer["ok"]:
            raise Broken(str(answer["why"]))
        return answer

    def end(self) -> None:
        """Ends it and its worlds."""
        self._process.communicate()
        self._log.unlink(missing_ok=True)

    def _said(self) -> str:
        return self._log.read_text(errors="replace").strip()[-400:] or "it said nothing"


class Agent:
    """Acts in a world of its own, step by step; each method is the step of that name, with the same arguments.

    A thing is told by its words (`click("Save")`), or by `text`, `role` with `name`, `css` or `box`. A step that does
    not come off raises Unmet, an AssertionError that says what was there instead.
    """

    def __init__(self, process: Process, meanwhile: Callable[[], None] | None = None) -> None:
        self._process, self._meanwhile = process, meanwhile
        self.failure: tuple[str, int] | None = None

    def step(self, name: str, arguments: Any) -> dict[str, Any]:
        """Any step of the language, with arguments as they stand in YAML. Returns what it extracted."""
        line = next(number for file, number in _callers() if file != __file__)
        answer = self._process.ask("step", meanwhile=self._meanwhile, step={name: arguments}, line=line)
        if not answer["held"]:
            self.failure = (answer["why"], line)
            raise Unmet(f"{name}: {answer['why']}")
        values: dict[str, Any] = answer["values"]
        return values

    def do(self, words: str) -> None:
        """The model acts until the words are done."""
        self.step("do", words)

    def expect(self, text: str | None = None, **wanted: Any) -> None:
        """Waits until it holds."""
        self.step("expect", _thing(text, wanted))

    def extract(self, text: str | None = None, **wanted: Any) -> Any:
        """What a thing says, as `kind="text"`, `integer`, `number` or `date` (which comes as text)."""
        kind = {"as": wanted.pop("kind")} if "kind" in wanted else {}
        return self.step("extract", {"value": {**_thing(text, wanted), **kind}})["value"]

    def click(self, text: str | None = None, **thing: Any) -> None:
        """Clicks a thing."""
        self.step("click", _thing(text, thing))

    def double_click(self, text: str | None = None, **thing: Any) -> None:
        """Clicks a thing twice."""
        self.step("double_click", _thing(text, thing))

    def right_click(self, text: str | None = None, **thing: Any) -> None:
        """Opens a thing's context menu."""
        self.step("right_click", _thing(text, thing))

    def type(
        self, text: str | None = None, *, into: str | dict[str, Any] | None = None, secret: str | None = None
    ) -> None:
        """Types a text, or a secret by its name; with `into`, in place of what that field holds."""
        place = {"text": into} if isinstance(into, str) else into
        given = {"text": text, "secret": secret, "into": place}
        self.step("type", {name: value for name, value in given.items() if value is not None})

    def press(self, keys: str) -> None:
        """Presses keys together: `ctrl+s`."""
        self.step("press", keys)

    def select(self, option: str, text: str | None = None, **thing: Any) -> None:
        """Chooses an option of a list."""
        self.step("select", {**_thing(text, thing), "option": option})

    def upload(self, path: str, text: str | None = None, **thing: Any) -> None:
        """Chooses a file of HOME where a thing asks for one."""
        self.step("upload", {**_thing(text, thing), "path": path})

    def drag(self, start: dict[str, Any], to: dict[str, Any]) -> None:
        """Drags one thing to another."""
        self.step("drag", {"from": start, "to": to})

    def scroll(self, pixels: float, at: dict[str, Any] | None = None) -> None:
        """Turns the wheel: positive pixels up, negative down."""
        self.step("scroll", {"pixels": pixels} | ({"at": at} if at else {}))

    def goto(self, url: str) -> None:
        """Loads an address."""
        self.step("goto", url)


def _thing(text: str | None, thing: dict[str, Any]) -> dict[str, Any]:
    return thing if text is None else {"text": text, **thing}


def _callers() -> Iterator[tuple[str, int]]:
    frame = sys._getframe(1)
    while frame is not None:
        yield frame.f_code.co_filename, frame.f_lineno
        if frame.f_back is None:
            return
        frame = frame.f_back


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the command line."""
    group = parser.getgroup("surehand", "surehand: tests of pages and desktops")
    group.addoption("--surehand-model", metavar="MODEL", help="Who does steps in plain words.")
    group.addoption("--surehand-no-model", action="store_true", help="Ask no model: refuse steps in plain words.")
    group.addoption("--surehand-world", metavar="KIND", help="How a browser is seen: kiosk or headless.")
    group.addoption("--surehand-out", metavar="FOLDER", help="Where results go instead of a folder below runs/.")


def pytest_configure(config: pytest.Config) -> None:
    """Chooses the folder for results; workers of xdist share that of their controller."""
    config.addinivalue_line("markers", "surehand(**test): size, wait and setup of an agent's world, as in a test file")
    shared = getattr(config, "workerinput", {}).get("surehand_out")
    chosen = shared or config.getoption("--surehand-out") or f"runs/{datetime.now():%Y%m%d-%H%M%S}-pytest"
    config.stash[_OUT] = (config.invocation_params.dir / chosen).absolute()
    if config.pluginmanager.hasplugin("playwright"):
        config.pluginmanager.register(BesidePlaywright(), "surehand-beside-playwright")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tells a worker of xdist where results go."""
    node.workerinput["surehand_out"] = str(node.config.stash[_OUT])


def _process(config: pytest.Config) -> Process:
    if _SERVER not in config.stash:
        chosen = {"model": config.getoption("--surehand-model"), "browser": config.getoption("--surehand-world")}
        settings = {name: value for name, value in chosen.items() if value is not None}
        config.stash[_SERVER] = Process(config.rootpath, settings, asks=not config.getoption("--surehand-no-model"))
    return config.stash[_SERVER]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Ends the agent's process."""
    if (process := config.stash.get(_SERVER, None)) is not None:
        process.end()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Writes the page of the session, from what every worker left, and says where it is."""
    out = config.stash[_OUT]
    if out.is_dir():
        page = _process(config).ask("finish", folder=out)["page"]
        if page:
            terminalreporter.write_sep("-", f"surehand: {os.path.relpath(page)}")


@pytest.fixture
def browser_agent(request: pytest.FixtureRequest) -> Iterator[Agent]:
    """An agent in a fresh browser."""
    yield from _agent(request, "browser")


@pytest.fixture
def desktop_agent(request: pytest.FixtureRequest) -> Iterator[Agent]:
    """An agent on a fresh desktop."""
    yield from _agent(request, "desktop")


class BesidePlaywright:
    """Fixtures that work with those of pytest-playwright, where that is installed."""

    @pytest.fixture(scope="session")
    @classmethod
    def browser_type_launch_args(
        cls, browser_type_launch_args: dict[str, Any], request: pytest.FixtureRequest
    ) -> dict[str, Any]:
        """Opens a debugging port on the loopback, in sessions that have a test with `page_agent` only."""
        used = any("page_agent" in getattr(item, "fixturenames", ()) for item in request.session.items)
        arguments = [*browser_type_launch_args.get("args", ()), *(["--remote-debugging-port=0"] if used else [])]
        return {**browser_type_launch_args, "args": arguments}

    @pytest.fixture
    def page_agent(self, request: pytest.FixtureRequest, page: Any) -> Iterator[Agent]:
        """An agent in the test's own `page`: each sees what the other one does."""

        def meanwhile() -> None:  # routes and events of the test are answered while the agent acts
            if not page.is_closed():
                page.wait_for_timeout(1)

        endpoint, target = _debugged(page)
        yield from _agent(request, "browser", meanwhile, endpoint=endpoint, target=target)


def _debugged(page: Any) -> tuple[str, str]:
    """Where another program finds a page. Raises Broken where its browser has no debugging port."""
    told = page.context.browser.new_browser_cdp_session().send("SystemInfo.getInfo")["commandLine"]
    profile = re.search(r"--user-data-dir=(.*?)(?: --|$)", told)
    try:
        port, path = (Path(profile[1] if profile else "") / "DevToolsActivePort").read_text().split()
    except OSError:
        wanted = 'add "--remote-debugging-port=0" to its args in the fixture browser_type_launch_args'
        raise Broken(f"the browser of the fixture `page` has no debugging port; {wanted}") from None
    about = page.context.new_cdp_session(page).send("Target.getTargetInfo")["targetInfo"]
    return f"ws://127.0.0.1:{port}{path}", about["targetId"]


def _agent(
    request: pytest.FixtureRequest, world: str, meanwhile: Callable[[], None] | None = None, **given: str
) -> Iterator[Agent]:
    item, process = request.node, _process(request.config)
    marker = item.get_closest_marker("surehand")
    test = {"title": item.name, "world": world, **(marker.kwargs if marker else {}), "steps": []}
    process.ask("open", meanwhile=meanwhile, name=item.nodeid, file=item.path, test=test, folder=_folder(item), **given)
    agent = item.stash[_AGENT] = Agent(process, meanwhile)
    yield agent
    report = item.stash.get(_REPORT, {}).get("call")
    why, line = agent.failure or ((report.longreprtext if report and report.failed else ""), 0)
    process.ask("close", meanwhile=meanwhile, passed=bool(report and report.passed), why=why, line=line)


def _folder(item: pytest.Item) -> Path:
    name = re.sub(r"[^a-z0-9]+", "-", item.nodeid.lower()).strip("-")
    return item.config.stash[_OUT] / name[-80:].strip("-")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remembers how a test went, and attaches where its report and its last picture are."""
    report = yield
    item.stash.setdefault(_REPORT, {})[report.when or ""] = report
    if report.failed and (isinstance(item, YamlTest) or _AGENT in item.stash):
        folder = _folder(item)
        report.sections.append(("surehand", f"record and last picture: {folder}"))
        item.user_properties.append(("surehand", str(folder)))
    return report


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.File | None:
    """YAML files that are named as tests are."""
    return YamlFile.from_parent(parent, path=file_path) if file_path.match(_YAML) and _is_ours(file_path) else None


def _is_ours(path: Path) -> bool:
    """Whether a file looks like a test of surehand; other plugins have YAML tests, too."""
    text = path.read_text(encoding="utf-8", errors="replace")
    return all(re.search(rf"^{key}:", text, re.MULTILINE) for key in ("title", "steps"))


class YamlFile(pytest.File):
    """A test file."""

    def collect(self) -> Iterable[pytest.Item]:
        """A test for each row of its table."""
        try:
            found = _process(self.config).ask("tests", path=self.path)["tests"]
        except Broken as error:
            raise self.CollectError(str(error)) from None
        for test in found:
            row = re.search(r"\[(.*)\]$", test["name"])
            yield YamlTest.from_parent(self, name=row[1] if row else "test", test=test["name"])


class YamlTest(pytest.Item):
    """One test of a file."""

    def __init__(self, *, test: str, **others: Any) -> None:
        super().__init__(**others)
        self._test = test

    def runtest(self) -> None:
        """Plays it in the agent's process. Raises Unmet, Broken."""
        told = _process(self.config).ask("play", path=self.path, name=self._test, folder=_folder(self))
        if told["ending"] != "passed":
            raise (Unmet if told["ending"] == "failed" else Broken)(told["text"])

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What happened, without a traceback through this plugin."""
        return str(excinfo.value) if isinstance(excinfo.value, Unmet | Broken) else super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where it stands."""
        return self.path, 0, self.name
