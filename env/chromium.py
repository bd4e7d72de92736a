"""Chromium inside a sandbox, and Playwright's connection to it from outside."""

import asyncio
import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal
from urllib.parse import urlsplit

import httpx

from env.proxy import PORT as PROXY
from env.relay import Relay
from env.sandbox import Child, Sandbox
from env.settle import until
from env.site import HOST, PORT
from tools.errors import EnvError
from tools.geometry import Size

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, CDPSession, Page, Playwright

PROFILE = ".chromium"
"""The browser's own folder in HOME."""
DOWNLOADS = "Downloads"
"""Where it puts what it downloads, in HOME."""
_DEBUGGING_PORT = 9222
_START_LIMIT = 30.0
_FLAGS = (
    "--test-type", "--disable-gpu", "--no-first-run", "--no-default-browser-check", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-quic",
    # The address bar's pop-ups are pages themselves; loading them for each new window costs more than most sites do.
    "--disable-features=Translate,MediaRouter,WebUIOmniboxPopup,WebUIOmniboxAimPopup",
    "--password-store=basic", "--force-color-profile=srgb", "--hide-scrollbars=false",
    "--disable-backgrounding-occluded-windows", "--disable-renderer-backgrounding",
)  # fmt: skip
View = Literal["headless", "kiosk", "window"]
_MODES: dict[View, list[str]] = {"headless": ["--headless"], "kiosk": ["--kiosk"], "window": ["--no-startup-window"]}
_HOSTS = f"--host-resolver-rules=MAP {HOST}:80 127.0.0.1:{PORT}"


def window_command(program: Path, home: str, url: str) -> tuple[str, ...]:
    """What opens an address in a window among others, on the accessibility bus, with its profile below `home`."""
    return (
        str(program), *_FLAGS, _HOSTS, "--force-renderer-accessibility", "--start-maximized",
        f"--user-data-dir={home}/.config/chromium", url,
    )  # fmt: skip


class _Driver:
    """Playwright's own process, one for all browsers of an event loop.

    Two in a loop would wait for each other's messages at every message of their own, in vain and at work all the time
    (playwright/_impl/utils/tasks.py, wait_for_next_task).
    """

    _of: ClassVar[dict[asyncio.AbstractEventLoop, "_Driver"]] = {}

    def __init__(self) -> None:
        from playwright.async_api import async_playwright

        self._users = 0
        self._started = asyncio.ensure_future(async_playwright().start())

    @classmethod
    def shared(cls) -> "_Driver":
        """That of this loop, begun by its first user; each calls `leave` in the end."""
        loop = asyncio.get_running_loop()
        driver = cls._of[loop] = cls._of.get(loop) or cls()
        driver._users += 1
        return driver

    async def started(self) -> "Playwright":
        """Once it runs."""
        return await asyncio.shield(self._started)

    async def leave(self) -> None:
        """The last user ends it."""
        self._users -= 1
        if not self._users:
            del self._of[asyncio.get_running_loop()]
            await (await self._started).stop()


class Chromium:
    """A running browser: headless, filling a display as a kiosk, or in a window on one.

    `display` is what a program inside needs to reach that display.
    """

    def __init__(self, sandbox: Sandbox, view: View, display: Mapping[str, str], size: Size) -> None:
        self._sandbox, self._view, self._display, self._size = sandbox, view, display, size
        self._relay = Relay(sandbox, _DEBUGGING_PORT)
        self._child: Child | None = None
        self._driver: _Driver | None = None
        self._browser: Browser | None = None

    async def start(self, program: Path) -> None:
        """Launches the browser and connects to it. Raises EnvError."""
        width, height = self._size
        mode = _MODES[self._view] + ([] if self._view == "headless" else [f"--window-size={width},{height}"])
        log = (self._sandbox.folder.path / "chromium.log").open("wb")
        with log:
            self._child = await self._sandbox.spawn(
                [str(program), *_FLAGS, *mode, f"--user-data-dir={self._sandbox.home_inside}/{PROFILE}",
                 f"--remote-debugging-port={_DEBUGGING_PORT}",
                 f"--proxy-server=http://127.0.0.1:{PROXY}", "--proxy-bypass-list=<-loopback>", "about:blank"],
                self._display, stdout=log.fileno(), stderr=log.fileno(),
            )  # fmt: skip
        await self._relay.open()
        self._driver = _Driver.shared()
        playwright = await self._driver.started()
        async with httpx.AsyncClient(trust_env=False) as client:  # no proxy stands between us and our own loopback

            async def endpoint() -> str | None:
                if self._child is not None and self._child.status.done():
                    raise EnvError(f"Chromium ended with status {self._child.status.result()}{self._log()}")
                with contextlib.suppress(httpx.HTTPError):
                    answer = await client.get(self._relay.address("http", "/json/version"))
                    if answer.status_code == httpx.codes.OK:
                        return str(answer.json()["webSocketDebuggerUrl"])
                return None

            inside = await until(endpoint, _START_LIMIT, "Chromium's debugging port")
        self._browser = await playwright.chromium.connect_over_cdp(self._relay.address("ws", urlsplit(inside).path))

    @property
    def alive(self) -> bool:
        """Whether the browser runs and is connected."""
        return (
            self._child is not None and not self._child.status.done()
            and self._browser is not None and self._browser.is_connected()
        )  # fmt: skip

    async def open_context(self) -> "tuple[BrowserContext, Page]":
        """A fresh profile with one blank page in front, the picture exactly `size`. Raises EnvError.

        What it downloads lands in Downloads below the world's HOME.
        """
        from playwright.async_api import Error

        if self._browser is None:
            raise EnvError("the browser is not open")
        width, height = self._size
        try:
            if self._view != "kiosk":
                context = await self._browser.new_context(viewport={"width": width, "height": height}, locale="en-US")
                page = await context.new_page()
                await self._keep_downloads(await context.new_cdp_session(page))
                return context, page
            context = await self._browser.new_context(no_viewport=True, locale="en-US")
            page = await context.new_page()
            wire = await context.new_cdp_session(page)
            await self._keep_downloads(wire)
            window = await wire.send("Browser.getWindowForTarget")
            await wire.send(
                "Browser.setWindowBounds", {"windowId": window["windowId"], "bounds": {"windowState": "fullscreen"}}
            )
            await page.wait_for_function(f"innerWidth === {width} && innerHeight === {height}", timeout=5000)
            await wire.detach()
        except Error as error:
            raise EnvError(f"the browser does not open a page: {error.message.splitlines()[0]}{self._log()}") from None
        return context, page

    async def _keep_downloads(self, wire: "CDPSession") -> None:
        """Playwright would have them stored where it runs itself, which is outside."""
        assert self._browser is not None
        about = await wire.send("Target.getTargetInfo")
        browser = await self._browser.new_browser_cdp_session()
        await browser.send("Browser.setDownloadBehavior", {
            "behavior": "allow", "browserContextId": about["targetInfo"]["browserContextId"],
            "downloadPath": f"{self._sandbox.home_inside}/{DOWNLOADS}",
        })  # fmt: skip

    async def close(self) -> None:
        """Hangs up; the browser itself ends with its sandbox. May be called twice."""
        from playwright.async_api import Error

        if self._browser is not None:
            with contextlib.suppress(Error):
                await self._browser.close()
        if self._driver is not None:
            await self._driver.leave()
        self._browser = self._driver = None
        await self._relay.close()

    def _log(self) -> str:
        with contextlib.suppress(OSError):
            lines = (self._sandbox.folder.path / "chromium.log").read_text(errors="replace").strip().splitlines()
            if lines:
                return f" ({lines[-1][:200]})"
        return ""
