"""Checks of values that a program keeps in a file of its own."""

import json
from typing import Any

from pydantic import Field

from env.base import Probe
from scenarios.base import CheckResult
from scenarios.checkers import NamedCheck, checker, graded, verdict
from scenarios.checks.files import missing
from scenarios.schema import Text, counted, shown

_NOTHING = object()


@checker("json_file")
class JsonFile(NamedCheck):
    """Values in a JSON file, by their keys with dots between: `{"browser.show_home_button": true}`.

    A key that is not there does not pass. The score is the part of the values that is right.
    """

    path: Text
    values: dict[str, Any] = Field(min_length=1)

    async def judge(self, probe: Probe, answer: str | None) -> CheckResult:
        """Names each value that is wrong."""
        try:
            data = json.loads(await probe.read(self.path))
        except FileNotFoundError:
            return await missing(self.path, probe)
        except ValueError as error:
            return verdict(False, f"{self.path} should be JSON, and is not: {error}")
        found = {key: _value(data, key) for key in self.values}
        wrong = [
            f"{key} should be {shown(wanted)} and is {'not there' if found[key] is _NOTHING else shown(found[key])}"
            for key, wanted in self.values.items()
            if not _same(wanted, found[key])
        ]
        if not wrong:
            return verdict(True, f"all {counted(len(found), 'value')} looked at in {self.path} are right")
        return graded(1 - len(wrong) / len(found), f"in {self.path}, {', '.join(wrong)}", faults=wrong)


def _value(data: Any, key: str) -> Any:
    for part in key.split("."):
        data = data.get(part, _NOTHING) if isinstance(data, dict) else _NOTHING
    return data


def _same(wanted: Any, found: Any) -> bool:
    """Equal, but true is no 1."""
    return bool(wanted == found) and isinstance(wanted, bool) == isinstance(found, bool)
