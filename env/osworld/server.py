"""OSWorld's contract in front of one world: the HTTP server that its virtual machines have inside, here outside.

The same paths, bodies and results as the original, for its client unmodified; mended where that is broken: whatever was
carried out is answered with 200, because the client repeats what was answered otherwise; nothing waits by the clock.
It listens where it is told to while the world is set up and judged, and answers nobody who comes by way of a web page.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from env.osworld.film import Film
from env.osworld.forward import Forward, admits
from env.osworld.guest import SHORT, Answer, Guest
from env.serving import Serving
from env.settle import until
from tools.errors import EnvError

SERVER, CHROMIUM, VLC = 5000, 9222, 8080
"""Where the client looks for the server, for Chromium's debugging port and for VLC's HTTP interface."""
_COMMAND_LIMIT, _PYTHON_LIMIT, _OPEN_LIMIT, _WINDOW_LIMIT = 120.0, 30.0, 120.0, 10.0
_HOME_CONFIG = "~/.config/pcmanfm/default/desktop-items-0.conf"

Listen = Callable[[int], Awaitable[socket.socket]]
"""Gives a socket that listens on one of the three ports."""


class OsworldServer:
    """Serves one world from `open` to `close`."""

    def __init__(self, guest: Guest) -> None:
        self._routes = _Routes(guest)
        self._forwards = {port: Forward(guest.sandbox, port) for port in (CHROMIUM, VLC)}
        self._serving: Serving | None = None

    async def open(self, listen: Listen) -> None:
        """Begins to answer. Raises EnvError when a port cannot be had."""
        for port, forward in self._forwards.items():
            await forward.open(await listen(port))
        self._serving = Serving(self._routes.app(), await listen(SERVER), log_level="critical")

    async def close(self) -> None:
        """Answers nobody any more; may be called twice."""
        for forward in self._forwards.values():
            await forward.close()
        await self._routes.film.discard()
        if self._serving is not None:
            await self._serving.close()


class _Door:
    """Lets in who comes to this machine by its own name, and nobody whom a web page sent."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not admits(dict(scope["headers"])):
            await _refusal("only for programs on this machine", 403)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class _Routes:
    """The routes, each a method; `film` is what /start_recording takes."""

    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        self.film = Film(guest.display)

    def app(self) -> Starlette:
        """All routes."""
        get = {"/screenshot": self.screenshot, "/accessibility": self.accessibility, "/terminal": self.terminal,
               "/platform": self.platform, "/cursor_position": self.cursor_position}  # fmt: skip
        post: dict[str, Callable[[Request], Awaitable[Response]]] = {
            "/execute": self.execute, "/setup/execute": self.execute,
            "/execute_with_verification": self.execute_with_verification,
            "/setup/execute_with_verification": self.execute_with_verification,
            "/run_python": self.run_python, "/run_bash_script": self.run_bash_script, "/setup/launch": self.launch,
            "/screen_size": self.screen_size, "/window_size": self.window_size, "/desktop_path": self.desktop_path,
            "/wallpaper": self.wallpaper, "/list_directory": self.list_directory, "/file": self.file,
            "/setup/upload": self.upload, "/setup/download_file": self.download_file,
            "/setup/change_wallpaper": self.change_wallpaper, "/setup/open_file": self.open_file,
            "/setup/activate_window": partial(self._window, "a"), "/setup/close_window": partial(self._window, "c"),
            "/start_recording": self.start_recording, "/end_recording": self.end_recording,
        }  # fmt: skip
        routes = [Route(path, do, methods=["GET"]) for path, do in get.items()]
        routes += [Route(path, do, methods=["POST"]) for path, do in post.items()]
        wrong: dict[Any, Callable[[Request, Any], Response]] = {
            EnvError: _failed, ValueError: _malformed, KeyError: _malformed, TypeError: _malformed,
        }  # fmt: skip
        return Starlette(routes=routes, middleware=[Middleware(_Door)], exception_handlers=wrong)

    async def execute(self, request: Request) -> Response:
        """Runs a command to its end."""
        order = await request.json()
        return JSONResponse(_about(await self._run(order)))

    async def _run(self, order: dict[str, Any]) -> Answer:
        return await self._guest.command(order["command"], shell=order.get("shell", False), timeout=_COMMAND_LIMIT)

    async def execute_with_verification(self, request: Request) -> Response:
        """Runs a command, then waits until a window is there, or until another command succeeds."""
        order = await request.json()
        wanted = order.get("verification") or {}
        said = _about(await self._run(order))
        loop = asyncio.get_running_loop()
        began = loop.time()

        async def holds() -> bool | None:
            if (title := wanted.get("window_exists")) and not await self._titled(title):
                return None
            if command := wanted.get("command_success"):
                tried = await self._guest.command(command, shell=isinstance(command, str), timeout=SHORT)
                return True if tried.status == 0 else None
            return True

        verification, status = "passed", 200
        try:
            await until(holds, float(order.get("max_wait_time", 10)), "what was to be verified")
        except EnvError:
            verification, status = "failed", 500
        said |= {"verification": verification, "wait_time": round(loop.time() - began, 3)}
        return JSONResponse(said, status_code=status)

    async def _titled(self, part: str) -> str | None:
        found = [window.title for window in await self._guest.windows() if part.lower() in window.title.lower()]
        return found[-1] if found else None

    async def run_python(self, request: Request) -> Response:
        """Runs Python code with Debian's Python."""
        code = (await request.json())["code"]
        done = await self._guest.command(["python", "-"], shell=False, timeout=_PYTHON_LIMIT, stdin=code.encode())
        ok = done.status == 0
        message = "Code executed successfully" if ok else "Code execution failed"
        return JSONResponse({
            "status": "success" if ok else "error", "message": message if done.ended else "Execution timed out",
            "need_more": False, "output": done.output, "error": done.error, "return_code": done.status,
        })  # fmt: skip

    async def run_bash_script(self, request: Request) -> Response:
        """Runs a script with bash; what it says on stderr stands in its output."""
        order = await request.json()
        where = ["/usr/bin/env", f"--chdir={order['working_dir']}"] if order.get("working_dir") else []
        merged = [*where, "/bin/sh", "-c", 'exec "$@" 2>&1', "sh", "/bin/bash", "-c", order["script"]]
        done = await self._guest.command(merged, shell=False, timeout=float(order.get("timeout") or 100))
        output = done.output or ("" if done.ended else done.error)
        said = {"status": "success" if done.status == 0 else "error", "output": output, "error": ""}
        return JSONResponse(said | {"returncode": done.status})

    async def launch(self, request: Request) -> Response:
        """Starts a program and leaves it running."""
        order = await request.json()
        await self._guest.launch(order["command"], shell=order.get("shell", False))
        shown = order["command"] if isinstance(order["command"], str) else " ".join(order["command"])
        return PlainTextResponse(f"{shown} launched successfully")

    async def screenshot(self, request: Request) -> Response:
        """What the screen shows at this moment, with the pointer."""
        look = await self._guest.display.look(0.0, 0.0)
        return Response(look.frame.png, media_type="image/png")

    async def accessibility(self, request: Request) -> Response:
        """The accessibility tree as XML."""
        return JSONResponse({"AT": (await self._guest.look("tree")).decode()})

    async def terminal(self, request: Request) -> Response:
        """What the terminal in front shows; null where there is none."""
        return JSONResponse({"output": await self._guest.json("terminal"), "status": "success"})

    async def platform(self, request: Request) -> Response:
        """The operating system."""
        return PlainTextResponse("Linux")

    async def cursor_position(self, request: Request) -> Response:
        """Where the pointer is."""
        return JSONResponse(await self._guest.display.pointer())

    async def screen_size(self, request: Request) -> Response:
        """The screen in pixels."""
        size = self._guest.display.size
        return JSONResponse({"width": size.width, "height": size.height})

    async def window_size(self, request: Request) -> Response:
        """The topmost window of a class, in pixels."""
        name = (await _form(request))["app_class_name"]
        for window in reversed(await self._guest.windows()):
            if name.lower() in window.app.lower():
                left, top, right, bottom = window.rect
                return JSONResponse({"width": right - left, "height": bottom - top})
        return _refusal(f"no window of class {name!r}", 404)

    async def desktop_path(self, request: Request) -> Response:
        """The folder whose files lie on the desktop."""
        done = await self._guest.command(["xdg-user-dir", "DESKTOP"], shell=False, timeout=SHORT)
        return JSONResponse({"desktop_path": done.output.strip()})

    async def wallpaper(self, request: Request) -> Response:
        """The picture behind the windows."""
        config = (await self._guest.look("read", _HOME_CONFIG)).decode(errors="replace").splitlines()
        path = next((line.partition("=")[2] for line in config if line.startswith("wallpaper=")), "")
        try:
            return Response(await self._guest.look("read", path), media_type="image/png")
        except FileNotFoundError:
            return _refusal("no wallpaper is set", 404)

    async def change_wallpaper(self, request: Request) -> Response:
        """Puts a picture behind the windows."""
        path = (await request.json())["path"]
        done = await self._guest.command(["pcmanfm", f"--set-wallpaper={path}"], shell=False, timeout=SHORT)
        return PlainTextResponse("Wallpaper changed successfully") if done.status == 0 else _refusal(done.error, 404)

    async def list_directory(self, request: Request) -> Response:
        """A folder and everything below it."""
        path = (await request.json())["path"]
        try:
            return JSONResponse({"directory_tree": await self._guest.json("folder", path)})
        except FileNotFoundError as error:
            return JSONResponse({"error": str(error)}, status_code=404)

    async def file(self, request: Request) -> Response:
        """A file's content."""
        path = (await _form(request))["file_path"]
        try:
            return Response(await self._guest.look("read", path), media_type="application/octet-stream")
        except FileNotFoundError as error:
            return JSONResponse({"error": str(error)}, status_code=404)

    async def upload(self, request: Request) -> Response:
        """Writes a file."""
        form = await _form(request)
        content = form["file_data"].encode("latin-1")
        try:
            await self._guest.look("write", form["file_path"], stdin=content)
        except FileNotFoundError as error:
            return _refusal(str(error), 500)
        return PlainTextResponse(f"File Uploaded: {len(content)} bytes")

    async def download_file(self, request: Request) -> Response:
        """Refused: a world has no network, and the client downloads by itself and uploads."""
        url = (await request.json())["url"]
        return _refusal(f"Failed to download {url}: this world has no network", 500)

    async def open_file(self, request: Request) -> Response:
        """Opens a file with the program for it, and answers when its window is there."""
        path = (await request.json())["path"]
        try:
            await self._guest.look("read", path)
        except FileNotFoundError as error:
            return _refusal(str(error), 404)
        await self._guest.launch(["xdg-open", path], shell=False)
        name = path.rpartition("/")[2]

        async def title() -> str | None:
            return await self._titled(name) or await self._titled(name.rpartition(".")[0] or name)

        await self._guest.command(
            ["wmctrl", "-a", await until(title, _OPEN_LIMIT, f"a window of {name!r}")], shell=False, timeout=SHORT
        )
        return PlainTextResponse("File opened and window activated successfully")

    async def _window(self, what: str, request: Request) -> Response:
        order = await request.json()
        name, done = order["window_name"], {"a": "activated", "c": "closed"}[what]
        options = f"-{'x' if order.get('by_class') else ''}{'F' if order.get('strict') else ''}{what}"

        async def found() -> bool | None:
            return True if (await self._guest.run(["wmctrl", options, name])).status == 0 else None

        try:
            await until(found, _WINDOW_LIMIT, f"a window {name!r}")
        except EnvError as error:
            return _refusal(str(error), 404)
        return PlainTextResponse(f"Window {done} successfully")

    async def start_recording(self, request: Request) -> Response:
        """Begins to film the screen."""
        if not self.film.begin():
            return JSONResponse({"status": "error", "message": "Recording is already in progress."}, status_code=400)
        return JSONResponse({"status": "success", "message": "Started recording successfully."})

    async def end_recording(self, request: Request) -> Response:
        """The film."""
        film = await self.film.end()
        if film is None:
            return JSONResponse({"status": "error", "message": "No recording in progress to stop."}, status_code=400)
        return Response(film, media_type="video/mp4")


