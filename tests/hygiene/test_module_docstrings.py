"""Every module says in its first lines what it owns."""

from __future__ import annotations

import ast

from tests.hygiene.tree import SOURCES, TESTS, shown


def test_every_module_opens_with_a_docstring() -> None:
    silent = [path for path in [*SOURCES, *TESTS] if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]
    assert not silent, "no docstring; say what this module owns and what it must not do:\n" + "\n".join(
        f"{shown(path)}:1" for path in silent
    )
