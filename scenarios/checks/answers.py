"""Checks of what the model answered."""

import math
import re
from typing import Self

from pydantic import Field, model_validator

from env.base import Probe
from scenarios.base import CheckResult
from scenarios.checkers import TextTest, checker, verdict
from scenarios.schema import shown

_NUMBER = re.compile(r"(?<![\w.,])[-+−]?\d+(?:,\d{3})*(?:\.\d+)?(?!\w)")


@checker("answer")
class Answer(TextTest):
    """The answer: a text (case, spacing and a full stop at the end do not count) or a number.

    For `number` the answer may have other words but only this one number; thousands are written 1,234.50.
    """

    number: float | None = None
    tolerance: float = Field(default=1e-6, ge=0)

    @model_validator(mode="after")
    def _one_of_three(self) -> Self:
        given = [part for part in (self.equals, self.contains, self.matches, self.number) if part is not None]
        if len(given) != 1:
            raise ValueError("give exactly one of equals, contains, matches, number")
        return self

    def holds(self, text: str) -> bool:
        """As TextTest, but generous in what does not matter in an answer."""
        if self.equals is not None:
            return _folded(text) == _folded(self.equals)
        if self.contains is not None:
            return _folded(self.contains) in _folded(text)
        return super().holds(text)

    async def judge(self, probe: Probe, answer: str | None) -> CheckResult:
        """No answer does not pass."""
        if answer is None:
            wanted = f"be the number {self.number:g}" if self.number is not None else self.wanted()
            return verdict(False, f"the answer should {wanted}, but there is none")
        if self.number is None:
            return self.of("the answer", answer)
        numbers = {float(n.replace(",", "").replace("−", "-")) for n in _NUMBER.findall(answer)}
        ok = len(numbers) == 1 and math.isclose(numbers.pop(), self.number, rel_tol=0, abs_tol=self.tolerance)
        return verdict(ok, f"the answer should be the number {self.number:g} and is {shown(answer)}", found=answer)


def _folded(text: str) -> str:
    return " ".join(text.casefold().split()).removesuffix(".")
