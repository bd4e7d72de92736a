"""Locators and expectations of a test, in Playwright's terms."""

import re
from collections.abc import Iterable, Iterator

from agent.scripting.expect import DOWNLOADS, Expect, Words
from agent.scripting.export.program import PAGE, SITE, Chain, Do, HomeFile, Pattern, Statement, expect, function
from scenarios.checkers import AllOf, NamedCheck, TextTest
from scenarios.checks.files import FileExists, FileMissing, FileText
from scenarios.checks.guard import Refused, Visited
from scenarios.checks.web import Element, PageText, PageUrl, Posted, Script
from scenarios.locate import Locator
from tools.geometry import Point, Size

_ONLY_PYTHON = re.compile(r"\(\?P|\(\?[aiLmsux-]+[:)]|\(\?#|\(\?\(|\\[AZ]")
_FIELDS = {"textbox", "searchbox", "spinbutton", "combobox", "slider"}


class NotExported(ValueError):
    """What a test asks for, and Playwright by itself cannot do; the text says what."""


def by_text(text: str, *, exact: bool = False) -> Chain:
    """What says this."""
    return PAGE.call("get_by_text", _words(text, exact), exact=True if exact and not text.isupper() else None)


def by_role(role: str, name: str | None, *, exact: bool = False) -> Chain:
    """What is called this."""
    if name is None:
        return PAGE.call("get_by_role", role)
    whole = True if exact and not name.isupper() else None
    return PAGE.call("get_by_role", role, name=_words(name, exact), exact=whole)


def _words(text: str, exact: bool) -> str | Pattern:
    """Words in capitals may be so by their style only, which a browser shows and a document does not know."""
    return Pattern(f"^{quoted(text)}$", "i") if exact and text.isupper() else text


def things(asked: Locator | Expect | Element) -> Chain:
    """Everything that fits, except for a place on the screen. Raises NotExported."""
    if isinstance(asked, Locator | Expect) and asked.window is not None:
        raise NotExported("a page has no windows: leave out `window`")
    exact = isinstance(asked, Locator | Expect) and asked.exact
    if asked.role is not None:
        return by_role(asked.role, asked.name, exact=exact)
    if asked.css is not None:
        return PAGE.call("locator", asked.css)
    if asked.text is None:
        raise NotExported("Playwright finds nothing by a picture or a description: give its role or text")
    return by_text(asked.text, exact=exact)


def one(locator: Locator) -> Chain:
    """The thing that a locator means; Playwright refuses to choose where there are several. Raises NotExported."""
    found = things(locator)
    return found.call("nth", locator.nth) if locator.nth else found


def place(locator: Locator, size: Size) -> Point | None:
    """The pixel that is meant, for a box."""
    return locator.box.to_rect(size).center if locator.box is not None else None


class Ways:
    """Chooses the way to a thing that a program takes: the first that leads to no other thing of the same test."""

    def __init__(self, locators: Iterable[Locator]) -> None:
        self._things: dict[str, set[frozenset[str]]] = {}
        for locator in locators:
            ways = {_key(way) for way in (locator, *locator.others)}
            for way in ways:
                self._things.setdefault(way, set()).add(frozenset(ways))

    def of(self, locator: Locator) -> list[Locator]:
        """All ways but places and pictures, the one to take first; that of the test where there is no other."""
        ways = [way for way in (locator, *locator.others) if way.box is None and way.picture is None]
        return sorted(ways or [locator], key=lambda way: len(self._things.get(_key(way), ())) > 1)


def _key(locator: Locator) -> str:
    return locator.model_dump_json(exclude={"others", "describe"})


def quoted(text: str) -> str:
    """A pattern that fits just this text, in Python as in JavaScript."""
    return re.sub(r"[.*+?^${}()|\[\]\\/]", r"\\\g<0>", text)


def pattern(source: str) -> Pattern:
    """A pattern of a test. Raises NotExported where JavaScript would read it otherwise."""
    if found := _ONLY_PYTHON.search(source):
        raise NotExported(f"{found[0]!r} in a pattern is known to Python only")
    return Pattern(source, "m")


def text_in(test: TextTest) -> str | Pattern:
    """For an assertion that looks for a part of a text."""
    return pattern(test.matches) if test.matches is not None else test.contains or ""


