"""Which Chromium is taken: the configured one, the headless shell where nobody sees it, else what is there."""

from pathlib import Path

import pytest

from env.world import find_chromium


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("chromium", "chromium-headless-shell", "mine"):
        (tmp_path / name).touch(0o755)
    return tmp_path


def test_the_headless_shell_is_for_what_nobody_sees(programs: Path) -> None:
    assert find_chromium("", headless=True) == programs / "chromium-headless-shell"
    assert find_chromium("") == programs / "chromium"


def test_without_the_shell_any_chromium_is_headless_enough(programs: Path) -> None:
    (programs / "chromium-headless-shell").unlink()
    assert find_chromium("", headless=True) == programs / "chromium"


def test_what_is_configured_is_taken_for_both(programs: Path) -> None:
    mine = programs / "mine"
    assert find_chromium(str(mine), headless=True) == find_chromium(str(mine)) == mine
