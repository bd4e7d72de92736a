"""How a model is tuned on a machine: on what, with which command of ms-swift, in which environment."""

import math
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from agent.serving.family import Model
from agent.serving.launch import CONTEXT, check_disk
from agent.serving.machine import Machine
from agent.serving.memory import Work, training
from agent.training.material import LEAST_PICTURE, MOST_PICTURE, Material
from agent.training.tuner import IDEAL, Tuner
from tools.errors import UserError

Device = Literal["auto", "cpu", "gpu"]

_CARD_SHARE = 0.95
_SMALL = 10.0
"""GiB of weights up to which a machine without graphics cards tries by itself."""
_LIBRARIES, _CPU_EXTRA = 1.0, 4.0
"""GiB of memory for torch and the rows of the stand-in; and of models that are large enough to be read in pieces."""
_SHORTEST = 2048
"""Tokens; no row is cut to less than this."""
_CHECKPOINTS = 3
"""That are on the disk at a time: two are kept, one is written."""
_STATE = 16
"""Bytes of a checkpoint for each trained weight: itself, two moments, and some for what is around."""
_OFTEN = 5
"""Checkpoints, and looks at the validation rows, of a tuning; more of a long one."""
_LONGEST_PAUSE = 200
"""Steps between two of them."""


class Knobs(BaseModel):
    """What can be chosen; the rest follows from model, data and machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rank: int = 8
    epochs: float = 1.0
    steps: int | None = None
    """Instead of epochs."""
    learning_rate: float = 1e-4
    batch: int = 4
    """Rows of a step, over all cards."""
    length: int | None = None
    """Most tokens of a row; None takes what the longest row needs."""
    seed: int = 42


class Plan(BaseModel):
    """A decision: this model, these rows, into this folder, on the CPU or over so many graphics cards."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Model
    material: Material
    out: Path
    tuner: Tuner
    knobs: Knobs
    cards: int = 0
    """0 is the CPU."""
    divided: bool = False
    """Whether the weights are divided over the cards (DeepSpeed ZeRO-3), because they do not fit one."""
    modelscope: bool = False
    resume: Path | None = None
    """A checkpoint to go on from."""

    @property
    def length(self) -> int:
        """Most tokens of a row."""
        return self.knobs.length or _fitting(self.material.tokens)

    @property
    def accumulation(self) -> int:
        """Rows that each card reads before the weights are changed."""
        return math.ceil(self.knobs.batch / max(1, self.cards))

    @property
    def steps(self) -> int:
        """Changes of the weights; fewer where rows are packed together."""
        rows = max(1, self.cards) * self.accumulation
        return self.knobs.steps or max(1, math.ceil(self.knobs.epochs * math.ceil(self.material.rows / rows)))

    @property
    def flash(self) -> bool:
        """Whether rows are packed, with FlashAttention; else SDPA, one row at a time."""
        return self.cards > 0 and self.tuner.flash_attention


def plan(
    model: Model, material: Material, out: Path, tuner: Tuner, machine: Machine, knobs: Knobs, *,
    device: Device = "auto", cards: int | None = None, modelscope: bool = False, resume: Path | None = None,
) -> Plan:  # fmt: skip
    """Decides. Without `cards` it takes the fewest that hold it.

    Raises UserError: a row is too long, the model is FP8 or has a vocabulary of its own, the machine cannot hold it,
    DeepSpeed is missing.
    """
    if model.card:
        raise UserError(
            f"{model.name} cannot be tuned: ms-swift cannot tune this vocabulary (its image ids are fixed)",
            remedy=f"train it further with `surehand train pocket {model.source}`",
        )
    if model.fp8:
        whole = model.source.removesuffix("-FP8")
        raise UserError(f"{model.name} cannot be tuned", cause="its weights are FP8", remedy=f"take {whole}")
    if model.local and any(Path(model.source).glob("*.py")):
        raise UserError(
            f"there is Python code in {model.source!r}", cause="ms-swift would run it, and a Qwen3-VL needs none",
            remedy="tune a copy without it",
        )  # fmt: skip
    draft = Plan(
        model=model, material=material, out=out, tuner=tuner, knobs=knobs, modelscope=modelscope, resume=resume
    )
    _check_length(draft)
    on_cpu = device == "cpu" or model.stand_in or (device == "auto" and not machine.cards and model.gib <= _SMALL)
    if on_cpu:
        _fits_memory(draft, machine.memory)
        return draft
    count = _spread(draft, machine.cards, cards)
    divided = _need(draft, 1) > _CARD_SHARE * sorted(machine.cards, reverse=True)[count - 1]
    if divided and not tuner.deepspeed:
        raise UserError(
            f"{model.name} does not fit one card, and there is no DeepSpeed to divide it",
            remedy=f"run '{Path(tuner.program).with_name('pip')} install deepspeed'",
        )
    return draft.model_copy(update={"cards": count, "divided": divided})


