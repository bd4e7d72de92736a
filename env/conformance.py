"""The contract of an Environment as code: run on every world there is, and on yours.

Such as this: `await check_environment(lambda: MyWorld(), folder, change=[LeftClick(...), Type(text="abc")])`.
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from env.base import Environment, Observation, Shots
from env.setup import SetupStep
from tools.actions import (
    Answer,
    Back,
    BrowserAction,
    ComputerAction,
    DoubleClick,
    Goto,
    HScroll,
    Key,
    LeftClick,
    LeftClickDrag,
    MiddleClick,
    MouseMove,
    NewTab,
    Outcome,
    RightClick,
    Scroll,
    SwitchTab,
    Terminate,
    TripleClick,
    Type,
    Wait,
)  # fmt: skip
from tools.errors import EnvError
from tools.geometry import Box, GridPoint, Point
from tools.png import size_of

_FIRST, _LAST, _MIDDLE = GridPoint(0, 0), GridPoint(1000, 1000), GridPoint(500, 500)

ONE_OF_EACH: tuple[ComputerAction | BrowserAction, ...] = (
    MouseMove(coordinate=_FIRST), LeftClick(coordinate=_FIRST), MouseMove(coordinate=_LAST),
    RightClick(coordinate=_MIDDLE), LeftClick(bbox_2d=Box(x1=0, y1=0, x2=1000, y2=1000)),
    LeftClick(bbox_2d=Box(x1=500, y1=500, x2=500, y2=500)),
    DoubleClick(coordinate=_MIDDLE), TripleClick(coordinate=_MIDDLE), MiddleClick(coordinate=_LAST),
    LeftClick(coordinate=_LAST), Key(keys=("escape",)), LeftClickDrag(coordinate=_MIDDLE),
    LeftClickDrag(coordinate=_FIRST, coordinate2=_LAST), Scroll(pixels=-300), Scroll(coordinate=_MIDDLE, pixels=1e6),
    Scroll(pixels=0), HScroll(pixels=120), HScroll(coordinate=_LAST, pixels=-0.5), Type(text=""), Type(text="a"),
    Type(text="ä 中 😀\t\n\x00"), Key(keys=("shift",)), Key(keys=("no_such_key",)), Key(keys=("ctrl", "")),
    Wait(time=0), Goto(url="http://site.test/no-such-page"), Goto(url="not an address"), Back(), NewTab(),
    NewTab(url="about:blank"), SwitchTab(tab=0), SwitchTab(tab=99), Answer(text=""), Terminate(status="success"),
)  # fmt: skip
"""Valid actions, among them those at the edges of what is valid; the worlds must survive them all."""

_OUTSIDE = ("../../etc/passwd", "/etc/passwd", "..", ".", "", "no/such/file")


class Violation(AssertionError):
    """A world that breaks the contract: what is wrong, and what it most likely comes from."""


@dataclass(frozen=True, slots=True)
class _Case:
    """One world under check, and how to use it."""

    env: Environment
    shots: Shots
    setup: Sequence[SetupStep]
    seed: int
    change: Sequence[ComputerAction | BrowserAction]
    outside: Sequence[str]
    alike: Callable[[Observation, Observation], bool]

    async def fresh(self) -> Observation:
        await self.env.reset(self.setup, self.seed)
        return await self.env.observe(self.shots)

    async def do_all(self) -> list[Outcome]:
        return [await self.env.execute(number, action) for number, action in enumerate(self.change, start=1)]


def _same_picture(one: Observation, other: Observation) -> bool:
    return one.sha256 == other.sha256


async def check_environment(
    make: Callable[[], Environment], folder: Path, *, setup: Sequence[SetupStep] = (), seed: int = 7,
    change: Sequence[ComputerAction | BrowserAction] = (), outside: Sequence[str] = (),
    alike: Callable[[Observation, Observation], bool] = _same_picture,
) -> None:  # fmt: skip
    """Checks one world from its first reset to after its end. Raises Violation with everything that is wrong.

    `setup` goes before every check. `change` are actions that then change the picture; the checks of numbers and of
    reset prove little without them. `outside` are further paths that `setup` laid in HOME and that lead out of it, such
    as links. `alike` compares two pictures that should be the same; the default wants every pixel. An error that is no
    Violation comes through with a note on what was being checked.
    """
    env = make()
    case = _Case(env, Shots(folder), setup, seed, change, (*_OUTSIDE, *outside), alike)
    wrong = []
    try:
        for check in CHECKS:
            try:
                with _Noted(f"while checking: {check.__doc__}"):
                    await check(case)
            except Violation as violation:
                wrong.append(f"{check.__name__.strip('_')}: {violation}")
    finally:
        await env.close()
    if wrong:
        raise Violation("\n".join(wrong))


class _Noted:
    """Tells an error on its way out what was going on."""

    def __init__(self, note: str) -> None:
        self._note = note

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if error is not None:
            error.add_note(self._note)


def _want(fulfilled: bool, wrong: str, *, likely: str) -> None:
    if not fulfilled:
        raise Violation(f"{wrong}; most likely {likely}")


async def _reset_is_repeatable(case: _Case) -> None:
    """The same setup and seed give the same first picture."""
    first, second = await case.fresh(), await case.fresh()
    _want(
        case.alike(first, second), f"two resets gave {first.path} and {second.path}",
        likely="something random or the time is on the screen, or reset leaves something of the last world behind",
    )  # fmt: skip


async def _picture_has_the_size(case: _Case) -> None:
    """An observation tells the size of its picture, which is the size of the screen."""
    seen = await case.fresh()
    drawn = size_of(seen.path.read_bytes())
    _want(drawn == seen.size, f"the picture has {drawn}, the observation says {seen.size}",
          likely="the picture is scaled (a device pixel ratio) and clicks will miss")  # fmt: skip
    size = await case.env.probe().size()
    _want(size == seen.size, f"the probe says {size}, the observation {seen.size}",
          likely="the screen was resized and one of them remembers the old size")  # fmt: skip


async def _picture_lies_under_its_hash(case: _Case) -> None:
    """A picture is stored under the hash of its bytes."""
    seen = await case.fresh()
    digest = hashlib.sha256(seen.path.read_bytes()).hexdigest()
    _want(seen.path == case.shots.folder / f"{digest}.png" and seen.sha256 == digest,
          f"{seen.path} holds a picture with hash {digest}, the observation says {seen.sha256}",
          likely="observe does not store with Shots.put")  # fmt: skip


async def _words_fit_the_picture(case: _Case) -> None:
    """What an observation says in words, where it does, is on the screen, and said again at the next look."""
    seen = await case.fresh()
    empty = [item for item in seen.items if not item.role or item.box.x1 >= item.box.x2 or item.box.y1 >= item.box.y2]
    _want(not empty, f"these have no role or no extent: {empty}", likely="what cannot be seen is not left out")
    again = await case.env.observe(case.shots)
    _want(seen.items == again.items, f"two looks named {seen.items} and then {again.items}",
          likely="the items are read while the screen changes, or in no fixed order")  # fmt: skip
    if seen.marked:
        picture = seen.marked.path.read_bytes()
        _want(hashlib.sha256(picture).hexdigest() == seen.marked.sha256 and size_of(picture) == seen.size,
              f"{seen.marked.path} is not a picture of {seen.size} with hash {seen.marked.sha256}",
              likely="the picture with numbers is not stored with Shots.put")  # fmt: skip


async def _every_action_has_an_outcome(case: _Case) -> None:
    """Execute never raises for a valid action."""
    await case.fresh()
    for number, action in enumerate(ONE_OF_EACH, start=1):
        with _Noted(f"execute must not raise for {action!r}: what cannot be done is an Outcome(ok=False)"):
            outcome = await case.env.execute(number, action)
        _want(isinstance(outcome, Outcome), f"{action!r} gave {outcome!r}", likely="a branch forgets its return")
    await case.env.observe(case.shots)


async def _outcome_tells_the_point(case: _Case) -> None:
    """The outcome of a click holds the pixel that was clicked, within the screen."""
    size = (await case.fresh()).size
    outcome = await case.env.execute(1, LeftClick(coordinate=_LAST))
    corner = Point(size.width - 1, size.height - 1)
    _want(outcome.ok and outcome.point == corner, f"a click at (1000, 1000) gave {outcome!r}, not the point {corner}",
          likely="the grid is converted by something else than tools.geometry.to_pixel")  # fmt: skip


async def _number_is_done_once(case: _Case) -> None:
    """A number that was seen is not done again, its outcome is told again."""
    first = await case.fresh()
    outcomes = await case.do_all()
    changed = await case.env.observe(case.shots)
    _want(not case.change or not case.alike(first, changed), "the actions of `change` did not change the picture",
          likely="they miss their target, or the picture is taken before the world has drawn")  # fmt: skip
    again = await case.do_all()
    _want(outcomes == again, f"the same numbers gave first {outcomes}, then {again}",
          likely="outcomes are not recorded by number")  # fmt: skip
    after = await case.env.observe(case.shots)
    _want(case.alike(changed, after), "the same numbers changed the picture twice", likely="actions were done again")


async def _numbers_grow(case: _Case) -> None:
    """A number lower than the last that was not seen itself is refused."""
    await case.fresh()
    await case.env.execute(5, Wait(time=0))
    outcome = await case.env.execute(3, Wait(time=0))
    _want(not outcome.ok, "action 3 was done after action 5",
          likely="execute does not compare with the highest number: it may be late, and done already")  # fmt: skip


async def _probe_only_looks(case: _Case) -> None:
    """Asking for facts changes nothing."""
    before = await case.fresh()
    probe = case.env.probe()
    await probe.glob("*")
    await probe.elements(role="button")
    asks: tuple[Callable[[], Awaitable[object]], ...] = (
        probe.windows, probe.processes, probe.page, probe.a11y, probe.clipboard, probe.posted, probe.screen_text,
        probe.picture,
    )  # fmt: skip
    for ask in asks:
        await ask()
    after = await case.env.observe(case.shots)
    _want(case.alike(before, after), "the picture changed when facts were asked for",
          likely="a fact is read by opening, focusing or scrolling something")  # fmt: skip


async def _paths_stay_in_home(case: _Case) -> None:
    """No path leads out of HOME."""
    await case.fresh()
    for path in case.outside:
        try:
            content = await case.env.probe().read(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise Violation(f"read({path!r}) raised {error!r}, not FileNotFoundError") from error
        _want(False, f"read({path!r}) gave {len(content)} bytes", likely="links or `..` are followed")


async def _reset_clears(case: _Case) -> None:
    """Nothing of the last task is left after a reset."""
    first = await case.fresh()
    files = await case.env.probe().glob("*")
    await case.do_all()
    again = await case.fresh()
    _want(case.alike(first, again), "after a reset the picture is another", likely="state outlives the reset")
    left = set(await case.env.probe().glob("*")) ^ set(files)
    _want(not left, f"after a reset HOME differs by {sorted(left)}", likely="HOME is not made anew")
    _want(not await case.env.probe().posted(), "after a reset `posted` is not empty", likely="the site outlives it")
    if case.change:
        outcome = await case.env.execute(1, Wait(time=0))
        _want(outcome.ok, "after a reset action 1 was refused", likely="reset does not begin the numbers anew")


async def _close_ends_it(case: _Case) -> None:
    """Close may be called twice, and a closed world answers with EnvError."""
    await case.env.close()
    await case.env.close()
    uses: dict[str, Callable[[], Awaitable[object]]] = {
        "observe": lambda: case.env.observe(case.shots),
        "execute": lambda: case.env.execute(1, Wait(time=0)),
        "read": lambda: case.env.probe().read("file"),
        "posted": lambda: case.env.probe().posted(),
    }
    for name, use in uses.items():
        try:
            await use()
        except EnvError:
            continue
        _want(False, f"{name} answered after close", likely="it does not ask whether the world is open")


CHECKS: tuple[Callable[[_Case], Awaitable[None]], ...] = (
    _reset_clears,  # first, while nothing can be left from another check
    _reset_is_repeatable,
    _picture_has_the_size,
    _picture_lies_under_its_hash,
    _words_fit_the_picture,
    _every_action_has_an_outcome,
    _outcome_tells_the_point,
    _number_is_done_once,
    _numbers_grow,
    _probe_only_looks,
    _paths_stay_in_home,
    _close_ends_it,
)
