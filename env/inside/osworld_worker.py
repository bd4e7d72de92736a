"""OSWorld's own client, unmodified, for one world at a time. Runs on .venv-osworld, in a sandbox beside the world's.

Orders come on stdin, answers leave on stdout, one JSON object a line; what OSWorld prints goes to stderr.

    {"do": "names"}                              ->  {"setups", "getters", "metrics"}: what this client knows
    {"do": "setup", "task", "size", "password", "cache"}      ->  {}
    {"do": "evaluate", "last"}                   ->  {"score"}; `last` is FAIL or DONE
    {"do": "call", "calls": [[part, method, {...}], ...]}  ->  {"values"}: methods of its controllers, bytes as base64
    {"do": "request", "requests": [{"method", "url", ...}]}  ->  {"answers": [[status, body as base64], ...]}
    anything that fails                          ->  {"error"}

Where this client's own loop would take pictures and send actions nothing is called: surehand has done that already.
"""

import base64
import json
import logging
import os
import sys
import types
from typing import Any

LEFT_OUT = {
    "easyocr": "it needs torch", "librosa": "it needs numba and LLVM", "borb": "nothing here uses it",
    "pydrive": "it wants somebody's Google account",
}  # fmt: skip
"""What OSWorld imports and docker/osworld.lock leaves out, with the reason."""
SERVER, CHROMIUM, VLC = 5000, 9222, 8080
"""Where OSWorld's client looks for the world; env/osworld/server.py listens there."""


class StandIn(types.ModuleType):
    """A module that is left out: everything in it can be named, and nothing used."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        module = self.__name__.partition(".")[0]

        class Absent:
            def __init__(self, *args: Any, **words: Any) -> None:
                raise ModuleNotFoundError(f"{module} is left out of .venv-osworld: {LEFT_OUT[module]}")

        return Absent


def leave_out() -> None:
    """Put a stand-in in the place of each module that is left out."""
    for name in [*LEFT_OUT, "borb.pdf", "pydrive.auth", "pydrive.drive"]:
        sys.modules[name] = StandIn(name)


def names() -> "dict[str, Any]":
    """List what task files may ask for."""
    from desktop_env.controllers.setup import SetupController
    from desktop_env.evaluators import getters, metrics

    def cut(of: Any, begin: str, end: str = "") -> "list[str]":
        return sorted(n[len(begin) : len(n) - len(end)] for n in dir(of) if n.startswith(begin) and n.endswith(end))

    found = [name for name in dir(metrics) if callable(getattr(metrics, name))]
    return {"setups": cut(SetupController, "_", "_setup"), "getters": cut(getters, "get_"), "metrics": sorted(found)}


class Client:
    """Its environment without a virtual machine: the world is there already, and stays until it is judged."""

    def __init__(self) -> None:
        self._env: Any = None

    def setup(self, order: "dict[str, Any]") -> "dict[str, Any]":
        """Carry out the task's `config`."""
        self._env = self._open(order)
        if not self._env.setup_controller.setup(self._env.config, use_proxy=False):
            raise RuntimeError("the world's server does not answer")
        return {}

    def evaluate(self, order: "dict[str, Any]") -> "dict[str, Any]":
        """Carry out the task's `postconfig` and judge."""
        self._env.action_history = [order["last"]]
        return {"score": float(self._env.evaluate())}

    def call(self, order: "dict[str, Any]") -> "dict[str, Any]":
        """Call methods of the environment's parts, `controller` and `setup_controller`, one after another."""
        found = [getattr(getattr(self._env, part), method)(**words) for part, method, words in order["calls"]]
        return {"values": [base64.b64encode(v).decode() if isinstance(v, bytes) else v for v in found]}

    def request(self, order: "dict[str, Any]") -> "dict[str, Any]":
        """Send requests as its controllers do, for routes that none of them uses; `url` begins with the port."""
        import requests

        made = [{**words, "url": f"http://127.0.0.1{words['url']}"} for words in order["requests"]]
        answers = [requests.request(**words, timeout=60) for words in made]
        return {"answers": [[answer.status_code, base64.b64encode(answer.content).decode()] for answer in answers]}

    def names(self, order: "dict[str, Any]") -> "dict[str, Any]":
        """List what task files may ask for."""
        return names()

    def _open(self, order: "dict[str, Any]") -> Any:
        from desktop_env.controllers.python import PythonController
        from desktop_env.controllers.setup import SetupController
        from desktop_env.desktop_env import DesktopEnv

        password, size, cache = order["password"], order["size"], order["cache"]
        world: Any = object.__new__(DesktopEnv)  # whose own beginning starts a virtual machine
        world.vm_ip, world.provider_name, world.os_type, world.region = "127.0.0.1", "surehand", "Ubuntu", None
        world.server_port, world.chromium_port, world.vlc_port, world.vnc_port = SERVER, CHROMIUM, VLC, 0
        world.client_password, world.enable_proxy, world.current_use_proxy = password, False, False
        world.screen_width, world.screen_height = size
        world.cache_dir_base, world.action_history, world.is_environment_used = cache, [], True
        world.controller = PythonController("127.0.0.1", SERVER)
        world.setup_controller = SetupController("127.0.0.1", SERVER, CHROMIUM, VLC, cache, password, *size)
        world._set_task_info(order["task"])
        world.setup_controller.reset_cache_dir(world.cache_dir)
        return world


def main() -> None:
    """Answer orders until stdin ends; with the argument `names`, print them and end."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO)
    leave_out()
    if sys.argv[1:] == ["names"]:
        answers.write(json.dumps(names()) + "\n")
        return
    client = Client()
    for line in sys.stdin:
        order = json.loads(line)
        try:
            said = getattr(client, order["do"])(order)
        except Exception as error:  # whatever a getter or a metric raises is the answer
            logging.exception("%s failed", order["do"])
            said = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(said) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
