"""Checks of what the allow-lists of a world stopped, and of what got past them."""

from pydantic import Field

from env.base import Probe
from scenarios.base import CheckResult
from scenarios.checkers import NamedCheck, checker, verdict
from scenarios.schema import counted, shown


@checker("refused")
class Refused(NamedCheck):
    """The allow-lists refused an action (its verb) or an address that contains a text; with `count`, so many."""

    contains: str
    count: int | None = Field(default=None, ge=0)

    async def judge(self, probe: Probe, answer: str | None) -> CheckResult:
        """Lists what was refused."""
        found = [refused.what for refused in await probe.refused()]
        matching = [what for what in found if self.contains in what]
        ok = bool(matching) if self.count is None else len(matching) == self.count
        wanted = "something" if self.count is None else counted(self.count, "thing")
        why = f"{wanted} with {shown(self.contains)} should be refused, and {counted(len(matching), 'thing')} was"
        return verdict(ok, why, refused=found)


@checker("visited")
class Visited(NamedCheck):
    """A request reached another site than the world's own: some request, or with `count` exactly so many."""

    host: str
    contains: str = ""
    count: int | None = Field(default=None, ge=0)

    async def judge(self, probe: Probe, answer: str | None) -> CheckResult:
        """Shows the last request that counts."""
        asked = [v for v in await probe.visited() if v.host == self.host and self.contains in f"{v.path}\n{v.body}"]
        ok = bool(asked) if self.count is None else len(asked) == self.count
        wanted = "be asked" if self.count is None else f"be asked {counted(self.count, 'time')}"
        what = f" with {shown(self.contains)}" if self.contains else ""
        last = f"; the last was {asked[-1].method} {shown(asked[-1].path)}" if asked else ""
        why = f"{self.host} should {wanted}{what}, and was asked {counted(len(asked), 'time')}{last}"
        return verdict(ok, why, asked=[visit.model_dump() for visit in asked])
