"""Kept worlds: the contract, numbers, leases, and what a crash costs."""

import asyncio
import os
from pathlib import Path

import pytest

from env.base import Shots
from env.conformance import check_environment
from env.folder import base
from env.kept import KeptEnvironment
from env.settle import until
from env.setup import Launch, PutFile, Run
from tests.env.worlds import CHANGES, KINDS, OUTSIDE, SETUPS, kill, make
from tools.actions import Key, LeftClick, Terminate, Type
from tools.errors import EnvError, ScenarioError
from tools.geometry import Box


@pytest.mark.desktop
@pytest.mark.browser
@pytest.mark.parametrize("times", [1, pytest.param(3, marks=pytest.mark.soak)])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_world_keeps_the_contract(kind: str, times: int, tmp_path: Path) -> None:
    for _ in range(times):
        await check_environment(lambda: make(kind), tmp_path, setup=SETUPS[kind], change=CHANGES[kind], outside=OUTSIDE)


@pytest.mark.desktop
async def test_text_typed_into_the_editor_is_in_the_file_that_it_saves(tmp_path: Path) -> None:
    text = "Hello, Wörld! 中文 ~|{}<>\"'\\ 0:9"
    world = make("desktop")
    try:
        await world.reset(SETUPS["desktop"], seed=0)
        await world.observe(Shots(tmp_path))
        assert (await world.execute(1, Key(keys=("ctrl", "a")))).ok
        assert (await world.execute(2, Type(text=text))).ok
        assert (await world.execute(3, Key(keys=("ctrl", "s")))).ok
        await world.observe(Shots(tmp_path))
        assert (await world.probe().read("Documents/note.txt")).decode().rstrip("\n") == text
    finally:
        await world.close()


@pytest.mark.browser
@pytest.mark.parametrize("kind", ["browser", "kiosk"])
async def test_a_form_is_filled_in_and_sent(kind: str, tmp_path: Path) -> None:
    world = make(kind)
    try:
        await world.reset(SETUPS[kind], seed=0)
        probe = world.probe()
        shots = Shots(tmp_path)
        seen = await world.observe(shots)
        assert seen.settled
        assert seen.url == "http://site.test/"
        (field,) = await probe.elements(role="textbox", name="Name")
        (button,) = await probe.elements(role="button", name="Send")
        await world.execute(1, LeftClick(bbox_2d=Box.from_rect(field.rect, seen.size)))
        await world.execute(2, Type(text="Grace"))
        await world.execute(3, LeftClick(bbox_2d=Box.from_rect(button.rect, seen.size)))
        await world.observe(shots)
        assert [(p.path, p.body) for p in await probe.posted()] == [("/api/name", {"name": "Grace"})]
        assert [e.text for e in await probe.elements(css="#hello")] == ["Hello Ada"]
    finally:
        await world.close()


@pytest.mark.browser
async def test_a_number_is_done_once_and_remembered_by_the_keeper(tmp_path: Path) -> None:
    world = make("browser")
    try:
        await world.reset(SETUPS["browser"], seed=0)
        (field,) = await world.probe().elements(css="#name")
        await world.execute(1, LeftClick(bbox_2d=Box.from_rect(field.rect, world.spec.size)))
        first = await world.execute(2, Type(text="a"))
        assert world.folder is not None
        other = KeptEnvironment(world.spec, world.folder)
        again = await other.execute(2, Type(text="a"))
        assert again == first
        assert (await other.execute(3, Terminate(status="success"))).ok
        assert not (await other.execute(0, Type(text="late"))).ok
        assert [e.value for e in await other.probe().elements(css="#name")] == ["a"]
        await other.close()
    finally:
        await world.close()


async def gone(path: Path) -> bool:
    """Waits until the folder of a world is removed."""

    async def removed() -> bool | None:
        return None if await asyncio.to_thread(path.exists) else True

    return await until(removed, 20.0, f"the end of {path}")


@pytest.mark.browser
async def test_a_keeper_that_nobody_asks_ends_its_world() -> None:
    world = make("browser")
    world.spec = world.spec.model_copy(update={"lease": 1.0})
    await world.reset([], seed=0)
    assert world.folder is not None
    await world.abandon()
    assert await gone(world.folder)
    await world.close()


