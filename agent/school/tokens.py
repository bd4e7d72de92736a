"""The tokenizer and the chat template of a small model: Qwen3-VL's special tokens and form, few words of its own.

A vocabulary is bytes, the whole numbers 0 to 1000, the fixed pieces of an answer, and the words that many lessons
share. Every other word is spelled, byte by byte: so a model that reads a word it never saw does what it always does.
The files are byte-level BPE without merges, which transformers and vLLM load as they load any other.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent.school.lesson import Lesson

SPECIAL = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>",
    "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>",
    "<|image_pad|>", "<|video_pad|>",
)  # fmt: skip
"""Tokens of Qwen3-VL that a decoder leaves out of a text."""
MARKUP = (
    "<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|fim_pad|>", "<|repo_name|>",
    "<|file_sep|>", "<tool_response>", "</tool_response>", "<think>", "</think>",
)  # fmt: skip
"""Tokens of Qwen3-VL that stay in a decoded text."""
END, PAD, PICTURE = "<|im_end|>", "<|endoftext|>", "<|image_pad|>"

MOST = 4000
"""Tokens of a vocabulary."""
_SHARED = 0.02
"""Share of the lessons that a word is in, from which on it is a token. Words of single screens are rarer."""
_PHRASES = (
    '\n{"name": "computer_use", "arguments": {"action": "', '", "bbox_2d": [', "]}}\n", '"}}\n', ', "text": "',
    ', "keys": ["', ', "pixels": ', ', "status": "', ', "time": ', "\n\nAction: ", "left_click_drag", "left_click",
    "right_click", "middle_click", "double_click", "triple_click", "mouse_move", "terminate", "success", "failure",
    '], "coordinate2": [', ", ", "\n\n", "<|im_start|>user\n", "<|im_start|>assistant\n",
)  # fmt: skip
"""Pieces that are one token wherever they stand: the form of a call, verbs, what is between numbers."""
_NUMBER = r"(?<=[\[ (])(?:1000|[1-9][0-9]{0,2}|0)(?=[],)}])"
"""A number of a list, or before the end of a call. Other digits are spelled as letters are: they are read so."""
_REST = r"| ?\p{L}+|[\s\S]"
_WORD = re.compile(r" ?[^\W\d_]+")
TEMPLATE = Path(__file__).with_name("chat_template.jinja")


def write_tokenizer(lessons: "Iterable[Lesson]", folder: Path) -> None:
    """Learns the shared words of what is asked and answered; writes tokenizer and chat template into a folder."""
    words = _shared_words(lessons)
    letters = [LETTERS[byte] for byte in range(256)]
    numbers = [str(number) for number in range(1001)]
    spelled = dict.fromkeys([*letters, *numbers, *map(_spelled, _PHRASES[:-2]), *map(_spelled, words)])
    vocabulary = {token: number for number, token in enumerate(list(spelled)[: MOST - len(SPECIAL + MARKUP)])}
    _dump(folder / "tokenizer.json", _tokenizer(vocabulary))
    _dump(folder / "tokenizer_config.json", _settings(len(vocabulary)))
    (folder / TEMPLATE.name).write_text(TEMPLATE.read_text(encoding="utf-8"), encoding="utf-8")


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer of a folder, as transformers has it. Raises OSError when there is none."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(folder))


def _shared_words(lessons: "Iterable[Lesson]") -> list[str]:
    """Words, with the space before them, that at least so many of the lessons have; the commonest first."""
    counts: Counter[str] = Counter()
    total = 0
    for lesson in lessons:
        total += 1
        told = " ".join([*map(_text, lesson.messages), lesson.completion])
        counts.update({word for word in _WORD.findall(told) if len(word.strip()) > 1})
    return [word for word, count in counts.most_common() if count >= max(2, _SHARED * total)]


def _text(message: dict[str, Any]) -> str:
    content = message["content"]
    return content if isinstance(content, str) else " ".join(part.get("text", "") for part in content)


def _byte_letters() -> dict[int, str]:
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte if byte in printable else 256 + others.index(byte)) for byte in range(256)}


LETTERS = _byte_letters()
"""The printable character by which byte-level vocabularies write each byte."""


def _spelled(text: str) -> str:
    return "".join(LETTERS[byte] for byte in text.encode())


def _tokenizer(vocabulary: dict[str, int]) -> dict[str, Any]:
    phrases = "|".join(re.escape(phrase).replace(r"\ ", " ") for phrase in _PHRASES[:-2])
    split = {"type": "Split", "pattern": {"Regex": f"{phrases}|{_NUMBER}{_REST}"}, "behavior": "Isolated",
             "invert": False}  # fmt: skip
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": number, **token} for number, token in added(len(vocabulary)).items()],
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, level]},
        "post_processor": level, "decoder": level,
        "model": {
            "type": "BPE", "dropout": None, "unk_token": None, "fuse_unk": False, "byte_fallback": False,
            "continuing_subword_prefix": "", "end_of_word_suffix": "", "ignore_merges": True,
            "vocab": vocabulary, "merges": [],
        },
    }  # fmt: skip


def added(first: int) -> dict[int, dict[str, Any]]:
    """The special tokens and the markup by their numbers, as tokenizer.json writes them, from `first` on."""
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    return {
        number: {"content": token, **plain, "special": token in SPECIAL}
        for number, token in enumerate(SPECIAL + MARKUP, start=first)
    }


def _settings(first: int) -> dict[str, Any]:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False, "eos_token": END, "pad_token": PAD, "model_max_length": 8192,
        "additional_special_tokens": [*SPECIAL[1:]],
        "added_tokens_decoder": {str(number): token for number, token in added(first).items()},
    }  # fmt: skip


def _dump(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
