"""One partition of a consumer: turns messages into the write of a batch, and keeps its offset."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from clickstream.domain.events import RejectedMessage
from clickstream.domain.sessions import DayTotals
from clickstream.pipeline.consumer.batch import PreparedBatch
from clickstream.pipeline.consumer.meter import Meter
from clickstream.pipeline.consumer.visitors import PartitionMap
from clickstream.pipeline.events.columns import empty
from clickstream.pipeline.events.decode import decode
from clickstream.pipeline.sessions.days import day_totals
from clickstream.pipeline.sessions.window import NOTHING_STORED, Change, Rows, Span, Window, no_rows
from clickstream.services.kafka.consumer import FetchedMessages
from clickstream.services.postgres.lookup import SessionLookup
from clickstream.services.postgres.partition_map import Agreement, ForeignVisitors
from clickstream.services.postgres.writes import BatchWrite, PartitionKey, Position
from clickstream.services.valkey.windows import SavedWindow

_logger = logging.getLogger("clickstream.consumer")

EVERYTHING_IS_LATE: Final = 2**62
"""The mark of a window that trusts nothing: every event is looked up."""

LATENCY_SAMPLES: Final = 64
"""Messages of a batch whose latency is measured."""

_COMMITTED_LONG_AGO: Final = -1


class Partition:
    """The offset and the open sessions of one partition. `prepare` runs ahead of what is stored."""

    def __init__(self, key: PartitionKey, position: Position, window: Window, partition_map: PartitionMap) -> None:
        self.key = key
        self._map = partition_map
        self.window = window
        self.prepared_offset = position.next_offset
        self.stored_offset = position.next_offset
        self.revision = position.revision
        self._number = 0
        self._stored_number = 0
        self._warned = False

    def prepare(self, fetched: FetchedMessages, lookup: SessionLookup, meter: Meter) -> PreparedBatch | None:
        """The write of these messages; None if all of them lie before the partition's offset."""
        messages = fetched.messages
        if fetched.first_offset < self.prepared_offset:
            messages = [message for message in messages if message.offset() >= self.prepared_offset]
            if not messages:
                return None
        with meter.stage("decode"):
            events, faults = decode([message.value() for message in messages])
        self._number += 1
        agreement = self._map.agreement  # before anything is looked up: what comes after it is found by the commit
        with meter.stage("sessions"):
            change, foreign = self._map.merge(
                self.window,
                self.key.partition,
                events,
                (self._number, self._stored_number),
                lambda span: _stored_rows(lookup, span),
            )
            days = day_totals(change.removed, change.sessions)
        if foreign is not None:
            self._warn_of_foreign(len(foreign.visitors))
        rejected = [_rejected(messages[position], reason) for position, reason in faults]
        write = self._write(fetched.next_offset, change, days, rejected, agreement, foreign)
        return PreparedBatch(
            number=self._number,
            write=write,
            messages=len(messages),
            duplicates=len(events) - len(change.events),
            late=late_events(change, self.window),
            sent_ms=np.array([m.timestamp()[1] for m in messages[:: len(messages) // LATENCY_SAMPLES + 1]]),
        )

    def _warn_of_foreign(self, count: int) -> None:
        """Say it once: it is exact, and slow."""
        if not self._warned:
            self._warned = True
            _logger.warning(
                "partition %d holds messages of %d visitors at home in another: the topic was resized, or a producer"
                " does not partition by murmur2 of the visitor id. Nothing is wrong, but such batches go one at a time",
                self.key.partition,
                count,
            )

    def reject(self, message: Any, reason: str) -> PreparedBatch:
        """The write that rejects a message which PostgreSQL does not take."""
        return self._without_events(message.offset() + 1, [_rejected(message, reason)])

    def skip_to(self, end: int) -> PreparedBatch:
        """The write that moves the offset over marks of transactions up to the log's end."""
        return self._without_events(end, ())

    def _without_events(self, new_offset: int, rejected: Sequence[RejectedMessage]) -> PreparedBatch:
        self._number += 1
        nothing = Window(self.window.timeout_ms).merge(empty(), 0, 0, lambda _: no_rows())
        days = day_totals(nothing.removed, nothing.sessions)
        write = self._write(new_offset, nothing, days, rejected, self._map.agreement, None)
        return PreparedBatch(
            self._number, write, messages=len(rejected), duplicates=0, late=0, sent_ms=np.empty(0, np.int64)
        )

    def _write(
        self,
        new_offset: int,
        change: Change,
        days: DayTotals,
        rejected: Sequence[RejectedMessage],
        agreement: Agreement,
        foreign: ForeignVisitors | None,
    ) -> BatchWrite:
        write = BatchWrite(
            key=self.key,
            old_offset=self.prepared_offset,
            new_offset=new_offset,
            newest_ms=int(change.events.time_ms.max()) if len(change.events) else None,
            events=change.events,
            removed=change.removed.keys(),
            sessions=change.sessions,
            days=days,
            rejected=rejected,
            agreement=agreement,
            foreign=foreign,
        )
        self.prepared_offset = new_offset
        return write

    def stored(self, batch: PreparedBatch, revision: int) -> None:
        """The batch is stored."""
        self.stored_offset, self.revision = batch.write.new_offset, revision
        self._stored_number = batch.number

    @property
    def at_rest(self) -> bool:
        """True when nothing is prepared that is not stored."""
        return self.prepared_offset == self.stored_offset


def cold_window(position: Position, timeout_ms: int) -> Window:
    """An empty window: every event that is not newer than the newest stored one is looked up."""
    newest = position.newest_ms
    return Window(timeout_ms, NOTHING_STORED if newest is None else newest + 1)


def saved(window: Window) -> SavedWindow:
    """The window as it is kept in Valkey."""
    rows = window.rows
    return SavedWindow(
        mark=window.mark,
        visitor_id=rows.visitor_id.astype("<i8").tobytes(),
        time_ms=rows.time_ms.astype("<i8").tobytes(),
        kind=rows.kind.tobytes(),
        item_id=rows.item_id.astype("<i8").tobytes(),
    )


def restored(kept: SavedWindow, timeout_ms: int) -> Window:
    """The window that `saved` was given."""
    visitor_id, time_ms, item_id = (
        np.frombuffer(column, "<i8").astype(np.int64) for column in (kept.visitor_id, kept.time_ms, kept.item_id)
    )
    kind = np.frombuffer(kept.kind, np.int8)
    batch = np.full(len(kind), _COMMITTED_LONG_AGO, np.int64)
    return Window(timeout_ms, kept.mark, Rows(visitor_id, time_ms, kind, item_id, batch))


def _stored_rows(lookup: SessionLookup, span: Span) -> Rows:
    found = lookup.events_around(span.visitor_id, span.low_ms, span.high_ms)
    batch = np.full(len(found.kind), _COMMITTED_LONG_AGO, np.int64)
    return Rows(found.visitor_id, found.time_ms, found.kind, found.item_id, batch)


def late_events(change: Change, window: Window) -> int:
    """The new events among those that the window looked up. What is read again it looks up too, and it is not new."""
    if not change.late:
        return 0
    return int(np.count_nonzero(change.events.time_ms - window.timeout_ms < window.mark))


def _rejected(message: Any, reason: str) -> RejectedMessage:
    return RejectedMessage(message.offset(), reason, message.key(), message.value())
