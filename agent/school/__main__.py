"""`python -m agent.school`: train a slice, or examine; needs nothing of surehand but this folder.

`surehand train` starts it with a Python that has torch.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent.school.lesson import Lesson
    from agent.school.pack import Pack

_LEARNED, _LOOKS = 49_000, 48
"""Lessons are learned from the seeds below the first; the next so many are looked at while training, not learned."""
_APART = 50
"""Of a file, each so-manieth lesson is looked at, not learned."""


def main(arguments: list[str]) -> None:
    """Reads the command line and does what it says."""
    parser = argparse.ArgumentParser(prog="python -m agent.school", description="Train or examine a small Qwen3-VL.")
    parts = parser.add_subparsers(required=True)
    pocket = parts.add_parser("train", help="one slice of training; goes on where the folder's weights are")
    pocket.add_argument("folder", type=Path)
    pocket.add_argument("--stage", default="print")
    pocket.add_argument("--pack", type=Path, help="lessons of a file, between those that are made up")
    pocket.add_argument("--share", type=float, default=0.7, help="which part of all lessons are those of the file")
    pocket.add_argument("--minutes", type=float, default=5.0)
    pocket.add_argument("--shape", default="pocket", choices=("pocket", "nano", "tiny"))
    pocket.add_argument("--batch", type=int, default=32)
    pocket.add_argument("--learning-rate", type=float, default=1e-3)
    pocket.add_argument("--seed", type=int, default=0)
    pocket.add_argument("--workers", type=int, default=0)
    pocket.add_argument("--threads", type=int)
    pocket.add_argument("--device", default="cpu")
    pocket.add_argument("--compile", action="store_true")
    pocket.add_argument("--only-letters", action="store_true")
    pocket.set_defaults(do=_train)
    exam = parts.add_parser("examine", help="what it can do on screens that it never saw")
    exam.add_argument("folder", type=Path)
    exam.add_argument("--stage", default="act")
    exam.add_argument("--on", type=Path, help="a file of lessons to ask instead of made-up ones")
    exam.add_argument("--lessons", type=int, default=500)
    exam.set_defaults(do=_examine)
    parity = parts.add_parser(
        "parity", help="whether a server says what transformers says; its key is SUREHAND_API_KEY"
    )
    parity.add_argument("folder", type=Path)
    parity.add_argument("url", help="of the server, with its /v1")
    parity.add_argument("name", help="what it calls the model")
    parity.add_argument("--stage", default="act")
    parity.add_argument("--lessons", type=int, default=100)
    parity.set_defaults(do=_parity)
    chosen = parser.parse_args(arguments)
    chosen.do(chosen)


def _train(chosen: argparse.Namespace) -> None:
    import torch

    from agent.school import exam, trainer
    from agent.school.batches import Teller
    from agent.school.pack import Pack
    from agent.school.shape import SHAPES, load, new_model, save, write_card
    from agent.school.sight import sizes_of
    from agent.school.spelling import FILE, load_spelling
    from agent.school.teach import STAGES, lessons
    from agent.school.tokens import load_tokenizer, write_tokenizer

    folder, shape = chosen.folder, SHAPES[chosen.shape]
    begun = (folder / "config.json").exists()
    if not begun:
        folder.mkdir(parents=True, exist_ok=True)
        write_tokenizer((_lesson(number, stage) for stage in STAGES for number in range(300)), folder)
        write_card(shape, folder)
    tokenizer = load_tokenizer(folder)
    model = load(folder) if begun else new_model(shape, tokenizer, chosen.seed)
    curve = trainer.read_curve(folder)
    this = trainer.Slice(
        minutes=chosen.minutes, stage=chosen.stage, batch=chosen.batch, learning_rate=chosen.learning_rate,
        warmup=30 if begun else 100,
        first=curve[-1]["lessons"] if curve else 0, seed=chosen.seed, workers=chosen.workers, threads=chosen.threads,
        device=chosen.device, compiled=chosen.compile, only_letters=chosen.only_letters,
    )  # fmt: skip
    unread = [lessons(_LEARNED + number, chosen.stage) for number in range(_LOOKS)]
    made: Callable[[int], Lesson] = partial(_lesson, stage=chosen.stage)
    if chosen.pack:
        told = Pack(chosen.pack)
        made = partial(_mixed, made=made, told=told, share=chosen.share)
        unread += told[_APART - 1 :: _APART][:: max(1, len(told) // _APART // _LOOKS)]
    teller, spelling = Teller(tokenizer, sizes_of(folder)), load_spelling(folder, model)
    trainer.train(
        model, spelling, teller, made, unread, this, folder,
        examine=lambda model: exam.examine(model, teller, unread), say=_say,
    )  # fmt: skip
    save(model, folder, bfloat16=False)
    torch.save(spelling.layer.state_dict(), folder / FILE)


def _examine(chosen: argparse.Namespace) -> None:
    from agent.school import exam, pack
    from agent.school.batches import Teller
    from agent.school.holdout import SEEDS
    from agent.school.shape import load
    from agent.school.sight import sizes_of
    from agent.school.teach import lessons
    from agent.school.tokens import load_tokenizer

    made = (lessons(seed, chosen.stage, part="figures") for seed in SEEDS["figures"])
    asked = islice(pack.read(chosen.on) if chosen.on else made, chosen.lessons)
    marks = exam.examine(load(chosen.folder), Teller(load_tokenizer(chosen.folder), sizes_of(chosen.folder)), asked)
    _print(json.dumps({name: round(mark, 4) for name, mark in marks.items()}, indent=2))


def _parity(chosen: argparse.Namespace) -> None:
    from agent.school.batches import Teller
    from agent.school.parity import compare
    from agent.school.shape import load
    from agent.school.sight import sizes_of
    from agent.school.teach import lessons
    from agent.school.tokens import load_tokenizer

    asked = [lessons(_LEARNED + number, chosen.stage) for number in range(chosen.lessons)]
    teller, key = Teller(load_tokenizer(chosen.folder), sizes_of(chosen.folder)), os.environ.get("SUREHAND_API_KEY", "")
    found = compare(load(chosen.folder), teller, asked, chosen.url, chosen.name, key)
    _print(json.dumps({"same": round(found.same, 4), "apart": round(found.apart, 5)}))


def _mixed(number: int, made: "Callable[[int], Lesson]", told: "Pack", share: float) -> "Lesson":
    """One made up, or one of a file, of which each so-manieth is kept apart to be looked at."""
    rng = Random(f"mixed {number}")
    if rng.random() >= share:
        return made(number)
    at = rng.randrange(len(told))
    return told[at - 1 if at % _APART == _APART - 1 else at]


def _lesson(number: int, stage: str) -> "Lesson":
    """Lessons go round the seeds again and again, each time with another draw."""
    from agent.school.teach import lessons

    return lessons(number % _LEARNED, stage, again=number // _LEARNED)


def _say(look: Any) -> None:
    used = f", {look.used:.0%} of the chip" if look.used is not None else ""
    shown = {name: mark for name, mark in look.exam.items() if name in ("letters seen", "looks right")}
    for word in ("letters", "hit"):  # the mean over kinds of lessons; `curve.jsonl` has each
        those = [mark for name, mark in look.exam.items() if name.endswith(f" {word}")]
        shown |= {word: sum(those) / len(those)} if those else {}
    marks = ", ".join(f"{name} {mark:.0%}" for name, mark in shown.items())
    _print(
        f"{look.minutes:6.1f} min  {look.lessons} lessons  {look.pictures_per_second:.0f} pictures/s{used}"
        f"  loss {look.loss:.3f}, unread {look.unread:.3f}  {marks}"
    )


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
