"""Reading, taught where it happens: which letter stands on each patch of a picture.

A model that only ever hears what a whole picture says finds out very late that letters have looks. So while it learns,
a linear head on the tower's output says what each of a token's four patches shows. The head is no part of the model.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from agent.school.lesson import Letter
from agent.school.shape import MERGE

_FIRST, _OTHER, _NOTHING = 33, 94, 95
"""ASCII from `!` on are classes of their own; then there are other letters, and patches without one."""
_UNTOLD = -100
_RARE = 0.1
"""What a patch without a letter weighs: most are."""
FILE = "spelling.pt"


def signs(letters: Sequence[Letter], size: tuple[int, ...], grid: tuple[int, int]) -> torch.Tensor:
    """The class of each patch of a picture of `size`, height and width, in the order of the tower.

    When no letters are told, no patch has one that counts.
    """
    (height, width), (rows, columns) = size, grid
    shown = torch.full((rows, columns), _NOTHING if letters else _UNTOLD)
    down, along = rows / height, columns / width
    for letter in letters:
        if letter.sign.isspace():
            continue
        tall = letter.bottom - letter.top
        first = _from(letter.top + 0.2 * tall, down)  # above it is mostly the space between lines
        last = max(first + 1, _from(letter.bottom - 0.1 * tall, down))
        number = ord(letter.sign) - _FIRST
        shown[first:last, _from(letter.left, along) : _from(letter.right, along)] = (
            number if 0 <= number < _OTHER else _OTHER
        )
    blocks = shown.view(rows // MERGE, MERGE, columns // MERGE, MERGE).transpose(1, 2)
    return blocks.reshape(rows * columns)


def _from(side: float, patches: float) -> int:
    """The first patch whose middle lies behind this place, with so many `patches` for a pixel."""
    return max(0, math.ceil(side * patches - 0.5))


class Spelling:
    """The head: a token of the tower → the letters on its patches. `layer` is what learns of it."""

    def __init__(self, width: int) -> None:
        self.layer = nn.Linear(width, MERGE**2 * (_NOTHING + 1))

    def loss(self, tokens: torch.Tensor, told: torch.Tensor) -> torch.Tensor:
        """Mean cross-entropy over the patches of which it is told; 0 where there are none."""
        weight = torch.ones(_NOTHING + 1, device=tokens.device)
        weight[_NOTHING] = _RARE
        logits = self.layer(tokens).view(-1, _NOTHING + 1).float()
        total = functional.cross_entropy(logits, told.flatten(), weight, ignore_index=_UNTOLD, reduction="sum")
        known = told[told != _UNTOLD]
        return total / weight[known].sum().clamp(min=1.0)

    def read(self, tokens: torch.Tensor, told: torch.Tensor) -> float:
        """The share of patches with a letter that are read right."""
        lettered = told.flatten() < _NOTHING
        lettered &= told.flatten() >= 0
        found = self.layer(tokens).view(-1, _NOTHING + 1).argmax(-1) == told.flatten()
        return float(found[lettered].float().mean()) if lettered.any() else 0.0


def load_spelling(folder: Path, model: Any) -> Spelling:
    """The head of the slice before, or a new one."""
    head = Spelling(model.config.text_config.hidden_size)
    if (folder / FILE).exists():
        head.layer.load_state_dict(torch.load(folder / FILE, weights_only=True))
    return head
