"""A dataset on the disk: `train.jsonl`, `validation.jsonl`, `images/`, and `dataset.json`, which says what is in it.

The same runs, told in the same way, make the same files. A dataset appears whole, or not at all.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from agent.provenance import revision
from agent.training.episodes import Episode, LeftOut, episodes
from agent.training.rows import FORMATS, Row, Telling, picture_name
from scenarios.schema import counted
from tools.errors import UserError

VERSION = 1
"""Of the folder's layout."""
TRAIN, VALIDATION = "train", "validation"
NOTES = "dataset.json"


class Made(NamedTuple):
    """What a dataset holds: runs, rows of each part, pictures; and what was left out, in words."""

    runs: int
    train: int
    validation: int
    pictures: int
    left_out: tuple[str, ...]


def make(
    runs: Sequence[Path], out: Path, form: str, telling: Telling, *, every: bool = False, share: float = 0.1
) -> Made:
    """Makes a dataset of the runs below these folders. About `share` of the tasks are kept for validation.

    Raises UserError: no run, none of them fit to learn from, a folder that is there already, no room on the disk.
    """
    if out.exists():
        raise UserError(f"there is {str(out)!r} already", remedy="name a new folder with --out")
    left_out: LeftOut = LeftOut()
    taken = list(episodes(runs, left_out, every=every))
    found = _rows(taken, form, telling, left_out)
    words = tuple(f"{counted(number, noun)} {why}" for (noun, why), number in left_out.items())
    if not found:
        raise UserError("nothing to learn from in these runs", cause="; ".join(words), remedy=_remedy(left_out))
    kept = validation_tasks({task for task, _ in found.values()}, share)
    parts: dict[str, dict[str, Row]] = {TRAIN: {}, VALIDATION: {}}
    for line, (task, row) in found.items():
        parts[VALIDATION if task in kept else TRAIN][line] = row
    pictures = {sha256: path for _, row in found.values() for sha256, path in row.pictures.items()}
    made = Made(len(taken), len(parts[TRAIN]), len(parts[VALIDATION]), len(pictures), words)
    _write(out, parts, pictures, _notes(made, form, telling, taken, kept))
    return made


def validation_tasks(tasks: Collection[str], share: float) -> frozenset[str]:
    """About this share of the tasks, at least one where there are two; chosen by their hashes, so always the same."""
    if len(tasks) < 2 or share <= 0:
        return frozenset()
    count = min(len(tasks) - 1, max(1, round(share * len(tasks))))
    return frozenset(sorted(tasks, key=lambda task: hashlib.sha256(task.encode()).digest())[:count])


def _rows(taken: Iterable[Episode], form: str, telling: Telling, left_out: LeftOut) -> dict[str, tuple[str, Row]]:
    """Each row once, by its line, with the task that it is of."""
    found: dict[str, tuple[str, Row]] = {}
    for episode in taken:
        for row in FORMATS[form](episode, telling, left_out):
            line = json.dumps(row.values, ensure_ascii=False)
            if line in found:
                left_out["row", "equal to one before"] += 1
            else:
                found[line] = (episode.task, row)
    return found


def _remedy(left_out: LeftOut) -> str:
    unproven = any(why in ("that did not pass", "that nobody checked") for _, why in left_out)
    return "--any takes runs that did not pass, too" if unproven else "name other runs, or another format"


def _notes(made: Made, form: str, telling: Telling, taken: Iterable[Episode], kept: Collection[str]) -> dict[str, Any]:
    return {
        "version": VERSION, "format": form, "surehand": version("surehand"), "revision": revision(),
        "style": asdict(telling.style), "rows": {TRAIN: made.train, VALIDATION: made.validation},
        "pictures": made.pictures, "left_out": made.left_out,
        "runs": [
            {
                "id": run.id, "scenario": run.scenario, "seed": run.seed, "model": run.model, "status": run.status,
                "part": VALIDATION if episode.task in kept else TRAIN,
            }
            for episode in taken for run in [episode.run]
        ],
    }  # fmt: skip


def _write(out: Path, parts: dict[str, dict[str, Row]], pictures: dict[str, Path], notes: dict[str, Any]) -> None:
    """Writes it beside its place, and then moves it there. Raises UserError."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".surehand-", dir=out.parent) as beside:
            draft = Path(beside) / out.name
            (draft / "images").mkdir(parents=True)
            for sha256, path in pictures.items():
                shutil.copyfile(path, draft / picture_name(sha256))
            for name, rows in parts.items():
                if rows:
                    (draft / f"{name}.jsonl").write_text("".join(f"{line}\n" for line in rows), encoding="utf-8")
            (draft / NOTES).write_text(json.dumps(notes, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
            draft.rename(out)
    except OSError as error:
        raise UserError(f"cannot write {str(out)!r}", cause=error.strerror or str(error)) from None
