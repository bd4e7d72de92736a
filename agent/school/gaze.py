"""Looking, taught where it happens: heads of the language model hear which place of the picture is meant.

A model that only ever hears the right answer finds out very late that pictures hold it: until then it plays dice with
the commonest answers. So one head of an early layer learns to look, from each letter of a name, at where that letter
stands on the picture, and one of a late layer to look at where what comes next is to be found: the next letter, or the
box whose numbers are next. Both are ordinary heads, which hear this only while they learn.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import sdpa_mask

_WATCHED = "watched"


class Gaze:
    """Watches the two heads of a model while it is in use."""

    def __init__(self, model: Any) -> None:
        layers = model.model.language_model.layers
        late = max(1, len(layers) - 2)
        early = min(len(layers) // 3, late - 1)
        self._heads = [layers[early].self_attn, layers[late].self_attn]
        self._model, self._seen = model, dict[int, tuple[torch.Tensor, torch.Tensor]]()

    def __enter__(self) -> "Gaze":
        AttentionInterface.register(_WATCHED, self._attend)
        AttentionMaskInterface.register(_WATCHED, sdpa_mask)
        self._model.model.language_model.set_attn_implementation(_WATCHED)
        return self

    def __exit__(self, *_: object) -> None:
        self._model.model.language_model.set_attn_implementation("sdpa")

    def _attend(self, module: Any, query: torch.Tensor, key: torch.Tensor, *others: Any, **more: Any) -> Any:
        if module in self._heads:
            self._seen[self._heads.index(module)] = (query[:, 0], key[:, 0])
        attend: Callable[..., Any] = AttentionInterface()["sdpa"]
        return attend(module, query, key, *others, **more)

    def loss(self, told: torch.Tensor) -> torch.Tensor:
        """Mean of -log of the attention that falls on the right cells, over the tokens that were told.

        `told` (count, 4): the head, 0 or 1; the lesson; the token that looks; a token that it is to look at.
        """
        return -self._found(told).mean() if len(told) else torch.zeros((), device=told.device)

    def right(self, told: torch.Tensor) -> float:
        """The share of the attention that falls on the right cells; 0 where nothing was told."""
        return float(self._found(told).exp().mean()) if len(told) else 0.0

    def _found(self, told: torch.Tensor) -> torch.Tensor:
        """Of each token that looks, the logarithm of that share."""
        return torch.cat([self._head(head, told[told[:, 0] == head][:, 1:]) for head in self._seen])

    def _head(self, head: int, told: torch.Tensor) -> torch.Tensor:
        query, key = self._seen[head]
        rows, number = told[:, :2].unique(dim=0, return_inverse=True)
        lesson, place = rows.unbind(1)
        scores = (query @ key.mT)[lesson, place].float() * query.shape[-1] ** -0.5
        ahead = torch.arange(key.shape[1], device=key.device) > place[:, None]
        chances = functional.log_softmax(scores.masked_fill(ahead, -torch.inf), dim=-1)
        right = torch.zeros_like(chances, dtype=torch.bool)
        right[number, told[:, 2]] = True
        return chances.masked_fill(~right, -torch.inf).logsumexp(-1)
