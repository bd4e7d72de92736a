"""The tests of tests/recorded, made from runs of the oracle, play without a model: again, and on pages that changed."""

import json
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from agent.scripting.results import ANOTHER_WAY, Ending, Result, load_results
from tests.scripting.test_command import surehand
from tests.scripting.variants import RECORDED, lay_all, variants
from tools.actions import LeftClick

WEB = sorted(map(str, (RECORDED / "web").glob("*.yaml")))
DESKTOP = sorted(map(str, (RECORDED / "desktop").glob("*.yaml")))


def played(*files: str, out: Path, parallel: int = 2) -> list[Result]:
    """The results of one session without a model."""
    options = ("--no-model", "--parallel", str(parallel), "--out", str(out))
    done = surehand("test", *files, *options, cwd=out.parent)
    results = load_results(out)
    assert len(results) == len(files), done.stdout + done.stderr
    return results


def told(results: list[Result]) -> str:
    """What went wrong, for a person."""
    return "\n".join(line for one in results if one.ending is not Ending.PASSED for line in one.lines())


@pytest.mark.browser
def test_every_web_scenario_is_recorded_and_plays_again(tmp_path: Path) -> None:
    assert {Path(path).stem for path in WEB} == {name for name, _ in variants()}
    results = played(*WEB, out=tmp_path / "out")
    assert not told(results)


@pytest.mark.browser
def test_a_changed_page_is_found_another_way_or_said_to_have_none(tmp_path: Path) -> None:
    changed = dict(variants())
    results = {one.file.stem: one for one in played(*lay_all(tmp_path), out=tmp_path / "out")}
    for name, variant in changed.items():
        one = results[name]
        if variant.stops is None:
            assert one.ending is Ending.PASSED, "\n".join(one.lines())
            assert tuple(step.why.removeprefix(ANOTHER_WAY) for step in one.steps if step.why) == variant.held, name
        else:
            assert one.ending is Ending.FAILED
            assert fnmatchcase(one.why, variant.stops), one.why
    assert sum(one.ending is Ending.PASSED for one in results.values()) >= 0.8 * len(changed)


@pytest.mark.soak
@pytest.mark.browser
def test_where_no_way_is_left_a_model_mends_the_test(tmp_path: Path) -> None:
    lay_all(tmp_path)
    stopped = {name: variant.points for name, variant in variants() if variant.stops is not None}
    for name, points in stopped.items():
        assert points
        says = LeftClick(bbox_2d=points).wire()
        (tmp_path / "script.jsonl").write_text(json.dumps(says), encoding="utf-8")
        heal = ("--heal", "--write", "--model", "scripted:script.jsonl", "--out", f"{name}-mended")
        done = surehand("test", f"{name}.yaml", *heal, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "written into the tests" in done.stdout
    again = played(*(f"{name}.yaml" for name in stopped), out=tmp_path / "again")
    assert not told(again)
    assert not any(step.why for one in again for step in one.steps)  # each thing is found by its first way


@pytest.mark.desktop
def test_a_recorded_desktop_test_plays_again(tmp_path: Path) -> None:
    results = played(*(path for path in DESKTOP if "editor-note" in path), out=tmp_path / "out")
    assert not told(results)


@pytest.mark.soak
@pytest.mark.browser
@pytest.mark.timeout(3600)
def test_web_tests_play_twenty_times(tmp_path: Path) -> None:
    _tabled(played(*WEB * 20, out=tmp_path / "out"), 20)


@pytest.mark.soak
@pytest.mark.desktop
@pytest.mark.timeout(1800)
def test_three_desktop_tests_play_in_fresh_desktops(tmp_path: Path) -> None:
    assert len(DESKTOP) == 3
    _tabled(played(*DESKTOP * 3, out=tmp_path / "out", parallel=1), 3)


def _tabled(results: list[Result], times: int) -> None:
    """Prints how often each passed, and how long it took; all must have."""
    table = Table("test", "passed", "seconds (least)", "(most)")
    passed = Counter(one.file.stem for one in results if one.ending is Ending.PASSED)
    for name in sorted({one.file.stem for one in results}):
        took = [one.seconds for one in results if one.file.stem == name]
        table.add_row(name, f"{passed[name]} of {times}", f"{min(took):.1f}", f"{max(took):.1f}")
    Console(width=100).print(table)
    assert not told(results)
