"""How a small Qwen3-VL is made: its sizes, its first weights, and the files that go with them."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.school.tokens import END, PAD, load_tokenizer

PATCH, MERGE = 16, 2
"""Pixels of a patch's side; patches of a token's side."""
CELL = PATCH * MERGE
"""Pixels of a token's side."""
_MOST = 920 * CELL**2
"""Pixels of a picture: one of 1280x720 keeps its size."""
PICTURES = "preprocessor_config.json"
"""The file that says how large pictures are made."""
CARD = "surehand.json"
"""The file beside the weights that says how an agent talks to them."""
_CONTEXT = 4096
"""Tokens of a conversation with its answer."""
_NEIGHBOURS = ((0, 0), (0, -1), (0, 1), (-1, 0), (1, 0), (0, -2), (0, 2), (-1, -1), (1, 1))
"""Rows and columns from a patch to the one that a head looks at first."""
_SHARPNESS, _FINE = 8.0, 0.15
"""How much more it looks there than elsewhere, and the slowest rotation that takes part in it, in radians a patch."""
_PICTURES = {
    "patch_size": PATCH, "temporal_patch_size": 2,
    "merge_size": MERGE, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5],
    "processor_class": "Qwen3VLProcessor",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes. `see` are those of the vision tower, `say` those of the language model, whose heads are `head` wide.

    The output of tower layer `deep` also goes into the language model's first layer. `screenshots` is how many the
    model is shown at once, the newest of a run; smaller ones are enlarged to `least` pixels, one of 332x214 twofold.
    """

    see_hidden: int
    see_heads: int
    see_layers: int
    see_inner: int
    say_hidden: int
    say_heads: int
    say_layers: int
    say_inner: int
    say_groups: int
    head: int
    deep: int
    positions: int = 576
    least: int = 280 * CELL**2
    screenshots: int = 1


POCKET = Shape(
    see_hidden=256, see_heads=8, see_layers=6, see_inner=768,
    say_hidden=256, say_heads=8, say_layers=6, say_inner=768, say_groups=2, head=64, deep=2,
)  # fmt: skip
"""13 million weights, 26 MB in bfloat16."""
NANO = Shape(
    see_hidden=128, see_heads=4, see_layers=4, see_inner=384,
    say_hidden=128, say_heads=4, say_layers=5, say_inner=384, say_groups=2, head=64, deep=1,
)  # fmt: skip
"""3 million weights, for the CPU."""
TINY = Shape(
    see_hidden=64, see_heads=2, see_layers=2, see_inner=128,
    say_hidden=64, say_heads=2, say_layers=2, say_inner=128, say_groups=1, head=32, deep=0,
    positions=144, least=4 * CELL**2,
)  # fmt: skip
"""For tests."""
SHAPES = {"pocket": POCKET, "nano": NANO, "tiny": TINY}


def configuration(shape: Shape, tokenizer: Any) -> Any:
    """A Qwen3VLConfig. The tokenizer says how many tokens there are, and which of them mean a picture."""
    from transformers import Qwen3VLConfig

    number = tokenizer.convert_tokens_to_ids
    height = width = shape.head // 2 * 5 // 16
    text = {
        "vocab_size": math.ceil(len(tokenizer) / 64) * 64, "hidden_size": shape.say_hidden,
        "intermediate_size": shape.say_inner, "num_hidden_layers": shape.say_layers,
        "num_attention_heads": shape.say_heads, "num_key_value_heads": shape.say_groups,
        "head_dim": shape.head, "max_position_embeddings": _CONTEXT, "tie_word_embeddings": True,
        "bos_token_id": number(PAD), "eos_token_id": number(END), "pad_token_id": number(PAD), "dtype": "bfloat16",
        "rope_parameters": {
            "rope_type": "default", "rope_theta": 1e4, "mrope_interleaved": True,
            "mrope_section": [shape.head // 2 - height - width, height, width],
        },
    }  # fmt: skip
    vision = {
        "depth": shape.see_layers, "hidden_size": shape.see_hidden, "intermediate_size": shape.see_inner,
        "num_heads": shape.see_heads, "out_hidden_size": shape.say_hidden, "dtype": "bfloat16",
        "deepstack_visual_indexes": [shape.deep], "num_position_embeddings": shape.positions,
        "patch_size": PATCH, "spatial_merge_size": MERGE, "temporal_patch_size": 2,
    }  # fmt: skip
    return Qwen3VLConfig(
        text_config=text, vision_config=vision, tie_word_embeddings=True, image_token_id=number("<|image_pad|>"),
        video_token_id=number("<|video_pad|>"), vision_start_token_id=number("<|vision_start|>"),
        vision_end_token_id=number("<|vision_end|>"),
    )  # fmt: skip


def new_model(shape: Shape, tokenizer: Any, seed: int) -> Any:
    """A Qwen3VLForConditionalGeneration in float32 with first weights drawn from the seed."""
    import torch
    from transformers import Qwen3VLForConditionalGeneration

    torch.manual_seed(seed)
    model = Qwen3VLForConditionalGeneration(configuration(shape, tokenizer)).float()
    visual = model.model.visual
    with torch.no_grad():
        for name, part in model.named_modules():
            if isinstance(part, torch.nn.Linear) and name != "lm_head":
                ends = name.endswith(("attn.proj", "mlp.linear_fc2", "o_proj", "down_proj"))  # of a residual branch
                part.weight.normal_(std=(0.5 if ends else 1.0) * part.in_features**-0.5)
        visual.patch_embed.proj.weight.normal_(std=(3 * 2 * PATCH * PATCH) ** -0.5)
        visual.pos_embed.weight.copy_(_waves(shape.positions, shape.see_hidden))
        numbers = [tokenizer.convert_tokens_to_ids(str(number)) for number in range(1001)]
        words = model.get_input_embeddings().weight
        words[numbers] = words.std() * math.sqrt(2) * _lines(1001, shape.say_hidden)
        for block in visual.blocks:
            _look_around(block.attn, visual.rotary_pos_emb.inv_freq)
    return model


def _look_around(attention: Any, rates: Any) -> None:
    """Sets the biases of queries and keys so that each head begins by looking at one neighbour, as a convolution does.

    Queries and keys are turned by row and column times `rates`; with equal biases their product is largest at the patch
    itself, and with the key's turned back by a distance, at that distance.
    """
    import torch

    heads, width, count = attention.num_heads, attention.head_dim, len(rates)
    query, key = torch.zeros(2, heads, width)
    height = math.sqrt(_SHARPNESS * math.sqrt(width))
    for head in range(heads):
        for axis, distance in enumerate(_NEIGHBOURS[head % len(_NEIGHBOURS)]):
            for number, rate in enumerate(rates.tolist()):
                if rate > _FINE:
                    at = axis * count + number
                    query[head, at] = height
                    key[head, at], key[head, at + width // 2] = (
                        height * math.cos(distance * rate), -height * math.sin(distance * rate),
                    )  # fmt: skip
    attention.qkv.bias[: 2 * heads * width] = torch.cat([query.flatten(), key.flatten()])


def _waves(positions: int, width: int) -> Any:
    """Sines and cosines of row and column, shape (positions, width): so places are told apart from the start."""
    import torch

    side = math.isqrt(positions)
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    rates = torch.pi / 2 * 2 ** torch.linspace(0, math.log2(side), width // 4)
    angles = [place.flatten()[:, None] / side * rates for place in (rows, columns)]
    return 0.5 * torch.cat([wave(angle) for angle in angles for wave in (torch.sin, torch.cos)], dim=1)


def _lines(count: int, width: int) -> Any:
    """Sines and cosines of 0 to `count` - 1, shape (count, width): numbers near each other are alike from the start."""
    import torch

    rates = torch.pi / 2 * 2 ** torch.linspace(0, math.log2(count / 4), width // 2)
    angles = torch.arange(count)[:, None] / count * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def write_card(shape: Shape, folder: Path) -> None:
    """Writes what is no weight and no token: how pictures are prepared, how answers are drawn, how many are shown."""
    tokenizer = load_tokenizer(folder)
    ends = [tokenizer.convert_tokens_to_ids(token) for token in (END, PAD)]
    sampling = {"bos_token_id": ends[1], "pad_token_id": ends[1], "eos_token_id": ends, "do_sample": False}
    pictures = _PICTURES | {"size": {"shortest_edge": shape.least, "longest_edge": _MOST}}
    _dump(folder / PICTURES, pictures | {"image_processor_type": "Qwen2VLImageProcessor"})
    _dump(folder / "video_preprocessor_config.json", pictures | {"video_processor_type": "Qwen3VLVideoProcessor"})
    _dump(folder / "generation_config.json", sampling)
    _dump(folder / CARD, {"screenshots": shape.screenshots, "context": _CONTEXT})


def save(model: Any, folder: Path, *, bfloat16: bool = True) -> None:
    """Writes the weights in files of at most 16 MiB, in bfloat16 unless the next slice of training is to read them."""
    import torch

    whole = getattr(model, "_orig_mod", model)
    dtype = torch.bfloat16 if bfloat16 else torch.float32
    state = {name: value.detach().to("cpu", dtype).contiguous() for name, value in whole.state_dict().items()}
    whole.save_pretrained(folder, state_dict=state, max_shard_size="15MB")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    for part in (config, config["text_config"], config["vision_config"]):
        part["dtype"] = str(dtype).removeprefix("torch.")
    _dump(folder / "config.json", config)


def load(folder: Path) -> Any:
    """The model of a folder in float32. Raises OSError when there is none."""
    import torch
    from transformers import Qwen3VLForConditionalGeneration

    return Qwen3VLForConditionalGeneration.from_pretrained(str(folder), dtype=torch.float32)


def _dump(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
