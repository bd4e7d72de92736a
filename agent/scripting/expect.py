"""What a test expects of the screen, a page or the files: one thing in a key or two, judged as often as asked."""

from typing import Any, Self

from pydantic import Field, model_validator

from env.base import Probe
from scenarios.base import CheckResult
from scenarios.checkers import AnyCheck, TextTest, verdict
from scenarios.checks.files import FileExists, FileMissing, FileText
from scenarios.checks.surface import Clipboard, Window
from scenarios.checks.web import Element, PageUrl
from scenarios.locate import Locator, closest, locate, texts
from scenarios.oracle import Step
from scenarios.schema import Text, counted, shown

DOWNLOADS = "Downloads"
"""Where a browser of ours puts what it downloads, seen from HOME."""
_ON_SCREEN = ("text", "role", "css")
_SUBJECTS = (*_ON_SCREEN, "url", "title", "file", "download", "clipboard", "check", "describe")


class Words(TextTest):
    """A text that is tested: `contains` where it is written without a name."""

    @model_validator(mode="before")
    @classmethod
    def _contains(cls, value: object) -> object:
        return value if isinstance(value, dict | cls) else {"contains": value}

    async def judge(self, probe: Probe, answer: str | None) -> CheckResult:
        """The verdict on the title of the page in front, or of the active window."""
        if (page := await probe.page()) is not None:
            return self.of("the title", page.title)
        titles = [window.title for window in await probe.windows() if window.active]
        return self.of("the title of the active window", titles[-1] if titles else "")


class Expect(Step):
    """Waits until one thing holds, `within` seconds at most (else the test's own patience).

    On the screen: `text`, `role` (with `name`) or `css`; there is such a thing, or with `visible: false` there is none,
    or there are `count` of them; fields may be asked for their `value` and `checked`, everything for what it `says`.
    With `describe` a model judges what the screen shows. Elsewhere: the page's `url` and `title`, a `file` in HOME or a
    `download` (its words with `says`, or gone with `exists: false`), the `clipboard`, or any `check` of the scenarios.
    """

    text: Text | None = None
    role: str | None = None
    name: Text | None = None
    css: str | None = None
    exact: bool = False
    window: Text | None = None
    visible: bool = True
    count: int | None = Field(default=None, ge=0)
    value: Text | None = None
    checked: bool | None = None
    says: Words | None = None
    url: Words | None = None
    title: Words | None = None
    file: Text | None = None
    download: Text | None = None
    exists: bool = True
    clipboard: Words | None = None
    check: AnyCheck | None = None
    describe: Text | None = None
    within: float | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _one_subject(self) -> Self:
        subjects = [name for name in _SUBJECTS if getattr(self, name) is not None]
        window_alone = not subjects and self.window is not None
        if len(subjects) != 1 and not window_alone:
            raise ValueError(f"give exactly one of {', '.join(_SUBJECTS)}, window")
        on_screen = subjects and subjects[0] in _ON_SCREEN
        extra = self.model_fields_set - {*subjects, "within", "window"}
        known = {"name", "exact", "visible", "count", "value", "checked", "says"} if on_screen else set()
        known |= {"says", "exists"} if {"file", "download"} & set(subjects) else set()
        if extra - known:
            raise ValueError(f"{sorted(extra - known)[0]!r} does not go with {(subjects or ['window'])[0]!r}")
        if self.name is not None and self.role is None:
            raise ValueError("a name belongs to a role: give both, or text alone")
        return self

    async def judge(self, probe: Probe, *, read: bool = True) -> CheckResult:
        """Whether it holds now, and what was found. Without `read` the text of a page is not looked for by OCR.

        What is described can only be judged by a model (agent.scripting.play.Mind).
        """
        if self.check is not None:
            return await self.check.judge(probe, None)
        if self.url is not None:
            return await PageUrl(**_given(self.url)).judge(probe, None)
        if self.title is not None:
            return await self.title.judge(probe, None)
        if self.clipboard is not None:
            return await Clipboard(**_given(self.clipboard)).judge(probe, None)
        if path := self.file or (self.download and f"{DOWNLOADS}/{self.download}"):
            return await self._file(path).judge(probe, None)
        if self.text is None and self.role is None and self.css is None:
            return await Window(title=self.window or "").judge(probe, None)
        return await self._on_screen(probe, read)

    def _file(self, path: str) -> FileText | FileExists | FileMissing:
        if not self.exists:
            return FileMissing(path=path)
        return FileText(path=path, **_given(self.says)) if self.says else FileExists(path=path)

    async def _on_screen(self, probe: Probe, read: bool) -> CheckResult:
        if self.value is not None or self.checked is not None:
            field = {key: getattr(self, key) for key in ("css", "role", "name", "text", "value", "checked")}
            return await Element(**field, visible=None).judge(probe, None)
        thing = Locator(text=self.text, role=self.role, name=self.name, css=self.css, exact=self.exact,
                        window=self.window)  # fmt: skip
        found = await texts(thing, probe)
        if self.says is not None:
            fitting = [text for text in found if self.says.holds(text)]
            return verdict(bool(fitting), f"{thing.label} should {self.says.wanted()} and says {_quoted(found)}")
        if self.count is not None:
            why = f"there should be {self.count} of {thing.label}, and there {_are(len(found))}"
            return verdict(len(found) == self.count, why, found=found)
        there = bool(found) or (read and self.text is not None and await locate(thing, probe) is not None)
        why = f"{thing.label} should {'' if self.visible else 'not '}be there and is{'' if there else ' not'}"
        if read and self.visible and not there:
            why += f"; there is {_quoted(await closest(thing, probe))}"
        return verdict(there == self.visible, why)


def _given(words: Words) -> dict[str, Any]:
    return words.model_dump(exclude_none=True)


def _quoted(found: list[str]) -> str:
    return ", ".join(map(shown, found[:5])) or "nothing"


def _are(number: int) -> str:
    return f"{'is' if number == 1 else 'are'} {counted(number, 'such thing')}" if number else "is none"
