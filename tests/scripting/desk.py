"""Tests about the scripted application of tests/agent/desk.py, written to a file and read back."""

from pathlib import Path

from agent.scripting.minds import Mind
from agent.scripting.results import Played, Result
from agent.scripting.session import MakeWorld, Means, run_tests
from agent.scripting.written import Case, read_test
from env.scripted import ScriptedWorld
from tests.agent.desk import APP

HEAD = "title: Keep a note\nwait: 0.2\n"
GOOD = """
steps:
  - click: {role: textbox, name: Note}
  - type: milk
  - click: {role: button, name: Save}
  - expect: {text: "Saved: milk"}
  - expect: {file: note.txt, says: {equals: milk}}
"""


def written(folder: Path, text: str = GOOD, name: str = "test_note.yaml") -> list[Case]:
    """The tests of a file with these steps."""
    path = folder / name
    path.write_text(HEAD + text, encoding="utf-8")
    return read_test(path)


async def played(folder: Path, text: str = GOOD, *, mind: Mind | None = None,
                 make_world: MakeWorld = lambda case: ScriptedWorld(APP)) -> Result:  # fmt: skip
    """The result of the first test of a file with these steps."""
    means = Means(folder / "results", make_world, lambda case, folder: mind)
    (result,) = await run_tests(written(folder, text)[:1], means)
    return result


def words(steps: tuple[Played, ...]) -> list[tuple[str, bool]]:
    """What was played, and what came off."""
    return [(step.words, step.ok) for step in steps]
