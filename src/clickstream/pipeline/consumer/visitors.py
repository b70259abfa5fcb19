"""Decides for which visitors a partition can trust its memory and which it must look up: its own, and foreign ones.

A visitor belongs to the partition that Kafka's default partitioner chooses. A partition keeps the sessions of its own
visitors in memory, which is right as long as no other partition writes them. One that reads messages of a foreign
visitor stores them alone, proves at its commit that what it looked up is still so, and names the visitor, so that the
visitor's own partition looks it up from then on.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from clickstream.pipeline.events.murmur import partitions_of
from clickstream.services.postgres.partition_map import Agreement, ForeignVisitors

if TYPE_CHECKING:
    from clickstream.domain.events import BoolArray, EventColumns, Int64Array
    from clickstream.pipeline.sessions.window import Change, Lookup, Window
    from clickstream.services.postgres.writes import Outcome


class PartitionMap:
    """Which partition each visitor belongs to, as all consumers agree on it, as far as this process has heard."""

    def __init__(self, agreement: Agreement, foreign_visitors: Int64Array) -> None:
        self.agreement = agreement
        self._foreign = foreign_visitors
        """Visitors that another partition than their own ever stored, ascending."""

    def is_foreign(self, partition: int, visitor_id: Int64Array) -> BoolArray:
        """Which of these visitors belong to another partition than this."""
        if self.agreement.partitions == 0:
            return np.ones(len(visitor_id), np.bool_)
        elsewhere: BoolArray = partitions_of(visitor_id, self.agreement.partitions) != partition
        return elsewhere

    def was_foreign(self, visitor_id: Int64Array) -> BoolArray:
        """Which of these visitors another partition than their own ever stored."""
        if len(self._foreign) == 0:
            return np.zeros(len(visitor_id), np.bool_)
        at = np.minimum(np.searchsorted(self._foreign, visitor_id), len(self._foreign) - 1)
        found: BoolArray = self._foreign[at] == visitor_id
        return found

    def learn(self, outcome: Outcome) -> None:
        """Take in what a commit found."""
        if len(outcome.foreign):
            self._foreign = np.union1d(self._foreign, outcome.foreign)
        if outcome.version > self.agreement.version:
            self.agreement = replace(self.agreement, version=outcome.version)

    def merge(
        self, window: Window, partition: int, events: EventColumns, batch: tuple[int, int], lookup: Lookup
    ) -> tuple[Change, ForeignVisitors | None]:
        """What the events change, and what must still hold of their foreign visitors when that is stored.

        Args:
            window: the open sessions of the partition that the events were read from.
            partition: its number.
            events: in any order.
            batch: numbers of this batch and of the last one that is committed.
            lookup: finds stored sessions.
        """
        foreign = np.empty(0, np.int64)

        def shared(visitors: Int64Array) -> BoolArray:
            nonlocal foreign
            elsewhere = self.is_foreign(partition, visitors)
            foreign = visitors[elsewhere]
            return elsewhere | self.was_foreign(visitors)

        change = window.merge(events, *batch, lookup, shared)
        new = np.isin(change.events.visitor_id, foreign) if len(foreign) else np.empty(0, np.bool_)
        if not new.any():
            return change, None
        events = change.events.take(new)
        span = window.spans(events.visitor_id, events.time_ms)
        known = int(change.removed.kind_counts[np.isin(change.removed.visitor_id, events.visitor_id)].sum())
        return change, ForeignVisitors(np.unique(events.visitor_id), span.visitor_id, span.low_ms, span.high_ms, known)