def _about(done: Answer) -> dict[str, Any]:
    if not done.ended:
        return {"status": "error", "message": done.error, "output": "", "error": done.error, "returncode": -1}
    return {"status": "success", "output": done.output, "error": done.error, "returncode": done.status}


def _refusal(message: str, status: int) -> JSONResponse:
    return JSONResponse({"status": "error", "message": message}, status_code=status)


def _failed(request: Request, error: EnvError) -> Response:
    return _refusal(str(error), 500)


def _malformed(request: Request, error: Exception) -> Response:
    return _refusal(f"not what {request.url.path} takes: {type(error).__name__}: {error}", 400)


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form; what a file holds, each byte a character. Raises ValueError."""
    body, kind = await request.body(), request.headers.get("content-type", "")
    if not kind.startswith("multipart/form-data"):
        return {name: values[-1] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()}
    boundary = b"--" + kind.partition("boundary=")[2].strip('"').encode()
    found = {}
    for part in (b"\r\n" + body).split(b"\r\n" + boundary)[1:-1]:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        if named := re.search(rb'[; ]name="([^"]*)"', head):
            found[named[1].decode()] = content.decode("latin-1")
    return {name: _text(value) if name != "file_data" else value for name, value in found.items()}


def _text(value: str) -> str:
    return value.encode("latin-1").decode()
