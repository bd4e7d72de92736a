"""One frozen settings object, built once at the edge: command line over SUREHAND_* over surehand.toml over defaults."""

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
)
from pydantic_settings import BaseSettings, EnvSettingsSource, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from agent.rules import Rule
from env import settle
from env.allow import VERB_NAMES, Allow, known_domains, known_verbs
from env.described import View
from env.kept import SECRET_VARIABLE
from scenarios.schema import meant
from tools.errors import UserError
from tools.geometry import Size

PREFIX = "SUREHAND_"
FILE = Path("surehand.toml")
OTHERS = (
    "SUREHAND_CONFIG", "SUREHAND_ISOLATION", "SUREHAND_OSWORLD_TASKS", "SUREHAND_OSWORLD_CACHE", "SUREHAND_TOKEN",
)  # fmt: skip
"""Variables of that prefix that are no settings: which file to read, env.sandbox's wish for less isolation, where the
files of a suite lie (scenarios.suites.osworld), and the token of a client of the service (agent.service)."""


def _folders(value: object) -> object:
    """`a:b`, as in PATH, is two folders."""
    return tuple(part for part in value.split(os.pathsep) if part) if isinstance(value, str) else value


def _size(value: object) -> object:
    """`1280x720` as two numbers."""
    if not isinstance(value, str):
        return value
    width, by, height = value.lower().partition("x")
    if not (by and width.isdecimal() and height.isdecimal() and min(int(width), int(height)) > 0):
        raise ValueError("write a size as WIDTHxHEIGHT, such as 1280x720")
    return Size(int(width), int(height))


def _names(value: object) -> object:
    """`a,b` is two names."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _verbs_or_all(value: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return VERB_NAMES if value == ("all",) else () if value == ("none",) else known_verbs(value)


Names = Annotated[tuple[str, ...] | None, NoDecode, BeforeValidator(_names)]


class Bound(BaseModel):
    """Where a secret may be typed: domains of pages, window classes of programs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    domains: Annotated[tuple[str, ...], AfterValidator(known_domains)] = ()
    apps: tuple[str, ...] = ()


