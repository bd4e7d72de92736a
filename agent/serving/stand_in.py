"""A stand-in for Qwen3-VL Thinking: its architecture, tokenizer and chat template, tiny, with random weights.

It proves that the plumbing works, not that anything is understood. `python -m agent.serving.stand_in FOLDER`, run by
.venv-serve, builds it in seconds; nothing is downloaded, and the same versions give the same weights.
"""

import hashlib
import json
import os
import shutil
import sys
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from agent.school import tokens
from agent.serving.tokenizer import TEMPLATE, write_tokenizer

SEED = 20251122
_TEXT = {
    "vocab_size": 151936, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2,
    "num_key_value_heads": 1, "head_dim": 32, "max_position_embeddings": 262144, "tie_word_embeddings": True,
    "bos_token_id": 151643, "eos_token_id": 151645, "dtype": "bfloat16",
    "rope_parameters": {
        "rope_type": "default", "rope_theta": 5e6, "mrope_section": [6, 5, 5], "mrope_interleaved": True,
    },
}  # fmt: skip
_VISION = {
    "depth": 2, "hidden_size": 64, "intermediate_size": 128, "num_heads": 2, "out_hidden_size": 64,
    "deepstack_visual_indexes": [0], "num_position_embeddings": 2304, "dtype": "bfloat16",
}  # fmt: skip
CONFIG: dict[str, Any] = {"text_config": _TEXT, "vision_config": _VISION, "tie_word_embeddings": True}
"""As its config.json has it, but for what transformers adds."""
_PICTURES = {
    "size": {"shortest_edge": 65536, "longest_edge": 16777216},
    "patch_size": 16, "temporal_patch_size": 2, "merge_size": 2,
    "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "processor_class": "Qwen3VLProcessor",
}  # fmt: skip
_SAMPLING = {
    "bos_token_id": 151643, "pad_token_id": 151643, "eos_token_id": [151645, 151643],
    "do_sample": True, "temperature": 1.0, "top_p": 0.95, "top_k": 20,
}  # fmt: skip


def cache_folder() -> Path:
    """Where surehand keeps what it can make again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "surehand"


def location() -> Path:
    """Where the stand-in made by this version of the code is kept."""
    parts = (Path(__file__), TEMPLATE, TEMPLATE.with_name("tokenizer.py"), Path(tokens.__file__))
    version = hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()[:12]
    return cache_folder() / f"stand-in-{version}"


def is_built() -> bool:
    """Whether it is there."""
    return location().exists()


def build(folder: Path) -> None:
    """Builds it there, whole or not at all; one that is there stays."""
    if folder.exists():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        write_tokenizer(draft, thinking=True)
        _write_weights(draft)
        _dump(draft / "preprocessor_config.json", _PICTURES | {"image_processor_type": "Qwen2VLImageProcessor"})
        _dump(draft / "video_preprocessor_config.json", _PICTURES | {"video_processor_type": "Qwen3VLVideoProcessor"})
        _dump(draft / "generation_config.json", _SAMPLING)
        put_in_place(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def put_in_place(draft: Path, folder: Path) -> None:
    """Renames a finished folder; where another process was faster its folder stays, which is the same."""
    try:
        draft.rename(folder)
    except OSError:
        if not folder.exists():
            raise


def _write_weights(folder: Path) -> None:
    import torch
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

    torch.manual_seed(SEED)
    config = Qwen3VLConfig(**CONFIG)
    Qwen3VLForConditionalGeneration(config).to(torch.bfloat16).save_pretrained(folder)


def _dump(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2), encoding="utf-8")


if __name__ == "__main__":
    build(Path(sys.argv[1]))
