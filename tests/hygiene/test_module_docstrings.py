"""Every module says in its first lines what it owns."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.hygiene.tree import SOURCES, TESTS, shown


@pytest.mark.parametrize("path", [*SOURCES, *TESTS], ids=shown)
def test_a_module_opens_with_a_docstring(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring, f"{shown(path)}:1: no docstring; say what this module owns and what it must not do"
