"""The Qwen3-VL family as a table, and which of it a name or a folder means."""

import json
import math
import re
from itertools import product
from pathlib import Path

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, ConfigDict

from agent.serving import stand_in
from scenarios.schema import meant
from tools.errors import UserError

STAND_IN = "stand-in"
_FP8_BLOCK = 128
"""Rows of a weight that share one scale in the published FP8 checkpoints; a shard holds whole blocks."""


class Size(BaseModel):
    """One size of the family: what its checkpoints take. Parameters are counted, in billions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    hidden: int
    layers: int
    parameters: float
    kept: float
    """Those that FP8 checkpoints keep in bfloat16: the vision tower, the embeddings, the head."""
    kv_kib: int
    """Of the key-value cache, for each token of context."""
    heads: int
    expert_width: int | None = None
    """Of one expert's inner layer; None where there are no experts."""

    def gib(self, fp8: bool) -> float:
        """Of the weights."""
        halves = self.kept if fp8 else self.parameters
        return (2 * halves + (self.parameters - halves)) * 1e9 / 2**30

    def most_cards(self, fp8: bool) -> int:
        """The most cards over which its weights can be divided: heads and FP8 blocks stay whole."""
        return math.gcd(self.heads, self.expert_width // _FP8_BLOCK) if fp8 and self.expert_width else self.heads


SIZES = (
    Size(name="2B", hidden=2048, layers=28, parameters=2.128, kept=0.718, kv_kib=112, heads=16),
    Size(name="4B", hidden=2560, layers=36, parameters=4.438, kept=0.804, kv_kib=144, heads=32),
    Size(name="8B", hidden=4096, layers=36, parameters=8.767, kept=1.821, kv_kib=144, heads=32),
    Size(name="32B", hidden=5120, layers=64, parameters=33.357, kept=2.151, kv_kib=256, heads=64),
    Size(name="30B-A3B", hidden=2048, layers=48, parameters=31.07, kept=1.2, kv_kib=96, heads=32, expert_width=768),
    Size(name="235B-A22B", hidden=4096, layers=94, parameters=235.67, kept=1.84, kv_kib=188, heads=64,
         expert_width=1536),
)  # fmt: skip
_TINY = Size(name=STAND_IN, hidden=64, layers=2, parameters=0.0103, kept=0.0103, kv_kib=1, heads=2)


class Model(BaseModel):
    """Something that can be served: a published checkpoint, one in a folder, or the stand-in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """What the server calls it."""
    source: str
    """Its name at Hugging Face and ModelScope, or its folder."""
    size: Size
    thinking: bool
    fp8: bool = False

    @property
    def gib(self) -> float:
        """Of its weights."""
        return self.size.gib(self.fp8)

    @property
    def local(self) -> bool:
        """Whether it lies in a folder of this machine."""
        return Path(self.source).is_absolute()

    @property
    def stand_in(self) -> bool:
        """Whether it is the stand-in, whose random weights know nothing."""
        return self.size.name == STAND_IN


def published() -> tuple[Model, ...]:
    """All that Qwen published; the names are the same at Hugging Face and ModelScope."""
    kinds = product(SIZES, ("Thinking", "Instruct"), (False, True))
    return tuple(_published(size, kind, fp8) for size, kind, fp8 in kinds)


def _published(size: Size, kind: str, fp8: bool) -> Model:
    name = f"Qwen3-VL-{size.name}-{kind}" + ("-FP8" if fp8 else "")
    return Model(name=name.lower(), source=f"Qwen/{name}", size=size, thinking=kind == "Thinking", fp8=fp8)


def find(name: str) -> Model:
    """What a name means: `stand-in`, a published one (`Qwen/Qwen3-VL-8B-Thinking`, `8b-thinking`, `8B`), or a folder.

    A size alone means its Thinking model. Raises UserError: unknown, or a folder without a Qwen3-VL.
    """
    if name == STAND_IN:
        return Model(name=STAND_IN, source=str(stand_in.location()), size=_TINY, thinking=True)
    known = {key: model for model in published() for key in _keys(model)}
    key = name.lower().removeprefix("qwen/").removeprefix("qwen3-vl-")
    if model := known.get(key):
        return model
    folder = Path(name).expanduser()
    if folder.is_dir():
        return _in_folder(folder.resolve())
    close = meant(key, [STAND_IN, *known])
    raise UserError(f"unknown model {name!r}", remedy=close or "name one such as '8B', or a folder that holds one")


def _keys(model: Model) -> tuple[str, ...]:
    """The ways to say it in lower case, without Qwen3-VL before it: `235b-a22b-thinking-fp8`, …, `235b-fp8`."""
    long = model.name.removeprefix("qwen3-vl-")
    short = re.sub(r"-a\d+b", "", long)
    return tuple(key for name in (long, short) for key in (name, name.replace("-thinking", "")))


def _in_folder(folder: Path) -> Model:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        kind = config["model_type"]
        size = _size(folder, config["text_config"]) if kind in ("qwen3_vl", "qwen3_vl_moe") else None
    except FileNotFoundError:
        raise UserError(f"no model in {str(folder)!r}", cause="it holds no config.json") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"no Qwen3-VL in {str(folder)!r}", cause=f"cannot read its config.json: {error!r}") from None
    if size is None:
        raise UserError(f"no Qwen3-VL in {str(folder)!r}", cause=f"its config.json says model_type {kind!r}")
    return Model(
        name=folder.name, source=str(folder), size=size, thinking=_thinks(folder), fp8="quantization_config" in config
    )


def _size(folder: Path, text: dict[str, int]) -> Size:
    """One of the table, or one that was never published, from what lies there."""
    if size := next(
        (s for s in SIZES if (s.hidden, s.layers) == (text["hidden_size"], text["num_hidden_layers"])), None
    ):
        return size
    billions = sum(file.stat().st_size for file in folder.glob("*.safetensors")) / 2e9
    layers, heads, width = text["num_hidden_layers"], text["num_key_value_heads"], text["head_dim"]
    return Size(
        name=folder.name, hidden=text["hidden_size"], layers=layers, parameters=billions, kept=billions,
        kv_kib=max(1, layers * heads * width * 4 // 1024), heads=text["num_attention_heads"],
    )  # fmt: skip


def _thinks(folder: Path) -> bool:
    """Whether its chat template lets an answer begin with a thought. Raises UserError when it has none."""
    like_transformers = {"trim_blocks": True, "lstrip_blocks": True, "extensions": ["jinja2.ext.loopcontrols"]}
    try:
        template = ImmutableSandboxedEnvironment(**like_transformers).from_string(_template(folder))
        prompt = template.render(messages=[{"role": "user", "content": "?"}], add_generation_prompt=True)
    except (OSError, ValueError, KeyError, TypeError, TemplateError) as error:
        raise UserError(f"no chat template in {str(folder)!r}", cause=repr(error)) from None
    return prompt.rstrip().endswith("<think>")


def _template(folder: Path) -> str:
    file = folder / "chat_template.jinja"
    if file.exists():
        return file.read_text(encoding="utf-8")
    older = folder / "chat_template.json"
    holder = older if older.exists() else folder / "tokenizer_config.json"
    return str(json.loads(holder.read_text(encoding="utf-8"))["chat_template"])
