"""Plays scripted episodes of MiniWoB++ in somebody else's environment, unmodified. Runs on .venv-rivals.

    python -I episodes_rival.py browsergym '{"delay": 0.5, "slow": 100, "dom": true}'
    python -I episodes_rival.py gymnasium '{"delay": 0.0, "pages": ["click-test"]}'

A line on stdin is a list of episodes `{"page", "number", "seed", "actions"}`, an action `["click", x, y]` in pixels of
the page or `["type", text]`; the answer on stdout is a line `{"rewards": [...]}`. Where the environment leaves a choice
`delay` is what it waits after an action, in seconds, `slow` what Playwright waits with each call, in milliseconds (by
default 100), and `dom` whether it reads the page's elements, too. `pages` are opened beforehand.
"""

import atexit
import json
import os
import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

Action = list[Any]
Play = Callable[[dict[str, Any]], float]


def browsergym(delay: float, slow: "int | None", *, dom: bool) -> Play:
    """BrowserGym's environment, made anew for each episode, as its own experiments make it."""
    spec = find_spec("miniwob")
    assert spec
    assert spec.submodule_search_locations
    os.environ["MINIWOB_URL"] = f"file://{spec.submodule_search_locations[0]}/html/miniwob/"
    import browsergym.miniwob
    import gymnasium
    from browsergym.core.action.highlevel import HighLevelActionSet
    from browsergym.core.observation import extract_screenshot

    verbs = HighLevelActionSet(subsets=["coord"]).to_python_code
    scale = 1.5  # of its pictures, by which it divides what an action points at

    def call(action: Action) -> str:
        if action[0] == "click":
            return f"mouse_click({action[1] * scale}, {action[2] * scale})"
        return f"keyboard_type({action[1]!r})"

    def play(episode: dict[str, Any]) -> float:
        env: Any = gymnasium.make(
            f"browsergym/miniwob.{episode['page']}", disable_env_checker=True, action_mapping=verbs, slow_mo=slow,
            pre_observation_delay=delay, use_raw_page_output=not dom,
        )  # fmt: skip
        seen, _ = env.reset(seed=episode["number"])
        reward = 0.0
        for action in [None, *episode["actions"]]:
            if action:
                seen, reward, *_ = env.step(call(action))
                assert not env.unwrapped.last_action_error, env.unwrapped.last_action_error
            picture = seen["screenshot"] if dom else extract_screenshot(seen["page"])
            assert picture.size
        env.close()
        return reward

    assert browsergym.miniwob
    return play


def miniwob(delay: float, pages: "list[str]") -> Play:
    """The package's own environment: one browser for each page, kept, in which the next episode begins."""
    os.environ |= {"MINIWOB_CHROME_BINARY": "/usr/bin/chromium", "MINIWOB_CHROMEDRIVER": "/usr/bin/chromedriver"}
    import gymnasium
    import numpy
    from miniwob.action import ActionTypes

    kept: dict[str, Any] = {
        page: gymnasium.make(f"miniwob/{page}-v1", disable_env_checker=True, wait_ms=delay * 1000).unwrapped
        for page in pages
    }

    def play(episode: dict[str, Any]) -> float:
        env = kept[episode["page"]]
        seen, _ = env.reset(seed=episode["seed"])
        raw = 0.0
        for action in [None, *episode["actions"]]:
            if action and action[0] == "click":
                place = numpy.array(action[1:], dtype=numpy.float32)
                seen, *_, info = env.step(env.create_action(ActionTypes.CLICK_COORDS, coords=place))
                raw = info["raw_reward"]
            elif action:
                seen, *_, info = env.step(env.create_action(ActionTypes.TYPE_TEXT, text=action[1]))
                raw = info["raw_reward"]
            assert seen["screenshot"].size
        return float(raw)

    atexit.register(lambda: [env.close() for env in kept.values()])
    return play


def main() -> None:
    """Play until stdin ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    side, options = sys.argv[1], json.loads(sys.argv[2])
    sides: dict[str, Callable[..., Play]] = {"browsergym": browsergym, "gymnasium": miniwob}
    play = sides[side](**options)
    for line in sys.stdin:
        answers.write(json.dumps({"rewards": [play(episode) for episode in json.loads(line)]}) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
