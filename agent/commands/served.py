"""From settings to a model behind a server: where it is, what kind it is, how it is asked."""

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from agent.means import MakeModel
from agent.model import Model
from agent.prompt import Style
from agent.settings import Settings
from env.base import Probe
from scenarios.base import Task
from tools.errors import UserError

if TYPE_CHECKING:  # the client of model servers takes half a second to import
    from agent.chat.endpoint import Endpoint
    from agent.chat.request import Manner

STAND_IN = "stand-in"
RANDOM = "The stand-in has random weights: it shows that the plumbing works, and knows nothing."
_NOT_BLINDLY = ("wait", "terminate", "answer")
"""Actions that end or delay a task."""


def at_address(settings: Settings) -> "Endpoint":
    """The server that the settings point at; one that surehand started is opened with its key. Raises UserError."""
    from agent.chat.endpoint import find_endpoint
    from agent.serving.vllm_server import at

    started = at(settings.model)
    return find_endpoint(settings.model, settings.model_name, settings.api_key or (started.key if started else None))


def the_stand_in() -> "Endpoint":
    """The stand-in behind vLLM on this machine, started where it does not run. Raises UserError, ModelError."""
    from agent.chat.endpoint import find_endpoint
    from agent.commands.live import console
    from agent.serving.family import find
    from agent.serving.vllm_server import start

    with console().status("starting the stand-in"):
        server = asyncio.run(start(find(STAND_IN)))
    return find_endpoint(server.url, server.model, server.key)


def served(settings: Settings, task: Task, endpoint: "Endpoint") -> MakeModel:
    """What makes the client of this server for the task. Raises UserError: the kind cannot be told, a wrong file."""
    manner = manner_for(settings, task, endpoint.model)

    def make(task: Task, probe: Probe) -> Model:
        from agent.chat.model import VllmModel

        return VllmModel(endpoint, manner, patience=settings.patience)

    return make


def in_process(settings: Settings, task: Task, name: str) -> MakeModel:
    """What makes the model of this name in this very process. Raises UserError: unknown, no torch, cannot be loaded."""
    from agent.commands.live import console
    from agent.serving.family import find
    from agent.serving.in_process import TransformersModel, load

    model = find(name)
    with console().status(f"loading {model.name}"):
        loaded = load(model, modelscope=settings.modelscope)
    manner = manner_for(settings, task, model.name)
    return lambda task, probe: TransformersModel(loaded, manner, patience=settings.patience)


def manner_for(settings: Settings, task: Task, name: str) -> "Manner":
    """How the settings ask a model of this name. The stand-in is kept short, and from what ends or delays a task."""
    from agent.chat.functions import read_wording
    from agent.chat.request import Manner

    manner = Manner(
        kind=_kind(settings, name),
        style=Style(history=settings.history, boxes=settings.boxes, image_max=settings.image_max, fold=settings.fold),
        thinking_tokens=settings.thinking_tokens, answer_tokens=settings.answer_tokens,
        image_tokens=settings.image_tokens, temperature=settings.temperature, seed=task.seed,
        browser=task.world == "browser", constrain=settings.constrain,
        wording=read_wording(settings.tool_text) if settings.tool_text else None,
    )  # fmt: skip
    if name != STAND_IN:
        return manner
    return replace(manner, thinking_tokens=24, temperature=2.0, browser=False, without=_NOT_BLINDLY, longest=12)


def _kind(settings: Settings, name: str) -> Literal["thinking", "instruct"]:
    if settings.model_kind != "auto":
        return settings.model_kind
    words = name.lower()
    if "thinking" in words or name == STAND_IN:
        return "thinking"
    if "instruct" in words:
        return "instruct"
    raise UserError(
        f"cannot tell whether {name!r} thinks before it answers", cause="its name says neither Thinking nor Instruct",
        remedy="set model_kind, for example SUREHAND_MODEL_KIND=thinking",
    )  # fmt: skip
