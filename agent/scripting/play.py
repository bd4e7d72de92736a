"""Plays the steps of a test in a world: finds, acts, expects; stops at the first step that does not come off.

A model is asked only where words stand for a thing or a step, and nothing is guessed: a thing is acted on where its
locator finds it at the same place twice, and a step whose thing does not appear in time says what was there instead.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from agent.scripting.cache import Cache, Watched
from agent.scripting.expect import Expect
from agent.scripting.extract import Unfit, converted
from agent.scripting.language import Do, Extract, Repeat, Wanted, When, listed, read_step
from agent.scripting.minds import NO_MODEL, Asking, Healer, Lost, Mind, Told
from agent.scripting.results import ANOTHER_WAY, Played
from env.base import Environment, Observation, Shots
from env.settle import pause
from scenarios.draw import Loc, TemplateFault
from scenarios.locate import Found, Locator, closest, is_further_down, locate, texts
from scenarios.oracle import Step, WaitFor, WaitGone, scroll_down
from scenarios.schema import shown
from tools.actions import BrowserAction, ComputerAction, Outcome
from tools.errors import ScenarioError
from tools.geometry import Box, Size

READ_AFTER = 2.0
"""Seconds after which a page's text is also looked for by OCR (what is painted is in no element), and pictures."""
_POLL = 0.02
_MOST_SCROLLS = 20


@dataclass(slots=True)
class Stage:
    """What the steps of a test are played with. `names` and `done` grow; `where` gives the line of a place.

    Pictures that steps name lie in `folder`.
    """

    world: Environment
    shots: Shots
    names: dict[str, Any]
    patience: float
    where: Callable[[Loc], int]
    mind: Mind | None = None
    healer: Healer | None = None
    cache: Cache | None = None
    settles: bool = True
    pictures: bool = False
    on_step: Callable[[Played], None] = lambda step: None
    clock: Callable[[], float] = time.monotonic
    folder: Path = Path()
    done: list[Played] = field(default_factory=list)
    number: int = 1


class _Aim(NamedTuple):
    """Where the targets of a step are, and what is worth knowing of how they were found; or only why they were not."""

    found: list[Found] | None
    why: str = ""
    run: Path | None = None


