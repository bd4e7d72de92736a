"""Worlds as environments of Gymnasium: its own checker, rewards, and what is none."""

import json
import pickle
from collections.abc import Iterator
from typing import Any

import gymnasium
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env
from hypothesis import given
from hypothesis import strategies as st

from agent.training.gym_actions import Fields, Replies
from agent.training.gym_env import ID, TaskEnv, make
from env.scripted import SMALL, ScriptedWorld
from scenarios.base import Limits
from tests.agent.desk import APP, CLICK_NOTE, CLICK_SAVE, DONE, GIVE_UP, SOLUTION, Crash, Notes
from tools.actions import (
    ACTION,
    Answer,
    Back,
    Goto,
    HScroll,
    Key,
    LeftClick,
    LeftClickDrag,
    NewTab,
    Scroll,
    SwitchTab,
    Type,
    Wait,
)
from tools.errors import EnvError, ScenarioError, UserError
from tools.geometry import GridPoint

TEXT, FIELDS = Replies(), Fields("desktop")


def note(
    actions: str = "fields", *, fail_at: int | None = None, render_mode: str | None = None, **task: Any
) -> TaskEnv:
    """The note's task in a world in memory."""
    acting = Replies() if actions == "text" else Fields("desktop")
    return TaskEnv(
        Notes(**task).at, lambda task: ScriptedWorld(APP, task.size, fail_at=fail_at), acting, render_mode=render_mode
    )


@pytest.fixture
def env() -> Iterator[TaskEnv]:
    env = note("text")
    yield env
    env.close()


def play(env: TaskEnv, *actions: Any) -> list[tuple[float, bool, bool, dict[str, Any]]]:
    env.reset(seed=1)
    return [env.step(action)[1:] for action in actions]


@pytest.mark.parametrize("actions", ["fields", "text"])
def test_gymnasiums_own_checker_has_nothing_to_say(actions: str) -> None:
    gymnasium.register(f"test/Note{actions}-v0", entry_point=note, kwargs={"actions": actions})
    env = gymnasium.make(f"test/Note{actions}-v0", render_mode="rgb_array")
    check_env(env.unwrapped)
    env.close()


def test_what_is_seen_is_the_screen() -> None:
    env = note(render_mode="rgb_array")
    seen, info = env.reset(seed=3)
    assert seen.shape == (SMALL.height, SMALL.width, 3)
    assert seen in env.observation_space
    assert info == {"goal": "Save a note that says milk.", "seed": 3, "note": ""}
    after, *_ = env.step(FIELDS.write(CLICK_NOTE))
    assert (after != seen).any()
    shown = env.render()
    assert shown is not None
    assert (shown == after).all()
    env.close()


def test_a_drawn_seed_follows_from_the_first(env: TaskEnv) -> None:
    seeds = [[env.reset(seed=5)[1]["seed"], env.reset()[1]["seed"], env.reset()[1]["seed"]] for _ in range(2)]
    assert seeds[0] == seeds[1]
    assert len(set(seeds[0])) == 3


def test_the_reference_solution_is_rewarded() -> None:
    for env in (note("text"), note("fields")):
        env.reset(seed=1)
        steps = [env.step(action) for action in env.solution()]
        assert [(reward, ended) for _, reward, ended, *_ in steps] == [(0.0, False)] * 3 + [(1.0, True)]
        assert steps[-1][4]["score"] == 1
        env.close()


@pytest.mark.parametrize(
    ("actions", "score"),
    [((DONE,), 0), ((CLICK_NOTE, Type(text="soap"), CLICK_SAVE, DONE), 0), ((*SOLUTION[:-1], GIVE_UP), 1),
     ((Answer(text="milk"),), 0)],
)  # fmt: skip
def test_what_would_fail_as_a_run_is_not_rewarded(env: TaskEnv, actions: Any, score: int) -> None:
    *_, (reward, terminated, truncated, info) = play(env, *map(TEXT.write, actions))
    assert (reward, terminated, truncated, info["score"]) == (0.0, True, False, score)
    assert info["why"]


def test_it_is_truncated_at_its_limit_of_steps() -> None:
    env = note("text", limits=Limits(steps=2, seconds=60))
    one, two = play(env, TEXT.write(CLICK_NOTE), "I do not know.")
    assert one[1:3] == (False, False)
    assert two[:3] == (0.0, False, True)
    with pytest.raises(ResetNeeded):
        env.step(TEXT.write(DONE))
    env.close()


def test_what_cannot_be_done_is_a_step_with_a_note(env: TaskEnv) -> None:
    unread, unknown = play(env, "Click it.", TEXT.write(Key(keys=("nokey",))))
    assert unread[3]["note"] == "there is no <tool_call> in it"
    assert "nokey" in unknown[3]["note"]
    pages = Fields("browser")
    nowhere = pages.read({**pages.write(Goto(url="http://site.test/")), "text": ""})
    assert getattr(nowhere, "why", "").startswith("goto: ")