class Settings(BaseSettings):
    """Everything that can be set. A field is its own documentation; `load` reads it, nothing else does."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False
    )

    runs: Path = Path("runs")
    """Folder that gets one folder for every run."""
    model: str = ""
    """Who decides: the address of a model server (`http://host:port/v1`), `stand-in` (random weights, to see the
    plumbing), `oracle` (the scenario's reference solution), `scripted:FILE`, `replay:RUN`, or for comparison `idle`
    (nothing), `fail` (gives up), `random` (clicks anywhere)."""
    model_name: str = ""
    """What the server calls the model; empty takes the only one it serves."""
    api_key: SecretStr | None = Field(default=None, exclude=True)
    """Key of the model server; servers that surehand started are opened without."""
    modelscope: bool = False
    """Whether weights for `transformers:MODEL` come from ModelScope, not from Hugging Face."""
    model_kind: Literal["auto", "thinking", "instruct"] = "auto"
    """Whether the model thinks before it answers; `auto` goes by its name."""
    temperature: float | None = Field(default=None, ge=0, le=2)
    """Of the model's sampling; unset takes what Qwen recommends for its kind."""
    thinking_tokens: int = Field(default=1024, ge=0)
    """Most tokens of one thought."""
    answer_tokens: int = Field(default=512, ge=64)
    """Most tokens of what a model says after its thought."""
    image_tokens: int = Field(default=2048, ge=64)
    """Most tokens of a screenshot, 32 x 32 pixels each; a larger one is sent scaled down."""
    image_max: int | None = Field(default=None, ge=1)
    """Most screenshots that a model sees at once; unset is 10, or fewer for a small model that says so."""
    fold: int = Field(default=5, ge=1)
    """How many of the oldest screenshots go at once when there are too many."""
    history: Literal["tool", "user"] = "tool"
    """Whether later screenshots are told as results of calls, or as turns of the user (without earlier thoughts)."""
    boxes: bool = True
    """Whether the model may give the box of a target; without, it is offered exactly what Qwen3-VL was trained on."""
    tool_text: Path | None = None
    """JSON file with a `computer_use` function whose descriptions are used instead of surehand's."""
    constrain: bool = True
    """Whether vLLM holds answers to their form; a Thinking model then needs vLLM's reasoning parser."""
    patience: float = Field(default=300.0, gt=0)
    """Seconds that one answer of the model server may take."""
    scenarios: Annotated[tuple[Path, ...], NoDecode, BeforeValidator(_folders)] = ()
    """Folders with scenarios of your own, beside the bundled ones; in a variable separated as in PATH."""
    browser: Literal["kiosk", "headless"] = "kiosk"
    """How a web scenario sees its browser: filling a private display, or without one (slower, no pop-ups).

    A page narrower than a window can be (500 pixels) has none."""
    observation: View = View.PIXELS
    """What the model sees: `pixels`, or also a list of what is there (`pixels+tree`), or numbers (`pixels+marks`)."""
    size: Annotated[Size | None, BeforeValidator(_size)] = None
    """Pixels of every world, such as `1920x1080`; unset takes the size that the scenario asks for."""
    chromium: str = ""
    """Path of the Chromium to use; empty finds the system's or Playwright's."""
    steps: int | None = Field(default=None, ge=1)
    """Most steps of a run; unset takes the scenario's own limit."""
    seconds: float | None = Field(default=None, gt=0)
    """Most seconds of a run; unset takes the scenario's own limit."""
    tokens: int | None = Field(default=None, ge=1)
    """Most tokens of a run, prompts and replies together; unset is no limit."""
    settle_quiet: float = Field(default=settle.QUIET, gt=0)
    """Seconds without a change after which the screen counts as quiet."""
    settle_limit: float = Field(default=settle.LIMIT, gt=0)
    """Seconds after which a screen that never rests is taken as it is."""
    allow_actions: Annotated[Names, AfterValidator(known_verbs)] = None
    """Verbs that may be done, such as `left_click,type`, within those that the scenario allows; unset sets no limit."""
    allow_domains: Annotated[Names, AfterValidator(known_domains)] = None
    """Domains that a browser may speak to, such as `shop.example,127.0.0.1:8000`; unset sets no limit of its own."""
    private: bool = True
    """Whether a site that may be reached may be in a private network, though its name does not say so."""
    approve: Annotated[Names, AfterValidator(_verbs_or_all)] = None
    """Verbs that you are asked about first: `type,key`, `all` or `none`; unset asks on your own display only."""
    rules: tuple[Rule, ...] = ()
    """Rules that `ask` a person or `deny`, by `actions`, `domains`, the `text` of the target, characters `typed`."""
    secrets: dict[str, Bound] = Field(default_factory=dict)
    """Secrets by name, with the `domains` or `apps` that each may be typed into; SUREHAND_SECRET_… hold the values."""
    secrets_file: Path | None = None
    """A TOML file of `name = "value"` lines that only you can read (mode 600), instead of such variables."""
    lease: float = Field(default=120.0, ge=10)
    """Seconds after which a world that nobody speaks to any more ends itself."""
    parallel: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)
    """Most worlds at once when many scenarios are run; unset is one for each processor."""

    _sources: dict[str, str] = PrivateAttr(default_factory=dict)

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Reading happens in `load`, where the source of each value is still known."""
        return (init_settings,)

    @property
    def allow(self) -> Allow:
        """The allow-lists as the world takes them."""
        return Allow(actions=self.allow_actions, domains=self.allow_domains)

    def sources(self) -> "Iterator[Sourced]":
        """Every field with its value, where that came from, and what it is for."""
        for name, field in type(self).model_fields.items():
            yield Sourced(name, getattr(self, name), self._sources.get(name, "default"), field.description or "")


class Sourced(NamedTuple):
    """A setting, and whether it comes from the command line, a variable, a file, or is the default."""

    name: str
    value: Any
    source: str
    about: str


def load(config: Path | None = None, **given: object) -> Settings:
    """The settings; what was `given` on the command line counts first, None is not given.

    The file is `config`, or SUREHAND_CONFIG, or ./surehand.toml if there is one. Raises UserError: the file is missing
    or not TOML, a key is unknown, a value does not fit; it names the value and its source.
    """
    file = config or (Path(chosen) if (chosen := os.environ.get("SUREHAND_CONFIG")) else None)
    layers: list[tuple[str, Mapping[str, Any]]] = [
        ("command line", {name: value for name, value in given.items() if value is not None}),
        (PREFIX, EnvSettingsSource(Settings)()),
        (str(file or FILE), _read(file or FILE, must_exist=file is not None)),
    ]
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for source, layer in layers:
        for name in layer.keys() - values.keys():
            values[name] = layer[name]
            sources[name] = f"{PREFIX}{name.upper()}" if source is PREFIX else source
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise _wrong(error, sources) from None
    settings._sources.update(sources)
    return settings


def recorded(values: Mapping[str, Any], config: Path | None = None) -> Settings:
    """The settings that a run's record holds. What no record holds, the key of a model server, is read as ever.

    Raises UserError when the record fits no settings of this version.
    """
    known = {name: value for name, value in values.items() if name in Settings.model_fields}
    try:
        return Settings(**known, api_key=load(config).api_key)
    except ValidationError as error:
        raise _wrong(error, dict.fromkeys(known, "the run's record")) from None


def strangers() -> Iterator[str]:
    """Variables that look like settings but are none, each with the one that was probably meant."""
    for name in sorted(os.environ):
        stem = name.removeprefix(PREFIX).lower()
        known = stem in Settings.model_fields or name in OTHERS or name.startswith(SECRET_VARIABLE)
        if name.startswith(PREFIX) and not known:
            close = difflib.get_close_matches(stem, Settings.model_fields, n=1)
            yield f"{name} is set, but is no setting" + (f"; did you mean {PREFIX}{close[0].upper()}?" if close else "")


def _read(file: Path, must_exist: bool) -> dict[str, Any]:
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if not must_exist:
            return {}
        raise UserError(f"no settings file {str(file)!r}", remedy="name one with --config or SUREHAND_CONFIG") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {str(file)!r}", cause=reason(error)) from None
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{str(file)!r} is not valid TOML", cause=str(error)) from None
    for key in data.keys() - Settings.model_fields.keys():
        remedy = meant(key, Settings.model_fields) or "`surehand config` lists the settings"
        raise UserError(f"unknown setting {key!r} in {str(file)!r}", remedy=remedy)
    return data


def reason(error: OSError | UnicodeDecodeError) -> str:
    """Why a file cannot be read, without the file's name."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _wrong(error: ValidationError, sources: Mapping[str, str]) -> UserError:
    detail = error.errors(include_url=False)[0]
    name = str(detail["loc"][0])
    about = (Settings.model_fields[name].description or "").rstrip(".")
    return UserError(
        f"setting {name} = {'…' if name == 'api_key' else repr(detail['input'])} ({sources[name]})",
        cause=detail["msg"].removeprefix("Value error, "),
        remedy=f"it means: {about}",
    )
