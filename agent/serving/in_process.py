"""A Qwen3-VL in this very process, by transformers: prompts, sampling and reading of replies as through a server.

torch and transformers come from this environment, or else from .venv-serve. Pictures are prepared without torchvision.
"""

import asyncio
import base64
import io
import site
import sysconfig
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from agent.chat.request import Manner, parameters
from agent.chat.wire import wire_messages
from agent.prompt import Assistant, Message, styled
from agent.serving import stand_in
from agent.serving.machine import CPU_PYTHON
from agent.trace import Completion
from tools.errors import ModelError, UserError

if TYPE_CHECKING:
    from agent.serving.family import Model

_PICTURE = "<|image_pad|>"
_THOUGHT_ENDS = "</think>"
_NOT_DONE = ("presence_penalty", "tool_choice", "parallel_tool_calls", "stream")
"""Parameters of a request that mean nothing here, or that transformers does not know."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model in memory, with what makes its tokens and its pictures."""

    name: str
    weights: Any
    tokenizer: Any
    pictures: Any


@cache
def load(model: "Model", *, modelscope: bool = False) -> Loaded:
    """Loads it, onto graphics cards where there are any. Raises UserError: no torch, not to be had, no room for it."""
    find_torch()
    import torch
    from transformers import AutoImageProcessor, AutoModelForImageTextToText, AutoTokenizer

    if model.stand_in:
        stand_in.build(stand_in.location())
    try:
        source = _from_modelscope(model.source) if modelscope and not model.local else model.source
        weights = AutoModelForImageTextToText.from_pretrained(
            source, dtype="auto", attn_implementation=attention(cards=torch.cuda.is_available()), **_placed()
        ).eval()
        tokenizer = AutoTokenizer.from_pretrained(source)
        return Loaded(model.name, weights, tokenizer, AutoImageProcessor.from_pretrained(source, backend="pil"))
    except (OSError, ValueError) as error:
        line = " ".join(str(error).split())
        raise UserError(
            f"cannot load {model.source!r}", cause=line[:300],
            remedy="name a folder that holds it, or see whether its hub can be reached from here",
        ) from None  # fmt: skip
    except RuntimeError as error:
        raise UserError(f"no room for {model.source!r}", cause=str(error).splitlines()[0],
                        remedy="`surehand memory` says what it takes; choose a smaller one") from None  # fmt: skip


def attention(*, cards: bool) -> str:
    """How attention is computed: FlashAttention where it is installed and there is a card for it, else torch's own."""
    return "flash_attention_2" if cards and find_spec("flash_attn") else "sdpa"


def _placed() -> dict[str, Any]:
    """Where weights go: spread over all cards where accelerate is there to do it, on the first card, or in memory."""
    import torch

    if not torch.cuda.is_available():
        return {}
    return {"device_map": "auto" if find_spec("accelerate") else {"": 0}}


def find_torch() -> None:
    """Makes torch and transformers importable. Raises UserError where there are none."""
    if find_spec("torch") and find_spec("transformers"):
        return
    if not CPU_PYTHON.exists():
        raise UserError("no torch and transformers here", remedy="run `make vllm`, or `.venv/bin/pip install "
                        "'surehand[train]'` for graphics cards")  # fmt: skip
    root = CPU_PYTHON.parent.parent
    site.addsitedir(sysconfig.get_path("purelib", vars={"base": str(root), "platbase": str(root)}))


def _from_modelscope(name: str) -> str:
    if not find_spec("modelscope"):
        raise UserError("no library 'modelscope'", remedy="run `.venv/bin/pip install modelscope`")
    from modelscope import snapshot_download

    return str(snapshot_download(name))


