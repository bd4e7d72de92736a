"""Questions about real screens for an examination: where a thing is that the page itself names."""

import json
from collections import Counter
from collections.abc import Iterator

import numpy as np
from PIL import Image

from agent.school.holdout import Part, require
from agent.school.lesson import Lesson, Picture
from agent.school.questions import locating
from agent.school.teach import NO_THOUGHT
from agent.training.bulk import Tell, Told
from env.base import Environment, Item, Observation, Shots
from env.described import DescribedEnvironment, View
from scenarios.base import Task

KIND = "find real"
"""How an examination calls these questions."""
_LONGEST = 40
"""Characters of a name that is asked for."""


def found(part: Part = "figures") -> Tell:
    """What asks for each thing on the first screen of a task, see `asked`."""

    async def tell(task: Task, world: Environment, shots: Shots) -> Told:
        require(task.seed, part)
        await world.reset(task.setup, task.seed)
        seen = await DescribedEnvironment(world, View.TREE).observe(shots)
        return Told(list(asked(seen)), "nothing on its first screen has a name of its own")

    return tell


def asked(seen: Observation) -> Iterator[Lesson]:
    """A lesson for each thing on a picture whose name no other thing there has, in the words of `surehand ground`."""
    with Image.open(seen.path) as file:
        picture: Picture = np.array(file.convert("RGB"), np.uint8)
    names = Counter(_alike(item) for item in seen.items)
    for item in seen.items:
        if item.name and len(item.name) <= _LONGEST and names[_alike(item)] == 1:
            content = [{"type": "image"}, {"type": "text", "text": locating(f'"{item.name}"')}]
            box = [round(side) for side in (item.box.x1, item.box.y1, item.box.x2, item.box.y2)]
            answer = json.dumps([{"bbox_2d": box}])
            yield Lesson(KIND, (picture,), ({"role": "user", "content": content},), NO_THOUGHT + answer)


def _alike(item: Item) -> str:
    return item.name.casefold()
