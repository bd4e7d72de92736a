"""`surehand tune`: a LoRA adapter by ms-swift, asked, exported and pushed."""

import shlex
import shutil
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer

from agent.commands.group import FirstByDefault
from tools.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import Console
    from rich.progress import Progress, TaskID

    from agent.training.answers import Score
    from agent.training.publish import Hub
    from agent.training.record import Record
    from agent.training.tuner import Tuner
    from agent.training.tuning import Plan
    from agent.words import Tone

_FOLDER = Path("tuned")
"""Where tunings go that are given no folder."""
_THINKING, _ANSWER = 4096, 512
"""Tokens of an answer, with a thought and without."""
Checkpoint = Annotated[Path, typer.Argument(help="A checkpoint, or the folder of a tuning: its last one.")]
Show = Annotated[bool, typer.Option("--print", help="Only show the command.")]


tune_app = typer.Typer(
    cls=FirstByDefault,
    help="Tune a model on rows of GUI data: `surehand tune MODEL DATA`. Then ask, export and push what was learned.",
)  # fmt: skip


@tune_app.command()
def start(
    name: Annotated[str, typer.Argument(help="As for `serve`: 8B, a folder, stand-in.", metavar="MODEL")],
    data: Annotated[Path, typer.Argument(help="Folder that `export --format swift` made, or a .jsonl file.")],
    out: Annotated[Path | None, typer.Option(help="Folder for checkpoints instead of tuned/MODEL.")] = None,
    lora_rank: Annotated[int, typer.Option(help="Of the adapter.", min=1, max=512)] = 8,
    epochs: Annotated[float, typer.Option(help="How often each row is read.", min=0.01)] = 1.0,
    steps: Annotated[int | None, typer.Option(help="Changes of the weights, instead of --epochs.", min=1)] = None,
    learning_rate: Annotated[float, typer.Option(help="At its highest.", min=1e-8, max=1.0)] = 1e-4,
    batch: Annotated[int, typer.Option(help="Rows of a step, over all cards.", min=1)] = 4,
    max_length: Annotated[int | None, typer.Option(help="Most tokens of a row.", min=256)] = None,
    seed: Annotated[int, typer.Option(help="Of the adapter and the order of rows.", min=0)] = 42,
    cards: Annotated[int | None, typer.Option(help="Graphics cards, instead of the fewest that do.", min=1)] = None,
    device: Annotated[Literal["auto", "cpu", "gpu"], typer.Option(help="What it runs on.")] = "auto",
    modelscope: Annotated[bool, typer.Option("--modelscope", help="Weights from there, not Hugging Face.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint in the folder.")] = False,
    show: Show = False,
) -> None:
    """Tune MODEL on DATA. The word `start` may be left out."""
    from agent.serving.family import find
    from agent.serving.machine import look
    from agent.training.material import open_material
    from agent.training.tuning import Knobs, imagined, plan

    model, material = find(name), open_material(data)
    folder, tuner, here = (out or _FOLDER / model.name).absolute(), _tuner(show), look()
    knobs = Knobs(rank=lora_rank, epochs=epochs, steps=steps, learning_rate=learning_rate, batch=batch,
                  length=max_length, seed=seed)  # fmt: skip
    decide = partial(
        plan, model, material, folder, knobs=knobs, device=device, cards=cards, modelscope=modelscope,
        resume=_last(folder) if resume else None,
    )  # fmt: skip
    try:
        decided = decide(tuner=tuner, machine=here)
    except UserError:
        if not show:
            raise
        machine, tuner = imagined(here)
        decided = decide(tuner=tuner, machine=machine)
        typer.echo("# for graphics cards of 80 GiB and as much memory, which this machine has not")
    if show:
        _print(decided)
    else:
        _tune(decided)


def _tuner(show: bool) -> "Tuner":
    """What there is; to show a command none is needed. Raises UserError: there is none."""
    from agent.training.tuner import IDEAL, find_tuner

    try:
        return find_tuner()
    except UserError:
        if show:
            return IDEAL
        raise


def _last(folder: Path) -> Path:
    from agent.training.record import checkpoints

    found = checkpoints(folder)
    if not found:
        raise UserError(
            f"nothing to resume in {str(folder)!r}", cause="there is no checkpoint", remedy="leave out --resume"
        )
    return found[-1]


def _print(decided: "Plan") -> None:
    from agent.training.tuning import command, environment

    typer.echo(_line(command(decided), environment(decided), decided.material.folder))