def imagined(machine: Machine) -> tuple[Machine, Tuner]:
    """What a command is shown for where this machine cannot hold the model."""
    return machine.model_copy(update={"cards": (80.0,) * 8, "memory": 1000.0}), IDEAL


def check_room(plan: Plan, free: float) -> None:
    """Makes sure that checkpoints, and weights to be downloaded, have room. `free`: GiB there. Raises UserError."""
    checkpoints = _CHECKPOINTS * _STATE * plan.model.size.architecture.adapter(plan.knobs.rank) / 2**30
    if checkpoints + 0.1 > free:
        raise UserError(
            f"no room for the checkpoints: they take {checkpoints + 0.1:.1f} GiB",
            cause=f"{free:.1f} GiB are free at {str(plan.out)!r}", remedy="make room, or name another place with --out",
        )  # fmt: skip
    check_disk(plan.model, plan.modelscope)


def command(plan: Plan) -> list[str]:
    """The command line of `swift sft`; it holds no secret."""
    model, material, knobs = plan.model, plan.material, plan.knobs
    kind = kind_of(model)
    line = [plan.tuner.program, "sft", "--model", model.source, "--model_type", kind, "--template", "qwen3_vl"]
    line += ["--use_hf", _said(not plan.modelscope)]
    line += ["--dataset", str(material.train), "--split_dataset_ratio", "0"]
    line += ["--val_dataset", str(material.validation)] if material.validation else []
    line += ["--agent_template", "hermes", "--strict", "true"]  # a row that cannot be read is a fault, not left out
    line += ["--check_model", "false"]  # else it tells ModelScope of the model and its configuration
    line += ["--tuner_type", "lora", "--lora_rank", str(knobs.rank), "--lora_alpha", str(4 * knobs.rank)]
    line += ["--target_modules", "all-linear", "--freeze_llm", "false", "--freeze_vit", "true"]
    line += ["--freeze_aligner", "true", "--max_length", str(plan.length), "--truncation_strategy", "delete"]
    line += [*_numbers(plan), *_attention(plan)]
    line += ["--gradient_checkpointing", "true", "--vit_gradient_checkpointing", "false"]
    line += ["--num_train_epochs", f"{knobs.epochs:g}"]
    line += ["--max_steps", str(knobs.steps)] if knobs.steps else []
    line += ["--per_device_train_batch_size", "1", "--per_device_eval_batch_size", "1"]
    line += ["--gradient_accumulation_steps", str(plan.accumulation)]
    line += ["--learning_rate", f"{knobs.learning_rate:g}", "--warmup_ratio", "0.05"]
    line += ["--dataloader_num_workers", "4" if plan.cards else "0"]
    line += [*_rhythm(plan), "--seed", str(knobs.seed), "--data_seed", str(knobs.seed)]
    line += ["--output_dir", str(plan.out), "--add_version", "false", "--report_to", "none"]
    line += ["--deepspeed", "zero3"] if plan.divided else []
    line += ["--resume_from_checkpoint", str(plan.resume)] if plan.resume else []
    return line


def environment(plan: Plan) -> dict[str, str]:
    """The variables that go with the command."""
    variables = seeing(plan.model)
    if plan.cards > 0:
        variables |= {"NPROC_PER_NODE": str(plan.cards), "PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True"}
    return variables


