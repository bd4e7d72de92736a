"""The letters on a real page: each where the picture has it, and none that something else covers."""

from pathlib import Path

import numpy as np
import pytest

from agent.commands.wiring import near_worlds, task_for
from agent.prompt import Style
from agent.settings import load
from agent.training.demonstrations import demonstrated
from agent.training.letters import letters_on
from env.base import Shots

_COVER = """(() => {
  const cover = document.createElement("div");
  cover.style.cssText = "position: fixed; inset: 0; z-index: 9999; background: white";
  document.body.append(cover);
})()"""


@pytest.mark.browser
async def test_letters_stand_where_the_picture_has_them(tmp_path: Path) -> None:
    settings = load(None, browser="headless")
    task = task_for(settings, "miniwob/click-button", 1)
    world = near_worlds(settings)(task)
    try:
        told = await demonstrated(Style(image_max=1, fold=1))(task, world, Shots(tmp_path))
        (lesson,) = told.lessons
        goal = lesson.messages[0]["content"][1]["text"].removeprefix("Instruction: ")
        said = "".join(letter.sign for letter in lesson.letters)
        assert said.startswith(goal.replace(" ", ""))
        picture = lesson.pictures[0].astype(int)
        inked = [np.ptp(picture[one.top : one.bottom, one.left : one.right].sum(2)) for one in lesson.letters]
        assert min(inked) > 200
        assert "Lastreward" not in said  # as grey as the ground behind it
        await world.reset(task.setup, task.seed)
        assert await letters_on(world.probe())
        await world.probe().script(_COVER)
        assert await letters_on(world.probe()) == ()
    finally:
        await world.close()
