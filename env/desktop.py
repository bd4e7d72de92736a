"""A desktop with applications: X server, window manager and programs in a sandbox, worked from outside."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Mapping, Sequence
from typing import Any

from env import prepare
from env.allow import Border
from env.chromium import window_command
from env.display import Display
from env.facts import DesktopFacts
from env.folder import WorldFolder
from env.hiding import hiding
from env.osworld.desk import OsworldDesk
from env.osworld.guest import Guest, furnish
from env.sandbox import Child, Sandbox
from env.session import Session
from env.settle import until
from env.setup import Launch, OpenUrl, Osworld, PutFile, Run, Script, Serve, SetupStep
from env.site import PORT, Site
from env.vault import Place
from env.world import Look, WorldSpec, find_chromium
from tools.actions import BrowserAction, ComputerAction, Outcome
from tools.errors import EnvError, ScenarioError
from tools.geometry import Rect

_FURNISH_LIMIT = 20.0
_PAGE_LIMIT = 30.0


class DesktopWorld:
    """Each reset makes a new sandbox, with a HOME of its own; nothing of the last one is left."""

    def __init__(self, spec: WorldSpec, folder: WorldFolder) -> None:
        self._spec, self._folder = spec, folder
        self._site = Site(spec.assets)
        self._border = Border(spec.allow)
        self._sandbox: Sandbox | None = None
        self._session: Session | None = None
        self._display: Display | None = None
        self._programs: dict[str, Child] = {}
        self._secretive: set[str] = set()
        self._since = 0.0
        self._osworld: OsworldDesk | None = None
        self.facts = DesktopFacts(
            self._open_sandbox, self._site, self._border, spec.size, self._open_session, self._open_display
        )

    def describe(self) -> dict[str, str]:
        """How it is kept apart."""
        return {"kind": "desktop", "isolation": str(self._open_sandbox().isolation)}

    async def reset(self, setup: Sequence[SetupStep], seed: int) -> None:
        """A new sandbox and session, then the setup steps in order."""
        await self.close()
        display = self._display = await Display.launch(self._spec.size)
        self._sandbox = await Sandbox.start(self._folder)
        if any(isinstance(step, Osworld) for step in setup):
            furnish(self._sandbox)
        self._session = await Session.start(self._sandbox, self._spec.size, desktop=True)
        await display.open(self._session.outside)
        await self._site.open(await self._sandbox.listen(PORT))
        await until(self._furnished, _FURNISH_LIMIT, "the panel and the desktop's icons")
        for step in setup:
            await self._prepare(step)
        self._since = time.monotonic()

    async def _furnished(self) -> bool | None:
        """Panel and icons are drawn by programs of their own, which a first picture must not miss."""
        apps = {window.app.lower() for window in await self._open_display().windows()}
        return True if {"tint2", "pcmanfm"} <= apps else None

    async def _prepare(self, step: SetupStep) -> None:
        sandbox, session = self._open_sandbox(), self._open_session()
        match step:
            case PutFile():
                await prepare.put_file(step, sandbox)
            case Serve():
                self._site.show(step.folder, step.data)
            case Run():
                await prepare.run(step, sandbox, session.environment)
            case Launch():
                await self._launch(step)
            case OpenUrl():
                command = window_command(find_chromium(self._spec.chromium), sandbox.home_inside, step.url)
                await self._launch(Launch(command=command, window="Chrom"))
                await until(self._page_shown, _PAGE_LIMIT, f"the title of {step.url}")
            case Osworld():
                self._osworld = OsworldDesk(Guest(sandbox, session, self._open_display()))
                await self._osworld.set_up(step)
            case Script():
                raise ScenarioError("script needs a browser world")

    async def _launch(self, step: Launch) -> None:
        child = await prepare.launch(step, self._open_sandbox(), self._open_session(), self._open_display)
        self._programs[step.command[0]] = child

    async def _page_shown(self) -> bool | None:
        """A browser's window has the page's title when it has loaded; before, it is called Untitled."""
        titles = [window.title for window in await self._open_display().windows() if "Chrom" in window.title]
        return True if any(not title.startswith("Untitled") for title in titles) else None

    async def look(self) -> Look:
        """Settles and grabs."""
        self._check()
        return await self._open_display().look(self._spec.quiet, self._spec.limit, self._since)

    async def act(self, action: ComputerAction | BrowserAction) -> Outcome:
        """Does one action, if it is allowed."""
        self._check()
        if why := self._border.refusal(action):
            return Outcome(ok=False, note=why)
        return await self._open_display().act(action)

    async def place(self) -> Place:
        """The program whose window is active."""
        return Place(app=next((w.app for w in await self._open_display().windows() if w.active), ""))

    async def typed(self, place: Place) -> None:
        """Remembers the program, whose windows are covered as a whole unless it tells where its texts stand."""
        self._secretive.add(place.app)

    async def spots(self, texts: Sequence[str]) -> tuple[Rect, ...]:
        """By the accessibility tree; of a program that does not show a secret there, every window."""
        try:
            nodes = await self.facts.a11y()
        except EnvError:
            nodes = ()
        return hiding(nodes, await self._open_display().windows(), self._secretive, texts)

    async def ask_client(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """Asks OSWorld's client, which had to set the world up; a world that broke meanwhile has no verdict."""
        if self._osworld is None:
            raise ScenarioError("OSWorld's client has not set this world up")
        answer = await self._osworld.ask(order)
        self._check()
        return answer

    async def release(self) -> None:
        """Lets go of keys and buttons."""
        with contextlib.suppress(EnvError):
            await self._open_display().release()

    async def close(self) -> None:
        """Ends everything inside and removes its files."""
        if self._osworld is not None:
            await self._osworld.close()
        await self._site.close()
        self._site.clear()
        self._border.clear()
        if self._display is not None:
            await self._display.close()
        if self._sandbox is not None:
            await self._sandbox.close()
        if self._session is not None:
            self._session.close()
        self._display = self._sandbox = self._session = self._osworld = None
        self._programs = {}
        self._secretive.clear()
        await asyncio.to_thread(self._folder.clear)

    def _check(self) -> None:
        """A world without its X server, or whose program crashed, is broken. A program that ends itself is not."""
        server = self._open_session().server
        if server is None or server.status.done():
            raise EnvError("the X server of the world is gone")
        for name, program in self._programs.items():
            if program.status.done() and (died := signal_of(program.status.result())):
                raise EnvError(f"{name} died of {died}")

    def _open_sandbox(self) -> Sandbox:
        if self._sandbox is None or self._sandbox.gone.done():
            raise EnvError("the world is not open" if self._sandbox is None else "the world's sandbox is gone")
        return self._sandbox

    def _open_session(self) -> Session:
        if self._session is None:
            raise EnvError("the world is not open")
        return self._session

    def _open_display(self) -> Display:
        if self._display is None:
            raise EnvError("the world is not open")
        return self._display


def signal_of(status: int) -> str:
    """The name of the signal that ended a program, or nothing; a shell that ran it reports 128 more."""
    number = -status if status < 0 else status - 128 if 128 < status <= 128 + 64 else 0
    return signal.Signals(number).name if number in set(signal.Signals) else ""
