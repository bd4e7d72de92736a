"""Real vLLM is killed at every phase of a step: the run says so, has a score of nothing, and lost nothing."""

import asyncio
import os
import signal
from pathlib import Path

import httpx
import pytest

from agent.chat.endpoint import find_endpoint
from agent.chat.model import VllmModel
from agent.commands.served import manner_for
from agent.commands.wiring import task_for, worlds
from agent.means import Means
from agent.runner import run
from agent.serving.family import STAND_IN, find
from agent.serving.machine import CPU_PYTHON
from agent.serving.vllm_server import Server, start, stop
from agent.settings import Settings
from agent.trace import Run, RunFolder, Status, Step
from env.settle import until
from tests.agent.desk import gives, steps_of
from tests.agent.harm import PATIENCE, lines

pytestmark = [
    pytest.mark.soak,
    pytest.mark.browser,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not CPU_PYTHON.exists(), reason="no .venv-serve: run 'make vllm' to test with real vLLM"),
]

PHASES = ("observe", "decide", "act")
KILLED_AT = 3
"""The step in which it happens."""


async def generating(server: Server) -> bool | None:
    """Whether it works on a request, as its own metrics say."""
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
        told = (await client.get(server.url.removesuffix("v1") + "metrics")).text
    return any(line.startswith("vllm:num_requests_running") and not line.endswith(" 0.0") for line in told.splitlines())


async def killed_in(phase: str, server: Server, folder: Path) -> Run:
    """A run of the stand-in that loses its server in a phase of the third step."""
    settings = Settings(browser="headless", steps=2 * KILLED_AT)
    task = task_for(settings, "web/registration", 0)
    endpoint = find_endpoint(server.url, server.model, server.key)
    model = VllmModel(endpoint, manner_for(settings, task, endpoint.model), waits=(0.1, 0.1))
    striking: list[asyncio.Task[None]] = []

    async def strike() -> None:
        async def now() -> bool | None:
            if phase == "act":
                return lines(folder / "intents.jsonl") >= KILLED_AT or None
            return phase == "observe" or await generating(server) or None

        await until(now, PATIENCE, f"the phase {phase}")
        os.killpg(server.pid, signal.SIGKILL)

    def told(step: Step) -> None:
        if step.number == KILLED_AT - 1:
            striking.append(asyncio.create_task(strike()))

    done = await run(task, gives(model), worlds(settings), folder, Means(on_step=told))
    await asyncio.gather(*striking)
    return done


async def test_vllm_is_killed_at_every_phase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # so that no server of somebody else is hit
    for phase in PHASES:
        server = await start(find(STAND_IN))  # after the first phase: in place of the one that was killed
        try:
            folder = tmp_path / phase
            done = await killed_in(phase, server, folder)
        finally:
            await stop(server)
        assert done.status is Status.ERROR_MODEL, (phase, done.status, done.failure)
        assert done.failure
        assert done.failure.where == "decide"
        assert done.result is None
        assert RunFolder(folder).pending() is None
        steps = steps_of(folder)
        assert [step.number for step in steps] == list(range(1, len(steps) + 1))
        assert len(steps) >= (KILLED_AT if phase == "act" else KILLED_AT - 1)
        assert all(step.outcome for step in steps)