def _line(command: "Sequence[str]", variables: "Mapping[str, str]", folder: Path) -> str:
    told = [f"{name}={shlex.quote(value)}" for name, value in variables.items()]
    return f"cd {shlex.quote(str(folder))} && " + " ".join([*told, shlex.join(command)])


def _tune(decided: "Plan") -> None:
    from agent.commands.live import console, signed
    from agent.training.record import CURVE, checkpoints
    from agent.training.tuning import check_room
    from agent.training.work import make_folder, tune

    out, folder = console(), decided.out
    make_folder(folder, resumed=decided.resume is not None)
    check_room(decided, shutil.disk_usage(folder).free / 2**30)
    _say_plan(out, decided)
    with _watch(out, "loading ms-swift", decided.steps) as watch:
        record = tune(decided, lambda: _look(watch, folder))
    if record.losses:
        first, last = record.losses
        tone: Tone = "good" if last < first else "warn"
        out.print(signed(tone, f"loss {first:.4g} → {last:.4g}; the curve is {folder / CURVE}"), soft_wrap=True)
    if saved := checkpoints(folder):
        for word in ("infer", "export"):
            out.print(f"next: surehand tune {word} {shlex.quote(str(saved[-1]))}", soft_wrap=True)


def _say_plan(out: "Console", decided: "Plan") -> None:
    material, model = decided.material, decided.model
    on = f"{decided.cards} graphics card{'s' * (decided.cards > 1)}" if decided.cards else "the CPU"
    rows = f"{material.rows} rows" + (f", {material.validation_rows} to validate" if material.validation_rows else "")
    out.print(f"{model.name} on {on}: {rows}; {decided.steps} steps of {decided.length} tokens at most", soft_wrap=True)
    if model.thinking and not material.thoughts:
        out.print("No answer in these rows begins with a thought, and this model always thinks first: an Instruct "
                  "model fits them better.", soft_wrap=True)  # fmt: skip
    if material.thoughts and not model.thinking:
        out.print("Answers in these rows begin with thoughts, which an Instruct model does not have by itself.",
                  soft_wrap=True)  # fmt: skip
    if material.validation is None:
        out.print("No validation.jsonl: the loss is that of the training rows only.", soft_wrap=True)


class _Watched(NamedTuple):
    progress: "Progress"
    task: "TaskID"

    def show(self, done: int, words: str, of: int | None = None) -> None:
        self.progress.update(self.task, completed=done, description=words, total=of)


@contextmanager
def _watch(out: "Console", words: str, of: int) -> "Iterator[_Watched]":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=out) as progress:
        yield _Watched(progress, progress.add_task(words, total=of))


def _look(watch: _Watched, folder: Path) -> None:
    """Shows the last that is known of the loss."""
    from agent.training.progress import read_points

    points = read_points(folder)
    if points:
        last = max(points, key=lambda point: point.step)
        watch.show(last.step, f"loss {last.loss:.4g}, {last.left} left", last.steps)


@tune_app.command()
def infer(
    checkpoint: Checkpoint,
    data: Annotated[
        Path | None, typer.Option(help="Rows to ask about, instead of those it was validated with.", metavar="FILE")
    ] = None,
    most: Annotated[int | None, typer.Option(help="Most questions.", min=1)] = None,
    max_new_tokens: Annotated[int | None, typer.Option(help="Of an answer.", min=1)] = None,
    show: Show = False,
) -> None:
    """Ask a tuned model about the validation rows, and say how often it is right."""
    from agent.commands.live import console
    from agent.training.answers import cases
    from agent.training.record import find_adapter, read_record
    from agent.training.tuner import find_tuner
    from agent.training.tuning import seeing
    from agent.training.work import ask, base_of, questions_command

    adapter = find_adapter(checkpoint)
    record = read_record(adapter)
    file = data.absolute() if data else record.validation
    if file is None:
        raise UserError("it was tuned without validation rows", remedy="name some with --data FILE")
    asked, tuner = cases(file, most), find_tuner()
    tokens = max_new_tokens or (_THINKING if record.thoughts else _ANSWER)
    if show:
        model = base_of(record)
        paths = (adapter / "questions.jsonl", adapter / "said.jsonl")
        typer.echo(_line(questions_command(tuner, adapter, model, record, *paths, tokens), seeing(model), file.parent))
        return
    out = console()
    with _watch(out, "asking", len(asked)) as watch:
        answers = ask(tuner, adapter, record, asked, file.parent, tokens,
                      lambda done: watch.show(done, "asking", len(asked)))  # fmt: skip
    _say_score(out, answers.score)
    out.print(f"every answer is in {answers.file}", soft_wrap=True)


