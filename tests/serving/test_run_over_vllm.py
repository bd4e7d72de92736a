"""The whole loop through real vLLM: a real browser, ten steps by a model with random weights."""

import re
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest

from agent.chat.endpoint import find_endpoint
from agent.chat.model import VllmModel
from agent.chat.request import Manner
from agent.commands.wiring import model_for, task_for, worlds
from agent.prompt import Style, messages
from agent.runner import run
from agent.serving.vllm_server import Server
from agent.settings import Settings
from agent.trace import Completion, Decision, Status, Step
from tests.agent.desk import steps_of

pytestmark = [pytest.mark.vllm, pytest.mark.browser, pytest.mark.timeout(900)]

STEPS, WINDOW = 10, 4


def counters(server: Server) -> dict[str, float]:
    """Those that vLLM itself keeps."""
    text = httpx.get(server.url.removesuffix("v1") + "metrics", trust_env=False, timeout=60).text
    found = (re.fullmatch(r"vllm:(prefix_cache_\w+_total)\{.*\} (\S+)", line) for line in text.splitlines())
    return {match[1]: float(match[2]) for match in found if match}


def share(completions: Sequence[Completion]) -> float:
    """How much of the prompts came from the cache."""
    return sum(c.cached_tokens or 0 for c in completions) / sum(c.prompt_tokens or 0 for c in completions)


async def in_a_window(server: Server, goal: str, steps: Sequence[Step]) -> list[Completion]:
    """The same steps asked for as OSWorld's agent does: the last screenshots as the user's turns, the rest in words."""
    manner = Manner(kind="thinking", style=Style(history="user"), thinking_tokens=24, longest=12, seed=1)
    model = VllmModel(find_endpoint(server.url, server.model, server.key), manner)
    completions = []
    for number, step in enumerate(steps):
        first = max(0, number - WINDOW)
        done = "\n".join(f"Step {s.number}: {s.reply.say}" for s in steps[:first] if isinstance(s.reply, Decision))
        told = messages(f"{goal}\n\nPrevious actions:\n{done or 'None'}", steps[first:number], step.seen, None)
        completions.append(await model.decide(told))
    await model.close()
    return completions


async def test_ten_steps_in_a_browser(
    stand_in_server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(browser="headless", model=stand_in_server.url, steps=STEPS)
    task = task_for(settings, "web/registration", 1)
    before = counters(stand_in_server)
    done = await run(task, model_for(settings, task), worlds(settings), tmp_path)
    grown = {name: value - before[name] for name, value in counters(stand_in_server).items()}
    steps = steps_of(tmp_path)
    assert (done.status, len(steps)) == (Status.LIMIT, STEPS), done.failure
    assert done.asked["form of answers"] == "held to by the server"
    assert done.asked["refused"] == []
    assert all(isinstance(step.reply, Decision) for step in steps)
    completions = [step.completion for step in steps]
    windowed = await in_a_window(stand_in_server, task.goal, steps)
    ours, theirs = share(completions), share(windowed)
    with capsys.disabled():
        print(f"\nprompt tokens from the cache, {STEPS} steps: {ours:.0%}; in a window of {WINDOW}: {theirs:.0%}")
    assert ours >= 0.6
    assert ours > theirs
    # vLLM's own counters hold ours, and those of whoever else asks it meanwhile
    assert grown["prefix_cache_hits_total"] >= sum(c.cached_tokens or 0 for c in completions) > 0
    assert grown["prefix_cache_queries_total"] >= sum(c.prompt_tokens or 0 for c in completions)
    kept = (tmp_path / "checkpoint.sqlite").read_bytes()
    assert b"PNG\r\n" not in kept
    assert b"iVBORw0KGgo" not in kept
    assert len(kept) < 2_000_000
