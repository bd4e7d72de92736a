"""An input and a picture, by OSWorld's own client and by surehand, in turn on the same desktops.

OSWorld's side is the controller of desktop-env 1.0.2, unmodified, as its `step` uses it. The server that its virtual
machines have inside is not in that package; env/osworld/server.py answers here, which takes the picture faster than the
original (no file, no second program), and starts a Python with pyautogui for each action, as the contract has it.
"""

import contextlib
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

from rich.table import Table

from env.kept import KeptEnvironment
from env.osworld.client import NAMES
from env.settle import QUIET
from env.setup import Launch, Osworld, PutFile
from env.world import WorldSpec
from tests.bench.timing import Sample, milliseconds, p50, table
from tools.actions import ComputerAction, Key, LeftClick, Type
from tools.geometry import GridPoint, Size

_SIZE = Size(1920, 1080)  # OSWorld's own
_TASK: dict[str, Any] = {"id": "bench", "instruction": "", "config": [], "evaluator": {"func": "infeasible"}}
_EDITOR = Launch(command=("mousepad", "note.txt"), window="note.txt")
_WRITE, _ERASE = (
    ("pyautogui.typewrite('surehand')", Type(text="surehand")),
    ("pyautogui.press('backspace')", Key(keys=("backspace",))),
)
_TURNS: tuple[tuple[str, ComputerAction], ...] = (
    ("pyautogui.click(576, 324)", LeftClick(coordinate=GridPoint(300, 300))),
    _WRITE,
    _ERASE,
    ("pyautogui.click(768, 432)", LeftClick(coordinate=GridPoint(400, 400))),
    _WRITE,
    _ERASE,
)
"""The same clicks, text and key on both sides; surehand would keep two clicks on one place from being a double one."""
_STEP_PAUSE = 2.0
"""What DesktopEnv.step waits by default before it looks."""

Call = list[Any]


class _Desk:
    """A desktop that OSWorld's client has set up; `number` counts the actions that its keeper has seen."""

    def __init__(self, quiet: float) -> None:
        self.world = KeptEnvironment(WorldSpec(kind="desktop", size=_SIZE, quiet=quiet))
        self._number = 0

    async def open(self) -> None:
        await self.world.reset([PutFile(path="note.txt", text="one\n"), Osworld(task=_TASK), _EDITOR], seed=0)

    async def ours(self, turns: int) -> tuple[float, Sample]:
        """Seconds for each pair of action and picture, and what of it was spent waiting for the screen to rest."""
        began, waited = time.perf_counter(), []
        for turn in range(turns):
            self._number += 1
            outcome = await self.world.execute(self._number, _TURNS[turn % len(_TURNS)][1])
            assert outcome.ok, outcome.note
            _, about = await self.world.look()
            waited.append(float(about["waited"]))
        return (time.perf_counter() - began) / turns, waited

    async def theirs(self, turns: int, kind: "_Row", pause: float) -> float:
        """The same for OSWorld's client, less what an order to it takes that calls nothing."""
        calls = [call for turn in range(turns) for call in kind.calls(_TURNS[turn % len(_TURNS)][0], pause)]
        return (await self._asked(calls) - await self._asked([])) / turns

    async def _asked(self, calls: Sequence[Call]) -> float:
        began = time.perf_counter()
        said = await self.world.ask_client({"do": "call", "calls": calls})
        seconds = time.perf_counter() - began
        assert None not in [value for (_, method, _), value in zip(calls, said["values"], strict=True)
                            if method != "_sleep_setup"], "OSWorld's client was refused something"  # fmt: skip
        return seconds


class _Row(NamedTuple):
    """A row of the table, and what OSWorld's client is told for one step."""

    name: str
    quiet: float
    turns: int
    target: str
    paused: bool = True
    tree: bool = False

    def calls(self, command: str, pause: float) -> list[Call]:
        """DesktopEnv.step and its _get_obs, call by call: bytes in what `step` returns cannot be told as JSON."""
        command = command if self.paused else f"pyautogui.PAUSE = 0; {command}"
        made: list[Call] = [["controller", "execute_python_command", {"command": command}]]
        made += [["setup_controller", "_sleep_setup", {"seconds": pause}]] if pause else []
        made += [["controller", "get_screenshot", {}]]
        made += [["controller", "get_accessibility_tree", {}]] if self.tree else []
        return made


_NOBODY = _Row("nobody waits", 0.0, 6, "20", paused=False)
_DEFAULTS = _Row("defaults: step(pause=2), with the accessibility tree", QUIET, 6, "", tree=True)
_MATCHED = _Row("OSWorld pauses as long as surehand waits", QUIET, 6, "")


async def osworld(rounds: int = 8) -> Table:
    """Rounds of both sides in turn. Without .venv-osworld one line says why there is nothing to compare."""
    made = table(
        f"An action and a picture at {_SIZE.width}x{_SIZE.height}: OSWorld's client, median of {rounds} rounds (ms)",
        "waiting", "by", "ms", "range", "pairs/s", "surehand is", "target",
    )  # fmt: skip
    if not NAMES.is_file():
        made.caption = "no .venv-osworld: `bash docker/setup-osworld.sh` makes it"
        return made
    async with _desk(0.0) as desk:
        await _compare(made, desk, _NOBODY, 0.0, rounds)
    async with _desk(QUIET) as desk:
        waited = await _compare(made, desk, _DEFAULTS, _STEP_PAUSE, max(rounds // 3, 1))
        await _compare(made, desk, _MATCHED, statistics.median(waited), rounds)
    return made


@contextlib.asynccontextmanager
async def _desk(quiet: float) -> AsyncIterator[_Desk]:
    desk = _Desk(quiet)
    try:
        await desk.open()
        yield desk
    finally:
        await desk.world.close()


async def _compare(made: Table, desk: _Desk, row: _Row, pause: float, rounds: int) -> Sample:
    """Adds two rows; what surehand waited."""
    await desk.ours(1)
    await desk.theirs(1, row, 0.0)
    ours: Sample = []
    theirs: Sample = []
    waits: Sample = []
    for _ in range(rounds):
        seconds, waited = await desk.ours(row.turns)
        ours.append(seconds)
        waits += waited
        theirs.append(await desk.theirs(row.turns, row, pause))
    for name, found in (("surehand", ours), ("OSWorld", theirs)):
        spread = f"{milliseconds(min(found))}–{milliseconds(max(found))}"
        ratio = "" if found is ours else f"{p50(theirs) / p50(ours):.1f}x"
        made.add_row(
            row.name if found is ours else f"  (pause {pause:.2f} s)", name, milliseconds(p50(found)), spread,
            f"{1 / p50(found):.1f}", ratio, row.target if ratio else "",
        )  # fmt: skip
    return waits
