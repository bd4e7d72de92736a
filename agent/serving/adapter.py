"""A LoRA adapter in a folder, as peft and ms-swift write one: read, and held against the model that it is to change."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.serving.architecture import Architecture
from agent.serving.family import Adapter, Model
from tools.errors import UserError

RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""Those that vLLM makes room for (vllm/config/lora.py, MaxLoRARanks)."""
_MERGED = "merge it into its model's weights, and serve those"
_MEMBER = re.compile(r"Qwen3-VL-\d+B(?:-A\d+B)?-(?:Thinking|Instruct)", re.IGNORECASE)
"""A member of the family, in the name or the folder of a checkpoint."""
_PLACE = re.compile(r"\.layers\.(\d+)\.(?:self_attn|mlp)\.(\w+)\.lora_([AB])\.weight$")
_LONGEST_HEADER = 100_000_000
"""Bytes, as the safetensors format allows."""


class _Config(BaseModel):
    """What counts of peft's adapter_config.json."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    peft_type: str
    r: int = Field(0, ge=0)
    rank_pattern: dict[str, int] | None = None
    base_model_name_or_path: str | None = None
    use_dora: bool = False
    lora_bias: bool = False
    bias: str = "none"
    modules_to_save: list[str] | None = None

    @property
    def rank(self) -> int:
        """The highest of any of its parts."""
        return max([self.r, *(self.rank_pattern or {}).values()])


def adapted(model: Model, folder: Path) -> Model:
    """The model with the adapter in this folder.

    Raises UserError: there is none, it was made for another model, or vLLM cannot apply all of it.
    """
    folder = folder.expanduser().resolve()
    config, shapes = _config(folder), _shapes(folder)
    if why := _left_out(config, shapes):
        raise UserError(f"vLLM cannot apply the adapter in {str(folder)!r}", cause=why, remedy=_MERGED)
    if why := _other_base(config, model) or next(_misfits(shapes, model.size.architecture), ""):
        made = config.base_model_name_or_path or "another model"
        raise UserError(f"the adapter in {str(folder)!r} does not fit {model.source!r}", cause=why,
                        remedy=f"serve what it was made for: {made}")  # fmt: skip
    return model.model_copy(update={"adapter": Adapter(folder=folder, rank=_room(config), digest=_digest(folder))})


def _config(folder: Path) -> _Config:
    file, what = folder / "adapter_config.json", f"no adapter in {str(folder)!r}"
    try:
        return _Config.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        cause = "it holds no adapter_config.json" if folder.is_dir() else "there is no such folder"
        raise UserError(what, cause=cause, remedy=_meant(folder)) from None
    except OSError as error:
        raise UserError(what, cause=error.strerror or repr(error)) from None
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(map(str, fault["loc"]))
        raise UserError(f"cannot read {str(file)!r}", cause=f"{where}: {fault['msg']}".removeprefix(": ")) from None


def _meant(folder: Path) -> str:
    """The newest adapter somewhat below: a training run keeps one in each checkpoint."""
    below = [file for pattern in ("*", "*/*") for file in folder.glob(f"{pattern}/adapter_config.json")]
    if below:
        return f"did you mean {str(max(below, key=lambda file: file.stat().st_mtime).parent)!r}?"
    return "name the folder of a checkpoint that peft or ms-swift wrote"


def _weights(folder: Path) -> Path:
    return folder / "adapter_model.safetensors"


def _shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """Its tensors, read off the header of the file: eight bytes with its length, then JSON."""
    try:
        with _weights(folder).open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header: dict[str, Any] = json.loads(file.read(length if length <= _LONGEST_HEADER else 0))
        return {name: tuple(about["shape"]) for name, about in header.items() if name != "__metadata__"}
    except FileNotFoundError:
        raise UserError(f"no adapter in {str(folder)!r}", cause="it holds no adapter_model.safetensors",
                        remedy="let peft save it as safetensors, its default") from None  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"cannot read {str(_weights(folder))!r}", cause=repr(error),
                        remedy="was it written to its end?") from None  # fmt: skip


def _digest(folder: Path) -> str:
    with _weights(folder).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _left_out(config: _Config, shapes: Mapping[str, Any]) -> str:
    """What of it vLLM would leave out, or refuse."""
    if config.peft_type != "LORA":
        return f"it is of the type {config.peft_type}, not LORA"
    biased = config.lora_bias or config.bias != "none"
    asked = {"DoRA": config.use_dora, "a bias": biased, "whole modules": config.modules_to_save}
    if more := [name for name, there in asked.items() if there]:
        return f"it has {' and '.join(more)} beside LoRA"
    if any(".visual." in name for name in shapes):
        return "it also changes the vision tower, which vLLM would leave as it was"
    if not 0 < config.rank <= RANKS[-1]:
        return f"its rank is {config.rank}, and vLLM takes {RANKS[0]} to {RANKS[-1]}"
    return ""


def _room(config: _Config) -> int:
    return next(rank for rank in RANKS if rank >= config.rank)


def _other_base(config: _Config, model: Model) -> str:
    """Instruct and Thinking have the same shapes, so their names must tell; FP8 is the same model."""
    made, served = (_MEMBER.search(name or "") for name in (config.base_model_name_or_path, model.source))
    if made and served and made[0].lower() != served[0].lower():
        return f"it was made for {made[0]}"
    return ""


def _misfits(shapes: Mapping[str, tuple[int, ...]], of: Architecture) -> Iterator[str]:
    """Why its tensors do not fit the language model."""
    if not any(".language_model." in name for name in shapes):
        yield "it changes nothing in a Qwen3-VL's language model"
    for place, name in ((place, name) for name in shapes if (place := _PLACE.search(name))):
        layer, linear, half = int(place[1]), place[2], place[3]
        if layer >= of.layers:
            yield f"it changes layer {layer}, and the model has {of.layers}"
        elif linear in of.linears:
            ours, theirs = of.linears[linear], shapes[name]
            if theirs[1:] != ours[:1] if half == "A" else theirs[:1] != ours[1:]:
                yield f"its {linear} is of another size than the model's, which turns {ours[0]} numbers into {ours[1]}"
