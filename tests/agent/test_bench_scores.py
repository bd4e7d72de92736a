"""What a bench's rows are worth, and what two results say about each other."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.bench.compare import compare, exact_sign
from agent.bench.page import write_bench_page
from agent.bench.plan import Entry, Plan, numbers, ranges
from agent.bench.result import Result, read_result, result_of, write_result
from agent.bench.rows import Row
from agent.bench.scores import wilson
from agent.bench.suite import choose, digest, entry
from agent.bench.words import remarks
from agent.trace import Status
from tools.errors import UserError

P, F, L, E = Status.PASSED, Status.FAILED, Status.LIMIT, Status.ERROR_ENV


@pytest.mark.parametrize(
    ("passed", "of", "low", "high"),
    [
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (5, 10, 0.2366, 0.7634),
        (1, 1, 0.2065, 1.0),
        (190, 200, 0.9104, 0.9726),
    ],
)
def test_wilson(passed: int, of: int, low: float, high: float) -> None:
    found = wilson(passed, of)
    assert found == pytest.approx((low, high), abs=5e-5)
    for end in found:  # what Wilson asked for: so far from the true share as 95 % of all draws are at most
        assert (passed / of - end) ** 2 == pytest.approx(1.959964**2 * end * (1 - end) / of, abs=1e-6)


def test_nothing_counted_is_no_share() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("one", "other", "p"),
    [(0, 0, 1.0), (5, 5, 1.0), (0, 5, 0.0625), (0, 6, 0.03125), (1, 9, 22 / 1024), (3000, 0, 0.0)],
)
def test_exact_sign(one: int, other: int, p: float) -> None:
    assert exact_sign(one, other) == exact_sign(other, one) == pytest.approx(p, abs=1e-12)


def row(task: str, status: Status, seed: int = 0, player: str = "model", **more: object) -> Row:
    values = {
        "player": player,
        "scenario": task,
        "seed": seed,
        "status": status,
        "folder": f"runs/{task}/{seed}",
    } | more
    return Row.model_validate(values)


def result(rows: Sequence[Row], infeasible: Sequence[str] = (), **changes: object) -> Result:
    tasks = dict.fromkeys(one.scenario for one in rows)
    entries = tuple(
        Entry(id=task, source=task, digest=task, feasible=task not in infeasible, oracle=task != "hard")
        for task in tasks
    )
    players = dict.fromkeys(one.player for one in rows)
    plan = Plan(suite="test", digest="0", entries=entries, players={name: name for name in players},
                seeds=tuple(sorted({one.seed for one in rows})), started=datetime.now(UTC))  # fmt: skip
    return result_of(plan.model_copy(update=changes), rows)


def test_errors_shrink_what_is_counted_and_are_told() -> None:
    score = result([row("a", P), row("a", F, 1), row("b", E), row("b", L, 1, aside=2)]).main
    assert (score.success.passed, score.success.of) == (1, 3)
    assert score.success.share == pytest.approx(1 / 3)
    assert score.errors == {"error:env": 1}
    assert remarks([score]) == [
        "model: 1 of 4 runs have no score, as the machinery failed (1 error:env); success is of the other 3",
        "model: without 2 attempts cut off or done again",
    ]


def test_nothing_but_errors_is_no_score() -> None:
    score = result([row("a", E), row("b", Status.ERROR_MODEL)]).main
    assert (score.success.share, score.success.of, score.tasks, score.per_success) == (None, 0, 0, None)


def test_what_cannot_be_done_is_apart() -> None:
    score = result([row("a", P), row("b", F), row("no", P), row("never", P)], infeasible=("no", "never")).main
    assert (score.feasible.passed, score.feasible.of) == (1, 2)
    assert (score.infeasible.passed, score.infeasible.of) == (2, 2)


def test_what_a_success_costs() -> None:
    score = result([row("a", P, steps=4, tokens=100, seconds=3.0), row("b", F, steps=8, tokens=300, seconds=5.0),
                    row("c", E, steps=9, tokens=900, seconds=9.0)]).main  # fmt: skip
    assert score.per_success
    assert (score.per_success.steps, score.per_success.tokens, score.per_success.seconds) == (12, 400, 8.0)


def test_tasks_are_solved_from_95_percent_on() -> None:
    rows = [row("a", P if seed else F, seed) for seed in range(20)]
    rows += [row("b", P if seed > 1 else F, seed) for seed in range(20)]
    assert (result(rows).main.solved, result(rows).main.tasks) == (1, 2)


def test_an_oracle_is_not_asked_for_what_it_has_none_of() -> None:
    plan = result([row("a", P, player="oracle"), row("hard", F, player="idle")]).plan
    jobs = {(job.player, job.scenario) for job in plan.jobs()}
    assert jobs == {("oracle", "a"), ("idle", "a"), ("idle", "hard")}


def test_only_the_measured_player_is_repeated() -> None:
    plan = result([row("a", P), row("a", F, player="idle")], repeat=3).plan
    assert [(job.player, job.repeat) for job in plan.jobs()] == [("model", 0), ("idle", 0), ("model", 1), ("model", 2)]
    assert len({job.folder for job in plan.jobs()}) == 4


def test_a_result_is_read_again_and_an_older_one_is_not(tmp_path: Path) -> None:
    whole = result([row("a", P), row("b", E)])
    file = write_result(tmp_path, whole)
    assert read_result(tmp_path) == read_result(file) == whole
    file.write_text(json.dumps(json.loads(file.read_text()) | {"version": 0}))
    with pytest.raises(UserError, match=r"the result in .* has version 0: this surehand reads version 1"):
        read_result(tmp_path)
    with pytest.raises(UserError, match=r"no result in .*: there is no result.json"):
        read_result(tmp_path / "nowhere")


def test_what_flips_is_named_and_weighed() -> None:
    before = [row(f"t{n}", F, seed) for n in range(8) for seed in range(2)]
    after = [row(f"t{n}", P if n < 7 else F, seed) for n in range(8) for seed in range(2)]
    found = compare(result(before), result(after))
    assert (found.pairs, found.gained, found.lost, found.better, found.worse) == (16, 14, 0, 7, 0)
    assert found.p == pytest.approx(2 / 2**7)
    assert found.certain
    assert [task.task for task in found.flips] == [f"t{n}" for n in range(7)]
    assert not any(task.certain for task in found.flips)  # two seeds of a task prove nothing by themselves


def test_one_task_that_changed_for_certain() -> None:
    seeds = range(12)
    found = compare(result([row("a", F, s) for s in seeds]), result([row("a", P, s) for s in seeds]))
    assert found.p == 1.0  # one task is one toss
    assert found.flips[0].certain
    assert found.certain


def test_chance_is_called_chance() -> None:
    found = compare(result([row("a", P), row("b", F), row("c", P)]), result([row("a", F), row("b", P), row("c", P)]))
    assert (found.gained, found.lost, found.p, found.certain) == (1, 1, 1.0, False)


def test_runs_without_a_score_are_in_no_pair() -> None:
    found = compare(result([row("a", P), row("b", E)]), result([row("a", P), row("b", F)]))
    assert (found.pairs, found.unpaired) == (1, 1)


def test_results_that_cannot_be_compared() -> None:
    with pytest.raises(UserError, match="the two results have no run in common"):
        compare(result([row("a", P)]), result([row("b", P)]))
    changed = result([row("a", P)])
    entries = (changed.plan.entries[0].model_copy(update={"digest": "other"}),)
    changed = changed.model_copy(update={"plan": changed.plan.model_copy(update={"entries": entries})})
    with pytest.raises(UserError, match="the task 'a' is not the same in both results"):
        compare(result([row("a", P)]), changed)


def test_a_page_leads_to_each_run_that_did_not_pass(tmp_path: Path) -> None:
    rows = [
        row("a", P),
        row("a", F, 1, why="<b>it</b> is not there"),
        row("b", E, why="the browser died"),
        row("b", L, 1),
    ]
    page = write_bench_page(tmp_path, result(rows)).read_text()
    for one in rows:
        assert (f'href="{one.folder}/report.html"' in page) == (one.status is not P)
    assert "&lt;b&gt;it&lt;/b&gt; is not there" in page
    assert "model passes 1 of 3 runs of test: 33.3 %" in page
    assert "1 run has no score" in page


def test_seeds() -> None:
    assert numbers("3, 0-2,7,7") == (3, 0, 1, 2, 7)
    assert ranges((7, 0, 1, 2)) == "0-2,7"
    for wrong in ("x", "", "2-1", "1-", "-1", "1,,2", "0-99999999", "1.5"):
        with pytest.raises(UserError, match="seeds"):
            numbers(wrong)


def test_suites() -> None:
    bundled, web = choose("bundled"), choose("web")
    assert {one.source for one in web} == {one.source for one in bundled if one.source.startswith("web/")} != set()
    assert [one.source for one in choose("web/log*")] == ["web/login"]
    entries = [entry(one, (0, 1)) for one in choose("web/login")]
    assert entries == [entry(one, (0, 1)) for one in choose("web/login")]
    assert digest(entries) != digest([entry(one, (0, 2)) for one in choose("web/login")])


def test_suites_that_are_none(tmp_path: Path) -> None:
    for wrong, said in (
        ("miniwod", "no suite 'miniwod'; did you mean 'miniwob'"),
        ("web/loggin", "no scenario 'web/loggin'; did you mean 'web/login'"),
        (str(tmp_path), "no scenarios in .*: there is no .yaml file"),
        (str(tmp_path / "none"), "no folder .*; name a folder that holds scenarios"),
    ):
        with pytest.raises(UserError, match=said):
            choose(wrong)


def test_a_suite_is_pinned_with_its_pages_and_checks(tmp_path: Path) -> None:
    file = tmp_path / "say.yaml"
    text = "id: say\ntitle: Say it\nworld: browser\ngoal: Say {word}.\ncheck: {{answer: {{equals: '{word}'}}}}\n"
    found = []
    for words in ({"word": "red"}, {"word": "blue"}, {"word": "red"}):
        file.write_text(text.format(**words))
        found.append(digest([entry(one, (0,)) for one in choose(str(tmp_path))]))
    assert found[0] == found[2] != found[1]
    file.write_text(text.format(word="red").replace("equals: 'red'", "equals: 'blue'"))
    assert digest([entry(one, (0,)) for one in choose(str(tmp_path))]) not in found
