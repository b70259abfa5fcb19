"""What sessions are, as columns; the algebra that makes them from events is pipeline/sessions/window.py.

A session is a maximal run of one visitor's distinct events in which neighbours in time are at most the timeout apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from clickstream.domain.events import Int64Array


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

    def keys(self) -> SessionKeys:
        return SessionKeys(self.visitor_id, self.start_ms)


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """Primary keys of stored sessions, as parallel arrays."""

    visitor_id: Int64Array
    start_ms: Int64Array

    def __len__(self) -> int:
        return len(self.visitor_id)


@dataclass(frozen=True, slots=True)
class DayTotals:
    """What changes in the figures of the sessions that start on each day."""

    FIGURES: ClassVar = (
        "events",
        "sessions",
        "cart_sessions",
        "abandoned_sessions",
        "purchase_sessions",
        "total_purchases",
        "items_purchased",
    )

    day: Int64Array
    """Days since 1970-01-01 (UTC), ascending, distinct."""
    change: Int64Array
    """Shape (n, 7): what to add to each of FIGURES."""

    def __len__(self) -> int:
        return len(self.day)
