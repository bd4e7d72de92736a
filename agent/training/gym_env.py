"""Any world and scenario as a Gymnasium environment, for those who train by reinforcement.

`gymnasium.make("agent.training.gym_env:surehand/Task-v0", scenario="web/login")` makes one; so does `make`.
"""

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Literal, TypeVar

import gymnasium
import numpy as np
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray
from PIL import Image

from agent.commands.wiring import require, task_for, worlds
from agent.graph import ending
from agent.means import MakeWorld
from agent.runner import judged, verdict
from agent.settings import load
from agent.trace import Decision, Status, Stop
from agent.training.gym_actions import Acting, Fields, Replies
from env.base import Environment, Observation, Shots
from scenarios.base import Check, Task
from tools.actions import Terminate
from tools.errors import SurehandError, UserError

ID = "surehand/Task-v0"
Pixels = NDArray[np.uint8]
_T = TypeVar("_T")


def make(
    scenario: str, *, actions: Literal["fields", "text"] = "fields", verbs: Sequence[str] | None = None,
    browser: Literal["kiosk", "headless"] | None = None, size: str | None = None, steps: int | None = None,
    config: Path | None = None, render_mode: str | None = None,
) -> "TaskEnv":  # fmt: skip
    """The environment of a scenario, in worlds as the settings want them. Raises UserError.

    `actions` are fields, of all `verbs` or some, or the text of a model's reply. `steps` is where it is truncated.
    """
    settings = load(config, browser=browser, size=size, steps=steps)
    world = task_for(settings, scenario, 0).world
    require(settings, world)
    acting = Replies() if actions == "text" else Fields(world, verbs)
    return TaskEnv(lambda seed: task_for(settings, scenario, seed), worlds(settings), acting, render_mode=render_mode)


@dataclass(frozen=True, slots=True)
class _Episode:
    """One attempt at a task, in a world of its own."""

    task: Task
    check: Check
    world: Environment
    shots: TemporaryDirectory[str]

    async def look(self) -> Observation:
        """What the screen shows, once it is quiet."""
        return await self.world.observe(Shots(Path(self.shots.name)))


