"""What a Qwen3-VL is made of, and so how many weights it has. Standard library only: it also runs beside bare torch.

The numbers are those of the published configurations; the counts are those of transformers' modules (a test makes
them on the meta device).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Vision:
    """The tower that reads pictures: a patch is 16x16 pixels of two frames, four patches become a token."""

    depth: int
    hidden: int
    inner: int
    heads: int = 16
    deepstack: int = 3
    """Layers whose output also goes into the language model, each through a merger of its own."""
    positions: int = 2304
    patch: int = 3 * 2 * 16 * 16
    """Numbers of a patch: channels, frames, height, width."""

    def parameters(self, out: int) -> int:
        """Weights, for a language model `out` wide."""
        h, wide = self.hidden, 4 * self.hidden
        block = 4 * h * h + 4 * h + 2 * h * self.inner + self.inner + h + 4 * h
        merger = wide * wide + wide + wide * out + out
        embedding = self.patch * h + h + self.positions * h
        return embedding + self.depth * block + merger + 2 * h + self.deepstack * (merger + 2 * wide)


@dataclass(frozen=True, slots=True)
class Experts:
    """A mixture of experts in place of each layer's inner part: `used` of `count` for a token."""

    count: int
    used: int
    inner: int


@dataclass(frozen=True, slots=True)
class Architecture:
    """A language model with its vision tower; `inner` is the width inside a layer, `tied`: no head of its own."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    inner: int
    tied: bool
    vision: Vision
    experts: Experts | None = None
    head: int = 128
    vocabulary: int = 151_936

    @property
    def embeddings(self) -> int:
        """Weights of the table of tokens, and of the head where there is one."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2)

    @property
    def attention(self) -> int:
        """Weights of a layer's four projections and two norms."""
        return 2 * self.hidden * self.head * (self.heads + self.kv_heads) + 2 * self.head

    @property
    def feed_forward(self) -> int:
        """Weights of a layer's inner part."""
        if self.experts is None:
            return 3 * self.hidden * self.inner
        return self.experts.count * (3 * self.hidden * self.experts.inner + self.hidden)

    @property
    def parameters(self) -> int:
        """All weights."""
        layer = self.attention + self.feed_forward + 2 * self.hidden
        return self.embeddings + self.layers * layer + self.hidden + self.vision.parameters(self.hidden)

    @property
    def kept(self) -> int:
        """Those that FP8 checkpoints keep in bfloat16: vision tower, embeddings, head, and what chooses experts."""
        gates = self.layers * self.experts.count * self.hidden if self.experts else 0
        return self.embeddings + self.vision.parameters(self.hidden) + gates

    @property
    def cache(self) -> int:
        """Bytes of keys and values in bfloat16, for each token of context."""
        return 2 * 2 * self.layers * self.kv_heads * self.head

    @property
    def linears(self) -> dict[str, tuple[int, int]]:
        """Those of a layer of the language model, numbers in and out by their names; experts are left alone."""
        wide, narrow = self.heads * self.head, self.kv_heads * self.head
        found = {"q_proj": (self.hidden, wide), "k_proj": (self.hidden, narrow), "v_proj": (self.hidden, narrow)}
        found["o_proj"] = (wide, self.hidden)
        if not self.experts:
            found |= dict.fromkeys(("gate_proj", "up_proj"), (self.hidden, self.inner))
            found["down_proj"] = (self.inner, self.hidden)
        return found

    def adapter(self, rank: int) -> int:
        """Weights of a LoRA adapter on every linear of the language model."""
        return rank * self.layers * sum(come + go for come, go in self.linears.values())


SMALL_VISION = Vision(depth=24, hidden=1024, inner=4096)
LARGE_VISION = Vision(depth=27, hidden=1152, inner=4304)


def of_config(config: Mapping[str, Any]) -> Architecture:
    """What a checkpoint's config.json describes. Raises KeyError and TypeError where it is not Qwen3-VL's."""
    text, vision = config["text_config"], config["vision_config"]
    experts = ("num_experts", "num_experts_per_tok", "moe_intermediate_size")
    frames, side = vision.get("temporal_patch_size", 2), vision.get("patch_size", 16)
    return Architecture(
        hidden=text["hidden_size"], layers=text["num_hidden_layers"], heads=text["num_attention_heads"],
        kv_heads=text["num_key_value_heads"], inner=text["intermediate_size"],
        tied=bool(config.get("tie_word_embeddings", text.get("tie_word_embeddings", False))),
        experts=Experts(*(text[key] for key in experts)) if text.get("num_experts") else None,
        head=text.get("head_dim", 128), vocabulary=text["vocab_size"],
        vision=Vision(
            depth=vision["depth"], hidden=vision["hidden_size"], inner=vision["intermediate_size"],
            heads=vision["num_heads"], deepstack=len(vision["deepstack_visual_indexes"]),
            positions=vision["num_position_embeddings"], patch=vision.get("in_channels", 3) * frames * side**2,
        ),
    )  # fmt: skip


def as_config(architecture: Architecture) -> dict[str, Any]:
    """The configuration from which transformers makes it: the other way round, for models without a checkpoint."""
    of, vision = architecture, architecture.vision
    text: dict[str, Any] = {
        "hidden_size": of.hidden, "num_hidden_layers": of.layers, "num_attention_heads": of.heads,
        "num_key_value_heads": of.kv_heads, "intermediate_size": of.inner, "head_dim": of.head,
        "vocab_size": of.vocabulary, "max_position_embeddings": 262_144,
    }  # fmt: skip
    if experts := of.experts:
        text |= {"num_experts": experts.count, "num_experts_per_tok": experts.used}
        text |= {"moe_intermediate_size": experts.inner, "decoder_sparse_step": 1, "mlp_only_layers": []}
    step = vision.depth // (vision.deepstack + 1)
    tower = {
        "depth": vision.depth, "hidden_size": vision.hidden, "intermediate_size": vision.inner,
        "num_heads": vision.heads, "num_position_embeddings": vision.positions, "out_hidden_size": of.hidden,
        "deepstack_visual_indexes": [step * (number + 1) for number in range(vision.deepstack)],
    }  # fmt: skip
    return {
        "model_type": "qwen3_vl_moe" if of.experts else "qwen3_vl",
        "text_config": text, "vision_config": tower, "tie_word_embeddings": of.tied,
    }  # fmt: skip