class TransformersModel:
    """Answers one run's conversation with a loaded model. `patience` is the seconds that one answer may take."""

    def __init__(self, loaded: Loaded, manner: Manner, *, patience: float = 300.0) -> None:
        self.name = loaded.name
        self._loaded, self._manner, self._patience = loaded, manner, patience
        self._stop = threading.Event()

    @property
    def about(self) -> dict[str, Any]:
        """Parameters, and where the model is."""
        import torch
        import transformers

        sent = {name: value for name, value in self._parameters(0, strict=False).items() if name not in _NOT_DONE}
        tools = sent.pop("tools", ())
        versions = f"transformers {transformers.__version__}, torch {torch.__version__}"
        style = self._manner.style
        return sent | {
            "address": "in this process", "server": versions, "device": str(self._loaded.weights.device),
            "kind": self._manner.kind, "form of answers": "free", "history": style.history, "boxes": style.boxes,
            "tools": [tool["function"]["name"] for tool in tools], "image_max": style.image_max,
            "image_tokens": self._manner.image_tokens, "refused": ["presence_penalty"],
        }  # fmt: skip

    async def decide(self, messages: Sequence[Message]) -> Completion:
        """One reply. Raises ModelError: no room for the conversation, or nothing in time."""
        return await self._ask(messages, strict=False)

    async def mend(self, messages: Sequence[Message]) -> Completion:
        """One reply without a thought and with nothing left to chance. Raises ModelError."""
        return await self._ask(messages, strict=True)

    async def close(self) -> None:
        """Ends what it is writing; the weights stay for the next run."""
        self._stop.set()

    async def _ask(self, told: Sequence[Message], *, strict: bool) -> Completion:
        self._stop.clear()
        turn = sum(isinstance(message, Assistant) for message in told)
        wired = wire_messages(
            styled(told, self._manner.style), image_tokens=self._manner.image_tokens,
            calls=self._manner.style.history == "tool", uuids=False,
        )  # fmt: skip
        try:
            return await asyncio.to_thread(self._answer, wired, self._parameters(turn, strict=strict), strict)
        except asyncio.CancelledError:
            self._stop.set()
            raise

    def _parameters(self, turn: int, *, strict: bool) -> dict[str, Any]:
        return parameters(self._manner, turn, strict=strict, dropped=(), vllm=False)

    def _answer(self, wired: Sequence[dict[str, Any]], asked: dict[str, Any], strict: bool) -> Completion:
        import torch

        began, weights = time.monotonic(), self._loaded.weights
        inputs = {name: value.to(weights.device) for name, value in self.inputs(wired, asked.get("tools", ())).items()}
        read = inputs["input_ids"].shape[1]
        torch.manual_seed(asked["seed"])
        try:
            with torch.inference_mode():
                out = weights.generate(
                    **inputs, **_sampling(asked), max_new_tokens=asked["max_tokens"], max_time=self._patience,
                    logits_processor=[self._bounds(read, 0 if strict else self._manner.thinking_tokens)],
                    stopping_criteria=[lambda ids, scores: torch.full((1,), self._stop.is_set(), device=ids.device)],
                )  # fmt: skip
        except torch.OutOfMemoryError as error:
            raise ModelError(
                f"no room for a prompt of {read} tokens: {error}; lower image_max or image_tokens"
            ) from None
        written = out[0, read:]
        seconds = time.monotonic() - began
        ended = int(written[-1]) in _ends(weights)
        if not ended and len(written) < asked["max_tokens"] and seconds >= self._patience:
            raise ModelError(f"the model gave no answer within {self._patience:g} s")
        text = self._loaded.tokenizer.decode(written, skip_special_tokens=True)
        return Completion(
            text=text, finish="stop" if ended else "length", model=self.name, prompt_tokens=read, cached_tokens=0,
            completion_tokens=len(written), seconds=round(seconds, 4),
        )  # fmt: skip

    def inputs(self, wired: Sequence[dict[str, Any]], tools: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """A conversation as tensors: tokens with a place for each patch of a picture, and the pictures' pixels."""
        import torch

        loaded = self._loaded
        told = [_for_template(message) for message in wired]
        text = loaded.tokenizer.apply_chat_template(
            told, tools=tools or None, add_generation_prompt=True, tokenize=False
        )
        given: dict[str, Any] = {}
        if shots := [_decoded(part) for message in wired for part in _pictures(message)]:
            given = dict(loaded.pictures(images=shots, return_tensors="pt"))
            merged = loaded.pictures.merge_size**2
            places = [_PICTURE * (int(grid.prod()) // merged) for grid in given["image_grid_thw"]]
            pieces = text.split(_PICTURE)
            text = "".join(piece + place for piece, place in zip(pieces, [*places, ""], strict=True))
        tokens = loaded.tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"]
        place = loaded.tokenizer.convert_tokens_to_ids(_PICTURE)
        return given | {"input_ids": tokens, "attention_mask": torch.ones_like(tokens),
                        "mm_token_type_ids": (tokens == place).int()}  # fmt: skip

    def _bounds(self, read: int, most: int) -> Any:
        """Ends a thought that has become too long, as vLLM's thinking_token_budget does."""
        end = self._loaded.tokenizer.convert_tokens_to_ids(_THOUGHT_ENDS)
        thinks = self._manner.kind == "thinking"

        def bound(ids: Any, scores: Any) -> Any:
            if thinks and ids.shape[1] - read >= most and not bool((ids[0, read:] == end).any()):
                scores = scores.new_full(scores.shape, float("-inf"))
                scores[:, end] = 0.0
            return scores

        return bound


def _sampling(asked: dict[str, Any]) -> dict[str, Any]:
    if asked["temperature"] == 0.0:
        return {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
    return {"do_sample": True} | {name: asked[name] for name in ("temperature", "top_p", "top_k", "repetition_penalty")}


def _ends(weights: Any) -> tuple[int, ...]:
    """Tokens that end an answer."""
    ends = weights.generation_config.eos_token_id
    return tuple(ends) if isinstance(ends, list) else (ends,)


def _for_template(message: dict[str, Any]) -> dict[str, Any]:
    """As the chat template of the checkpoints reads it, which calls a thought `reasoning_content`."""
    told = {name: value for name, value in message.items() if name != "reasoning"}
    return told | ({"reasoning_content": message["reasoning"]} if "reasoning" in message else {})


def _pictures(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message["content"]
    return [part for part in content if part["type"] == "image_url"] if isinstance(content, list) else []


def _decoded(part: dict[str, Any]) -> Any:
    from PIL import Image

    return Image.open(io.BytesIO(base64.b64decode(part["image_url"]["url"].partition(",")[2]))).convert("RGB")
