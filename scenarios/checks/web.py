"""Checks of a page, and of what pages sent to the world's own site."""

import json
from typing import Any, Self

from pydantic import Field, model_validator

from env.base import Posted as PostedBody
from env.base import Probe
from scenarios.base import CheckResult
from scenarios.checkers import NamedCheck, TextTest, checker, verdict
from scenarios.schema import Text, counted, shown


@checker("posted")
class Posted(NamedCheck):
    """A page sent `body` to `path`: at least these values of it, or with `exactly` these and no others.

    `count` asks that so many such bodies were sent; with `last` only the last one sent there counts, as where a page
    sends its whole state after every change. A number and its text are the same: forms send text.
    """

    path: str
    body: Any = None
    exactly: bool = False
    last: bool = False
    count: int | None = Field(default=None, ge=0)

    async def judge(self, probe: Probe, answer: str | None) -> CheckResult:
        """Shows the last body that was sent to the path."""
        sent = [posted for posted in await probe.posted() if posted.path == self.path]
        matching = [posted for posted in (sent[-1:] if self.last else sent) if self._matches(posted)]
        ok = bool(matching) if self.count is None else len(matching) == self.count
        wanted = "something" if self.body is None else shown(self.body, 120)
        times = " last" if self.last else "" if self.count is None else f" {counted(self.count, 'time')}"
        found = f"it was{'' if self.last else ' ' + counted(len(matching), 'time')}" if matching else "nothing was"
        if sent and not matching:
            found = f"what was sent is {shown(sent[-1].body, 120)}"
        why = f"{wanted} should be sent to {self.path}{times}, and {found}"
        return verdict(ok, why, sent=[posted.body for posted in sent])

    def _matches(self, posted: PostedBody) -> bool:
        return self.body is None or _same(self.body, posted.body, self.exactly)


def _same(wanted: Any, found: Any, exactly: bool) -> bool:
    """Whether the wanted values are in what was found, at every depth."""
    match wanted, found:
        case dict(), dict():
            keys = wanted.keys() == found.keys() if exactly else wanted.keys() <= found.keys()
            return keys and all(_same(value, found[key], exactly) for key, value in wanted.items())
        case list() | tuple(), list():
            return len(wanted) == len(found) and all(_same(w, f, exactly) for w, f in zip(wanted, found, strict=True))
        case (bool() | None, _) | (_, bool() | None):
            return wanted is found
        case _:
            return bool(wanted == found) or str(wanted) == str(found)


@checker("page_text")
class PageText(TextTest):
    """The text that the page in front shows, all of it or that of the elements with a CSS selector."""

    css: str = "body"

    async def judge(self, probe: Probe, answer: str | None) -> CheckResult:
        """Quotes it, where the elements are there."""
        chosen = f"[...document.querySelectorAll({json.dumps(self.css)})]"
        found = await probe.script(f"{chosen}.map(element => element.innerText)")
        if not found:
            return verdict(False, f"the text of {self.css} should {self.wanted()}, but the page has no such element")
        subject = "the page's text" if self.css == "body" else f"the text of {self.css}"
        return self.of(subject, "\n".join(found))


@checker("page_url")
class PageUrl(TextTest):
    """The address of the page in front."""

    async def judge(self, probe: Probe, answer: str | None) -> CheckResult:
        """Without a page it does not pass."""
        page = await probe.page()
        if page is None:
            return verdict(False, f"the address should {self.wanted()}, but there is no page")
        return self.of("the address", page.url)


@checker("script")
class Script(NamedCheck):
    """The JSON value of a JavaScript expression in the page in front."""

    expression: str
    equals: Any

    async def judge(self, probe: Probe, answer: str | None) -> CheckResult:
        """A number and its text differ here."""
        found = await probe.script(self.expression)
        ok = _same(self.equals, found, True) and isinstance(found, str) == isinstance(self.equals, str)
        why = f"{self.expression} should be {shown(self.equals)} and is {shown(found)}"
        return verdict(ok, why, found=found)


@checker("element")
class Element(NamedCheck):
    """An element with a CSS selector, a role (and name) or a text of its own is there, and is as asked.

    It must be visible unless `visible` is false, or null for either. With `count` there must be so many.
    """

    css: str | None = None
    role: str | None = None
    name: Text | None = None
    text: Text | None = None
    value: Text | None = None
    checked: bool | None = None
    visible: bool | None = True
    count: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(way is not None for way in (self.css, self.role, self.text)) != 1:
            raise ValueError("give exactly one of css, role, text")
        return self

    async def judge(self, probe: Probe, answer: str | None) -> CheckResult:
        """Describes an element that is not as asked, where there is one."""
        found = await probe.elements(css=self.css, role=self.role, name=self.name, text=self.text)
        asked = {key: v for key in ("visible", "checked", "value") if (v := getattr(self, key)) is not None}
        states = [{key: getattr(element, key) for key in asked} for element in found]
        fitting = states.count(asked)
        ok = fitting > 0 if self.count is None else fitting == self.count
        which = self.css or self.text or " ".join(filter(None, (self.role, self.name)))
        which = which if self.count is None else f"{self.count} × {which}"
        is_so = f"it is{'' if ok else ' not'}" if self.count is None else f"{fitting} {'is' if fitting == 1 else 'are'}"
        other = next((state for state in states if state != asked), None)
        there = f"one is {_words(other)}" if other and not fitting else is_so
        return verdict(ok, f"{which} should be {_words(asked)}, and {there}", states=states)


def _words(state: dict[str, Any]) -> str:
    """`visible and checked`."""
    words = {"visible": ("hidden", "visible"), "checked": ("not checked", "checked")}
    parts = [words[key][bool(v)] if key in words else f"filled with {shown(v)}" for key, v in state.items()]
    return " and ".join(parts) or "in the page"
