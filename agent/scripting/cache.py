"""What a model did for a step in words, kept as exact steps: the next time they are played on a page of the same form.

An entry is kept when the whole test passed with it and dropped when one did not. Answers and judgements are never kept,
nor is what leads nowhere but to a bare place on the screen.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from pydantic import ValidationError

from agent.scripting.lent import Lent
from agent.scripting.record import Steps, Writing, on_a_line, without_searching
from agent.scripting.ways import USED
from agent.trace import RunFolder
from env.base import Environment, Probe, Shots
from scenarios.documents import parse_document
from scenarios.schema import Strict
from tools.actions import BrowserAction, ComputerAction, Outcome
from tools.errors import UserError

FOLDER = ".surehand"
"""Beside the tests."""


class Solved(Strict):
    """An entry: what the words were, where, and the steps that did it. `form` is that of the page or the screen."""

    words: str
    world: str
    place: str
    form: str
    steps: tuple[Any, ...]


class Slot(NamedTuple):
    """Where the entry for some words lies, on the page as it is now."""

    words: str
    world: str
    place: str
    form: str

    @property
    def name(self) -> str:
        """Of the file: the words, and a hash of everything."""
        slug = re.sub(r"[^a-z0-9]+", "-", self.words.lower()).strip("-")[:40].strip("-")
        return f"{slug or 'do'}-{hashlib.sha256(repr(tuple(self)).encode()).hexdigest()[:12]}.yaml"


class Cache:
    """The entries of one test, in the folder of its file."""

    def __init__(self, folder: Path, world: str) -> None:
        self._folder, self._world = folder / FOLDER, world
        self._used: set[Slot] = set()
        self._new: dict[Slot, Steps] = {}

    async def slot(self, words: str, world: Environment, shots: Shots) -> Slot:
        """Where these words belong now, once the screen is quiet."""
        await world.observe(shots)
        probe = world.probe()
        page = await probe.page()
        place = urlsplit(page.url).path if page else " ".join(sorted({w.app for w in await probe.windows()}))
        parts = [part async for part in _form(probe, in_page=page is not None)]
        return Slot(words, self._world, place, hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16])

    def steps(self, slot: Slot) -> Steps | None:
        """What did it before, if that is known; a damaged entry is none."""
        try:
            path = self._folder / slot.name
            solved = Solved.model_validate(parse_document(path.read_text(encoding="utf-8"), path).data)
        except (OSError, ValueError, ValidationError, UserError):
            return None
        self._used.add(slot)
        return list(solved.steps)

    def offer(self, slot: Slot, watched: "Watched", run: Path | None) -> None:
        """What a model just did, to be kept if the test passes; `run` is the folder of its run."""
        steps = without_searching(watched.steps)
        answered = run is not None and (stop := RunFolder(run).run().stop) is not None and stop.reason == "answer"
        if steps and watched.whole and not answered and not any(key == "box" for step in steps for key in _keys(step)):
            self._new[slot] = steps

    def drop(self, slot: Slot) -> None:
        """Forgets an entry that does not come off any more."""
        (self._folder / slot.name).unlink(missing_ok=True)

    def close(self, *, passed: bool) -> None:
        """Keeps what is new if the test passed, else drops what was used. Raises UserError."""
        try:
            for slot in () if passed else self._used:
                self.drop(slot)
            for slot, steps in self._new.items() if passed else ():
                self._folder.mkdir(exist_ok=True)
                part = self._folder / f"{slot.name}.part"
                part.write_text(_text(slot, steps), encoding="utf-8")
                part.replace(self._folder / slot.name)
        except OSError as error:
            raise UserError(f"cannot write into {str(self._folder)!r}", cause=error.strerror or str(error),
                            remedy="or play the tests with --no-cache") from None  # fmt: skip


class Watched(Lent):
    """A world in which a model works; what it does is written down as exact steps. `whole`: all of it could be."""

    def __init__(self, world: Environment) -> None:
        super().__init__(world, 1)
        self._writing = Writing()
        self.steps: Steps = []
        self.whole = True

    async def execute(self, number: int, action: ComputerAction | BrowserAction) -> Outcome:
        """As the world's own."""
        written: Steps = []
        try:
            written = await self._writing.before(action, self.probe())
        except UserError:
            self.whole = False
        outcome = await super().execute(number, action)
        self.steps += written if outcome.ok else []
        return outcome


async def _form(probe: Probe, *, in_page: bool) -> AsyncIterator[str]:
    """What is on the screen in order, without its words: kinds of things, whether they are ticked, whether empty."""
    if in_page:
        for one in await probe.elements(css=USED):
            if one.visible:
                yield f"{one.tag} {one.role} {one.attributes.get('type', '')} {one.checked} {one.value == ''}"
    else:
        for node in await probe.a11y():
            if "showing" in node.states:
                yield f"{node.role} {'checked' in node.states} {node.text == ''}"


def _keys(value: object) -> Iterator[str]:
    """Every key in a step, at any depth."""
    if isinstance(value, dict):
        yield from value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _keys(part)


def _text(slot: Slot, steps: Steps) -> str:
    head = "# What a model did for these words. It is played as long as it comes off, and may be deleted.\n"
    named = [f"{name}: {on_a_line(value)}\n" for name, value in slot._asdict().items()]
    return "".join([head, *named, "steps:\n", *(f"  - {on_a_line(step)}\n" for step in steps)])
