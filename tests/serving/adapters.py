"""LoRA adapters of random weights in the files that peft writes."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy

from agent.serving.architecture import Architecture

_INSIDE = {"gate_proj": "mlp", "up_proj": "mlp", "down_proj": "mlp"}


def write_adapter(
    folder: Path, of: Architecture, *, rank: int = 4, strength: float = 1.0, linears: Sequence[str] = (), seed: int = 0,
    more: Mapping[str, tuple[int, int]] | None = None, **config: Any,
) -> Path:  # fmt: skip
    """An adapter on all linears of the language model, or on some, and on tensors named in `more`."""
    draw = numpy.random.default_rng(seed)
    tensors: dict[str, Any] = {}
    for layer in range(of.layers):
        for name in linears or of.linears:
            come, go = of.linears[name]
            stem = f"base_model.model.model.language_model.layers.{layer}.{_INSIDE.get(name, 'self_attn')}.{name}"
            tensors[f"{stem}.lora_A.weight"] = draw.normal(size=(rank, come)) / come**0.5
            tensors[f"{stem}.lora_B.weight"] = strength * draw.normal(size=(go, rank))
    tensors |= {name: draw.normal(size=shape) for name, shape in (more or {}).items()}
    folder.mkdir(parents=True, exist_ok=True)
    about = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": rank, "lora_alpha": rank, "bias": "none",
             "target_modules": list(linears or of.linears), "base_model_name_or_path": None}  # fmt: skip
    (folder / "adapter_config.json").write_text(json.dumps(about | config))
    (folder / "adapter_model.safetensors").write_bytes(_safetensors(tensors))
    return folder


def _safetensors(tensors: Mapping[str, Any]) -> bytes:
    header, parts, at = {}, [], 0
    for name, values in tensors.items():
        part = values.astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [at, at + len(part)]}
        parts.append(part)
        at += len(part)
    head = json.dumps(header).encode()
    return b"".join([len(head).to_bytes(8, "little"), head, *parts])
