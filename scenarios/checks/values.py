"""Checks of values that a program keeps in a file of its own."""

import json
from typing import Any

from pydantic import Field

from scenarios.base import CheckResult
from scenarios.checkers import checker, graded, verdict
from scenarios.checks.files import FileCheck
from scenarios.schema import counted, shown

_NOTHING = object()


@checker("json_file")
class JsonFile(FileCheck):
    """Values in a JSON file, by their keys with dots between: `{"browser.show_home_button": true}`.

    A key that is not there does not pass. The score is the part of the values that is right.
    """

    kind = "JSON"
    unreadable = (ValueError,)
    values: dict[str, Any] = Field(min_length=1)

    def read(self, data: bytes) -> Any:
        """The value that the JSON stands for."""
        return json.loads(data)

    def compare(self, content: Any) -> CheckResult:
        """Names each value that is wrong."""
        found = {key: _value(content, key) for key in self.values}
        wrong = [
            f"{key} should be {shown(wanted)} and is {'not there' if found[key] is _NOTHING else shown(found[key])}"
            for key, wanted in self.values.items()
            if not _same(wanted, found[key])
        ]
        if not wrong:
            return verdict(True, f"all {counted(len(found), 'value')} looked at in {self.path} are right")
        return graded(1 - len(wrong) / len(found), f"in {self.path}, {', '.join(wrong)}", faults=wrong)

    def misread(self, error: Exception) -> str:
        """Says that it is no JSON, and where."""
        return f"should be {self.kind}, and is not: {error}"


def _value(data: Any, key: str) -> Any:
    for part in key.split("."):
        data = data.get(part, _NOTHING) if isinstance(data, dict) else _NOTHING
    return data


def _same(wanted: Any, found: Any) -> bool:
    """Equal, but true is no 1."""
    return bool(wanted == found) and isinstance(wanted, bool) == isinstance(found, bool)
