"""Files, functions and classes stay small enough to be read in one go. ruff checks complexity, this checks size."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.hygiene.tree import SOURCES, shown

FILE_LINES = 500
FUNCTION_LINES = 40
PARAMETERS = 8
"""But of the handler of a command, which has one an option."""
METHODS = 25
"""On a Screen or App: the classes in which such programs outgrow everyone's grasp."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def excesses(source: str, place: str) -> Iterator[str]:
    """A line for each limit that `source` breaks, with place and size."""
    if (lines := len(source.splitlines())) > FILE_LINES:
        yield f"{place}: {lines} lines, at most {FILE_LINES}"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Function):
            yield from _function_excesses(node, place)
        elif isinstance(node, ast.ClassDef) and any(_is_front(base) for base in node.bases):
            methods = sum(isinstance(member, Function) for member in node.body)
            if methods > METHODS:
                yield f"{place}:{node.lineno}: class {node.name} has {methods} methods, at most {METHODS}"


def _function_excesses(node: Function, place: str) -> Iterator[str]:
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    if lines > FUNCTION_LINES:
        yield f"{place}:{node.lineno}: {node.name} has {lines} lines, at most {FUNCTION_LINES}"
    arguments = node.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    parameters = sum(argument is not None and argument.arg not in {"self", "cls"} for argument in named)
    handler = any(ast.unparse(decorator).startswith("command(") for decorator in node.decorator_list)
    if parameters > PARAMETERS and not handler:
        yield f"{place}:{node.lineno}: {node.name} has {parameters} parameters, at most {PARAMETERS}"


def _is_front(base: ast.expr) -> bool:
    bare = base.value if isinstance(base, ast.Subscript) else base
    return ast.unparse(bare).endswith(("Screen", "App"))


def test_sources_keep_the_limits() -> None:
    found = [excess for path in SOURCES for excess in excesses(path.read_text(encoding="utf-8"), shown(path))]
    assert not found, "\n".join(found)


def _screen(methods: int, base: str) -> str:
    return f"class Overview({base}):\n" + "    def m(self): pass\n" * methods


@pytest.mark.parametrize(
    ("source", "excess"),
    [
        ("x = 1\n" * 500, None),
        ("x = 1\n" * 501, "here: 501 lines, at most 500"),
        ("@cache\ndef f():\n" + "    x = 1\n" * 39, None),
        ("@cache\ndef f():\n" + "    x = 1\n" * 40, "here:2: f has 41 lines, at most 40"),
        ("class C:\n    def f(self, a, b, /, c, d, *e, f, g, **h): pass\n", None),
        ("class C:\n    def f(self, a, b, /, c, d, *e, f, g, h, **i): pass\n", "here:2: f has 9 parameters, at most 8"),
        ("async def f(a, b, c, d, e, f, g, h, i): pass\n", "here:1: f has 9 parameters, at most 8"),
        ("@command('f')\ndef f(a, b, c, d, e, f, g, h, i): pass\n", None),
        (_screen(25, "Screen[None]"), None),
        (_screen(26, "Screen[None]"), "here:1: class Overview has 26 methods, at most 25"),
        (_screen(26, "textual.app.App"), "here:1: class Overview has 26 methods, at most 25"),
        (_screen(26, "Table"), None),
    ],
)
def test_the_limits_are_exact(source: str, excess: str | None) -> None:
    assert list(excesses(source, "here")) == ([excess] if excess else [])
