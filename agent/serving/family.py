"""The Qwen3-VL family as a table, and which of it a name or a folder means."""

import json
import math
import re
from itertools import product
from pathlib import Path

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.school.shape import CARD
from agent.serving import stand_in
from agent.serving.architecture import LARGE_VISION, SMALL_VISION, Architecture, Experts, of_config
from scenarios.schema import meant
from tools.errors import UserError

STAND_IN = "stand-in"
_FP8_BLOCK = 128
"""Rows of a weight that share one scale in the published FP8 checkpoints; a shard holds whole blocks."""


class Size(BaseModel):
    """One size of the family."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    architecture: Architecture

    def gib(self, fp8: bool) -> float:
        """Of the weights."""
        all_of_them, kept = self.architecture.parameters, self.architecture.kept
        return ((all_of_them + kept) if fp8 else 2 * all_of_them) / 2**30

    def cache_gib(self, tokens: int) -> float:
        """Of the keys and values of so many tokens of context."""
        return self.architecture.cache * tokens / 2**30

    def most_cards(self, fp8: bool) -> int:
        """The most cards over which its weights can be divided: heads and FP8 blocks stay whole."""
        heads, experts = self.architecture.heads, self.architecture.experts
        return math.gcd(heads, experts.inner // _FP8_BLOCK) if fp8 and experts else heads


SIZES = tuple(
    Size(name=name, architecture=architecture)
    for name, architecture in (
        ("2B", Architecture(2048, 28, 16, 8, 6144, tied=True, vision=SMALL_VISION)),
        ("4B", Architecture(2560, 36, 32, 8, 9728, tied=True, vision=SMALL_VISION)),
        ("8B", Architecture(4096, 36, 32, 8, 12288, tied=False, vision=LARGE_VISION)),
        ("32B", Architecture(5120, 64, 64, 8, 25600, tied=False, vision=LARGE_VISION)),
        ("30B-A3B", Architecture(2048, 48, 32, 4, 6144, False, LARGE_VISION, Experts(128, 8, 768))),
        ("235B-A22B", Architecture(4096, 94, 64, 4, 12288, False, LARGE_VISION, Experts(128, 8, 1536))),
    )
)


class Adapter(BaseModel):
    """A LoRA adapter for a model: its folder, the rank that vLLM makes room for, and the hash of its weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path
    rank: int
    digest: str


class Card(BaseModel):
    """What `surehand.json` says in the folder of a small model that surehand trained; `agent.school.shape` writes it.

    Such a model is shown its newest `screenshots` only, reads conversations of up to `context` tokens, prepares
    pictures as its own files say, and has a vocabulary of its own.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    screenshots: int = Field(ge=1)
    context: int = Field(ge=256)


class Model(BaseModel):
    """Something that can be served: a published checkpoint, one in a folder, or the stand-in; with an adapter or not.

    `agent.serving.adapter` reads one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """What the server calls it."""
    source: str
    """Its name at Hugging Face and ModelScope, or its folder."""
    size: Size
    thinking: bool
    fp8: bool = False
    adapter: Adapter | None = None
    card: Card | None = None

    @property
    def asked(self) -> str:
        """What is asked of its server: the model as the adapter changes it, where there is one."""
        return f"{self.name}+{self.adapter.folder.name}" if self.adapter else self.name

    @property
    def gib(self) -> float:
        """Of its weights, those of an adapter in bfloat16."""
        added = self.size.architecture.adapter(self.adapter.rank) if self.adapter else 0
        return self.size.gib(self.fp8) + 2 * added / 2**30

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
        size = Size(name=STAND_IN, architecture=of_config(stand_in.CONFIG))
        return Model(name=STAND_IN, source=str(stand_in.location()), size=size, thinking=True)
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
        size = _size(folder.name, of_config(config)) if kind in ("qwen3_vl", "qwen3_vl_moe") else None
    except FileNotFoundError:
        raise UserError(f"no model in {str(folder)!r}", cause="it holds no config.json") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"no Qwen3-VL in {str(folder)!r}", cause=f"cannot read its config.json: {error!r}") from None
    if size is None:
        raise UserError(f"no Qwen3-VL in {str(folder)!r}", cause=f"its config.json says model_type {kind!r}")
    return Model(
        name=folder.name, source=str(folder), size=size, thinking=_thinks(folder), fp8="quantization_config" in config,
        card=_card(folder),
    )  # fmt: skip


def _card(folder: Path) -> Card | None:
    """Raises UserError when there is one that cannot be read."""
    file = folder / CARD
    try:
        return Card.model_validate_json(file.read_bytes()) if file.exists() else None
    except (OSError, ValidationError) as error:
        raise UserError(f"cannot read {str(file)!r}", cause=str(error).splitlines()[0]) from None


def _size(name: str, architecture: Architecture) -> Size:
    """One of the table, or one that was never published."""
    known = next((size for size in SIZES if size.architecture == architecture), None)
    return known or Size(name=name, architecture=architecture)


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
