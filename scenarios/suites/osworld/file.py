"""One of OSWorld's task files, read as far as surehand must understand it."""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tools.errors import UserError


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")


class Setup(_Part):
    """One step of `config` or `postconfig`."""

    type: str
    parameters: dict[str, Any] = Field(default_factory=dict)


class Getter(_Part):
    """Where a result, or what is expected, comes from."""

    type: str
    path: str | list[str] | None = None
    dest: str | list[str] | None = None
    command: str | list[str] | None = None


class Evaluator(_Part):
    """How it is judged; several functions have as many results and expectations, and some have none."""

    func: str | list[str]
    result: Getter | list[Getter | None] | dict[str, Any] | None = None
    expected: Getter | list[Getter | None] | dict[str, Any] | None = None
    postconfig: list[Setup] = Field(default_factory=list)

    @property
    def functions(self) -> list[str]:
        """The metrics by name."""
        return [self.func] if isinstance(self.func, str) else self.func

    @property
    def getters(self) -> list[Getter]:
        """All getters, those of results first."""
        found: list[Getter | None] = []
        for part in (self.result, self.expected):
            found += part if isinstance(part, list) else [part] if isinstance(part, Getter) else []
        return [getter for getter in found if getter is not None]


class TaskFile(_Part):
    """A task; `content` is the file as it stands, which OSWorld's client gets."""

    id: str = Field(pattern=r"^[\w-]+$")
    instruction: str
    evaluator: Evaluator
    config: list[Setup] = Field(default_factory=list)
    related_apps: list[str] = Field(default_factory=list)
    content: dict[str, Any]

    @property
    def feasible(self) -> bool:
        """Whether it can be done at all; where not, FAIL is the right answer."""
        return self.evaluator.func != "infeasible"

    @property
    def steps(self) -> list[Setup]:
        """What its client carries out, before and afterwards."""
        return [*self.config, *self.evaluator.postconfig]

    @property
    def commands(self) -> list[str]:
        """Every command that its client has carried out in the world, as one text each."""
        found = [step.parameters.get("command") for step in self.steps] + [g.command for g in self.evaluator.getters]
        return [" ".join(map(str, one)) if isinstance(one, list) else str(one) for one in found if one]


def read(path: Path) -> TaskFile:
    """A task file. Raises UserError: it cannot be read, or is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return TaskFile.model_validate({**content, "content": content})
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, TypeError) as error:
        raise UserError(f"no task of OSWorld's in {str(path)!r}", cause=str(error)) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(f"no task of OSWorld's in {str(path)!r}", cause=f"{where}: {first['msg']}") from None
