"""What happens before a task begins: the steps as values, on the wire one-key mappings such as `put_file: {...}`."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer


class _Step(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Shape(_Step):
    """An area of one colour (`#rrggbb`) with the corners `polygon`, or the oval that fills the box `oval`."""

    colour: str
    polygon: tuple[tuple[int, int], ...] = ()
    oval: tuple[int, int, int, int] | None = None


class Picture(_Step):
    """A drawing of `size` pixels: the background, and the shapes from the lowest to the topmost.

    When all is drawn it is turned clockwise by quarters of a circle, as by a camera that was held upright.
    """

    size: tuple[int, int]
    background: str
    shapes: tuple[Shape, ...] = ()
    quarters: int = 0


class PutFile(_Step):
    """Put a file into HOME: `text` as it is, or a file made from `rows`, `paragraphs` or a `picture`."""

    path: str
    text: str | None = None
    rows: tuple[tuple[str | int | float | None, ...], ...] | None = None  # .xlsx
    paragraphs: tuple[str, ...] | None = None  # .odt
    picture: Picture | None = None  # .png


class Serve(_Step):
    """Serve a folder of scenarios/assets on the world's own loopback at http://site.test/, with `data` as /data.json.

    Pages may POST JSON to any path below /api/; what they sent is kept for `Probe.posted`.
    """

    folder: str
    data: dict[str, Any] = Field(default_factory=dict)


class OpenUrl(_Step):
    """Load an address and wait until the page has loaded; on a desktop, until a browser's window is there."""

    url: str


class Launch(_Step):
    """Start a program in HOME and wait until a window whose title contains `window` is there."""

    command: tuple[str, ...] = Field(min_length=1)
    window: str
    timeout: float = 30.0


class Run(_Step):
    """Run a command in HOME inside the world, to its end; anything but exit status 0 is the scenario's fault."""

    command: tuple[str, ...] = Field(min_length=1)
    timeout: float = 30.0


class Script(_Step):
    """Call a JavaScript function in the page in front with `argument`, and wait for what it promises.

    For pages that begin only when they are told to, and how.
    """

    function: str
    argument: Any = None
    timeout: float = 30.0


class Osworld(_Step):
    """Let OSWorld's own client carry out the `config` of one of its tasks; it judges the world later.

    `task` is the original file's content, `cache` a folder of files that were downloaded before.
    """

    task: dict[str, Any]
    cache: str = ""
    timeout: float = 600.0


STEPS: dict[str, type[_Step]] = {
    "put_file": PutFile,
    "serve": Serve,
    "open_url": OpenUrl,
    "launch": Launch,
    "run": Run,
    "script": Script,
    "osworld": Osworld,
}


def _read(value: object) -> object:
    """`{"launch": {...}}` → Launch(...)."""
    if not isinstance(value, dict):
        return value
    if len(value) != 1 or (name := next(iter(value))) not in STEPS:
        raise ValueError(f"a setup step is one of {', '.join(STEPS)}, not {', '.join(map(repr, value))}")
    return STEPS[name].model_validate(value[name])


def _write(step: _Step) -> dict[str, Any]:
    name = next(name for name, cls in STEPS.items() if isinstance(step, cls))
    return {name: step.model_dump(mode="json", exclude_defaults=True)}


SetupStep = Annotated[
    PutFile | Serve | OpenUrl | Launch | Run | Script | Osworld,
    BeforeValidator(_read),
    PlainSerializer(_write),
]
