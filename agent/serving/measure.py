"""Measures a Qwen3-VL with random weights of its true shape: peak memory, and seconds for each token.

`python -m agent.serving.measure` reads one JSON object (`config`, `context`, `images`, `width`, `height`, `new`,
`rank`, `device`) and writes one. It needs torch and transformers and nothing else, so that it runs on any machine
with a graphics card; on a CPU the process's own peak is what is measured.
"""

import json
import resource
import sys
import time
from typing import Any

_START, _IMAGE, _END, _WORD = 151_652, 151_655, 151_653, 9_707
"""Tokens around and in the place of a picture, and one of the words that fill the rest."""


def main() -> None:
    """Reads, measures, writes."""
    json.dump(measure(json.load(sys.stdin)), sys.stdout)


def measure(asked: dict[str, Any]) -> dict[str, Any]:
    """Bytes and seconds, and on what. Raises RuntimeError when it does not fit."""
    import torch
    import transformers

    device = torch.device(asked["device"])
    model = _model(asked["config"], device)
    weights = _held(device)
    inputs = _inputs(asked, device)
    _forget_peak(device)
    found = _train(model, inputs, asked["rank"]) if asked["rank"] else _answer(model, inputs, asked["new"])
    on = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    return found | {"weights": weights, "peak": _peak(device), "tokens": inputs["input_ids"].shape[1], "on": on,
                    "torch": torch.__version__, "transformers": transformers.__version__}  # fmt: skip


def _model(config: dict[str, Any], device: Any) -> Any:
    import torch
    from transformers import AutoConfig, AutoModelForImageTextToText

    with device:
        read = AutoConfig.for_model(**config)
        return AutoModelForImageTextToText.from_config(read, dtype=torch.bfloat16, attn_implementation="sdpa").eval()


def _inputs(asked: dict[str, Any], device: Any) -> dict[str, Any]:
    """A prompt of so many tokens that begins with its pictures, which are noise."""
    import torch

    rows, columns = (max(1, round(asked[side] / 32)) for side in ("height", "width"))
    vision = asked["config"]["vision_config"]
    patch = 3 * vision.get("temporal_patch_size", 2) * vision.get("patch_size", 16) ** 2
    ids = ([_START] + [_IMAGE] * rows * columns + [_END]) * asked["images"]
    ids += [_WORD] * max(1, asked["context"] - asked["new"] - len(ids))
    tokens = torch.tensor([ids], device=device)
    told = {"input_ids": tokens, "attention_mask": torch.ones_like(tokens)}
    told["mm_token_type_ids"] = (tokens == _IMAGE).int()
    if asked["images"]:
        grid = [[1, 2 * rows, 2 * columns]] * asked["images"]
        told["pixel_values"] = torch.rand(4 * rows * columns * asked["images"], patch, device=device)
        told["image_grid_thw"] = torch.tensor(grid, device=device)
    return told


def _answer(model: Any, inputs: dict[str, Any], new: int) -> dict[str, float]:
    """Seconds to read the prompt, and of each further token."""
    import torch

    seconds = []
    for count in (1, 1, new):  # the first time warms up
        began = time.perf_counter()
        with torch.inference_mode():
            model.generate(**inputs, max_new_tokens=count, min_new_tokens=count, do_sample=False, pad_token_id=0)
        _wait(model.device)
        seconds.append(time.perf_counter() - began)
    _, prompt, whole = seconds
    return {"prompt_seconds": prompt, "token_seconds": max(0.0, whole - prompt) / max(1, new - 1)}


def _train(model: Any, inputs: dict[str, Any], rank: int) -> dict[str, float]:
    """Seconds of a step of LoRA training, the second of two."""
    import torch

    trained = _adapt(model, rank)
    optimizer = torch.optim.AdamW(trained)
    model.train()
    model.gradient_checkpointing_enable()
    model.enable_input_require_grads()
    began = time.perf_counter()
    for _ in range(2):
        began = time.perf_counter()
        model(**inputs, labels=inputs["input_ids"], use_cache=False).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        _wait(model.device)
    return {"step_seconds": time.perf_counter() - began, "adapter": sum(weight.numel() for weight in trained)}


def _adapt(model: Any, rank: int) -> list[Any]:
    """Freezes everything, and puts a low-rank adapter beside every linear of the language model."""
    import torch

    def beside(linear: Any, given: tuple[Any, ...], out: Any) -> Any:
        return out + (given[0].float() @ linear.down.T @ linear.up.T).to(out.dtype)

    model.requires_grad_(False)
    for part in [part for part in model.model.language_model.modules() if isinstance(part, torch.nn.Linear)]:
        there = part.weight.device
        part.register_parameter("down", torch.nn.Parameter(0.01 * torch.randn(rank, part.in_features, device=there)))
        part.register_parameter("up", torch.nn.Parameter(torch.zeros(part.out_features, rank, device=there)))
        part.register_forward_hook(beside)
    return [weight for weight in model.parameters() if weight.requires_grad]


def _wait(device: Any) -> None:
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _held(device: Any) -> int:
    import torch

    return int(torch.cuda.memory_allocated(device)) if device.type == "cuda" else _peak(device)


def _forget_peak(device: Any) -> None:
    import torch

    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def _peak(device: Any) -> int:
    import torch

    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
