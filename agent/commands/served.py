"""From settings to a model behind a server: where it is, what kind it is, how it is asked."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from agent.means import MakeModel
from agent.model import Model, Served
from agent.prompt import IMAGE_MAX, Style
from agent.settings import Settings
from env.base import Probe
from scenarios.base import Task
from tools.errors import UserError

if TYPE_CHECKING:  # the client of model servers takes half a second to import
    from agent.chat.endpoint import Endpoint
    from agent.chat.request import Manner
    from agent.serving.family import Card
    from agent.serving.in_process import Loaded

STAND_IN = "stand-in"
RANDOM = "The stand-in has random weights: it shows that the plumbing works, and knows nothing."
_BETWEEN_SAMPLES = 1_000_000
_NOT_BLINDLY = ("wait", "terminate", "answer")
"""Actions that end or delay a task."""


def at_address(settings: Settings) -> "Endpoint":
    """The server that the settings point at. Raises UserError.

    One that surehand started is opened with its key, and asked for what it was started for: its adapter, if any.
    """
    from agent.chat.endpoint import find_endpoint
    from agent.serving.vllm_server import at

    started = at(settings.model)
    if started is None:
        return find_endpoint(settings.model, settings.model_name, settings.api_key)
    return find_endpoint(settings.model, settings.model_name or started.model, settings.api_key or started.key)


def the_stand_in() -> "Endpoint":
    """The stand-in behind vLLM on this machine, started where it does not run. Raises UserError, ModelError."""
    from agent.chat.endpoint import find_endpoint
    from agent.commands.live import console
    from agent.serving.family import find
    from agent.serving.vllm_server import start

    with console().status("starting the stand-in"):
        server = asyncio.run(start(find(STAND_IN)))
    return find_endpoint(server.url, server.model, server.key)


def served(settings: Settings, task: Task, endpoint: "Endpoint", sample: int = 0) -> MakeModel:
    """What makes the client of this server for the task. Raises UserError: the kind cannot be told, a wrong file."""
    manner = manner_for(settings, task, endpoint.model, sample)

    def make(task: Task, probe: Probe) -> Model:
        from agent.chat.model import VllmModel

        return VllmModel(endpoint, manner, patience=settings.patience)

    return make


def in_process(settings: Settings, task: Task, name: str, sample: int = 0) -> MakeModel:
    """What makes the model of this name in this very process. Raises UserError: unknown, no torch, cannot be loaded."""
    from agent.serving.in_process import TransformersModel

    loaded = _loaded(settings, name)
    manner = manner_for(settings, task, loaded.name, sample)
    return lambda task, probe: TransformersModel(loaded, manner, patience=settings.patience)


def looker(settings: Settings, *, sure: bool) -> Served:
    """The model that the settings name, to be asked in words about pictures; `sure` leaves nothing to chance.

    Raises UserError: no model with eyes, unknown, not to be had. Raises ModelError: the stand-in cannot be started.
    """
    kind, _, argument = settings.model.partition(":")
    if kind == "transformers" and argument:
        from agent.serving.in_process import TransformersModel

        loaded = _loaded(settings, argument)
        return TransformersModel(loaded, _in_words(settings, loaded.name, sure), patience=settings.patience)
    if kind not in ("http", "https") and settings.model != STAND_IN:
        raise UserError(
            f"no model {settings.model!r} that looks at pictures" if settings.model else "no model is named",
            remedy="name one with --model: http://host:port/v1, transformers:MODEL or stand-in",
        )
    from agent.chat.model import VllmModel

    endpoint = the_stand_in() if kind == STAND_IN else at_address(settings)
    return VllmModel(endpoint, _in_words(settings, endpoint.model, sure), patience=settings.patience)


def _loaded(settings: Settings, name: str) -> "Loaded":
    from agent.commands.live import console
    from agent.serving.family import find
    from agent.serving.in_process import load

    model = find(name)
    with console().status(f"loading {model.name}"):
        return load(model, modelscope=settings.modelscope)


def _in_words(settings: Settings, name: str, sure: bool) -> "Manner":
    manner = replace(_manner(settings, name), acts=False, sure=sure)
    return replace(manner, thinking_tokens=24, answer_tokens=64) if name == STAND_IN else manner


def manner_for(settings: Settings, task: Task, name: str, sample: int = 0) -> "Manner":
    """How the settings ask a model of this name. The stand-in is kept short, and from what ends or delays a task.

    Every `sample` of a task has a seed of its own, or they would all be the same.
    """
    seed = task.seed + _BETWEEN_SAMPLES * sample
    manner = replace(_manner(settings, name), seed=seed, browser=task.world == "browser")
    if name != STAND_IN:
        return manner
    return replace(manner, thinking_tokens=24, temperature=2.0, browser=False, without=_NOT_BLINDLY, longest=12)


def _manner(settings: Settings, name: str) -> "Manner":
    from agent.chat.functions import read_wording
    from agent.chat.request import Manner

    card = _card(settings)
    shown = settings.image_max or (card.screenshots if card else IMAGE_MAX)
    manner = Manner(
        kind="thinking" if card else _kind(settings, name),
        style=Style(history=settings.history, boxes=settings.boxes, image_max=shown, fold=min(settings.fold, shown)),
        thinking_tokens=settings.thinking_tokens, answer_tokens=settings.answer_tokens,
        image_tokens=settings.image_tokens, temperature=settings.temperature, constrain=settings.constrain,
        wording=read_wording(settings.tool_text) if settings.tool_text else None,
    )  # fmt: skip
    if card is None:
        return manner
    # it learned one form of answers, shorter than the one that larger ones are held to, and says what is likeliest
    temperature = 0.0 if settings.temperature is None else settings.temperature
    return replace(manner, thinking_tokens=min(manner.thinking_tokens, 256), constrain=False, temperature=temperature)


def _card(settings: Settings) -> "Card | None":
    """What a small model that surehand trained says of itself: one in this process, or behind a server started here."""
    from agent.serving.family import find
    from agent.serving.vllm_server import at

    kind, _, argument = settings.model.partition(":")
    if kind == "transformers":
        return find(argument).card
    server = at(settings.model) if kind in ("http", "https") else None
    return find(server.source).card if server and Path(server.source).is_absolute() else None


def _kind(settings: Settings, name: str) -> Literal["thinking", "instruct"]:
    if settings.model_kind != "auto":
        return settings.model_kind
    words = name.lower()
    if "thinking" in words or name.startswith(STAND_IN):
        return "thinking"
    if "instruct" in words:
        return "instruct"
    raise UserError(
        f"cannot tell whether {name!r} thinks before it answers", cause="its name says neither Thinking nor Instruct",
        remedy="set model_kind, for example SUREHAND_MODEL_KIND=thinking",
    )  # fmt: skip
