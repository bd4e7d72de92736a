"""Reference solutions of OSWorld's tasks, by id: they go through the same hands as a model's actions do.

OSWorld's own evaluator judges what they leave behind. Settings that have no short way through menus are written as a
person at a terminal would write them, with the program closed that would write its own over them.
"""

from collections.abc import AsyncIterator, Sequence
from random import Random
from typing import Any

from pydantic import TypeAdapter

from env.base import Probe
from scenarios.base import Intent, Oracle
from scenarios.oracle import PATIENCE, Steps, compile_steps
from tools.actions import Terminate, Wait
from tools.errors import ScenarioError

_STEPS: TypeAdapter[Steps] = TypeAdapter(Steps)
_TERMINAL = {"role": "terminal"}
_PREFERENCES = ".config/google-chrome/Default/Preferences"
_PROFILE = (
    "org.gnome.Terminal.Legacy.Profile:/org/gnome/terminal/legacy/profiles:/:b1dcc9dd-5262-4d8d-a863-c897e6d979b9/"
)


async def give_up(probe: Probe, random: Random) -> AsyncIterator[Intent]:
    """What is right where a task cannot be done."""
    yield Intent(Terminate(status="failure"), "the task, which cannot be done")


def _steps(steps: Sequence[dict[str, Any]], path: str = "", text: str = "") -> Oracle:
    """Plays the steps, then waits until a file of HOME holds a text: programs write what was set by and by."""
    solve = compile_steps(_STEPS.validate_python(list(steps)))

    async def oracle(probe: Probe, random: Random) -> AsyncIterator[Intent]:
        async for intent in solve(probe, random):
            if path and isinstance(intent.action, Terminate):
                async for wait in _written(probe, path, text):
                    yield wait
            yield intent

    return oracle


async def _written(probe: Probe, path: str, text: str) -> AsyncIterator[Intent]:
    for seconds in (0.0, *PATIENCE, *PATIENCE):
        if seconds:
            yield Intent(Wait(time=seconds), path)
        try:
            if text in (await probe.read(path)).decode(errors="replace"):
                return
        except FileNotFoundError:
            continue
    raise ScenarioError(f"{path} never held {text!r}")


def _typed(*lines: str) -> list[dict[str, Any]]:
    """Opens a terminal and types commands."""
    typed = [step for line in lines for step in ({"type": line}, {"press": "enter"})]
    return [{"press": "ctrl+alt+t"}, {"wait_for": _TERMINAL}, *typed]


def _shell(*lines: str, before: Sequence[dict[str, Any]] = ()) -> Oracle:
    """The same, and closes it: then the last command has ended."""
    return _steps([*before, *_typed(*lines, "exit"), {"wait_gone": _TERMINAL}])


def _page(address: str, *steps: dict[str, Any], holds: str) -> Oracle:
    """A page of Chromium's settings, until its profile holds what was set."""
    return _steps([{"press": "ctrl+l"}, {"type": address}, {"press": "enter"}, *steps], _PREFERENCES, holds)


def _closed(title: str) -> list[dict[str, Any]]:
    """Waits for a window and closes it."""
    return [{"wait_for": {"role": "menuitem", "name": "Edit", "window": title}}, {"press": "ctrl+q"},
            {"wait_gone": {"role": "menuitem", "name": "Edit", "window": title}}]  # fmt: skip


ORACLES: dict[str, Oracle] = {
    "3299584d-8f11-4457-bf4c-ce98f7600250": _page(
        "chrome://settings/onStartup", {"click": {"role": "radio", "name": "Open the New Tab page"}},
        holds='"restore_on_startup":5',
    ),
    "9656a811-9b5b-4ddf-99c7-5117bcef0626": _page(
        "chrome://settings/security", {"click": {"role": "radio", "name": "Standard protection"}},
        holds='"enabled":true',
    ),
    "af630914-714e-4a24-a7bb-f9af687d3b91": _page(
        "chrome://settings/appearance",
        {"select": {"role": "combobox", "name": "Font size", "option": "Very large"}},
        holds='"default_font_size":24',
    ),
    "7767eef2-56a3-4cea-8c9f-48c070c7d65b": _shell(
        """echo '(theme "Light")' >> ~/.config/GIMP/2.10/gimprc""", before=_closed("GNU Image")
    ),
    "7b7617bd-57cc-468e-9c91-40c4ec2bcb3d": _shell(
        "echo '(undo-levels 100)' >> ~/.config/GIMP/2.10/gimprc", before=_closed("GNU Image")
    ),
    "13584542-872b-42d8-b299-866967b5c3ef": _steps([
        *_typed(f"gsettings set {_PROFILE} default-size-columns 132", f"gsettings set {_PROFILE} default-size-rows 43"),
        *_typed("gsettings list-recursively org.gnome.desktop.interface > ~/set"),
    ], "set", "text-scaling-factor"),
    "3ce045a0-877b-42aa-8d2c-b4a863336ab8": _shell(
        "gsettings set org.gnome.desktop.interface text-scaling-factor 1.5"
    ),
    "ec4e3f68-9ea4-4c18-a5c9-69f89d1178b3": _shell(
        """gsettings set org.gnome.shell favorite-apps "['thunderbird.desktop', 'google-chrome.desktop']" """.strip()
    ),
    "8ba5ae7a-5ae5-4eab-9fcc-5dd4fe3abf89": _shell("echo input-record-path=/home/user/Desktop >> ~/.config/vlc/vlcrc"),
    "d06f0d4d-2cd5-4ede-8de9-598629438c6e": _shell(
        "echo 'qt-slider-colours=9;9;9;20;20;20;30;30;30;40;40;40' >> ~/.config/vlc/vlcrc"
    ),
    "f3977615-2b45-4ac5-8bba-80c17dbe2a37": _shell("echo one-instance-when-started-from-file=0 >> ~/.config/vlc/vlcrc"),
}  # fmt: skip
