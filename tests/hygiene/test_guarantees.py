"""GUARANTEES.md names tests that are there."""

from __future__ import annotations

import re

import pytest

from tests.hygiene.tree import ROOT

NAMED = re.findall(r"`(tests/\S+\.py)::(\w+)`", (ROOT / "GUARANTEES.md").read_text(encoding="utf-8"))


def test_it_names_some() -> None:
    assert len(NAMED) > 20


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_what_it_names_is_there(file: str, name: str) -> None:
    assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8")