class TaskEnv(gymnasium.Env[Pixels, Any]):
    """A scenario whose seed is drawn at each reset; an episode is one attempt at it.

    An observation is the screenshot, height x width x 3; `info` has the goal in words, the seed, and a note on what
    became of the action. The reward is 1 at the end of an episode that `surehand run` would call passed, else 0: the
    raw score of the check and its reason are in `info` then. An episode terminates with `terminate` or `answer`, or
    where the task ends by itself, and is truncated at the task's limit of steps. What breaks the world or the check
    raises, and is no reward.
    """

    def __init__(
        self, draw: Callable[[int], Task], make_world: MakeWorld, acting: Acting, *, render_mode: str | None = None
    ) -> None:
        """`draw` gives the task of a seed. Raises UserError for a task without a check."""
        self._draw, self._make_world, self._acting = draw, make_world, acting
        task, _ = self._checked(0)
        self.action_space = acting.space
        self.observation_space = gymnasium.spaces.Box(0, 255, (task.size.height, task.size.width, 3), np.uint8)
        self.metadata = {"render_modes": ["rgb_array"], "render_fps": 1}
        self.render_mode = render_mode
        self._thread: _Thread | None = None
        self._episode: _Episode | None = None
        self._seen: Pixels | None = None
        self._steps = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Pixels, dict[str, Any]]:
        """A fresh world with the task of this seed, or of one that is drawn. There are no `options`.

        Raises EnvError, or ScenarioError where the task itself is at fault.
        """
        super().reset(seed=seed)
        self._end()
        self._thread = self._thread or _Thread()
        task, check = self._checked(int(self.np_random.integers(2**31)) if seed is None else seed)
        self._steps = 0
        self._episode = _Episode(task, check, self._make_world(task), TemporaryDirectory(prefix="surehand-"))
        with self._unbroken():
            self._wait(self._episode.world.reset(task.setup, task.seed))
            if task.episode:
                goal = self._wait(task.episode.goal(self._episode.world.probe()))
                self._episode = replace(self._episode, task=replace(task, goal=goal))
            self._seen = self._look()
        return self._seen.copy(), self._info("")

    def step(self, action: Any) -> tuple[Pixels, float, bool, bool, dict[str, Any]]:
        """Does it, and looks. An action that cannot be done is a step that changes nothing; the note says why.

        Raises ResetNeeded before a reset and after an end, EnvError and ScenarioError when the machinery failed.
        """
        episode, seen = self._episode, self._seen
        if episode is None or seen is None:
            raise ResetNeeded("the episode has ended, or none has begun: call reset()")
        reply = self._acting.read(action)
        stop, self._steps = ending(reply), self._steps + 1
        with self._unbroken():
            note = reply.why if not isinstance(reply, Decision) else ""
            if isinstance(reply, Decision) and stop is None:
                note = self._wait(episode.world.execute(self._steps, reply.action)).note
                self._seen = seen = self._look()
                stop = self._over(episode)
            terminated, truncated = stop is not None, stop is None and self._steps >= episode.task.limits.steps
            info, reward = self._info(note), 0.0
            if terminated or truncated:
                reward, found = self._judge(episode, stop or Stop(reason="steps", limit=episode.task.limits.steps))
                info |= found
                self._end()
        return seen.copy(), reward, terminated, truncated, info

    def solution(self) -> Iterator[Any]:
        """The reference solution's actions: it looks at the world again before each, so do one before the next.

        Raises UserError where there is no solution, ResetNeeded where no episode has begun.
        """
        episode = self._episode
        if episode is None:
            raise ResetNeeded("no episode has begun: call reset()")
        if episode.task.oracle is None:
            raise UserError(f"scenario {episode.task.scenario!r} has no oracle")
        intents = episode.task.oracle(episode.world.probe(), Random(episode.task.seed))

        async def following() -> Any:
            return await anext(intents, None)

        while self._episode is episode and (intent := self._wait(following())):
            yield self._acting.write(intent.action)
        if isinstance(intents, AsyncGenerator):
            self._wait(intents.aclose())
        if self._episode is episode:
            yield self._acting.write(Terminate(status="success"))

    def render(self) -> Pixels | None:
        """The screenshot of the last observation, where the render mode is rgb_array."""
        if self.render_mode is None or self._seen is None:
            return None
        return self._seen.copy()

    def close(self) -> None:
        """Ends the world; may be called twice, and a reset begins anew."""
        self._end()
        thread, self._thread = self._thread, None
        if thread:
            thread.close()

    def _checked(self, seed: int) -> tuple[Task, Check]:
        task = self._draw(seed)
        if task.check is None:
            raise UserError(f"{task.scenario!r} has no check, which would give the reward")
        return task, task.check

    def _look(self) -> Pixels:
        assert self._episode
        seen = self._wait(self._episode.look())
        with Image.open(seen.path) as picture:
            return np.array(picture.convert("RGB"), np.uint8)

    def _over(self, episode: _Episode) -> Stop | None:
        """An end that the task itself tells of."""
        own = episode.task.episode
        return Stop(reason="over") if own and self._wait(own.over(episode.world.probe())) else None

    def _judge(self, episode: _Episode, stop: Stop) -> tuple[float, dict[str, Any]]:
        result = self._wait(judged(episode.check, episode.world.probe(), stop.answer))
        passed = verdict(stop, result) is Status.PASSED
        return float(passed), {"score": result.score, "why": result.why}

    def _info(self, note: str) -> dict[str, Any]:
        assert self._episode
        return {"goal": self._episode.task.goal, "seed": self._episode.task.seed, "note": note}

    def _wait(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        assert self._thread
        return self._thread.wait(coroutine)

    @contextlib.contextmanager
    def _unbroken(self) -> Iterator[None]:
        """What breaks inside ends the episode; a world that broke may break once more as it is closed."""
        whole = False
        try:
            yield
            whole = True
        finally:
            if not whole:
                with contextlib.suppress(SurehandError):
                    self._end()

    def _end(self) -> None:
        episode, self._episode = self._episode, None
        if episode:
            try:
                self._wait(episode.world.close())
            finally:
                episode.shots.cleanup()


class _Thread:
    """An event loop in a thread of its own, on which a world lives; others wait for what is done there."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="surehand-world", daemon=True)
        self._thread.start()

    def wait(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        """Its result. An interrupt here cancels it there."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        finally:
            future.cancel()

    def close(self) -> None:
        """Ends the loop."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


gymnasium.register(ID, entry_point=f"{__name__}:make", nondeterministic=True)