def seeing(model: Model) -> dict[str, str]:
    """What tuning and asking the tuned model have in common: how pictures and boxes are told."""
    variables = {"IMAGE_MAX_TOKEN_NUM": str(MOST_PICTURE), "IMAGE_MIN_TOKEN_NUM": str(LEAST_PICTURE)}
    variables["QWENVL_BBOX_FORMAT"] = "new"  # Qwen3-VL's JSON; by default ms-swift writes Qwen2-VL's box tokens
    variables["PYTHONSAFEPATH"] = "1"  # a file called token.py among the data is none of ms-swift's business
    if model.local:
        variables["HF_HUB_OFFLINE"] = "1"
    if model.stand_in:
        variables["OMP_NUM_THREADS"] = "1"
    return variables


def kind_of(model: Model) -> str:
    """What ms-swift calls its architecture; it cannot tell from a folder's name."""
    return "qwen3_vl_moe" if model.size.architecture.experts else "qwen3_vl"


def _said(yes: bool) -> str:
    return str(yes).lower()


def _numbers(plan: Plan) -> list[str]:
    """On graphics cards bfloat16; the stand-in's few numbers in full, other models on the CPU as they are."""
    if plan.model.stand_in:  # fp16 is what ms-swift would make of float32
        return ["--torch_dtype", "float32", "--fp16", "false", "--bf16", "false"]
    return ["--torch_dtype", "bfloat16"]


def _attention(plan: Plan) -> list[str]:
    packed = _said(plan.flash)
    how = "flash_attn" if plan.flash else "sdpa"
    return ["--attn_impl", how, "--padding_free", packed, "--packing", packed]


def _rhythm(plan: Plan) -> list[str]:
    """When it saves, looks at the validation rows, and says how it goes."""
    every = str(max(1, min(_LONGEST_PAUSE, plan.steps // _OFTEN)))
    line = ["--save_strategy", "steps", "--save_steps", every, "--save_total_limit", str(_CHECKPOINTS - 1)]
    line += ["--eval_strategy", "steps", "--eval_steps", every] if plan.material.validation else []
    return [*line, "--logging_steps", str(max(1, min(10, plan.steps // 100)))]


def _fitting(tokens: int) -> int:
    """The next power of two, not less than the shortest."""
    return max(_SHORTEST, 1 << (tokens - 1).bit_length())


def _check_length(plan: Plan) -> None:
    most = plan.knobs.length or CONTEXT
    if plan.material.tokens > most:
        raise UserError(
            f"the longest row takes about {plan.material.tokens} tokens, more than {most}",
            cause=f"it has up to {plan.material.pictures} pictures",
            remedy="raise --max-length if the memory allows, or export with fewer pictures in a row",
        )


def _need(plan: Plan, cards: int) -> float:
    """GiB on each card."""
    of, material = plan.model.size.architecture, plan.material
    context = plan.length if plan.flash else min(plan.length, material.tokens)  # packed rows fill it
    work = Work(context=context, images=material.pictures, size=material.picture, cards=cards)
    return training(of, work, plan.knobs.rank).peak / 2**30


def _spread(plan: Plan, cards: tuple[float, ...], wanted: int | None) -> int:
    """How many cards are used. Raises UserError: too few, or too small."""
    have = " + ".join(f"{card:.0f}" for card in cards) + " GiB free" if cards else "no graphics card"
    if wanted and wanted > len(cards):
        raise UserError(f"--cards {wanted} is more than there are", cause=f"this machine has {have}")
    for count in [wanted] if wanted else [1 << power for power in range(len(cards).bit_length())]:
        if count <= len(cards) and _need(plan, count) <= _CARD_SHARE * sorted(cards, reverse=True)[count - 1]:
            return count
    raise UserError(
        f"{plan.model.name} cannot be tuned here: it needs {_need(plan, 1):.0f} GiB on one graphics card,"
        f" or {_need(plan, 2):.0f} GiB on each of two",
        cause=f"this machine has {have}",
        remedy="choose a smaller model, or a machine with such cards (--print shows the command for it)",
    )


def _fits_memory(plan: Plan, memory: float) -> None:
    needed = _need(plan, 1) + (_LIBRARIES if plan.model.stand_in else _CPU_EXTRA)
    if needed > memory:
        raise UserError(
            f"{plan.model.name} cannot be tuned here: on the CPU it needs {needed:.0f} GiB of memory",
            cause=f"{memory:.0f} GiB are free",
            remedy="choose a smaller model, or a machine with a graphics card",
        )
