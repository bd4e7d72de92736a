"""The house rules that ruff cannot see: sizes, broad excepts, patched code, naps and copies. Run by `make check`."""

import ast
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE_LINES = 400
FUNCTION_LINES = 60
COPIED_LINES = 5
NAP_SECONDS = 0.5

Function = ast.FunctionDef | ast.AsyncFunctionDef
Finding = tuple[str, int, str]


def sources() -> list[str]:
    """Every Python file that is in the repository or about to be, relative to its root."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "*.py"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return sorted(name for name in names if name and (ROOT / name).is_file())


def may_catch_all(path: str) -> bool:
    """Tell whether this file is where failures get their names: the runner, or a process that outlives what it runs."""
    place = Path(path)
    hosts_others = path.startswith(("env/", "agent/service/")) and ("worker" in place.stem or "runner" in place.stem)
    return path == "agent/runner.py" or hosts_others


def name_of(node: ast.expr) -> str:
    return ast.unparse(node).removeprefix("builtins.")


def nodes(tree: ast.Module) -> Iterator[ast.stmt | ast.expr | ast.excepthandler]:
    """Everything in a module that stands on a line."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.stmt | ast.expr | ast.excepthandler))


def too_long(path: str, tree: ast.Module, text: str) -> Iterator[Finding]:
    lines = len(text.splitlines())
    if lines > FILE_LINES:
        yield path, 1, f"{lines} lines; a file has at most {FILE_LINES}: it is two ideas"
    for node in ast.walk(tree):
        if isinstance(node, Function) and node.end_lineno:
            lines = node.end_lineno - node.lineno + 1
            if lines > FUNCTION_LINES:
                yield path, node.lineno, f"{node.name}() has {lines} lines; a function has at most {FUNCTION_LINES}"


def broad_excepts(path: str, tree: ast.Module) -> Iterator[Finding]:
    for node in nodes(tree):
        match node:
            case ast.ExceptHandler(type=ast.Tuple(elts=caught)):
                pass
            case ast.ExceptHandler(type=kind):
                caught = [kind] if kind else []
            case ast.Call(func=function, args=caught) if name_of(function).endswith("suppress"):
                pass
            case _:
                continue
        for name in map(name_of, caught) if caught else ["everything"]:
            if name in {"Exception", "BaseException", "everything"}:
                yield path, node.lineno, f"catches {name}; only agent/runner.py and worker processes may"


def patches(path: str, tree: ast.Module) -> Iterator[Finding]:
    for node in nodes(tree):
        match node:
            case ast.Import(names=names):
                found = any(alias.name in {"mock", "unittest.mock"} for alias in names)
            case ast.ImportFrom(module=module, names=names):
                found = module in {"mock", "unittest.mock"} or any(alias.name == "mock" for alias in names)
            case ast.Attribute(value=ast.Name(id="monkeypatch"), attr="setattr"):
                found = True
            case _:
                found = False
        if found:
            yield path, node.lineno, "patches code; put a real component behind the Protocol instead"


def naps(path: str, tree: ast.Module) -> Iterator[Finding]:
    for node in nodes(tree):
        match node:
            case ast.ImportFrom(module="time", names=names):
                found = any(alias.name == "sleep" for alias in names)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="time"), attr="sleep")):
                found = True
            case ast.Call(func=function, args=[ast.Constant(value=float() | int() as seconds), *_]):
                found = name_of(function) in {"asyncio.sleep", "anyio.sleep", "sleep"} and seconds >= NAP_SECONDS
            case _:
                found = False
        if found:
            yield path, node.lineno, "sleeps; wait for a condition instead (env/settle.py is the only place that waits)"


def bodies(path: str, tree: ast.Module) -> Iterator[tuple[str, Finding]]:
    """The functions worth comparing, each with what it does as text: its body without docstring and formatting."""
    for node in ast.walk(tree):
        if not isinstance(node, Function):
            continue
        body = node.body[1:] if ast.get_docstring(node) is not None else node.body
        if body and (body[-1].end_lineno or 0) - body[0].lineno + 1 > COPIED_LINES:
            yield "\n".join(map(ast.dump, body)), (path, node.lineno, node.name)


def copies(functions: Iterable[tuple[str, Finding]]) -> Iterator[Finding]:
    same: dict[str, list[Finding]] = defaultdict(list)
    for body, place in functions:
        same[body].append(place)
    for (first, line, name), *others in same.values():
        for path, at, copy in others:
            yield path, at, f"{copy}() repeats {name}() of {first}:{line}; keep one of them"


def findings(path: str, tree: ast.Module, text: str) -> Iterator[Finding]:
    yield from too_long(path, tree, text)
    if not may_catch_all(path):
        yield from broad_excepts(path, tree)
    if path.startswith("tests/"):
        yield from patches(path, tree)
    if path != "env/settle.py":
        yield from naps(path, tree)


def main() -> int:
    found: list[Finding] = []
    functions: list[tuple[str, Finding]] = []
    paths = sources()
    for path in paths:
        text = (ROOT / path).read_text(encoding="utf-8")
        tree = ast.parse(text, path)
        found += findings(path, tree, text)
        functions += bodies(path, tree)
    found += copies(functions)
    for path, line, why in sorted(found):
        print(f"{path}:{line}: {why}")
    print(f"{len(paths)} files, {len(found)} against the house rules")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