def whole(test: TextTest) -> str | Pattern:
    """For an assertion that compares the whole of a text, as those of titles and addresses do."""
    if test.equals is not None:
        return test.equals
    return Pattern(quoted(test.contains)) if test.contains is not None else pattern(test.matches or "")


def shown(asked: Expect | Element) -> Chain:
    """What fits and can be seen; what has a role can."""
    found = things(asked)
    return found if asked.role is not None else found.call("filter", visible=True)


def expectation(step: Expect) -> Iterator[Statement]:
    """What a test expects. Raises NotExported."""
    timeout = None if step.within is None else max(1, round(step.within * 1000))
    if step.check is not None:
        yield from _check(step.check, timeout)
    elif step.url is not None:
        yield Do(expect(PAGE).call("to_have_url", whole(step.url), timeout=timeout))
    elif step.title is not None:
        yield Do(expect(PAGE).call("to_have_title", whole(step.title), timeout=timeout))
    elif path := step.file or (step.download and f"{DOWNLOADS}/{step.download}"):
        yield _file(path, step.says, exists=step.exists)
    elif step.clipboard is not None:
        raise NotExported("Playwright has no hold of the clipboard")
    else:
        yield from _on_screen(step, step.says, timeout)


def _on_screen(step: Expect | Element, says: Words | None, timeout: int | None) -> Iterator[Statement]:
    first = shown(step).getter("first")
    if step.value is not None:
        yield Do(expect(first).call("to_have_value", step.value, timeout=timeout))
    if step.checked is not None:
        yield Do(expect(first).call("to_be_checked", checked=step.checked, timeout=timeout))
    if says is not None:
        yield Do(_says(first, says, timeout, field=step.role in _FIELDS))
    if step.count is not None or step.visible is False:
        yield Do(expect(shown(step)).call("to_have_count", step.count or 0, timeout=timeout))
    elif step.value is None and step.checked is None and says is None:
        yield Do(expect(first).call("to_be_visible", timeout=timeout))


def _says(thing: Chain, says: TextTest, timeout: int | None, *, field: bool) -> Chain:
    if field:
        return expect(thing).call("to_have_value", whole(says), timeout=timeout)
    if says.equals is not None:
        return expect(thing).call("to_have_text", says.equals, use_inner_text=True, timeout=timeout)
    return expect(thing).call("to_contain_text", text_in(says), use_inner_text=True, timeout=timeout)


def _file(path: str, says: TextTest | None, *, exists: bool = True) -> Statement:
    if not exists:
        return Do(function("expect_no_file", PAGE, HomeFile(path)))
    if any(letter in path for letter in "*?["):
        raise NotExported("a file is named as it is, without wildcards")
    if says is None:
        return Do(function("expect_file", PAGE, HomeFile(path), Pattern("")))
    if says.equals is not None:
        return Do(function("expect_file", PAGE, HomeFile(path), says.equals))
    return Do(function("expect_file", PAGE, HomeFile(path), whole(says)))


def _check(check: NamedCheck, timeout: int | None) -> Iterator[Statement]:
    match check:
        case AllOf(checks=parts):
            for part in parts:
                yield from _check(part, timeout)
        case Element():
            yield from _on_screen(check, None, timeout)
        case FileText():
            yield _file(check.path, check)
        case FileExists(count=None):
            yield _file(check.path, None)
        case FileMissing():
            yield _file(check.path, None, exists=False)
        case _:
            yield Do(_of_page(check, timeout))


def _of_page(check: NamedCheck, timeout: int | None) -> Chain:
    match check:
        case Posted():
            options = {name: True for name in ("exactly", "last") if getattr(check, name)}
            return SITE.call("expect_posted", check.path, check.body, count=check.count, **options)
        case Visited(host=host, contains="", count=0):
            return SITE.call("expect_not_visited", f"//{host}")
        case Refused(contains=text, count=0):
            return SITE.call("expect_not_visited", text)
        case PageUrl():
            return expect(PAGE).call("to_have_url", whole(check), timeout=timeout)
        case PageText():
            return _says(PAGE.call("locator", check.css), check, timeout, field=False)
        case Script():
            return function("expect_script", PAGE, check.expression, check.equals)
    raise NotExported("this check is known to surehand only")
