"""Checks of a spreadsheet's cells."""

import math
import re
import zipfile
from collections.abc import Mapping
from datetime import date, datetime
from io import BytesIO
from typing import Any, Self

from openpyxl import Workbook, load_workbook
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.worksheet import Worksheet
from pydantic import Field, field_validator, model_validator

from scenarios.base import CheckResult
from scenarios.checkers import checker, graded, verdict
from scenarios.checks.files import FileCheck
from scenarios.schema import Text, counted, shown

_CELL = re.compile(r"[A-Z]{1,3}[1-9][0-9]{0,6}")
Cell = str | int | float | bool | datetime | date | None


@checker("spreadsheet")
class Spreadsheet(FileCheck):
    """Cells of an .xlsx file: computed values, pieces that `formulas` must contain, and the `rows` from A1 on.

    Numbers may differ by `tolerance`. The score is the part of `cells` and `formulas` that is right; it is 0 when the
    rows, which hold what was there before, are not all right.
    """

    kind = "an .xlsx spreadsheet"
    unreadable = (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError)
    sheet: Text | None = None
    cells: dict[str, Cell] = Field(default_factory=dict)
    rows: tuple[tuple[Cell, ...], ...] = ()
    formulas: dict[str, Text] = Field(default_factory=dict)
    tolerance: float = 1e-6

    @field_validator("cells", "formulas")
    @classmethod
    def _are_cells(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name in value:
            if not _CELL.fullmatch(name):
                raise ValueError(f"{name!r} is no cell; write it as B7")
        return value

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.cells or self.rows or self.formulas):
            raise ValueError("give at least one of cells, rows, formulas")
        return self

    def read(self, data: bytes) -> tuple[Workbook, Workbook]:
        """The workbook with computed values, and with what was written."""
        return load_workbook(BytesIO(data), data_only=True), load_workbook(BytesIO(data))

    def compare(self, content: tuple[Workbook, Workbook]) -> CheckResult:
        """Names the first cells that are wrong, with what they should be."""
        computed, written = content
        if self.sheet is not None and self.sheet not in computed.sheetnames:
            return verdict(False, f"{self.path} should have a sheet {self.sheet!r}, and has {computed.sheetnames}")
        return self._compare(
            computed[self.sheet or computed.sheetnames[0]], written[self.sheet or written.sheetnames[0]]
        )

    def _compare(self, computed: Worksheet, written: Worksheet) -> CheckResult:
        table = {f"{get_column_letter(x)}{y}": v for y, r in enumerate(self.rows, 1) for x, v in enumerate(r, 1)}
        damaged = self._wrong_values(table, computed)
        wrong = self._wrong_values(self.cells, computed)
        for name, piece in self.formulas.items():
            found = written[name].value
            if not (isinstance(found, str) and found.startswith("=") and piece.upper() in found.upper()):
                wrong.append(f"{name} should be a formula with {piece!r} and is {shown(found)}")
        asked = len(self.cells) + len(self.formulas)
        total, faults = asked + len(table), damaged + wrong
        if not faults:
            return verdict(True, f"all {counted(total, 'cell')} looked at in {self.path} are right")
        score = 0.0 if damaged else 1 - len(wrong) / asked
        more = f", and {len(faults) - 3} more" if len(faults) > 3 else ""
        why = f"{len(faults)} of {counted(total, 'cell')} in {self.path} are wrong: {', '.join(faults[:3])}{more}"
        return graded(score, why, faults=faults)

    def _wrong_values(self, wanted: Mapping[str, Cell], page: Worksheet) -> list[str]:
        return [
            f"{name} should be {shown(value)} and is {shown(page[name].value)}"
            for name, value in wanted.items()
            if not self._same(value, page[name].value)
        ]

    def _same(self, wanted: Cell, found: Any) -> bool:
        match wanted, found:
            case bool(), _:
                return wanted is found
            case int() | float(), int() | float():
                return math.isclose(wanted, found, rel_tol=0, abs_tol=self.tolerance)
            case date(), datetime():
                return found.date() == (wanted.date() if isinstance(wanted, datetime) else wanted)
            case str(), str():
                return wanted.strip() == found.strip()
            case _:
                return bool(wanted == found) or (wanted == "" and found is None)
