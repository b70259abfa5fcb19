"""What a session is, row by row and as columns; the algebra that makes them from events is pipeline/window.py.

A session is a maximal run of one visitor's distinct events in which neighbours in time are at most the timeout apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clickstream.domain.events import Int64Array


@dataclass(frozen=True, slots=True)
class Session:
    """One row of `sessions`, as people read it."""

    session_id: str
    visitor_id: int
    session_start: datetime
    session_end: datetime
    duration_seconds: int
    event_count: int
    view_count: int
    cart_count: int
    transaction_count: int
    items_viewed: tuple[int, ...]
    items_carted: tuple[int, ...]
    items_purchased: tuple[int, ...]
    converted: bool


@dataclass(frozen=True, slots=True)
class SessionColumns:
    """Sessions as parallel arrays of length n; the item lists are flat, with per-session counts of each kind.

    `items` holds, session by session, the distinct viewed, then carted, then purchased items, each list ascending;
    `item_counts` has shape (n, 3): how many of each a session has.
    """

    visitor_id: Int64Array
    start_ms: Int64Array
    end_ms: Int64Array
    kind_counts: Int64Array
    """Shape (n, 3): events of each kind."""
    items: Int64Array
    item_counts: Int64Array

    def __len__(self) -> int:
        return len(self.visitor_id)


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """Primary keys of stored sessions, as parallel arrays."""

    visitor_id: Int64Array
    start_ms: Int64Array

    def __len__(self) -> int:
        return len(self.visitor_id)
