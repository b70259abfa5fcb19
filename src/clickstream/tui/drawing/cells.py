"""Columns and cells of a table, as the pure functions make them and RowTable shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Column:
    """One column."""

    title: str
    right: bool = False
    """Numbers stand to the right."""
    width: int | None = None
    """Fixed, so that nothing dances; None: as wide as what is in it."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell shows, and what it is sorted by."""

    text: str
    value: Any
    style: str = ""
