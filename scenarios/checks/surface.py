"""Checks of the world's surface: windows, processes, the clipboard."""

from pathlib import PurePosixPath

from env.base import Probe
from scenarios.base import CheckResult
from scenarios.checkers import NamedCheck, TextTest, checker, verdict
from scenarios.schema import Text


@checker("window")
class Window(NamedCheck):
    """A window whose title contains `title` is open; `active` asks that it be the active one, or not."""

    title: Text
    active: bool | None = None

    async def judge(self, probe: Probe, answer: str | None) -> CheckResult:
        """Says which windows there are."""
        windows = await probe.windows()
        ok = any(self.title in w.title and self.active in (None, w.active) for w in windows)
        titles = [w.title + (" (active)" if w.active else "") for w in windows]
        state = {None: "be open", True: "be the active one", False: "be open behind another"}[self.active]
        why = f"a window with {self.title!r} in its title should {state}; open: {', '.join(titles) or 'none'}"
        return verdict(ok, why, windows=titles)


@checker("process")
class Process(NamedCheck):
    """A program with this name is running."""

    name: Text

    async def judge(self, probe: Probe, answer: str | None) -> CheckResult:
        """Says whether it runs."""
        names = {PurePosixPath(p.command[0]).name for p in await probe.processes() if p.command}
        ok = self.name in names
        return verdict(ok, f"{self.name!r} should be running and is{'' if ok else ' not'}", running=sorted(names))


@checker("clipboard")
class Clipboard(TextTest):
    """The text of the clipboard."""

    async def judge(self, probe: Probe, answer: str | None) -> CheckResult:
        """Quotes it."""
        return self.of("the clipboard", await probe.clipboard())
