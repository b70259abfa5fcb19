"""Filters of rejects: by reason, source, partition, time, and whether they were replayed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from clickstream.domain.errors import UsageError

_MOST_PARTITIONS: Final = 2**31


class RejectSource(StrEnum):
    """Where a reject came from."""

    MESSAGES = "messages"
    """Kafka; kept in PostgreSQL."""
    CSV = "csv"
    """A line of a CSV file; kept in a file of this home."""


class ReplayedFilter(StrEnum):
    """What a filter does with messages that were replayed. They stay as a record; a line leaves its file."""

    NO = "no"
    YES = "yes"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class RejectFilter:
    """What a reject must be; without an argument: not replayed.

    Raises:
        UsageError: no reject can be so.
    """

    reason: str = ""
    """Stands in its reason, in capitals or not."""
    source: RejectSource | None = None
    partition: int | None = None
    """Of a message; lines have none."""
    since: datetime | None = None
    """Rejected then or later; with a time zone."""
    until: datetime | None = None
    """Rejected before."""
    replayed: ReplayedFilter = ReplayedFilter.NO

    def __post_init__(self) -> None:
        if self.partition is not None and not 0 <= self.partition < _MOST_PARTITIONS:
            raise UsageError(f"{self.partition} is not a partition", hint="give a whole number from 0 upwards")
        if self.since and self.until and self.since >= self.until:
            raise UsageError("no time is both since and until", hint="give --until a later time than --since")

    @property
    def chooses(self) -> bool:
        """Whether it is narrower than all that were not replayed, or all."""
        return self.replayed is ReplayedFilter.YES or self != RejectFilter(replayed=self.replayed)

    @property
    def messages(self) -> bool:
        """Whether a message can match."""
        return self.source is not RejectSource.CSV

    @property
    def lines(self) -> bool:
        """Whether a CSV line can match."""
        return (
            self.source is not RejectSource.MESSAGES
            and self.partition is None
            and self.replayed is not ReplayedFilter.YES
        )

    def holds_line(self, reason: str, at: datetime) -> bool:
        """Whether a CSV line of this reason, rejected at that time, matches."""
        return (
            self.lines
            and self.reason.lower() in reason.lower()
            and (self.since is None or at >= self.since)
            and (self.until is None or at < self.until)
        )
