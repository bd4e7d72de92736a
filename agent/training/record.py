"""What a tuning leaves behind beside ms-swift's own files: `tune.json`; and checkpoints, found again."""

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from agent.training.tuning import Knobs
from tools.errors import UserError

RECORD, CURVE, LOG, REPORT = "tune.json", "loss.png", "swift.log", "answers.json"
_VERSION = 1
_CONFIG = "adapter_config.json"


class Record(BaseModel):
    """A tuning, begun or done. It holds no secret."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: int = _VERSION
    model: str
    """The base, by its name at the hubs or its folder."""
    data: Path
    """The file of training rows."""
    validation: Path | None
    rows: int
    thoughts: bool
    """Whether answers in it begin with a thought."""
    modelscope: bool
    knobs: Knobs
    command: tuple[str, ...]
    variables: dict[str, str]
    losses: tuple[float, float] | None = None
    """Of training rows, first and last; None while it goes on."""


def write_record(folder: Path, record: Record) -> None:
    """Writes it; the folder is there."""
    (folder / RECORD).write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")


def read_record(checkpoint: Path) -> Record:
    """Of the tuning that made a checkpoint, or a folder of checkpoints. Raises UserError: there is none."""
    for folder in (checkpoint, checkpoint.parent):
        try:
            return Record.model_validate_json((folder / RECORD).read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except (OSError, ValidationError) as error:
            raise UserError(f"cannot read {str(folder / RECORD)!r}", cause=str(error).splitlines()[0]) from None
    raise UserError(
        f"no {RECORD} in {str(checkpoint)!r} or above it", remedy="name a folder that `surehand tune` made",
    )  # fmt: skip


def checkpoints(folder: Path) -> list[Path]:
    """Those of a tuning, in order."""
    found = [path for path in folder.glob("checkpoint-*") if path.name.removeprefix("checkpoint-").isdecimal()]
    return sorted(found, key=lambda path: int(path.name.removeprefix("checkpoint-")))


def find_adapter(folder: Path) -> Path:
    """A checkpoint with an adapter: the folder itself, or the last one in it. Raises UserError: there is none."""
    folder = folder.absolute()
    if not folder.is_dir():
        raise UserError(f"no folder {str(folder)!r}", remedy="name a checkpoint, or the folder of a tuning")
    for candidate in [folder, *reversed(checkpoints(folder))]:
        if (candidate / _CONFIG).is_file():
            if not (candidate / "adapter_model.safetensors").is_file():
                raise UserError(f"the adapter in {str(candidate)!r} has no weights", remedy="name another checkpoint")
            return candidate
    raise UserError(
        f"no adapter in {str(folder)!r}", cause=f"there is no {_CONFIG}, nor a checkpoint with one",
        remedy="name a checkpoint, or the folder of a tuning that has saved one",
    )  # fmt: skip


def adapter_settings(adapter: Path) -> dict[str, object]:
    """Of an adapter, as PEFT keeps them. Raises UserError: they cannot be read."""
    try:
        settings = json.loads((adapter / _CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {str(adapter / _CONFIG)!r}", cause=str(error)) from None
    if not isinstance(settings, dict):
        raise UserError(f"cannot read {str(adapter / _CONFIG)!r}", cause="it is no JSON object")
    return settings
