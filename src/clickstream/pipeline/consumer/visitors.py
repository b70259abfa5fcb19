"""Whose sessions a partition may trust its memory of, and whose it must look up: visitors at home, and strays.

A partition keeps the sessions of its own visitors in memory. It may, as long as nobody else writes them; whoever does
(visitors away from home: strays) does it alone, proves at its commit that what it looked up is still so, and tells, so
that the home looks those visitors up from then on.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from clickstream.pipeline.events.murmur import partitions_of
from clickstream.services.postgres.homes import Agreement, Strays

if TYPE_CHECKING:
    from clickstream.domain.events import BoolArray, EventColumns, Int64Array
    from clickstream.pipeline.sessions.window import Change, Lookup, Window
    from clickstream.services.postgres.writes import Outcome


class Homes:
    """The agreement, as far as this process has heard of it."""

    def __init__(self, agreement: Agreement, strays: Int64Array) -> None:
        self.agreement = agreement
        self._strays = strays
        """Visitors that were ever stored away from home, ascending."""

    def away(self, partition: int, visitor_id: Int64Array) -> BoolArray:
        """Which of these visitors have their home in another partition than this."""
        if self.agreement.partitions == 0:
            return np.ones(len(visitor_id), np.bool_)
        elsewhere: BoolArray = partitions_of(visitor_id, self.agreement.partitions) != partition
        return elsewhere

    def strayed(self, visitor_id: Int64Array) -> BoolArray:
        """Which of these visitors were ever stored away from home."""
        if len(self._strays) == 0:
            return np.zeros(len(visitor_id), np.bool_)
        at = np.minimum(np.searchsorted(self._strays, visitor_id), len(self._strays) - 1)
        found: BoolArray = self._strays[at] == visitor_id
        return found

    def learn(self, outcome: Outcome) -> None:
        """Take in what a commit found."""
        if len(outcome.strays):
            self._strays = np.union1d(self._strays, outcome.strays)
        if outcome.version > self.agreement.version:
            self.agreement = replace(self.agreement, version=outcome.version)

    def merge(
        self, window: Window, partition: int, events: EventColumns, batch: tuple[int, int], lookup: Lookup
    ) -> tuple[Change, Strays | None]:
        """What the events change, and what must still hold of their strays when that is stored.

        Args:
            window: the open sessions of the partition that the events were read from.
            partition: its number.
            events: in any order.
            batch: numbers of this batch and of the last one that is committed.
            lookup: finds stored sessions.
        """
        away = np.empty(0, np.int64)

        def shared(visitors: Int64Array) -> BoolArray:
            nonlocal away
            elsewhere = self.away(partition, visitors)
            away = visitors[elsewhere]
            return elsewhere | self.strayed(visitors)

        change = window.merge(events, *batch, lookup, shared)
        new = np.isin(change.events.visitor_id, away) if len(away) else np.empty(0, np.bool_)
        if not new.any():
            return change, None
        strays = change.events.take(new)
        span = window.spans(strays.visitor_id, strays.time_ms)
        known = int(change.removed.kind_counts[np.isin(change.removed.visitor_id, strays.visitor_id)].sum())
        return change, Strays(np.unique(strays.visitor_id), span.visitor_id, span.low_ms, span.high_ms, known)
