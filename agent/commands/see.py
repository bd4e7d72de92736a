"""`surehand describe` and `surehand ground`: a model is asked about one picture, from a file."""

import asyncio
import hashlib
import io
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tools.errors import UserError

if TYPE_CHECKING:
    from agent.grounding import Place
    from agent.settings import Settings
    from agent.trace import Completion
    from tools.geometry import Size
    from tools.overlay import Mark

Picture = Annotated[Path, typer.Argument(help="A screenshot, or any other picture.", metavar="IMAGE")]
Model = Annotated[
    str | None,
    typer.Option("--model", metavar="MODEL", help="Who looks: http://host:port/v1, transformers:MODEL or stand-in."),
]
ModelName = Annotated[str | None, typer.Option(help="What the model server calls the model.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
Config = Annotated[Path | None, typer.Option("--config", help="Settings file instead of ./surehand.toml.")]


def describe(
    image: Picture,
    question: Annotated[str, typer.Argument(help="What you want to know.")] = "Describe this picture.",
    model: Model = None,
    model_name: ModelName = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Ask a model about a picture. Exit status: 0 it answered, 1 it did not, 3 the machinery failed."""
    from agent.parse import spoken
    from agent.settings import load

    if not question.strip():
        raise UserError("the question is empty", remedy='write one, such as "What does the dialog ask?"')
    png, _ = _read(image)
    completion = _asked(load(config, model=model, model_name=model_name), png, question, sure=False)
    thought, answer = spoken(completion)
    if as_json:
        typer.echo(json.dumps({"answer": answer, "thought": thought, "model": completion.model}, ensure_ascii=False))
    elif answer:
        typer.echo(answer)
    if not answer:
        typer.echo(f"surehand: the model gave no answer{_cut(completion)}", err=True)
    raise typer.Exit(0 if answer else 1)


def ground(
    image: Picture,
    target: Annotated[str, typer.Argument(help="What to find, such as 'the button Save' or 'every icon'.")],
    points: Annotated[bool, typer.Option("--points", help="Ask for points instead of boxes.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Where it is drawn, instead of IMAGE-ground.png.")
    ] = None,
    model: Model = None,
    model_name: ModelName = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Ask a model where something is in a picture, in pixels, and draw it. Exit status: 0 found, 1 not, 3 no model."""
    from agent.grounding import locating, places
    from agent.parse import spoken
    from agent.settings import load

    if not target.strip():
        raise UserError("the target is empty", remedy='name what to find, such as "the button Save"')
    drawn = out or image.with_name(f"{image.stem}-ground.png")
    if drawn.resolve() == image.resolve():
        raise UserError(f"{str(drawn)!r} is the picture itself", remedy="name another file with --out")
    png, size = _read(image)
    words = locating(target.strip().rstrip("."), "point" if points else "bbox")
    completion = _asked(load(config, model=model, model_name=model_name), png, words, sure=True)
    _, answer = spoken(completion)
    found, fault = places(answer)
    if found:
        _draw(png, found, size, drawn)
    if as_json:
        told = {"model": completion.model, "size": list(size), "places": [_told(place, size) for place in found],
                "picture": str(drawn) if found else None, "answer": answer}  # fmt: skip
        typer.echo(json.dumps(told, ensure_ascii=False))
    else:
        _say(answer, found, size, drawn)
    if not found:
        typer.echo(f"surehand: no place in the model's answer{_why(fault, completion)}", err=True)
    raise typer.Exit(0 if found else 1)


def _read(file: Path) -> "tuple[bytes, Size]":
    """The picture as a PNG, upright as viewers show it, on white where it is transparent. Raises UserError."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    from tools.geometry import Size

    out = io.BytesIO()
    try:
        with Image.open(file) as picture:
            upright = ImageOps.exif_transpose(picture).convert("RGBA")
    except FileNotFoundError:
        raise UserError(f"no picture {str(file)!r}", cause="there is no such file") from None
    except (UnidentifiedImageError, IsADirectoryError):
        raise UserError(f"{str(file)!r} is no picture", remedy="give a PNG, JPEG or WebP file") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UserError(f"cannot read the picture {str(file)!r}", cause=str(error)) from None
    white = Image.new("RGBA", upright.size, "white")
    Image.alpha_composite(white, upright).convert("RGB").save(out, "PNG")
    return out.getvalue(), Size(*upright.size)


def _asked(settings: "Settings", png: bytes, words: str, *, sure: bool) -> "Completion":
    """The model's answer. Raises UserError: no such model. Raises ModelError: it cannot be asked."""
    from agent.commands.served import looker
    from agent.grounding import about
    from agent.prompt import Image

    model = looker(settings, sure=sure)

    async def ask(picture: Image) -> "Completion":
        try:
            return await model.decide(about(picture, words))
        finally:
            await model.close()

    with TemporaryDirectory(prefix="surehand-") as folder:
        file = Path(folder) / "picture.png"
        file.write_bytes(png)
        return asyncio.run(ask(Image(path=file, sha256=hashlib.sha256(png).hexdigest())))


def _draw(png: bytes, found: "tuple[Place, ...]", size: "Size", out: Path) -> None:
    from tools.overlay import BoxMark, ClickMark, draw

    marks: list[Mark] = []
    for place in found:
        rect = place.rect(size)
        marks.append(BoxMark(rect, place.label) if rect else ClickMark(place.point(size), place.label))
    try:
        out.write_bytes(draw(png, marks))
    except OSError as error:
        raise UserError(f"cannot write {str(out)!r}", cause=error.strerror or repr(error),
                        remedy="name another file with --out") from None  # fmt: skip


def _say(answer: str, found: "tuple[Place, ...]", size: "Size", out: Path) -> None:
    if not found:
        typer.echo(answer)
        return
    for place in found:
        rect, (x, y) = place.rect(size), place.point(size)
        where = f"left {rect.left}, top {rect.top}, right {rect.right}, bottom {rect.bottom}" if rect else f"{x}, {y}"
        typer.echo(f"{place.label}: {where}" if place.label else where)
    typer.echo(f"drawn in {out}")


def _told(place: "Place", size: "Size") -> dict[str, Any]:
    """A place in pixels; `box` is left, top, right, bottom."""
    rect = place.rect(size)
    return {"label": place.label, "box": list(rect) if rect else None, "point": list(place.point(size))}


def _why(fault: str, completion: "Completion") -> str:
    return f": {fault}" if fault else _cut(completion)


def _cut(completion: "Completion") -> str:
    """Where an answer grew too long, what would let it."""
    return ", which was cut off; raise answer_tokens or thinking_tokens" if completion.finish == "length" else ""
