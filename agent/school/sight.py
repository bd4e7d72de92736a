"""Pictures of one size through the vision tower as a batch.

The tower of transformers takes the patches of all pictures as one long row and attends to each picture in a loop, which
leaves an accelerator idle. Here a batch has an axis of its own. A test holds both equal.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize
from transformers.vision_utils import get_vision_interpolation_indices_and_weights, get_vision_position_ids

from agent.school.shape import CELL, MERGE, PATCH, PICTURES

_SCREEN = 332 * 214
"""Pixels of the smallest screen. Pictures of less than half of it are pieces of one, and enlarged as it is."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """The least and the most pixels of a picture, as a checkpoint's preprocessor_config.json has them."""

    least: int
    most: int

    def grid(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of patches that a picture of so many pixels gets; both are even."""
        if height * width < _SCREEN // 2:
            scale = max(1.0, math.sqrt(self.least / _SCREEN))
            high, wide = (CELL * max(1, round(scale * side / CELL)) for side in (height, width))
        else:
            high, wide = smart_resize(height, width, factor=CELL, min_pixels=self.least, max_pixels=self.most)
        return high // PATCH, wide // PATCH


def sizes_of(folder: Path) -> Sizes:
    """Those of the checkpoint in a folder. Raises OSError when there is none."""
    size = json.loads((folder / PICTURES).read_text(encoding="utf-8"))["size"]
    return Sizes(size["shortest_edge"], size["longest_edge"])


def patches(pictures: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    """RGB pictures as bytes (count, height, width, 3) → (count, rows * columns, 3 * 16 * 16), scaled to -1…1.

    Patches are in the order of the tower: four of a token follow each other. A still picture's two frames are equal, so
    there is one.
    """
    count, height = pictures.shape[:2]
    shown = pictures.permute(0, 3, 1, 2).float()
    for size in ((height, columns * PATCH), (rows * PATCH, columns * PATCH)):  # as Pillow does, whole bytes in between
        if size != shown.shape[2:]:
            shown = functional.interpolate(shown, size, mode="bicubic", antialias=True).round().clamp(0, 255)
    cut = (shown / 127.5 - 1).reshape(count, 3, rows // MERGE, MERGE, PATCH, columns // MERGE, MERGE, PATCH)
    return cut.permute(0, 2, 5, 3, 6, 1, 4, 7).reshape(count, rows * columns, 3 * PATCH * PATCH)


def layer(block: Any, hidden: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor) -> torch.Tensor:
    """One layer of the tower, (count, patches, width) → the same."""
    hidden = hidden + _attend(block.attn, block.norm1(hidden), cosine, sine)
    return hidden + block.mlp(block.norm2(hidden))


def see(
    visual: Any, pieces: torch.Tensor, rows: int, columns: int, through: Callable[..., torch.Tensor] = layer
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Patches (count, patches, …) through the tower → its tokens (all tokens, width), and those of deeper levels.

    `through` is `layer`, or `layer` compiled.
    """
    count, length, _ = pieces.shape
    weight = visual.patch_embed.proj.weight.sum(2).flatten(1)
    places, shares, turns = _places(rows, columns, visual.num_grid_per_side, pieces.device)
    hidden = functional.linear(pieces, weight.to(pieces.dtype), visual.patch_embed.proj.bias.to(pieces.dtype))
    hidden = hidden + (visual.pos_embed(places) * shares[..., None]).sum(1).to(hidden.dtype)
    cosine, sine = visual.rotary_pos_emb(hidden, turns)
    deeper: list[torch.Tensor] = []
    for number, block in enumerate(visual.blocks):
        hidden = through(block, hidden, cosine, sine)
        if number in visual.deepstack_visual_indexes:
            deeper.append(visual.deepstack_merger_list[len(deeper)](hidden.reshape(count * length, -1)))
    return visual.merger(hidden.reshape(count * length, -1)), deeper


def _attend(attention: Any, hidden: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor) -> torch.Tensor:
    count, length, _ = hidden.shape
    query, key, value = attention.qkv(hidden).view(count, length, 3, attention.num_heads, -1).permute(2, 0, 3, 1, 4)
    query, key = (_turned(part, cosine, sine).to(value.dtype) for part in (query, key))
    seen = functional.scaled_dot_product_attention(query, key, value, scale=attention.scaling)
    return attention.proj(seen.transpose(1, 2).reshape(count, length, -1))


def _turned(part: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor) -> torch.Tensor:
    first, second = part.float().chunk(2, dim=-1)
    return part * cosine + torch.cat((-second, first), dim=-1) * sine


@lru_cache(maxsize=32)
def _places(rows: int, columns: int, side: int, device: torch.device) -> tuple[torch.Tensor, ...]:
    """Of each patch: which learned positions it lies between, how much of each, and its row and column."""
    one = torch.tensor([[1, rows, columns]], device=device)
    places, shares = get_vision_interpolation_indices_and_weights(
        one, num_grid_per_side=side, mode="bilinear", align_corners=True, spatial_merge_size=MERGE
    )
    return places, shares, get_vision_position_ids(one, MERGE)
