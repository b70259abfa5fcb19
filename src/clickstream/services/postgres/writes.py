"""The writes of a consumer to PostgreSQL and their outcomes: plain data and errors, no connection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clickstream.domain.errors import BatchInvalidated
from clickstream.domain.events import EventColumns, RejectedMessage
from clickstream.domain.sessions import DayTotals, SessionColumns, SessionKeys
from clickstream.services.postgres.partition_map import Agreement, ForeignVisitors

if TYPE_CHECKING:
    from clickstream.domain.events import Int64Array


@dataclass(frozen=True, slots=True)
class PartitionKey:
    """One partition of one incarnation of a topic."""

    topic: str
    topic_id: str
    partition: int


@dataclass(frozen=True, slots=True)
class Position:
    """Where a partition goes on, and what is stored up to there."""

    next_offset: int
    revision: int
    """Changes whenever anybody moves the offset (microseconds); a saved window is good for one revision only."""
    newest_ms: int | None
    """No event in the store is newer than this; None: nothing is stored."""


@dataclass(frozen=True, slots=True)
class BatchWrite:
    """What one transaction does."""

    key: PartitionKey
    old_offset: int
    new_offset: int
    newest_ms: int | None
    events: EventColumns
    removed: SessionKeys
    sessions: SessionColumns
    days: DayTotals
    rejected: Sequence[RejectedMessage]
    agreement: Agreement
    """What was held for true when the batch was prepared."""
    foreign: ForeignVisitors | None = None
    """Its events whose visitors belong to another partition; None: it has none."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a commit brought."""

    revision: int
    """The offset's new revision."""
    version: int
    """The agreement's version now."""
    foreign: Int64Array
    """Foreign visitors that were stored, by this batch too, since the batch was prepared."""


class StaleWindow(BatchInvalidated):
    """The store already holds rows that the batch took for new: prepare it again with every event looked up."""

    def __init__(self, partition: int, reason: str) -> None:
        super().__init__(f"partition {partition}: {reason}")
        self.partition = partition


class BatchRefused(BatchInvalidated):
    """PostgreSQL does not take the batch, now or ever: a value or a constraint stands against one of its rows."""

    def __init__(self, partition: int, reason: str) -> None:
        super().__init__(f"partition {partition}: {reason}")
        self.partition = partition
        self.reason = reason
        self.messages = 0
        """How many messages the batch was made of."""
        self.last_offset = -1
