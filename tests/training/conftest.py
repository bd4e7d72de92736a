import asyncio
import os
from pathlib import Path

import pytest

from agent.settings import PREFIX
from tests.agent.test_cli import Surehand
from tests.training.runs import long, some_runs


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(PREFIX) or name == "ROOT_IMAGE_DIR"]:
        monkeypatch.delenv(name)


@pytest.fixture
def surehand(capsys: pytest.CaptureFixture[str]) -> Surehand:
    return Surehand(capsys)


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs of every fate; not to be changed."""
    folder = tmp_path_factory.mktemp("runs")
    asyncio.run(some_runs(folder))
    return folder


@pytest.fixture(scope="session")
def long_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the long run; not to be changed."""
    folder = tmp_path_factory.mktemp("long") / "run"
    asyncio.run(long(folder))
    return folder
