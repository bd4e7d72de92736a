"""The scripted world keeps the contract, and the contract finds what breaks it."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from env.base import Observation, Shots
from env.conformance import Violation, check_environment
from env.scripted import ScriptedProbe, ScriptedWorld
from env.setup import PutFile, SetupStep
from tests.agent.desk import APP, CLICK_NOTE, CLICK_SAVE
from tools.actions import BrowserAction, ComputerAction, Goto, Outcome, Type
from tools.errors import EnvError
from tools.geometry import Size

SETUP = [PutFile(path="a.txt", text="a")]
CHANGE: list[ComputerAction] = [CLICK_NOTE, Type(text="milk"), CLICK_SAVE]
WRITE = CHANGE[:2]


@pytest.mark.parametrize("change", [CHANGE, WRITE, []])
async def test_the_scripted_world_conforms(tmp_path: Path, change: Sequence[ComputerAction | BrowserAction]) -> None:
    await check_environment(lambda: ScriptedWorld(APP), tmp_path, setup=SETUP, change=change)


async def test_a_picture_that_never_rests_needs_a_comparison_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(Violation, match="probe_only_looks: the picture changed"):
        await check_environment(lambda: ScriptedWorld(APP, restless=True), tmp_path)
    await check_environment(lambda: ScriptedWorld(APP, restless=True), tmp_path, alike=lambda one, other: True)


class Forgets(ScriptedWorld):
    """Does every number again."""

    async def execute(self, number: int, action: ComputerAction | BrowserAction) -> Outcome:
        self.state().outcomes.clear()
        self.state().last = 0
        return await super().execute(number, action)


class Remembers(ScriptedWorld):
    """Keeps its files over a reset."""

    async def reset(self, setup: Sequence[SetupStep], seed: int) -> None:
        files = self._state.files if self._state else {}
        await super().reset(setup, seed)
        self.state().files.update(files)


class Raises(ScriptedWorld):
    """Raises where it should refuse."""

    async def execute(self, number: int, action: ComputerAction | BrowserAction) -> Outcome:
        if isinstance(action, Goto):
            raise EnvError("no such page")
        return await super().execute(number, action)


class Scales(ScriptedWorld):
    """Tells another size than its picture has."""

    async def observe(self, shots: Shots) -> Observation:
        seen = await super().observe(shots)
        return seen.model_copy(update={"size": Size(1280, 800)})


class Lingers(ScriptedWorld):
    """Answers after its end."""

    async def close(self) -> None:
        pass


class LeakyProbe(ScriptedProbe):
    """Reads any file of the machine."""

    async def read(self, path: str) -> bytes:
        return Path(path).read_bytes()  # noqa: ASYNC240


class Leaks(ScriptedWorld):
    """Lets paths out of HOME, and typing into the screen while it is asked for facts."""

    def probe(self) -> ScriptedProbe:
        self.state().looks += 1
        return LeakyProbe(self)


@pytest.mark.parametrize(
    ("world", "message"),
    [
        (
            Forgets,
            r"number_is_done_once: the same numbers changed the picture twice; most likely actions",
        ),
        (Forgets, r"numbers_grow: action 3 was done after action 5"),
        (Remembers, r"reset_clears: after a reset HOME differs by \['note.txt'\]"),
        (Scales, r"picture_has_the_size: .*device pixel ratio"),
        (Lingers, r"close_ends_it: observe answered after close"),
        (Leaks, r"paths_stay_in_home: read\('.*/etc/passwd'\) gave \d+ bytes"),
        (Leaks, r"probe_only_looks: the picture changed when facts were asked for"),
    ],
)
async def test_what_breaks_the_contract_is_named(tmp_path: Path, world: type[ScriptedWorld], message: str) -> None:
    change = CHANGE if world is Remembers else WRITE
    with pytest.raises(Violation, match=message):
        await check_environment(lambda: world(APP), tmp_path, setup=SETUP, change=change)


async def test_an_execute_that_raises_comes_through_with_a_note(tmp_path: Path) -> None:
    with pytest.raises(EnvError) as caught:
        await check_environment(lambda: Raises(APP), tmp_path)
    assert "execute must not raise for Goto" in caught.value.__notes__[0]
    assert "while checking: Execute never raises" in caught.value.__notes__[1]


async def test_actions_that_change_nothing_prove_nothing(tmp_path: Path) -> None:
    with pytest.raises(Violation, match="number_is_done_once: the actions of `change` did not change the picture"):
        await check_environment(lambda: ScriptedWorld(APP), tmp_path, change=[Type(text="nowhere")])