class Player:
    """Plays steps on a stage."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self._probe = stage, stage.world.probe()
        self._asking = Asking(stage.mind, stage.world, stage.shots, stage.clock)
        self._seen: Observation | None = None

    async def play(self, raws: object, loc: Loc, first: int = 0) -> bool:
        """Plays steps as they stand in the file, up to the first that does not come off; whether there was none such.

        `first` is the number of the first of them in its list. Raises EnvError when the world breaks, ScenarioError
        for a step that can never work (a malformed selector).
        """
        for number, raw in enumerate(listed(raws, loc), start=first):
            if not await self._one(raw, (*loc, number)):
                return False
        return True

    async def _one(self, raw: object, loc: Loc) -> bool:
        stage, began = self._stage, self._stage.clock()
        try:
            words, step = read_step(raw, stage.names, loc)
        except TemplateFault as error:
            return self._note(str(raw), error.loc, began, Told(False, error.why))
        match step:
            case When():
                return await self._when(step, loc)
            case Repeat():
                return await self._repeat(step, words, loc)
        await self._look()
        match step:
            case Do():
                told = await self._do(step)
            case Expect():
                told = await self._expect(step)
            case Extract():
                told = await self._extract(step)
            case Step():
                told = await self._act(step, words, loc)
            case _:
                raise TypeError(f"a step of a test cannot be {type(step).__name__}")
        came_off = self._note(words, loc, began, told)
        await asyncio.sleep(0)  # a test that is to end after this step ends here
        return came_off

    def _note(self, words: str, loc: Loc, began: float, told: Told) -> bool:
        stage = self._stage
        played = Played(words=words, line=stage.where(loc), part=str(loc[0]), seen=self._seen,
                        seconds=round(stage.clock() - began, 4), **told._asdict())  # fmt: skip
        stage.done.append(played)
        stage.on_step(played)
        return told.ok

    async def _look(self) -> None:
        """Lets a desktop come to rest, where keys go to whatever has the focus by then; keeps the picture."""
        if self._stage.settles or self._stage.pictures:
            self._seen = await self._stage.world.observe(self._stage.shots)

    async def _when(self, step: When, loc: Loc) -> bool:
        holds = (await self._expect(step.test, step.test.within or 0.0)).ok
        branch = ("steps", step.steps) if holds else ("else", step.otherwise)
        return await self.play(branch[1], (*loc, "when", branch[0]))

    async def _repeat(self, step: Repeat, words: str, loc: Loc) -> bool:
        names, began = self._stage.names, self._stage.clock()
        hidden = {name: names[name] for name in ("round", step.name) if name in names}
        for number, inside in enumerate(step.rounds(), start=1):
            if step.test is not None and not (await self._expect(step.test, step.test.within or 0.0)).ok:
                break
            names.update(inside)
            if not await self.play(step.steps, (*loc, "repeat", "steps")):
                return False
            if step.test is not None and number == step.most and (await self._expect(step.test, 0.0)).ok:
                why = f"it still holds after {step.most} rounds; raise `most` where more may be needed"
                return self._note(words, loc, began, Told(False, why))
        for name in ("round", step.name):
            names.pop(name, None)
        names.update(hidden)
        return True

    async def _do(self, step: Do) -> Told:
        stage, cache, stale = self._stage, self._stage.cache, ""
        if stage.mind is None:
            return Told(False, NO_MODEL)
        slot = await cache.slot(step.words, stage.world, stage.shots) if cache else None
        if cache and slot and (steps := cache.steps(slot)) is not None:
            if not (stale := await self._again(steps)):
                return Told(True, "done again from the cache, without the model")
            cache.drop(slot)
        watched = Watched(stage.world) if cache else None
        told, stage.number = await stage.mind.do(step.words, watched or stage.world, stage.number)
        if stale:
            return told._replace(why="; ".join(filter(None, [f"the cache was stale: {stale}", told.why])))
        if cache and slot and watched and told.ok:
            cache.offer(slot, watched, told.run)
        return told

    async def _again(self, steps: Sequence[object]) -> str:
        """Plays what a model did before, as it stands; returns why it did not come off, if so."""
        alone = replace(self._stage, names={}, done=[], on_step=lambda step: None, mind=None, healer=None, cache=None)
        alone.where = lambda loc: 0
        try:
            held = await Player(alone).play(steps, ("cache",))
        except ScenarioError as error:  # a selector that no page takes any more
            return str(error)
        finally:
            self._stage.number = alone.number
        return "" if held else alone.done[-1].why

    async def _expect(self, step: Expect, within: float | None = None) -> Told:
        patience = within if within is not None else self._patience(step.within)
        if step.describe is not None:
            return await self._asking.judged(step.describe, patience)
        began = self._stage.clock()
        while True:
            waited = self._stage.clock() - began
            last = waited >= patience
            result = await step.judge(self._probe, read=last or waited >= READ_AFTER)
            if result.passed or last:
                return Told(result.passed, "" if result.passed else f"{result.why} ({_waited(patience)})")
            await pause(_POLL)

    def _patience(self, within: float | None) -> float:
        return self._stage.patience if within is None else within

    async def _extract(self, step: Extract) -> Told:
        values = {}
        for name, wanted in step.variables.items():
            try:
                values[name] = await self._read(wanted)
            except Unfit as error:
                return Told(False, f"{name}: {error}")
        self._stage.names.update(values)
        return Told(True, ", ".join(f"{name} = {shown(value)}" for name, value in values.items()))

    async def _read(self, wanted: Wanted) -> object:
        """The value, once there is one that fits. Raises Unfit when there is none in time."""
        end = self._stage.clock() + self._stage.patience
        while True:
            found = await texts(wanted, self._probe)
            try:
                return converted(found, wanted)
            except Unfit as error:
                if self._stage.clock() >= end:
                    raise Unfit(f"{error} ({_waited(self._stage.patience)})") from None
            await pause(_POLL)

    async def _act(self, step: Step, words: str, loc: Loc) -> Told:
        pointed, place = Told(True), (*loc, words.partition(":")[0])
        for part in step.parts():
            losses = [Lost(one, words, (*place, *step.place_of(one))) for one in part.targets()]
            told = await self._gone(part) if isinstance(part, WaitGone) else await self._part(part, losses)
            if not told.ok:
                return told
            if pointed.target is None:  # what a report marks is where the step began
                pointed = told
        return pointed

    async def _part(self, step: Step, losses: Sequence[Lost]) -> Told:
        """One action: what it needs is looked for, and then it is done. `losses` tell its targets to a healer."""
        size = await self._probe.size()
        aim = await self._aim(step, losses, size)
        if aim.found is None:
            return Told(False, aim.why, run=aim.run)
        target = aim.found[0].rect if aim.found else None
        if (intent := step.intent(aim.found, size)) is None:
            return Told(True, aim.why, target, run=aim.run)
        outcome = await self._do_once(intent.action)
        return Told(outcome.ok, aim.why if outcome.ok else outcome.note, target, outcome.point, aim.run)

    async def _aim(self, step: Step, losses: Sequence[Lost], size: Size) -> "_Aim":
        targets, run = list(step.targets()), None
        for number, target in enumerate(targets):
            if target.only_described:
                rect, why, run = await self._asking.pointed(target.label, self._stage.patience)
                if rect is None:
                    return _Aim(None, f"{target.label}: {why}", run)
                targets[number] = Locator(box=Box.from_rect(rect, size), describe=target.describe)
        found = await self._find(targets, size)
        if not isinstance(found, str):
            ways = [_held(target, one) for target, one in zip(targets, found, strict=True) if one.way]
            return _Aim(found, "; ".join(ways), run)
        healer = self._stage.healer
        if healer is None or isinstance(step, WaitFor):  # what is waited for is expected: that is never mended
            return _Aim(None, found)
        return await self._healed(losses, healer, size, found)

    async def _healed(self, losses: Sequence[Lost], healer: Healer, size: Size, why: str) -> "_Aim":
        targets, notes, run = [], [], None
        for lost in losses:
            thing = lost.thing
            if await self._locate(thing) is None:
                healed = await healer.heal(lost, self._stage.world)
                if healed.thing is None:
                    return _Aim(None, f"{why}; {healed.why}", healed.run)
                thing, run = healed.thing, healed.run
                notes.append(f"found again by the model: {thing.label}, not {lost.thing.label}")
            targets.append(thing)
        found = await self._find(targets, size)
        return _Aim(None, found, run) if isinstance(found, str) else _Aim(found, "; ".join(notes), run)

    async def _do_once(self, action: ComputerAction | BrowserAction) -> Outcome:
        self._stage.number += 1
        return await self._stage.world.execute(self._stage.number - 1, action)

    async def _find(self, targets: Sequence[Locator], size: Size) -> list[Found] | str:
        """Where the targets are, each at the same place twice in a row; or why they cannot be acted on."""
        began, scrolls, before = self._stage.clock(), 0, None
        read_after = min(READ_AFTER, self._stage.patience / 2)
        while True:
            waited = self._stage.clock() - began
            found = [await self._locate(one, read=waited >= read_after) for one in targets]
            absent = next((one for one, place in zip(targets, found, strict=True) if place is None), None)
            there = [place for place in found if place is not None]
            if absent is None and (there == before or all(one.box for one in targets)):
                return there
            before = there if absent is None else None
            if absent is not None and scrolls < _MOST_SCROLLS and await is_further_down(absent, self._probe):
                scrolls += 1
                await self._do_once(scroll_down(absent, size).action)
            elif waited >= self._stage.patience:
                return await self._missing(absent, waited)
            await pause(_POLL)

    async def _locate(self, thing: Locator, *, read: bool = True) -> Found | None:
        return await locate(thing, self._probe, read=read, folder=self._stage.folder)

    async def _missing(self, absent: Locator | None, waited: float) -> str:
        if absent is None:
            return f"it kept moving ({_waited(waited)})"
        if absent.others and (count := len(await texts(absent, self._probe))) > 1:
            return f"{absent.label} is there {count} times ({_waited(waited)}), and no other way leads to one of them"
        there = ", ".join(map(shown, await closest(absent, self._probe))) or "nothing of the kind"
        return f"{absent.label} is not there ({_waited(waited)}); there is {there}"

    async def _gone(self, step: WaitGone) -> Told:
        began = self._stage.clock()
        while await self._locate(step, read=False) is not None:
            if self._stage.clock() - began >= self._stage.patience:
                return Told(False, f"{step.label} is still there ({_waited(self._stage.patience)})")
            await pause(_POLL)
        return Told(True)


def _waited(seconds: float) -> str:
    return f"waited {seconds:.3g} s" if seconds else "looked once"


def _held(target: Locator, found: Found) -> str:
    """Which of the other ways to a thing led to it."""
    way = target.others[found.way - 1]
    return f"{ANOTHER_WAY}by {way.label}, not by {target.label}"
