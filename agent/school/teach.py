"""Lessons from made-up screens: a curriculum of stages, in which pictures and what is asked about them grow.

Questions are those that surehand asks at run time: where a thing is in the words of `surehand ground`, acting in the
words of a run. Every answer begins after a thought, which is empty where there is nothing to think about.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from agent.school.acting import act
from agent.school.holdout import Part, require
from agent.school.lesson import Lesson
from agent.school.questions import KINDS, NoQuestionError
from agent.school.screens import Level, Screen, asking, draw

NO_THOUGHT = "</think>\n\n"
"""How an answer without a thought begins, after a generation prompt that opened one."""
_DRAWS, _QUESTIONS = 64, 8
"""How often another screen is drawn when nothing can be asked about one, and how often a question is."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A step of the curriculum: which pictures, and which questions about them, each with how often it comes."""

    levels: Mapping[Level, float]
    kinds: Mapping[str, float]


_READ: dict[str, float] = {"transcribe": 1}
_PLACES: dict[str, float] = {"transcribe": 3, "read-with-boxes": 2, "find": 4, "name": 2}
_ALL: dict[str, float] = {
    "transcribe": 2, "read-with-boxes": 1, "find": 4, "name": 2, "role": 1, "state": 1, "order": 1, "relation": 1.5,
}  # fmt: skip
STAGES: dict[str, Stage] = {
    "print": Stage({"print": 1}, _READ),
    "prints": Stage({"print": 1, "prints": 4}, _READ),
    "words": Stage({"word": 1, "words": 3}, _PLACES),
    "few": Stage({"words": 1, "few": 4}, _PLACES),
    "ask": Stage({"few": 1}, _ALL),
    "act": Stage({"few": 1}, _ALL | {"act": 8}),
    "task": Stage({"few": 1, "task": 4}, _ALL | {"act": 8}),
    "page": Stage({"few": 1, "task": 3, "page": 4}, _ALL | {"act": 10}),
}
"""In the order in which they are learned; each goes on with some of what came before."""


def lessons(seed: int, stage: str, again: int = 0, part: Part = "training") -> Lesson:
    """The lesson of a seed at a stage; `again` counts further ones of the same seed. Raises HeldOutError, KeyError."""
    rng = Random(f"lesson {stage} {require(seed, part)} {again}")
    plan = STAGES[stage]
    level = rng.choices(list(plan.levels), list(plan.levels.values()))[0]
    for attempt in range(_DRAWS):
        screen = draw(seed, level, again * _DRAWS + attempt, part)
        for _ in range(_QUESTIONS):
            kind = rng.choices(list(plan.kinds), list(plan.kinds.values()))[0]
            with contextlib.suppress(NoQuestionError):
                return _asked(kind, level, rng, screen)
    raise RuntimeError(f"nothing can be asked at stage {stage!r} about screens of level {level!r}")


def _asked(kind: str, level: Level, rng: Random, screen: Screen) -> Lesson:
    """A lesson of a kind. Raises NoQuestionError."""
    if kind == "act":
        done = act(rng, screen)
        shown = asking(screen, done.goal) if level == "task" else screen
        return _lesson(kind, shown, f"Instruction: {done.goal}", done.completion)
    asked = KINDS[kind](rng, screen)
    return _lesson(
        "word" if kind == "transcribe" and level == "word" else kind, screen, asked.question, NO_THOUGHT + asked.answer
    )


def _lesson(kind: str, screen: Screen, question: str, completion: str) -> Lesson:
    content = [{"type": "image"}, {"type": "text", "text": question}]
    return Lesson(kind, (screen.picture,), ({"role": "user", "content": content},), completion, screen.letters)
