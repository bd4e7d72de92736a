"""Two processes that want the stand-in at once both get it."""

from pathlib import Path

import pytest

from agent.serving.stand_in import put_in_place


def finished(folder: Path) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text(folder.name, encoding="utf-8")
    return folder


def test_the_first_to_finish_stays(tmp_path: Path) -> None:
    wanted = tmp_path / "stand-in"
    put_in_place(finished(tmp_path / "first"), wanted)
    put_in_place(finished(tmp_path / "second"), wanted)
    assert (wanted / "config.json").read_text(encoding="utf-8") == "first"


def test_a_folder_that_cannot_be_put_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        put_in_place(finished(tmp_path / "draft"), tmp_path / "missing" / "stand-in")