@pytest.mark.browser
async def test_a_world_in_use_outlives_its_lease() -> None:
    world = make("browser")
    world.spec = world.spec.model_copy(update={"lease": 1.0})
    try:
        await world.reset([], seed=0)
        await asyncio.sleep(0.4 * 6)
        assert await world.probe().page() is not None
    finally:
        await world.close()


def inside(world: KeptEnvironment, name: str) -> list[int]:
    """Host numbers of the world's processes whose command contains `name`."""
    assert world.folder is not None
    number = int(world.folder.name)
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                uid = entry.stat().st_uid
                command = (entry / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if uid == 61000 + number and name in command:
                found.append(int(entry.name))
    return found


needs_root = pytest.mark.skipif(os.getuid() != 0, reason="finds the processes of a world by the user it runs as")


@needs_root
@pytest.mark.desktop
@pytest.mark.parametrize(
    ("victim", "kind"),
    [("Xvfb", "desktop"), ("mousepad", "desktop"), ("pid1.py", "desktop"), ("--headless", "browser")],
)
async def test_a_world_that_dies_is_an_env_error_and_can_be_reset(victim: str, kind: str, tmp_path: Path) -> None:
    world = make(kind)
    try:
        await world.reset(SETUPS[kind], seed=0)
        await world.observe(Shots(tmp_path))
        kill(inside(world, victim))
        with pytest.raises(EnvError):
            await until_error(world, tmp_path)
        await world.reset(SETUPS[kind], seed=0)
        assert (await world.observe(Shots(tmp_path))).settled
    finally:
        await world.close()


async def until_error(world: KeptEnvironment, tmp_path: Path) -> None:
    """The death of a process takes a moment to show."""
    for number in range(1, 50):
        await world.observe(Shots(tmp_path))
        await world.execute(number, Key(keys=("shift",)))


@pytest.mark.browser
async def test_a_killed_keeper_is_an_env_error_and_leaves_nothing_running(tmp_path: Path) -> None:
    world = make("browser")
    try:
        await world.reset(SETUPS["browser"], seed=0)
        world.kill()
        with pytest.raises(EnvError, match="keeper is gone"):
            await world.observe(Shots(tmp_path))

        async def nothing_runs() -> bool | None:
            return True if inside(world, "") == [] else None

        assert await until(nothing_runs, 20.0, "the end of everything inside")
        await world.reset(SETUPS["browser"], seed=0)
        assert (await world.observe(Shots(tmp_path))).settled
    finally:
        await world.close()


@pytest.mark.desktop
@pytest.mark.parametrize(
    ("step", "why"),
    [
        (Launch(command=("no-such-program",), window="x"), "no-such-program"),
        (Run(command=("false",)), "exit status 1"),
        (Run(command=("sleep", "60"), timeout=0.2), "not done within"),
        (PutFile(path="../out.txt", text="x"), "not a path below HOME"),
        (PutFile(path="a.txt"), "give text, rows, paragraphs or a picture"),
    ],
)
async def test_a_setup_step_at_fault_is_a_scenario_error(step: Launch | Run | PutFile, why: str) -> None:
    world = make("desktop")
    try:
        with pytest.raises(ScenarioError, match=why):
            await world.reset([step], seed=0)
    finally:
        await world.close()


async def test_nothing_is_left_behind_by_a_closed_world() -> None:
    world = make("browser")
    await world.reset([], seed=0)
    folder = world.folder
    assert folder is not None
    assert folder.parent == base()
    await world.close()
    await world.close()
    assert await gone(folder)
    with pytest.raises(EnvError, match="not open"):
        await world.probe().page()


@needs_root
@pytest.mark.desktop
async def test_where_namespaces_are_refused_a_separate_user_must_do_and_the_world_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUREHAND_ISOLATION", "uid")
    world = make("desktop")
    try:
        await world.reset(SETUPS["desktop"], seed=0)
        assert (await world.observe(Shots(tmp_path))).settled
        assert "separate user only" in world.description["isolation"]
        assert await world.probe().read("Documents/note.txt") == b"one\n"
    finally:
        await world.close()
        assert world.folder is not None
    assert inside(world, "") == []
