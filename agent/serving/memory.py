"""How much memory a Qwen3-VL takes, for answering and for LoRA training: computed from its architecture.

Weights and cache are exact. Activations are those of transformers' modules with scaled-dot-product attention, which
keeps no square of the context; `agent.serving.measure` measures the same on a graphics card.
"""

from dataclasses import dataclass
from math import ceil

from agent.serving.architecture import Architecture
from tools.geometry import Size

HALF = 2
"""Bytes of a number in bfloat16."""
_FULL = 4
_SIDE = 32
"""Pixels of a token's side; four patches of the vision tower."""
_RESERVE = 0.8 * 2**30
"""Of each card: the driver's context, workspaces, what the allocator keeps in pieces."""
_ADAM = 16
"""Bytes of a trained weight: itself, its gradient and AdamW's two moments, all in 32 bits."""


@dataclass(frozen=True, slots=True)
class Work:
    """What is asked of it: tokens of context, of which so many pictures of a size in pixels; over so many cards."""

    context: int
    images: int
    size: Size
    cards: int = 1

    @property
    def picture_tokens(self) -> int:
        """Of all pictures."""
        return self.images * max(1, round(self.size.width / _SIDE)) * max(1, round(self.size.height / _SIDE))


@dataclass(frozen=True, slots=True)
class Need:
    """Bytes on each card. The vision tower has its peak before the language model has its own."""

    weights: float
    cache: float
    vision: float
    language: float
    adapter: float = 0.0

    @property
    def peak(self) -> float:
        """The most at any time."""
        return self.weights + self.cache + self.adapter + max(self.vision, self.language) + _RESERVE


def answering(of: Architecture, work: Work, *, fp8: bool = False) -> Need:
    """One conversation whose whole prompt is read at once, as transformers does it; vLLM reads it in pieces."""
    weights = of.parameters + of.kept if fp8 else HALF * of.parameters
    return Need(
        weights=weights / work.cards, cache=of.cache * work.context / work.cards, vision=_vision(of, work),
        language=work.context * _layer(of) / work.cards,
    )  # fmt: skip


def training(of: Architecture, work: Work, rank: int) -> Need:
    """LoRA on the language model's linears, one row of `context` tokens at a time; the vision tower is frozen.

    Each layer is computed again for its gradients. Over several cards weights are divided (DeepSpeed ZeRO-3), rows are
    not.
    """
    kept = HALF * of.layers * work.context * of.hidden
    again = 2 * work.context * _layer(of)
    logits = work.context * of.vocabulary * (HALF + 2 * _FULL)  # as they come, in 32 bits, and their gradient
    gathered = 2 * HALF * (of.attention + of.feed_forward) if work.cards > 1 else 0
    return Need(
        weights=HALF * of.parameters / work.cards, cache=0.0, vision=_vision(of, work),
        language=kept + max(again, logits) + gathered, adapter=_ADAM * of.adapter(rank) / work.cards,
    )  # fmt: skip


def _layer(of: Architecture) -> int:
    """Bytes of a token inside a layer at its peak: the stream and its norm, then attention or the inner part."""
    stream = (2 * HALF + _FULL) * of.hidden
    attention = HALF * of.head * (3 * of.heads + 4 * of.kv_heads)
    inner = of.experts.used * of.experts.inner if of.experts else of.inner
    return stream + max(attention, 3 * HALF * inner)


def _vision(of: Architecture, work: Work) -> float:
    """Of the pictures of one prompt, read together; each card reads them all. Queries and keys turn in 32 bits."""
    tower, patches = of.vision, 4 * work.picture_tokens
    numbers = (_FULL + HALF) * tower.patch
    stream = 2 * HALF * tower.hidden
    attention = 3 * HALF * tower.hidden + 4 * _FULL * tower.hidden
    deep = tower.deepstack * ceil(HALF * of.hidden / 4)
    return float(patches * (numbers + stream + deep + max(attention, 2 * HALF * tower.inner)))
