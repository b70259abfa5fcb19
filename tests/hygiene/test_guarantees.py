"""GUARANTEES.md names tests that are there."""

from __future__ import annotations

import re

from tests.hygiene.tree import ROOT

NAMED = re.findall(r"`(tests/\S+\.py)::(\w+)`", (ROOT / "GUARANTEES.md").read_text(encoding="utf-8"))


def test_what_it_names_is_there() -> None:
    assert len(NAMED) > 20
    missing = [f"{file}::{name}" for file, name in NAMED if not _is_there(file, name)]
    assert not missing, "GUARANTEES.md names tests that are not there:\n" + "\n".join(missing)


def _is_there(file: str, name: str) -> bool:
    path = ROOT / file
    return path.is_file() and f"def {name}(" in path.read_text(encoding="utf-8")
