"""Things on screenshots with their names and boxes: what a run clicked, called what its sentence called it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from agent.trace import Decision
from agent.training.episodes import Episode, LeftOut
from tools.actions import Click, MouseMove
from tools.geometry import Rect

_SENTENCE = re.compile(
    r"(?:(?:(?:left|right|middle|double|triple)[- ])?click(?: on)?|move the pointer to) (.+?)(?: to select it)?\.?",
    re.IGNORECASE,
)
_NO_NAME = re.compile(
    r"(?:it|this|that|here|there|the place|what \S+ shows)"  # words for what only the one who says them sees
    r"|\w*[#.\[*>:].*",  # a selector of CSS, which is on no screen
    re.IGNORECASE,
)


class Shown(NamedTuple):
    """A thing on a picture: what it is called, and where it is, in the picture's pixels."""

    path: Path
    sha256: str
    name: str
    rect: Rect


def shown(episode: Episode, left_out: LeftOut) -> Iterator[Shown]:
    """What was clicked, or pointed at, in this run by its box; what cannot be called by a name is counted."""
    for step in episode.steps:
        done = step.outcome is None or step.outcome.ok
        if done and isinstance(step.reply, Decision) and isinstance(step.reply.action, Click | MouseMove):
            box, name = step.reply.action.bbox_2d, name_in(step.reply.say)
            if box and name:
                yield Shown(step.seen.path, step.seen.sha256, name, box.to_rect(step.seen.size))
            else:
                left_out["click", "whose sentence does not name its target" if box else "without a box"] += 1


def name_in(say: str) -> str | None:
    """What `Click …` or `Move the pointer to …` calls its target; None where that is no name.

    The name can stand between the quotes of a JSON text as it is.
    """
    found = _SENTENCE.fullmatch(" ".join(say.split()))
    if found is None or _NO_NAME.fullmatch(found[1]):
        return None
    name = found[1].replace('"', "'")
    return name if json.dumps(name, ensure_ascii=False) == f'"{name}"' else None
