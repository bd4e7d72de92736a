"""A run folder → one `report.html` inside it; several runs → one page that leads to them.

Pictures are the stored ones, by relative path; boxes and clicks are drawn over them as SVG. Nothing comes from the
network. Everything that a page or a model wrote is escaped, and a Content-Security-Policy stands behind that.
"""

import base64
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from agent.listing import listing
from agent.trace import Decision, Run, RunFolder, Step
from agent.words import PHASES, Verdict, action_words, seconds_words, verdict
from env.base import Effect, Observation
from scenarios.base import CheckResult
from tools.actions import BrowserAction, Click, ComputerAction, HScroll, LeftClickDrag, MouseMove, Scroll
from tools.errors import UserError
from tools.geometry import Point, Rect, Size, to_pixel

TEMPLATES = Path(__file__).parent / "templates"
_ARROW = 0.16
"""Length of a scroll's arrow, as a share of the picture's height."""


class Phase(NamedTuple):
    """A part of a duration, and its share of the whole in percent."""

    name: str
    seconds: float
    share: float


@dataclass(frozen=True, slots=True)
class Picture:
    """A screenshot by its path seen from the page; `href` is None where the file is missing."""

    href: str | None
    size: Size
    alt: str


@dataclass(frozen=True, slots=True)
class Marks:
    """What is drawn over a picture, in its pixels: the target's box, the place that was clicked, the way of a drag."""

    box: Rect | None = None
    point: Point | None = None
    way: tuple[Point, Point] | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """One step as the page shows it; `words` and `marked` are what the model was told besides the plain picture."""

    step: Step
    picture: Picture
    marked: Picture | None
    words: str
    marks: Marks
    title: str
    action: str
    wire: str
    effect: Effect | None
    phases: tuple[Phase, ...]
    seconds: float

    @property
    def tone(self) -> str:
        """`bad` where nothing could be done, `warn` where nothing came of it, else `good`."""
        refused = self.step.outcome is not None and not self.step.outcome.ok
        if refused or not isinstance(self.step.reply, Decision):
            return "bad"
        return "warn" if self.effect is Effect.UNCHANGED else "good"


