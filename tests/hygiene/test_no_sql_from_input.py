"""No SQL is built from input: what goes to PostgreSQL is a constant of ours, or quoted by the driver."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.hygiene.sql_sources import EXECUTES, Module, Reader
from tests.hygiene.tree import ROOT, SOURCES, shown

ROOM = ROOT / "src" / "clickstream" / "services" / "postgres"


def test_every_statement_is_ours() -> None:
    modules = [Module.read(path) for path in sorted(ROOM.glob("*.py"))]
    assert len(modules) > 10
    assert list(Reader(modules).foreign()) == []


def test_only_services_talk_sql() -> None:
    """But for the question whether PostgreSQL answers at all."""
    found = [
        f"{shown(path)}:{node.lineno}"
        for path in SOURCES
        if not path.is_relative_to(ROOM)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in EXECUTES
        if not _is_allowed(node, node.func.attr)
    ]
    assert not found, "\n".join(found)


def _is_allowed(call: ast.Call, name: str) -> bool:
    constant = not call.args or isinstance(call.args[0], ast.Constant | ast.Name)
    return constant and (not call.keywords or name == "copy")


@pytest.mark.parametrize(
    "code",
    [
        'def f(c, name): c.execute(f"DROP SCHEMA {name}")',
        'def f(c, name): c.execute("DROP SCHEMA " + name)',
        'def f(c, name): c.execute("DROP SCHEMA %s" % name)',
        'def f(c, name): c.execute("DROP SCHEMA {}".format(name).encode())',
        'def f(c, name): c.execute(sql.SQL(f"DROP SCHEMA {name}"))',
        "def f(c, name): c.execute(sql.SQL(name))",
        'def f(c, name): c.execute(sql.SQL("DROP SCHEMA {}").format(sql.SQL(name)))',
        "def f(c, name): c.copy(name)",
        'def f(c, name):\n    text = f"DROP {name}"\n    c.execute(text)',
        "def _f(c, text): c.execute(text)\ndef g(c, name): _f(c, 'DROP ' + name)",
        "def f(c, s): c.execute(s.statement)",
    ],
)
def test_what_is_built_from_input_is_found(code: str, tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(code)
    assert len(list(Reader([Module.read(path)]).foreign())) == 1


@pytest.mark.parametrize(
    "code",
    [
        'def f(c, name): c.execute(sql.SQL("DROP SCHEMA {}").format(sql.Identifier(name)))',
        'def f(c, name): c.execute("SELECT %s", [name])',
        'N = 5\nT = f"SET x = {N}"\ndef f(c): c.execute(T.encode())',
        "def _f(c, text): c.execute(text)\ndef g(c): _f(c, 'SELECT 1')",
        'def f(c, one):\n    text = "a" if one else "b"\n    c.execute(text)',
    ],
)
def test_what_is_ours_is_let_through(code: str, tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(code)
    assert list(Reader([Module.read(path)]).foreign()) == []
