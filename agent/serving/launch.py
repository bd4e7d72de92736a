"""How a model of the family is served on a machine: on what, with which command and environment."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from agent.serving.family import Model
from agent.serving.machine import Machine, free_disk
from tools.errors import UserError

Device = Literal["auto", "cpu", "gpu"]

CONTEXT = 32768
"""Tokens of a conversation: ten full-HD screenshots, what is said, and an answer."""
IMAGES = 20
"""Most pictures of one request."""
_PIXELS = {"shortest_edge": 64 * 32 * 32, "longest_edge": 2048 * 32 * 32}
"""Of one picture; larger ones are scaled down to 2048 tokens, which full HD just fits."""
_CARD_SHARE = 0.92
_CARD_EXTRA = 4.0
"""GiB of a card for activations and a copy of the vision tower."""
_CPU_EXTRA = 4.0
"""GiB of memory for vLLM's own processes."""
_SMALL = 10.0
"""GiB of weights up to which a machine without graphics cards tries by itself."""


class Plan(BaseModel):
    """A decision: this model, with this program, on the CPU or over so many graphics cards."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Model
    program: tuple[str, ...]
    cards: int = 0
    """0 is the CPU."""
    context: int = CONTEXT
    modelscope: bool = False

    @property
    def cache_gib(self) -> int:
        """Key-value cache for one conversation of full length, in whole GiB."""
        return math.ceil(_cache(self.model, self.context))


def plan(model: Model, device: Device, machine: Machine, *, modelscope: bool = False, context: int = CONTEXT) -> Plan:
    """Decides. Raises UserError when the machine cannot serve it: no card, no memory, no vLLM."""
    on_cpu = model.stand_in or device == "cpu" or (device == "auto" and not machine.cards and model.gib <= _SMALL)
    cards = 0 if on_cpu else _spread(model, machine.cards, context)
    if on_cpu:
        _fits_memory(model, machine.memory, context)
    context = min(context, model.card.context) if model.card else context
    program = machine.cpu_program if on_cpu else machine.gpu_program
    if program is None:
        raise _no_vllm(on_cpu)
    return Plan(model=model, program=program, cards=cards, context=context, modelscope=modelscope)


def check_disk(model: Model, modelscope: bool) -> None:
    """Makes sure that there is room for what will be downloaded. Raises UserError."""
    folder, free = free_disk(modelscope)
    if not model.local and free < model.gib and not _downloaded(model, folder):
        raise UserError(
            f"no room for {model.source}: its weights take {model.gib:.0f} GiB",
            cause=f"{free:.0f} GiB are free at {str(folder)!r}",
            remedy="make room, or set " + ("MODELSCOPE_CACHE" if modelscope else "HF_HOME") + " to a larger disk",
        )


def command(plan: Plan, port: int) -> list[str]:
    """The command line; it holds no secret."""
    model = plan.model
    line = [*plan.program, model.source, "--served-model-name", model.name, "--host", "127.0.0.1", "--port", str(port)]
    line += ["--max-model-len", str(plan.context)]
    line += ["--limit-mm-per-prompt", json.dumps({"image": IMAGES, "video": 0})]
    if not model.card:  # else its own file says how large pictures are, in training as here
        line += ["--mm-processor-kwargs", json.dumps({"size": _PIXELS})]
    line += ["--enable-auto-tool-choice", "--tool-call-parser", "hermes"]
    if model.thinking:  # an Instruct model with this parser loses its whole answer to `reasoning`
        line += ["--reasoning-parser", "qwen3"]
    line += ["--enable-prompt-tokens-details", "--enable-per-request-metrics"]
    if adapter := model.adapter:
        module = {"name": model.asked, "path": str(adapter.folder), "base_model_name": model.name}
        line += ["--enable-lora", "--max-lora-rank", str(adapter.rank), "--lora-modules", json.dumps(module)]
    if plan.cards > 1:
        line += ["--tensor-parallel-size", str(plan.cards), "--mm-encoder-tp-mode", "data"]
        line += ["--enable-expert-parallel"] if model.size.architecture.experts else []
    if plan.cards == 0:
        line += ["--enforce-eager"]  # compiling takes minutes and a C++ compiler
        # a request with a seed kills vLLM 0.32 on the CPU when its prompt is read in pieces (CPU Generator, set_offset)
        line += ["--no-enable-chunked-prefill", "--max-num-batched-tokens", str(plan.context)]
    if model.stand_in:
        line += ["--skip-mm-profiling", "--kv-cache-memory-bytes", str(2**28), "--distributed-executor-backend", "uni"]
    return line


def environment(plan: Plan, key: str) -> dict[str, str]:
    """The variables that go with the command."""
    variables = {"VLLM_API_KEY": key, "VLLM_NO_USAGE_STATS": "1", "VLLM_HOST_IP": "127.0.0.1"}
    variables["VLLM_REGEX_COMPILATION_TIMEOUT_S"] = "60"  # an answer's form takes a second, and more on a busy machine
    variables["PYTHONSAFEPATH"] = "1"  # a file called token.py in the current folder is none of vLLM's business
    if plan.modelscope:
        variables["VLLM_USE_MODELSCOPE"] = "1"
    if plan.model.local:
        variables["HF_HUB_OFFLINE"] = "1"
    if plan.model.stand_in:  # one process less, and one thread: two would wait for each other by spinning
        variables |= {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "OMP_NUM_THREADS": "1"}
        variables["VLLM_CPU_OMP_THREADS_BIND"] = "nobind"
    elif plan.cards == 0:
        variables |= {"VLLM_CPU_KVCACHE_SPACE": str(plan.cache_gib), "VLLM_CPU_OMP_THREADS_BIND": "auto"}
    return variables


def _cache(model: Model, context: int) -> float:
    return model.size.cache_gib(context)


def _spread(model: Model, cards: Sequence[float], context: int) -> int:
    """The fewest cards that hold it, a power of two. Raises UserError."""
    needed = model.gib + _cache(model, context)
    for count in (1 << power for power in range(len(cards).bit_length())):
        if count <= min(len(cards), model.size.most_cards(model.fp8)):
            smallest = sorted(cards, reverse=True)[count - 1]
            if needed / count + _CARD_EXTRA <= smallest * _CARD_SHARE:
                return count
    have = " + ".join(f"{card:.0f}" for card in cards) + " GiB free" if cards else "no graphics card"
    raise UserError(
        f"{model.name} does not fit: it needs {needed + _CARD_EXTRA:.0f} GiB on graphics cards",
        cause=f"this machine has {have}",
        remedy="choose a smaller model or its FP8 version, `--device cpu` if you can wait, or name a server elsewhere"
        " with `surehand run --model http://host:port/v1`",
    )


def _fits_memory(model: Model, memory: float, context: int) -> None:
    needed = model.gib + (0 if model.stand_in else math.ceil(_cache(model, context))) + _CPU_EXTRA
    if needed > memory:
        raise UserError(
            f"{model.name} does not fit: on the CPU it needs {needed:.0f} GiB of memory",
            cause=f"{memory:.0f} GiB are free",
            remedy="close other programs, choose a smaller model, or name a server elsewhere with --model",
        )


def _no_vllm(on_cpu: bool) -> UserError:
    if on_cpu:
        return UserError("no vLLM for the CPU: there is no .venv-serve", remedy="run 'bash docker/setup-serve.sh'")
    return UserError("no vLLM for graphics cards", remedy="run '.venv/bin/pip install vllm', or put `vllm` on the PATH")


def _downloaded(model: Model, folder: Path) -> bool:
    """Whether a hub's cache has something of it already."""
    patterns = (f"**/models--{model.source.replace('/', '--')}", f"**/{model.source}")
    return any(True for pattern in patterns for _ in folder.glob(pattern))
