"""A batch of one partition on its way into PostgreSQL: as it was prepared, and as it was stored. Plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from clickstream.services.postgres.writes import BatchWrite, Outcome

if TYPE_CHECKING:
    from clickstream.domain.events import Int64Array


@dataclass(frozen=True, slots=True)
class Prepared:
    """A batch ready to be stored."""

    number: int
    write: BatchWrite
    messages: int
    duplicates: int
    late: int
    """New events that came later than the window remembers: their sessions were looked up."""
    sent_ms: Int64Array
    """Record timestamps of some of the messages, evenly chosen."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a batch that is in PostgreSQL."""

    outcome: Outcome
    at: float
    """When its transaction was over: Unix seconds."""
    seconds: float
    """How long that took."""