@dataclass(frozen=True, slots=True)
class CheckNode:
    """A check with the checks that it is made of."""

    name: str
    result: CheckResult
    evidence: tuple[tuple[str, str], ...]
    parts: tuple["CheckNode", ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """What the head of a report and its card on an index show."""

    run: Run
    verdict: Verdict
    steps: int
    seconds: float
    tokens: int
    cover: Picture | None
    href: str


def write_report(folder: Path) -> Path:
    """Writes report.html into a run's folder and returns its path. Raises UserError: no run there, or a damaged one."""
    record = RunFolder(folder)
    run, steps = record.run(), tuple(record.steps())
    cards = tuple(_cards(record, steps, folder))
    totals = {phase: sum(step.seconds.get(phase, 0.0) for step in steps) for phase in PHASES}
    script, script_hash = _script()
    page = pages().get_template("report.html.j2").render(
        run=run, summary=_summary(record, run, steps, folder), cards=cards, phases=_phases(totals),
        final=_picture(record, run.final, folder, "The screen at the end") if run.final else None,
        check=_node("", run.result.model_dump()) if run.result else None,
        facts=dict(_facts(run)), script=script, script_hash=script_hash,
    )  # fmt: skip
    return write_page(folder / "report.html", page)


def write_index(folders: Iterable[Path], file: Path, title: str, lead: str = "") -> Path:
    """Writes a page that leads to the reports of several runs. Raises UserError when one is damaged."""
    summaries = []
    for folder in folders:
        record = RunFolder(folder)
        summaries.append(_summary(record, record.run(), tuple(record.steps()), file.parent))
    page = pages().get_template("index.html.j2").render(title=title, lead=lead, summaries=summaries)
    return write_page(file, page)


def write_page(file: Path, page: str) -> Path:
    """Writes a page, whole or not at all, and returns its path. Raises UserError."""
    part = file.with_name(f"{file.name}.part")
    try:
        part.write_text(page, encoding="utf-8")
        part.replace(file)
    except OSError as error:
        raise UserError(f"cannot write {str(file)!r}", cause=error.strerror or str(error)) from None
    return file


@cache
def pages() -> Environment:
    """The templates of every page, with the filters and names that they share."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["duration"] = seconds_words
    environment.filters["pretty"] = _pretty
    environment.globals["Decision"] = Decision
    return environment


def _script() -> tuple[Markup, str]:
    """The page's script, and the hash by which the Content-Security-Policy allows it and no other."""
    text = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    return Markup(text), "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _summary(record: RunFolder, run: Run, steps: Sequence[Step], seen_from: Path) -> Summary:
    last = run.final or (steps[-1].seen if steps else None)
    used = sum(step.completion.tokens for step in steps)
    seconds = (run.ended - run.started).total_seconds() if run.ended else sum(sum(s.seconds.values()) for s in steps)
    return Summary(
        run=run, verdict=verdict(run), steps=len(steps), seconds=seconds, tokens=used,
        cover=_picture(record, last, seen_from, "The screen at the end") if last else None,
        href=relative(record.path / "report.html", seen_from),
    )  # fmt: skip


def _cards(record: RunFolder, steps: Sequence[Step], seen_from: Path) -> Iterator[Card]:
    for step, following in zip_longest(steps, steps[1:]):
        action = step.reply.action if isinstance(step.reply, Decision) else None
        yield Card(
            step=step,
            picture=_picture(record, step.seen, seen_from, f"The screen before step {step.number}"),
            marked=_marked(record, step.seen, seen_from),
            words=listing(step.seen),
            marks=_marks(step, action),
            title=step.reply.say if isinstance(step.reply, Decision) else "The reply could not be read",
            action=action_words(action) if action else "",
            wire=_pretty(action.wire()) if action else "",
            effect=following.effect_before if following else None,
            phases=_phases(step.seconds),
            seconds=sum(step.seconds.values()),
        )


def _marks(step: Step, action: ComputerAction | BrowserAction | None) -> Marks:
    """What the action aims at; nothing for one without a place."""
    size = step.seen.size
    if not isinstance(action, Click | MouseMove | LeftClickDrag | Scroll | HScroll):
        return Marks()
    point = (step.outcome.point if step.outcome else None) or action.point(size)
    if point is None:
        return Marks()
    return Marks(action.bbox_2d.to_rect(size) if action.bbox_2d else None, point, _way(action, point, size))


def _way(action: ComputerAction | BrowserAction, point: Point, size: Size) -> tuple[Point, Point] | None:
    """From where to where a drag or the wheel goes."""
    arrow = round(size.height * _ARROW)
    match action:
        case LeftClickDrag(coordinate2=end) if end:
            return action.point(size) or point, to_pixel(end, size)
        case Scroll(pixels=pixels):
            return point, Point(point.x, point.y + (-arrow if pixels > 0 else arrow))
        case HScroll(pixels=pixels):
            return point, Point(point.x + (arrow if pixels > 0 else -arrow), point.y)
    return None


def _picture(record: RunFolder, seen: Observation, seen_from: Path, alt: str) -> Picture:
    return _stored(record.picture(seen), seen.size, seen_from, alt)


def _marked(record: RunFolder, seen: Observation, seen_from: Path) -> Picture | None:
    """What the model was shown in place of the plain picture, if it was."""
    if seen.marked is None:
        return None
    return _stored(record.picture(seen.marked), seen.size, seen_from, "The same screen with numbers on its controls")


def _stored(file: Path, size: Size, seen_from: Path, alt: str) -> Picture:
    return Picture(relative(file, seen_from) if file.is_file() else None, size, alt)


def relative(path: Path, seen_from: Path) -> str:
    """The address of a file, seen from a page in the folder `seen_from`."""
    return quote(Path(os.path.relpath(path, seen_from)).as_posix())


def _phases(seconds: Mapping[str, float]) -> tuple[Phase, ...]:
    whole = sum(seconds.values()) or 1.0
    return tuple(Phase(PHASES.get(name, name), spent, 100 * spent / whole) for name, spent in seconds.items())


def _node(name: str, result: Mapping[str, Any]) -> CheckNode:
    """A check's result as a tree: `parts` and `part` of the evidence are results of their own (scenarios.checkers)."""
    evidence = dict(result["evidence"])
    parts = evidence.pop("parts", None) or ([evidence.pop("part")] if "part" in evidence else [])
    return CheckNode(
        name=name,
        result=CheckResult(score=result["score"], why=result["why"]),
        evidence=tuple((key, value if isinstance(value, str) else _pretty(value)) for key, value in evidence.items()),
        parts=tuple(_node(part.get("check", ""), part) for part in parts),
    )


def _facts(run: Run) -> Iterator[tuple[str, Any]]:
    """What the table at the end shows, in groups."""
    about = {"run": run.id, "started": f"{run.started:%Y-%m-%d %H:%M:%S %Z}", "revision": run.revision or "unknown"}
    yield "Run", about | ({"ended": f"{run.ended:%Y-%m-%d %H:%M:%S %Z}"} if run.ended else {})
    for title, values in (
        ("World", run.world),
        ("Model", run.asked),
        ("Settings", run.settings),
        ("Versions", run.versions),
    ):
        if values:
            yield title, {key: value if isinstance(value, str) else _pretty(value) for key, value in values.items()}


def _pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
