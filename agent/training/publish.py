"""A tuned model for others: an adapter without what only this machine knows, merged weights, and the way to a hub."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from agent.serving.family import Model
from agent.training.record import Record, adapter_settings
from agent.training.tuner import Tuner
from tools.errors import UserError

Hub = Literal["modelscope", "hf"]

TOKENS: dict[Hub, tuple[str, ...]] = {
    "hf": ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"), "modelscope": ("MODELSCOPE_API_TOKEN",),
}  # fmt: skip
"""Where the hubs' own libraries look for a person's token; it is never in a command."""
WEIGHTS = "adapter_model.safetensors"


def write_adapter(adapter: Path, model: Model, record: Record, out: Path) -> None:
    """Copies an adapter into a new folder: weights, settings, a page about it; no optimizer, no path of here."""
    out.mkdir(parents=True)
    shutil.copyfile(adapter / WEIGHTS, out / WEIGHTS)
    settings = adapter_settings(adapter) | {"base_model_name_or_path": _base(model)}
    (out / "adapter_config.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    (out / "README.md").write_text(_page(model, record), encoding="utf-8")


def merge_command(tuner: Tuner, adapter: Path, model: Model, out: Path) -> list[str]:
    """Of `swift export`: a folder with whole weights, as transformers and vLLM load them."""
    return [tuner.program, "export", "--adapters", str(adapter), "--model", model.source, "--merge_lora", "true",
            "--torch_dtype", "bfloat16", "--output_dir", str(out)]  # fmt: skip


def push_commands(tuner: Tuner, folder: Path, repo: str, hub: Hub, *, private: bool) -> list[list[str]]:
    """Of the hub's own client: what lies in a folder goes to a repository, which is made where there is none.

    `swift export --push_to_hub` does the same, but ms-swift 4.6.0 stops at a repository that is there already, and its
    call to modelscope 1.40 has an argument too many.
    """
    python, modelscope = (str(Path(tuner.program).with_name(name)) for name in ("python", "modelscope"))
    said = ["--commit-message", "Upload by surehand"]
    if hub == "hf":
        seen = "--private" if private else "--no-private"
        return [[python, "-m", "huggingface_hub.cli.hf", "upload", repo, str(folder), ".", seen, *said]]
    seen = "private" if private else "public"
    make = [modelscope, "create", repo, "--repo-type", "model", "--visibility", seen, "--exist-ok"]
    return [make, [modelscope, "upload", repo, str(folder), ".", "--no-cache", "--disable-tqdm", *said]]


def check_token(hub: Hub, environment: Mapping[str, str] = os.environ) -> None:
    """Makes sure that there is a token. Raises UserError."""
    if not any(environment.get(name) for name in TOKENS[hub]):
        raise UserError(
            f"no token for {'Hugging Face' if hub == 'hf' else 'ModelScope'}",
            remedy=f"set {TOKENS[hub][0]} in the environment; it is in your account there",
        )


def check_repository(repo: str) -> None:
    """Makes sure that it can be the name of a repository. Raises UserError."""
    owner, _, name = repo.partition("/")
    allowed = all(part and all(sign.isalnum() or sign in "-_." for sign in part) for part in (owner, name))
    if not allowed:
        raise UserError(f"--push {repo!r} is no repository", remedy="write it as owner/name")


def contents(folder: Path) -> list[tuple[str, int]]:
    """The files that would be pushed, with their bytes."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return [(str(path.relative_to(folder)), path.stat().st_size) for path in files]


def _base(model: Model) -> str:
    return model.name if model.local else model.source


def _page(model: Model, record: Record) -> str:
    base = _base(model)
    losses = f", loss {record.losses[0]:.3g} → {record.losses[1]:.3g}" if record.losses else ""
    front = [] if model.local else [f"base_model: {base}", f"tags: ['base_model:adapter:{base}', lora, surehand]"]
    lines = [
        "---",
        *front,
        "library_name: peft",
        "pipeline_tag: image-text-to-text",
        "---",
        "",
        f"# LoRA adapter of {base}",
        "",
    ]
    lines += [f"Tuned by ms-swift on {record.rows} rows of GUI data, rank {record.knobs.rank}{losses}.", ""]
    lines += [
        "Serve it beside its base:",
        "",
        "```console",
        f"$ surehand serve {base} --adapter THIS_FOLDER",
        "```",
        "",
    ]
    return "\n".join(lines)
