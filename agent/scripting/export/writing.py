"""Programs written down: every text of a test as a literal of the language, nothing of it as code."""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from agent.scripting.export.program import Chain, Do, HomeFile, If, Link, Pattern, SecretValue, Statement, Value
from env.kept import SECRET_VARIABLE

_SNAKE = re.compile(r"_([a-z])")
_OTHERWISE = {"to_have_url": "toHaveURL"}


def comment(text: str) -> str:
    """A text that cannot end the line it stands in."""
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())


class Language(ABC):
    """Writes statements, one a line, indented."""

    remark: str
    end: str = ""
    waits: str
    indent: str = "    "

    def lines(self, statements: Iterable[Statement], depth: int = 1) -> Iterator[str]:
        """Each statement at a depth of indentation."""
        space = self.indent * depth
        for statement in statements:
            match statement:
                case Do(what, others):
                    if others:
                        yield f"{space}{self.remark} or {', '.join(map(self.chain, others))}"
                    yield f"{space}{self.waits}{self.chain(what)}{self.end}"
                case If():
                    yield from self._choice(statement, depth)
                case taken:
                    yield f"{space}page = {self.waits}{self.chain(taken.page)}{self.end}"

    def _choice(self, choice: If, depth: int) -> Iterator[str]:
        space = self.indent * depth
        opened, between, closed = self.branches(f"{self.waits}{self.chain(choice.seen)}", choice.wanted)
        yield space + opened
        yield from self.lines(choice.then, depth + 1) if choice.then else [f"{space}{self.indent}{self.nothing}"]
        if choice.otherwise:
            yield space + between
            yield from self.lines(choice.otherwise, depth + 1)
        yield from [space + closed] if closed else []

    nothing: str

    @abstractmethod
    def branches(self, condition: str, wanted: bool) -> tuple[str, str, str]:
        """What opens a choice, what stands between its branches, and what ends it."""

    def chain(self, chain: Chain) -> str:
        """An expression, on one line."""
        return ".".join(map(self.link, chain.links))

    @abstractmethod
    def link(self, link: Link) -> str:
        """A part of an expression."""

    @abstractmethod
    def literal(self, value: Value) -> str:
        """A value, on one line."""


class Python(Language):
    """Python, for Playwright's sync or async interface."""

    remark, nothing = "#", "pass"

    def __init__(self, *, waits: bool) -> None:
        self.waits = "await " if waits else ""

    def branches(self, condition: str, wanted: bool) -> tuple[str, str, str]:
        """Without an end: indentation is all."""
        return f"if {'' if wanted else 'not '}{condition}:", "else:", ""

    def link(self, link: Link) -> str:
        """Options are keywords."""
        options = [f"{name}={self.literal(value)}" for name, value in link.options.items()]
        given = [*map(self.literal, link.arguments), *options]
        return f"{link.name}({', '.join(given)})" if link.kind == "call" else link.name

    def literal(self, value: Value) -> str:
        """Texts in double quotes, where they hold none."""
        match value:
            case Chain():
                return self.chain(value)
            case Pattern(source, flags):
                marks = " | ".join(f"re.{flag.upper()}" for flag in flags)
                return f"re.compile({self.literal(source)}{', ' + marks if marks else ''})"
            case SecretValue(name):
                return f"os.environ[{self.literal(SECRET_VARIABLE + name.upper())}]"
            case HomeFile(path):
                return f"home / {self.literal(path)}"
            case str():
                text = repr(value)
                return text if '"' in value else f'"{text[1:-1]}"' if "'" not in value else text
            case dict():
                return "{" + ", ".join(f"{self.literal(k)}: {self.literal(v)}" for k, v in value.items()) + "}"
            case list() | tuple():
                return f"[{', '.join(map(self.literal, value))}]"
            case date():
                return self.literal(value.isoformat())
            case _:
                return repr(value)


class TypeScript(Language):
    """TypeScript, for @playwright/test."""

    remark, end, waits, nothing, indent = "//", ";", "await ", "// nothing", "  "

    def branches(self, condition: str, wanted: bool) -> tuple[str, str, str]:
        """In braces."""
        return f"if ({condition}) {{" if wanted else f"if (!({condition})) {{", "} else {", "}"

    def link(self, link: Link) -> str:
        """Options are an object; a property of Python's is often a method here."""
        name = _OTHERWISE.get(link.name) or _SNAKE.sub(lambda found: found[1].upper(), link.name)
        if link.kind != "call":
            return f"{name}()" if link.kind == "getter" else name
        options = {_SNAKE.sub(lambda found: found[1].upper(), key): value for key, value in link.options.items()}
        return f"{name}({', '.join(map(self.literal, [*link.arguments, *([options] if options else [])]))})"

    def literal(self, value: Value) -> str:
        """Texts as JSON has them; keys without quotes where they are plain words."""
        match value:
            case Chain():
                return self.chain(value)
            case Pattern(source, flags):
                return f"new RegExp({self.literal(source)}{', ' + self.literal(flags) if flags else ''})"
            case SecretValue(name):
                return f"process.env[{self.literal(SECRET_VARIABLE + name.upper())}]!"
            case HomeFile(path):
                return f"path.join(home, {self.literal(path)})"
            case dict():
                return (
                    "{ " + ", ".join(f"{_key(k)}: {self.literal(v)}" for k, v in value.items()) + " }"
                    if value
                    else "{}"
                )
            case list() | tuple():
                return f"[{', '.join(map(self.literal, value))}]"
            case date():
                return self.literal(value.isoformat())
            case _:
                return json.dumps(value, ensure_ascii=True)


def _key(name: object) -> str:
    text = str(name)
    plain = re.fullmatch(r"[A-Za-z_]\w*", text, re.ASCII) and text != "__proto__"
    return text if plain else f"[{json.dumps(text)}]"  # in brackets "__proto__" is a key as any other


def block(language: Language, value: Value, depth: int = 0, width: int = 100) -> str:
    """A value that may be large, over as many lines as it needs."""
    line = language.literal(value)
    if len(line) + depth * len(language.indent) <= width or not isinstance(value, dict | list | tuple) or not value:
        return line
    inner, outer = language.indent * (depth + 1), language.indent * depth
    if isinstance(value, dict):
        name = _key if isinstance(language, TypeScript) else language.literal
        parts: Sequence[str] = [f"{name(key)}: {block(language, part, depth + 1)}" for key, part in value.items()]
        opened, closed = "{}"
    else:
        parts = [block(language, part, depth + 1) for part in value]
        opened, closed = "[]"
    return f"{opened}\n" + "".join(f"{inner}{part},\n" for part in parts) + f"{outer}{closed}"
