import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from agent.settings import FILE, PREFIX, Settings, Sourced, load, strangers
from tools.errors import UserError
from tools.geometry import Size


@pytest.fixture(autouse=True)
def _nothing_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)


def said(settings: Settings) -> dict[str, tuple[object, str]]:
    return {one.name: (one.value, one.source) for one in settings.sources()}


def refused(config: Path | None = None, given: Mapping[str, Any] | None = None) -> str:
    with pytest.raises(UserError) as caught:
        load(config, **given or {})
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_every_setting_says_what_it_is() -> None:
    assert all(isinstance(one, Sourced) and len(one.about) > 20 for one in load().sources())
    assert {source for _, source in said(load()).values()} == {"default"}


def test_the_command_line_counts_before_variables_and_those_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    FILE.write_text('model = "idle"\nsteps = 3\nsettle_quiet = 0.3\nscenarios = ["mine", "ours"]\n')
    monkeypatch.setenv("SUREHAND_STEPS", "4")
    monkeypatch.setenv("SUREHAND_MODEL", "replay:x")
    settings = load(model="oracle", size=None)
    assert (settings.model, settings.steps, settings.settle_quiet) == ("oracle", 4, 0.3)
    assert settings.scenarios == (Path("mine"), Path("ours"))
    sources = said(settings)
    assert sources["model"] == ("oracle", "command line")
    assert sources["steps"] == (4, "SUREHAND_STEPS")
    assert sources["settle_quiet"] == (0.3, "surehand.toml")
    assert sources["size"] == (None, "default")


def test_other_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    FILE.write_text("steps = 1\n")
    (tmp_path / "b.toml").write_text("steps = 2\n")
    (tmp_path / "c.toml").write_text("steps = 3\n")
    assert load().steps == 1
    monkeypatch.setenv("SUREHAND_CONFIG", "b.toml")
    assert load().steps == 2
    assert said(load(Path("c.toml")))["steps"] == (3, "c.toml")


def test_a_size_and_folders_as_one_types_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUREHAND_SIZE", "1920x1080")
    monkeypatch.setenv("SUREHAND_SCENARIOS", os.pathsep.join(("a", "b/c", "")))
    assert load().size == Size(1920, 1080)
    assert load().scenarios == (Path("a"), Path("b/c"))
    FILE.write_text('size = [800, 600]\nruns = "elsewhere"\n')
    monkeypatch.delenv("SUREHAND_SIZE")
    assert (load().size, load().runs) == (Size(800, 600), Path("elsewhere"))


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        load().steps = 3  # type: ignore[misc]  # that is what is tested


def test_an_unknown_key() -> None:
    FILE.write_text("step = 3\n")
    assert refused() == "unknown setting 'step' in 'surehand.toml'; did you mean 'steps'?"
    FILE.write_text("zzz = 3\n")
    assert refused() == "unknown setting 'zzz' in 'surehand.toml'; `surehand config` lists the settings"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert refused(Path("no.toml")) == "no settings file 'no.toml'; name one with --config or SUREHAND_CONFIG"
    FILE.write_text("steps = = 3\n")
    assert refused().startswith("'surehand.toml' is not valid TOML: ")
    FILE.write_bytes(b"\xff\xfe")
    assert refused().startswith("cannot read 'surehand.toml': ")
    assert refused(tmp_path) == f"cannot read {str(tmp_path)!r}: Is a directory"


@pytest.mark.parametrize(
    ("name", "value", "cause"),
    [
        ("parallel", "x", "Input should be a valid integer"),
        ("parallel", "0", "Input should be greater than or equal to 1"),
        ("seconds", "-1", "Input should be greater than 0"),
        ("seconds", "inf", "Input should be a finite number"),
        ("browser", "kisok", "Input should be 'kiosk' or 'headless'"),
        ("size", "big", "write a size as WIDTHxHEIGHT, such as 1280x720"),
        ("size", "0x720", "write a size as WIDTHxHEIGHT, such as 1280x720"),
    ],
)
def test_a_wrong_value_is_named_with_its_source(
    name: str, value: str, cause: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert refused(given={name: value}).startswith(f"setting {name} = {value!r} (command line): {cause}")
    monkeypatch.setenv(f"{PREFIX}{name.upper()}", value)
    assert refused().startswith(f"setting {name} = {value!r} (SUREHAND_{name.upper()}): {cause}")


def test_variables_that_look_like_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SUREHAND_PARALEL", "SUREHAND_STEPS", "SUREHAND_CONFIG", "SUREHAND_ISOLATION", "SUREHAND_QQQ"):
        monkeypatch.setenv(name, "1")
    assert list(strangers()) == [
        "SUREHAND_PARALEL is set, but is no setting; did you mean SUREHAND_PARALLEL?",
        "SUREHAND_QQQ is set, but is no setting",
    ]


def test_a_key_is_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUREHAND_API_KEY", "sk-hidden")
    settings = load()
    assert settings.api_key
    assert settings.api_key.get_secret_value() == "sk-hidden"
    shown = [repr(settings), str(list(settings.sources())), settings.model_dump_json()]
    assert not any("sk-hidden" in text for text in shown)
    assert "api_key" not in settings.model_dump()
    monkeypatch.delenv("SUREHAND_API_KEY")
    FILE.write_text("api_key = 5550123\n")
    assert refused().startswith("setting api_key = … (surehand.toml): Input should be a valid string")
