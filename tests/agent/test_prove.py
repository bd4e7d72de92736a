from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

from agent.prove import Proofs, prove
from agent.trace import Status
from env.base import Probe
from env.scripted import ScriptedWorld
from scenarios.base import CheckResult, Intent
from scenarios.written import read_scenario
from tests.agent.desk import APP, FileHolds, Notes, record_of, scripted, solve
from tools.errors import ScenarioError


class Anything:
    """A check that everybody passes."""

    async def judge(self, probe: Probe, answer: str | None) -> CheckResult:
        return CheckResult(score=1, why="all is well")


async def lost(probe: Probe, random: Random) -> AsyncIterator[Intent]:
    raise ScenarioError("'Save' did not appear")
    yield


async def proofs(folder: Path, **changes: object) -> Proofs:
    return await prove(Notes(**changes), 7, scripted, folder)


async def test_a_sound_scenario(tmp_path: Path) -> None:
    proved = await proofs(tmp_path)
    assert proved.problems == ()
    assert proved.oracle
    assert proved.near_miss
    assert [run.status for run in (proved.oracle, proved.idle, proved.near_miss)] == [
        Status.PASSED, Status.FAILED, Status.FAILED,
    ]  # fmt: skip
    assert record_of(tmp_path / "near_miss") == proved.near_miss


async def test_a_check_that_everybody_passes(tmp_path: Path) -> None:
    assert (await proofs(tmp_path, check=Anything())).problems == (
        "test/note at seed 7: doing nothing should end as failed, not as passed: stopped by terminate; all is well",
        "test/note at seed 7: the near miss should end as failed, not as passed: stopped by terminate; all is well",
    )


async def test_a_check_that_nobody_passes(tmp_path: Path) -> None:
    proved = await proofs(tmp_path, check=FileHolds("other.txt", "milk"), near_miss=None)
    assert proved.problems == (
        "test/note at seed 7: the oracle should end as passed, not as failed: "
        "stopped by terminate; there is no other.txt",
        "test/note at seed 7: the near miss is missing",
    )


async def test_an_oracle_that_loses_its_way(tmp_path: Path) -> None:
    proved = await proofs(tmp_path, oracle=lost, near_miss=solve)
    assert proved.problems == (
        "test/note at seed 7: the oracle should end as passed, not as error:scenario: 'Save' did not appear",
        "test/note at seed 7: the near miss should end as failed, not as passed: "
        "stopped by terminate; note.txt holds 'milk'",
    )


async def test_a_world_that_fails_proves_nothing(tmp_path: Path) -> None:
    proved = await prove(Notes(), 7, lambda task: ScriptedWorld(APP, fail_at=0), tmp_path)
    assert len(proved.problems) == 3
    assert all("not as error:env: the world died of its reset" in problem for problem in proved.problems)


WRITTEN = """
id: note
title: Save a note
world: browser
draw:
  thing: {choice: [milk, bread, salt]}
goal: "Save a note that says {{ thing }}."
setup:
  - open_url: {url: "http://site.test/editor"}
oracle:
  - click: {role: textbox, name: Note}
  - type: "{{ thing }}"
  - click: {role: button, name: Save}
  - wait_for: {text: "Saved: {{ thing }}"}
near_miss:
  - click: {role: textbox, name: Note}
  - type: "{{ thing }}s"
  - click: {role: button, name: Save}
check:
  posted: {path: /api/note, body: {note: "{{ thing }}"}}
"""


async def test_a_written_scenario_in_a_scripted_world(tmp_path: Path) -> None:
    (tmp_path / "note.yaml").write_text(WRITTEN, encoding="utf-8")
    scenario = read_scenario(tmp_path / "note.yaml")
    for seed in range(3):
        assert (await prove(scenario, seed, scripted, tmp_path / str(seed))).problems == ()