def test_a_whole_reply_is_read_as_in_a_run(env: TaskEnv) -> None:
    call = json.dumps(Type(text="milk").wire())
    reply = f"I think.\n</think>\n\nAction: Type it.\n<tool_call>\n{call}\n</tool_call>"
    play(env, TEXT.write(CLICK_NOTE), reply, TEXT.write(CLICK_SAVE))
    assert env.step('{"action": "terminate", "status": "success"}')[1] == 1.0


@pytest.mark.parametrize(("fail_at", "steps"), [(0, 0), (2, 1)])
def test_a_world_that_dies_raises_and_is_no_reward(fail_at: int, steps: int) -> None:
    env = note("text", fail_at=fail_at)
    with pytest.raises(EnvError, match="as ordered"):
        play(env, *[TEXT.write(CLICK_NOTE)] * (steps + 1))
    with pytest.raises(ResetNeeded):
        env.step(TEXT.write(DONE))
    env.close()


def test_a_check_that_crashes_raises() -> None:
    env = note("text", check=Crash(ScenarioError("the check is at fault")))
    with pytest.raises(ScenarioError, match="the check is at fault"):
        play(env, TEXT.write(DONE))
    env.close()


def test_before_a_reset_there_is_nothing_to_do(env: TaskEnv) -> None:
    with pytest.raises(ResetNeeded):
        env.step(TEXT.write(DONE))
    with pytest.raises(ResetNeeded):
        next(env.solution())
    assert env.render() is None
    env.close()
    env.close()
    assert env.reset(seed=1)[1]["seed"] == 1


def test_a_task_without_a_check_or_a_solution_is_refused(env: TaskEnv) -> None:
    with pytest.raises(UserError, match="has no check, which would give the reward"):
        note(check=None)
    unsolved = note(oracle=None)
    unsolved.reset(seed=1)
    with pytest.raises(UserError, match="has no oracle"):
        next(unsolved.solution())
    unsolved.close()


def test_verbs_can_be_chosen() -> None:
    some = Fields("desktop", ["left_click", "terminate"])
    assert some.space["action"].n == 2  # type: ignore[index]  # a Dict, which Space does not say
    with pytest.raises(UserError, match="a desktop has no action 'left_clik'; did you mean 'left_click'"):
        Fields("desktop", ["left_clik"])
    with pytest.raises(UserError, match="a desktop has no action 'goto'"):
        Fields("desktop", ["goto"])


PLACES = st.builds(GridPoint, st.integers(0, 1000), st.integers(0, 1000))
KEYS = st.lists(st.sampled_from(["ctrl", "shift", "a", "tab", "-", "F5"]), min_size=1, max_size=3).map(tuple)
ACTIONS = st.one_of(
    st.builds(LeftClick, coordinate=PLACES),
    st.builds(LeftClickDrag, coordinate=PLACES, coordinate2=PLACES),
    st.builds(Scroll, coordinate=PLACES, pixels=st.integers(-1000, 1000)),
    st.builds(HScroll, coordinate=PLACES, pixels=st.integers(-1000, 1000)),
    st.builds(Type, text=st.text(max_size=20)),
    st.builds(Answer, text=st.text(max_size=20)),
    st.builds(Key, keys=KEYS),
    st.builds(Wait, time=st.sampled_from([0.0, 0.5, 5.0])),
    st.sampled_from([DONE, GIVE_UP, Goto(url="http://site.test/"), Back(), NewTab(), SwitchTab(tab=3)]),
)


@given(ACTIONS)
def test_both_forms_hold_every_action(action: Any) -> None:
    for acting in (Fields("browser"), Replies()):
        read = acting.read(acting.write(action))
        assert getattr(read, "action", read) == action


def test_every_verb_has_a_field() -> None:
    verbs = Fields("browser").verbs
    assert set(verbs) == {verb for verb in ACTION.json_schema()["discriminator"]["mapping"]}
    samples = (Fields("browser").space.sample() for _ in range(300))
    assert {verbs[int(sample["action"])] for sample in samples} == set(verbs)


def test_it_can_be_sent_to_another_process() -> None:
    spec = gymnasium.spec(ID)
    assert pickle.loads(pickle.dumps(spec)).entry_point == "agent.training.gym_env:make"


@pytest.mark.browser
@pytest.mark.parametrize(
    ("scenario", "goal"), [("web/login", "the email is"), ("miniwob/click-button", 'click on the "next" button')]
)
def test_a_page_is_solved_by_its_solution_and_not_by_doing_nothing(scenario: str, goal: str) -> None:
    env = gymnasium.make(f"{make.__module__}:{ID}", scenario=scenario, browser="headless", actions="text")
    task = env.unwrapped
    assert isinstance(task, TaskEnv)
    _, info = env.reset(seed=7)
    assert goal in info["goal"].lower()
    *_, last = [env.step(action) for action in task.solution()]
    assert last[1:4] == (1.0, True, False), last[4]
    env.reset(seed=7)
    assert env.step(TEXT.write(DONE))[1:4] == (0.0, True, False)
    env.close()
