"""Tests wait by tests/waiting.py: a sleep is too long on a quiet machine and too short on a busy one."""

from __future__ import annotations

import ast

import pytest

from tests.hygiene.tree import ROOT, TESTS, shown

MAY = {
    "tests/waiting.py": "is that place",
    "tests/campaign/run.py": "does things at a plan's times, and again until they succeed; reports what did not",
    "tests/process/test_fault_holder.py": "only time shows that a file does not grow",
    "tests/unit/test_polling.py": "measures a rest by the work before it",
}


def waits(source: str) -> list[int]:
    """The lines that sleep, and those of loops that look at the clock."""
    return [node.lineno for node in ast.walk(ast.parse(source)) if _sleeps(node) or _has_a_deadline(node)]


def _sleeps(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name, seconds = ast.unparse(node.func), [*map(ast.unparse, node.args)]
    return name in {"time.sleep", "asyncio.sleep"} or (name == "pilot.pause" and seconds not in ([], ["0"]))


def _has_a_deadline(node: ast.AST) -> bool:
    compared = (one for one in ast.walk(node) if isinstance(one, ast.Compare))
    sides = (ast.unparse(side) for one in compared for side in (one.left, *one.comparators))
    return isinstance(node, ast.While | ast.For) and "time.monotonic()" in sides


def test_only_one_place_waits() -> None:
    found = [f"{shown(path)}:{line}" for path in TESTS for line in waits(path.read_text()) if shown(path) not in MAY]
    assert not found, "wait for an event, by tests/waiting.py:\n" + "\n".join(found)


def test_whatever_may_does() -> None:
    assert [name for name in MAY if not waits((ROOT / name).read_text())] == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("time.sleep(1)", True),
        ("await asyncio.sleep(1)", True),
        ("await pilot.pause(0.1)", True),
        ("await pilot.pause(0)", False),
        ("await pilot.pause()", False),
        ("while time.monotonic() < deadline: look()", True),
        ("for _ in it:\n    assert time.monotonic() < deadline", True),
        ("assert time.monotonic() < deadline", False),
        ("SCRIPT = 'time.sleep(1)'", False),
    ],
)
def test_waits_are_seen(line: str, found: bool) -> None:
    assert bool(waits(line)) is found
