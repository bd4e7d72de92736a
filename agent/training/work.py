"""A tuning as a whole, and the questions that its adapter is asked: folders, ms-swift's process, records."""

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from agent.serving import stand_in
from agent.serving.family import Model, find
from agent.serving.machine import ROOT
from agent.training.answers import Case, Judged, Score, judge, score
from agent.training.child import run_child
from agent.training.curve import draw_curve
from agent.training.progress import fall, read_points
from agent.training.publish import merge_command, write_adapter
from agent.training.record import CURVE, LOG, REPORT, Record, write_record
from agent.training.tuner import Tuner
from agent.training.tuning import Plan, command, environment, seeing
from tools.errors import ModelError, UserError

_AT_A_TIME = 4
"""Answers that are written together."""


class Answers(NamedTuple):
    """What was said to all questions; each with how right it is."""

    score: Score
    judged: list[Judged]
    file: Path


def tune(plan: Plan, look: Callable[[], None]) -> Record:
    """Tunes, and keeps a record and the curve of the loss in the plan's folder, which is there. `look` is called often.

    Raises UserError and ModelError as `run_child` does.
    """
    if plan.model.stand_in:
        _build_stand_in(plan)
    material = plan.material
    record = Record(
        model=plan.model.source, data=material.train, validation=material.validation, rows=material.rows,
        thoughts=material.thoughts, modelscope=plan.modelscope, knobs=plan.knobs,
        command=tuple(command(plan)), variables=environment(plan),
    )  # fmt: skip
    write_record(plan.out, record)
    try:
        run_child(record.command, record.variables, material.folder, plan.out / LOG, look)
    finally:
        if points := read_points(plan.out):
            draw_curve(points, f"Loss of {plan.model.name}, {material.rows} rows", plan.out / CURVE)
    record = record.model_copy(update={"losses": fall(points)})
    write_record(plan.out, record)
    return record


def make_folder(folder: Path, *, resumed: bool) -> None:
    """The folder of a tuning. Raises UserError: it cannot be made, or holds something and nothing is resumed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        taken = any(folder.iterdir())
    except OSError as error:
        raise UserError(f"cannot make {str(folder)!r}", cause=error.strerror or str(error)) from None
    if taken and not resumed:
        raise UserError(
            f"there is something in {str(folder)!r} already", remedy="name another folder with --out, or add --resume"
        )


def base_of(record: Record) -> Model:
    """The model that was tuned. Raises UserError: its folder is gone."""
    return find("stand-in" if record.model == str(stand_in.location()) else record.model)


def questions_command(tuner: Tuner, adapter: Path, model: Model, record: Record, questions: Path, said: Path,
                      tokens: int) -> list[str]:  # fmt: skip
    """Of `swift infer`: greedy answers to a file of rows, with the arguments that the adapter was tuned with."""
    line = [
        tuner.program,
        "infer",
        "--adapters",
        str(adapter),
        "--model",
        model.source,
        "--val_dataset",
        str(questions),
    ]
    line += ["--result_path", str(said), "--max_new_tokens", str(tokens), "--temperature", "0", "--stream", "false"]
    line += [
        "--max_batch_size",
        "1",
        "--write_batch_size",
        str(_AT_A_TIME),
        "--use_hf",
        str(not record.modelscope).lower(),
    ]
    return line + (["--enable_thinking", "true"] if record.thoughts else [])


def ask(
    tuner: Tuner, adapter: Path, record: Record, asked: Sequence[Case], pictures: Path, tokens: int,
    look: Callable[[int], None],
) -> Answers:  # fmt: skip
    """Asks an adapter by ms-swift and judges what it says; everything is kept below `adapter`. `look` hears how many.

    Raises UserError and ModelError as `run_child` does; ModelError also where answers are missing.
    """
    model = base_of(record)
    questions, said = adapter / "questions.jsonl", adapter / "said.jsonl"
    questions.write_text("".join(json.dumps(case.row, ensure_ascii=False) + "\n" for case in asked), encoding="utf-8")
    said.unlink(missing_ok=True)
    line = questions_command(tuner, adapter, model, record, questions, said, tokens)
    run_child(line, seeing(model), pictures, adapter / LOG, lambda: look(len(_lines(said))))
    answers = [str(json.loads(one)["response"]) for one in _lines(said)]
    if len(answers) != len(asked):
        raise ModelError(f"{len(answers)} answers to {len(asked)} questions; the log of ms-swift: {adapter / LOG}")
    judged = [judge(case.truth, answer) for case, answer in zip(asked, answers, strict=True)]
    _write_answers(adapter / REPORT, asked, answers, judged)
    return Answers(score(judged), judged, adapter / REPORT)


def export(tuner: Tuner, adapter: Path, record: Record, folder: Path, *, merge: bool) -> None:
    """Makes a new folder of an adapter, or of whole weights with it in them.

    Raises UserError and ModelError as `run_child` does; UserError also where it cannot be written.
    """
    model = base_of(record)
    if merge:
        line = merge_command(tuner, adapter, model, folder)
        run_child(line, seeing(model), adapter, adapter / LOG, _nothing)
        return
    try:
        write_adapter(adapter, model, record, folder)
    except OSError as error:
        raise UserError(f"cannot write {str(folder)!r}", cause=error.strerror or str(error)) from None


def push(lines: Sequence[Sequence[str]], folder: Path) -> None:
    """Runs the commands that push a folder. Raises UserError and ModelError as `run_child` does."""
    for line in lines:
        run_child(line, {"PYTHONSAFEPATH": "1"}, folder.parent, folder.with_name(f"{folder.name}-push.log"), _nothing)


def _nothing() -> None:
    """There is no progress to be seen."""


def _lines(file: Path) -> list[str]:
    try:
        return [line for line in file.read_text(encoding="utf-8").splitlines() if line]
    except FileNotFoundError:
        return []


def _write_answers(file: Path, asked: Sequence[Case], answers: Sequence[str], judged: Sequence[Judged]) -> None:
    told = [
        {"asked": case.row["messages"][-1]["content"], "images": case.row["images"], "truth": case.truth,
         "said": answer, **one._asdict()}
        for case, answer, one in zip(asked, answers, judged, strict=True)
    ]  # fmt: skip
    whole = {"score": score(judged)._asdict(), "answers": told}
    file.write_text(json.dumps(whole, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _build_stand_in(plan: Plan) -> None:
    """Makes the stand-in where there is none. Raises ModelError."""
    if stand_in.is_built():
        return
    python = Path(plan.tuner.program).with_name("python")
    variables = os.environ | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    line = [str(python), "-m", "agent.serving.stand_in", plan.model.source]
    done = subprocess.run(line, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ModelError(f"the stand-in cannot be built:\n{done.stderr[-2000:]}")