def _say_score(out: "Console", score: "Score") -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for head in ("", "questions", "right", ""):
        table.add_column(head, justify="left" if not head else "right")
    if score.groundings:
        table.add_row(
            "grounding", str(score.groundings), f"{score.hits:.1%}", "the middle of the box is in the true box"
        )
        table.add_row("", "", f"{score.overlap:.1%}", "of both boxes together is common (IoU)")
    if score.actions:
        table.add_row("actions", str(score.actions), f"{score.exact:.1%}", "the same in everything")
        table.add_row("", "", f"{score.close:.1%}", "the same verb, its place in the true box")
    out.print(table)


@tune_app.command()
def export(
    checkpoint: Checkpoint,
    merge: Annotated[bool, typer.Option("--merge", help="Whole weights with the adapter in them.")] = False,
    out: Annotated[Path | None, typer.Option(help="New folder, instead of one beside the checkpoint.")] = None,
    push: Annotated[str | None, typer.Option(help="Repository that it goes to.", metavar="OWNER/NAME")] = None,
    hub: Annotated[Literal["modelscope", "hf"], typer.Option(help="Where that is.")] = "hf",
    public: Annotated[bool, typer.Option("--public", help="For everybody to see; else private.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Push it; without, only say what would be pushed.")] = False,
    show: Show = False,
) -> None:
    """Make a folder of what a tuning has learned, to serve it elsewhere; or push it to a hub."""
    from agent.training import publish
    from agent.training.record import find_adapter, read_record
    from agent.training.tuner import find_tuner
    from agent.training.work import base_of

    adapter = find_adapter(checkpoint)
    record = read_record(adapter)
    if push:
        publish.check_repository(push)
    if push and yes:
        publish.check_token(hub)
    folder = (out or adapter.with_name(f"{adapter.name}-{'merged' if merge else 'adapter'}")).absolute()
    model, tuner = base_of(record), find_tuner()
    pushing = publish.push_commands(tuner, folder, push, hub, private=not public) if push else []
    if show:
        for line in [*([publish.merge_command(tuner, adapter, model, folder)] if merge else []), *pushing]:
            typer.echo(shlex.join(line))
        return
    _make_export(tuner, adapter, record, folder, merge=merge, again=push is not None)
    if push:
        _push(pushing, folder, push, hub, public=public, yes=yes)


def _make_export(tuner: "Tuner", adapter: Path, record: "Record", folder: Path, *, merge: bool, again: bool) -> None:
    """The folder of an export; one that is there is only pushed. Raises UserError: it is there, nothing is pushed."""
    from agent.commands.live import console, signed
    from agent.training.work import export

    out = console()
    if folder.exists() and not again:
        raise UserError(f"there is {str(folder)!r} already", remedy="name a new folder with --out")
    if not folder.exists():
        with out.status("merging" if merge else "copying"):
            export(tuner, adapter, record, folder, merge=merge)
    out.print(signed("good", f"{'merged weights' if merge else 'the adapter'}: {folder}"), soft_wrap=True)


def _push(lines: "Sequence[Sequence[str]]", folder: Path, repo: str, hub: "Hub", *, public: bool, yes: bool) -> None:
    from agent.commands.live import console, signed
    from agent.training.publish import contents
    from agent.training.work import push

    out = console()
    where = "Hugging Face" if hub == "hf" else "ModelScope"
    for name, size in contents(folder):
        out.print(f"  {name}  {size / 2**20:.1f} MiB", soft_wrap=True)
    kind = "public" if public else "private"
    if not yes:
        out.print(f"would go to {repo} at {where}, {kind}; add --yes to push it", soft_wrap=True)
        return
    with out.status(f"pushing to {repo} at {where}"):
        push(lines, folder)
    out.print(signed("good", f"pushed to {repo} at {where}, {kind}"), soft_wrap=True)


@tune_app.command()
def check(data: Annotated[Path, typer.Argument(help="A .jsonl file, or the folder of a dataset.")]) -> None:
    """Say everything that is wrong in training data. Exit status 1 if something is."""
    from agent.commands.check_data import check_data

    raise typer.Exit(check_data(data))
