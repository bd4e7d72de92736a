"""A person's leave: asked before the action, answered in the terminal, told to the model, kept in the step."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from agent.means import Means
from agent.model import ScriptedModel
from agent.report import write_report
from agent.runner import run
from agent.trace import Leave, Question, RunFolder, Status, Stop
from env.clock import VirtualClock
from env.scripted import ScriptedWorld
from tests.agent.desk import APP, DONE, SOLUTION, Listener, a_task, gives, says, scripted, steps_of, worlds
from tools.actions import Type

ROOT = Path(__file__).resolve().parent.parent.parent
TYPING = frozenset({"type"})
COMMAND = (sys.executable, "-m", "agent", "run", "ask.yaml", "--model", "scripted:script.jsonl", "--world", "headless")


class Person:
    """Answers in turn, and takes their time for it."""

    def __init__(self, *answers: Leave, clock: VirtualClock | None = None) -> None:
        self.answers, self.clock = list(answers), clock
        self.asked: list[Question] = []

    async def __call__(self, question: Question) -> Leave:
        self.asked.append(question)
        if self.clock:
            self.clock.advance(1000)
        return self.answers.pop(0)


ALLOW, STOP = Leave(answer="allow"), Leave(answer="stop")


async def test_what_is_allowed_is_done_and_on_record(tmp_path: Path) -> None:
    person = Person(ALLOW)
    done = await run(a_task(), says(*SOLUTION), scripted, tmp_path, Means(approve=TYPING, ask=person))
    assert done.status == Status.PASSED
    (question,) = person.asked
    assert (question.kind, question.number, question.action) == ("action", 2, Type(text="milk"))
    assert [step.leave for step in steps_of(tmp_path)] == [None, ALLOW, None, None]


async def test_a_denial_is_told_to_the_model_and_nothing_is_done(tmp_path: Path) -> None:
    world = ScriptedWorld(APP)
    model = Listener(ScriptedModel(*SOLUTION[:2], DONE))
    means = Means(approve=TYPING, ask=Person(Leave(answer="deny", reason="not milk")))
    done = await run(a_task(), gives(model), worlds(world), tmp_path, means)
    assert done.status == Status.FAILED
    assert "error: not done: the user did not allow it (not milk)" in str(model.heard[2][-1])
    step = steps_of(tmp_path)[1]
    assert step.outcome
    assert not step.outcome.ok
    assert '"number":2' not in RunFolder(tmp_path).intents_file.read_text()


async def test_a_person_who_takes_over_ends_the_run_without_a_score(tmp_path: Path) -> None:
    done = await run(a_task(), says(*SOLUTION), scripted, tmp_path, Means(approve=TYPING, ask=Person(STOP)))
    assert (done.status, done.stop, done.result) == (Status.STOPPED, Stop(reason="person"), None)
    assert not Status.STOPPED.scored
    assert len(steps_of(tmp_path)) == 2


async def test_where_nobody_is_asked_everything_is_denied(tmp_path: Path) -> None:
    done = await run(a_task(), says(*SOLUTION), scripted, tmp_path, Means(approve=TYPING))
    assert done.status == Status.FAILED
    outcome = steps_of(tmp_path)[1].outcome
    assert outcome
    assert outcome.note == "not done: the user did not allow it (nobody is there to be asked)"


async def test_the_time_that_a_person_takes_is_not_the_runs(tmp_path: Path) -> None:
    clock = VirtualClock()
    means = Means(approve=TYPING, ask=Person(ALLOW, clock=clock), clock=clock)
    world = ScriptedWorld(APP, clock=clock)
    done = await run(a_task(), says(*SOLUTION), worlds(world), tmp_path, means)
    assert done.status == Status.PASSED


SCENARIO = 'id: ask\ntitle: Say it\nworld: browser\ngoal: Say forty-two.\ncheck: {answer: {equals: "42"}}\n'


@pytest.mark.browser
def test_the_terminal_asks(tmp_path: Path) -> None:
    (tmp_path / "ask.yaml").write_text(SCENARIO)
    calls = [
        '{"action": "key", "keys": ["a"]}',
        '{"action": "key", "keys": ["b"]}',
        '{"action": "answer", "text": "42"}',
    ]
    (tmp_path / "script.jsonl").write_text("\n".join(calls))
    ours, theirs = pty.openpty()
    command = [*COMMAND, "--approve", "key", "--out", "first"]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "dumb"}
    with subprocess.Popen(command, cwd=tmp_path, env=env, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        said = b""
        for answer, prompt in ((b"what?\n", 1), (b"y\n", 2), (b"n too loud\n", 3)):
            while said.count(b"[s]top:") < prompt:
                said += os.read(ours, 4096)
            os.write(ours, answer)
        while process.poll() is None:
            try:
                said += os.read(ours, 4096)
            except OSError:
                break
        assert process.wait(120) == 0, said.decode()
    os.close(ours)
    assert b"[press a]" in said
    first, second, _ = RunFolder(tmp_path / "first").steps()
    assert first.leave == ALLOW
    assert second.leave == Leave(answer="deny", reason="too loud")


@pytest.mark.browser
def test_without_a_terminal_it_is_denied_with_a_line(tmp_path: Path) -> None:
    (tmp_path / "ask.yaml").write_text(SCENARIO)
    (tmp_path / "script.jsonl").write_text('{"action": "key", "keys": ["a"]}\n{"action": "answer", "text": "42"}')
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*COMMAND, "--approve", "all", "--out", "first"], cwd=tmp_path, env=env, capture_output=True, text=True,
        stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert "no terminal to ask on: denied" in done.stdout
    first, _ = RunFolder(tmp_path / "first").steps()
    assert first.leave
    assert first.leave.answer == "deny"
    done = subprocess.run(
        [*COMMAND, "--approve", "all", "--yes", "--out", "second"], cwd=tmp_path, env=env, capture_output=True,
        text=True, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert all(step.leave is None for step in RunFolder(tmp_path / "second").steps())


async def test_a_run_that_is_held_waits_and_goes_on_with_a_word(tmp_path: Path) -> None:
    model = Listener(ScriptedModel(*SOLUTION))
    person = Person(Leave(answer="allow", reason="the shop is closed"))
    means = Means(ask=person, hold=lambda: len(steps_of(tmp_path)) == 2 and not person.asked)
    done = await run(a_task(), gives(model), scripted, tmp_path, means)
    assert done.status == Status.PASSED
    assert [(question.kind, question.number) for question in person.asked] == [("pause", 3)]
    assert "the user says: the shop is closed" in str(model.heard[2][-1])
    assert steps_of(tmp_path)[2].notice == "the user says: the shop is closed"


async def test_what_a_person_does_in_a_pause_is_a_step_of_the_run(tmp_path: Path) -> None:
    person = Person(Leave(answer="allow", action=SOLUTION[0]), Leave(answer="allow", action=SOLUTION[1]), ALLOW)
    means = Means(ask=person, hold=lambda: len(person.asked) < 3)
    done = await run(a_task(), says(*SOLUTION[2:]), scripted, tmp_path, means)
    assert done.status == Status.PASSED
    assert [step.completion.model for step in steps_of(tmp_path)] == ["person", "person", "", ""]
    assert [step.number for step in steps_of(tmp_path)] == [1, 2, 3, 4]


async def test_a_run_that_is_stopped_in_a_pause_has_no_score(tmp_path: Path) -> None:
    done = await run(a_task(), says(*SOLUTION), scripted, tmp_path, Means(ask=Person(STOP), hold=lambda: True))
    assert (done.status, done.stop, steps_of(tmp_path)) == (Status.STOPPED, Stop(reason="person"), [])
    assert "Stopped" in write_report(tmp_path).read_text()
