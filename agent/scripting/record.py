"""A run that succeeded → a test: its actions done again in a fresh world, each with the ways back to what it aimed at.

The scenario's check becomes the test's expectations, and must hold at the end of the second time, too. What only a
person needs (waits, scrolling until something is in view) is left out.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import yaml

from agent.scripting.ways import Keep, as_locator, ways_to
from agent.trace import Decision, Run, RunFolder, Status, Step
from env.base import Environment, Probe, Shots
from env.vault import names_in, placeholder
from scenarios.base import Scenario, Task
from scenarios.draw import render
from scenarios.written import WrittenScenario
from tools.actions import (
    Answer,
    Back,
    BrowserAction,
    Click,
    ComputerAction,
    Goto,
    Key,
    LeftClickDrag,
    MouseMove,
    NewTab,
    Scroll,
    SwitchTab,
    Terminate,
    Type,
    Wait,
)
from tools.errors import UserError
from tools.geometry import Size, to_pixel

_CLICKS = {
    "left_click": "click",
    "double_click": "double_click",
    "triple_click": "triple_click",
    "right_click": "right_click",
    "mouse_move": "move",
}
_GOING = (Goto, Back, NewTab, SwitchTab)
Steps = list[dict[str, Any]]


def actions_of(folder: Path) -> tuple[Run, list[Step]]:
    """A run that passed, and its steps that decided something and were done. Raises UserError for any other run."""
    record = RunFolder(folder)
    run = record.run()
    if run.status is not Status.PASSED:
        raise UserError(f"the run in {str(folder)!r} did not pass", remedy="a test is made from a run that did")
    return run, [step for step in record.steps() if isinstance(step.reply, Decision) and not _refused(step)]


def _refused(step: Step) -> bool:
    """Whether a person or the world did not let it be done."""
    denied = step.leave is not None and step.leave.answer != "allow"
    return denied or (step.outcome is not None and not step.outcome.ok)


async def record(
    task: Task, scenario: Scenario, steps: Iterable[Step], world: Environment, shots: Shots, keep: Keep | None = None
) -> str:
    """Does the steps again in a fresh world and returns the test as YAML; `keep` stores pictures of what was used.

    Raises UserError when the second time ends otherwise than the first, EnvError and ScenarioError as a run does.
    """
    await world.reset(task.setup, task.seed)
    writing, written = Writing(keep), list[dict[str, Any]]()
    answer: str | None = None
    for number, step in enumerate(steps, start=1):
        assert isinstance(step.reply, Decision)
        await world.observe(shots)
        written += await writing.before(step.reply.action, world.probe())
        if isinstance(step.reply.action, Answer):
            answer = step.reply.action.text
        await world.execute(number, step.reply.action)
    await world.observe(shots)
    assert task.check is not None, "a run that passed was checked"
    result = await task.check.judge(world.probe(), answer)
    if not result.passed:
        raise UserError(f"{task.scenario} at seed {task.seed} does not repeat", cause=result.why)
    return _document(task, scenario, without_searching(written))


class Writing:
    """Writes actions as steps of a test, each just before it is done, when what it aims at is still there."""

    def __init__(self, keep: Keep | None = None) -> None:
        self._keep = keep
        self._before: _Open | None = None

    async def before(self, action: ComputerAction | BrowserAction, probe: Probe) -> Steps:
        """The action's steps, after a wait for what the one before it opened.

        Raises UserError for an action that no step of a test stands for.
        """
        before, now = self._before, await _open(probe)
        self._before = None if isinstance(action, _GOING) else now  # who goes somewhere waits for the page anyway
        opened = _opened(before, now) if before else []
        return opened + await _written(action, probe, await probe.size(), self._keep)


class _Open(NamedTuple):
    """The titles of the windows, or how many tabs there are and where the one in front is, less any number."""

    titles: frozenset[str] = frozenset()
    tabs: int = 0
    place: str = ""


async def _open(probe: Probe) -> _Open:
    if (page := await probe.page()) is None:
        return _Open(frozenset(window.title for window in await probe.windows()))
    address = urlsplit(page.url)
    steady = re.split(r"/[^/]*\d", address.path)[0]  # what has a number in it is another one the next time
    return _Open(tabs=len(page.tabs), place=f"{address.netloc}{steady}")


def _opened(before: _Open, now: _Open) -> Steps:
    """Waits for the window, tab or page that an action opened: it takes its time, and keys must not go elsewhere."""
    if now.place and (now.tabs > before.tabs or (now.place != before.place and now.tabs == before.tabs)):
        return [{"expect": {"url": now.place}}]
    return [{"expect": {"window": title}} for title in sorted(now.titles - before.titles) if title]


async def _written(action: ComputerAction | BrowserAction, probe: Probe, size: Size, keep: Keep | None) -> Steps:
    """An action as a step of a test; nothing for one that a test does without."""
    if isinstance(action, Click | MouseMove | LeftClickDrag) and (point := action.point(size)):
        target = as_locator(await ways_to(point, probe, keep))
        if not isinstance(action, LeftClickDrag):
            return [{_CLICKS[action.action]: target}]
        if action.coordinate2 is not None:
            end = to_pixel(action.coordinate2, size)
            return [{"drag": {"from": target, "to": as_locator(await ways_to(end, probe, keep, middle=True))}}]
    return list(_untargeted(action))


def _untargeted(action: ComputerAction | BrowserAction) -> Iterator[dict[str, Any]]:
    match action:
        case Scroll(pixels=pixels):
            yield {"scroll": {"pixels": pixels}}
        case Type(text=text):
            names = names_in(action)
            yield {"type": {"secret": names[0]} if [text] == [placeholder(name) for name in names] else text}
        case Key(keys=keys):
            yield {"press": "+".join(keys) if "+" not in keys else list(keys)}
        case Goto(url=url):
            yield {"goto": url}
        case NewTab(url=url):
            yield {"new_tab": url}
        case SwitchTab(tab=tab):
            yield {"switch_tab": tab}
        case Back():
            yield {"back": {}}
        case Wait() | Terminate() | Answer():
            return
        case _:
            raise UserError(f"a run with the action {action.action!r} cannot be recorded", remedy="write it by hand")


def without_searching(steps: Steps) -> Steps:
    """Without the scrolling that only brought into view what the next step finds by itself."""
    following = [*steps[1:], {}]
    return [
        step
        for step, after in zip(steps, following, strict=False)
        if not ("scroll" in step and {"scroll", *_CLICKS.values(), "drag"} & after.keys())
    ]


def _document(task: Task, scenario: Scenario, steps: Steps) -> str:
    file = scenario.file if isinstance(scenario, WrittenScenario) else None
    head = {
        "title": scenario.title, "world": task.world, "size": list(task.size),
        "setup": render(file.setup, task.drawn) if file else [],
    }  # fmt: skip
    checks = list(_checks(render(file.check, task.drawn))) if file else []
    text = [_block(head), "steps:\n", *map(_line, steps), *(_line({"expect": {"check": check}}) for check in checks)]
    return "".join(text)


def _checks(check: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The parts of a check; those of an answer are left out, for a test gives none."""
    if "all_of" in check:
        for part in check["all_of"]:
            yield from _checks(part)
    elif "answer" not in check:
        yield check


def _block(data: dict[str, Any]) -> str:
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def _line(step: dict[str, Any]) -> str:
    """A step on a line of its own."""
    (name, arguments), *_ = step.items()
    return f"  - {name}: {on_a_line(arguments)}\n"


def on_a_line(value: Any) -> str:
    """A value as YAML on one line, which reads back as it is: nothing in it is taken for a template."""
    text = yaml.dump(value, Dumper=_Dumper, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6)
    return text.strip().removesuffix("...").strip()


class _Dumper(yaml.SafeDumper):
    """Writes what `scenarios.documents` reads back; what other readers take for something else is quoted."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _templateless(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """A text; braces that a template would be made of are written as a template that gives them."""
    text = re.sub(r"\{[{%]", lambda brace: "{{ '" + brace[0] + "' }}", text)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if "\n" in text else None)


_Dumper.add_representer(str, _templateless)
