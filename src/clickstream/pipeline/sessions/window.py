"""The session algebra: from a batch of events to the rows that must be written, exactly, whatever the order.

A Window holds, for one partition, the events of every stored session that ends at or after a mark. An event that is
more than the timeout later than the mark therefore finds in memory every session that it could touch; an older one
is *late*, and the sessions around it are looked up in PostgreSQL. Either way a batch sees whole sessions, so that
merging is: put old and new events together, sort, drop repeats, cut where the time between two exceeds the timeout.

Of visitors that others write too, what the window holds may be too little (never too much, for no event is ever
removed): their events are looked up whatever their age.

Pure but for the `lookup` that it is given. All times are Unix milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from clickstream.domain.events import KINDS, EventColumns
from clickstream.domain.sessions import SessionColumns
from clickstream.pipeline.events.columns import distinct, identity_order, repeats_previous

if TYPE_CHECKING:
    from clickstream.domain.events import BoolArray, Int8Array, Int64Array

NOTHING_STORED: Final = -(2**62)
"""The mark of a window over an empty store: no event is late."""

SOFT_LIMIT: Final = 100_000
"""Events kept in memory before old sessions are let go, as long as the newest two timeouts fit."""

HARD_LIMIT: Final = 1_000_000
"""Events kept in memory whatever happens; beyond it even recent sessions are looked up."""

_PACKED_BITS: Final = 62
"""A packed key keeps clear of the sign bit."""


@dataclass(frozen=True, slots=True)
class Span:
    """Times [low_ms, high_ms] of visitors, as parallel arrays: the surroundings of late events."""

    visitor_id: Int64Array
    low_ms: Int64Array
    high_ms: Int64Array


@dataclass(frozen=True, slots=True)
class Rows:
    """Events without their transaction id, as a window keeps them; parallel arrays."""

    visitor_id: Int64Array
    time_ms: Int64Array
    kind: Int8Array
    item_id: Int64Array
    batch: Int64Array
    """Number of the batch that brought the row; rows looked up in PostgreSQL count as committed long ago."""

    def __len__(self) -> int:
        return len(self.visitor_id)

    def take(self, index: Int64Array | BoolArray) -> Rows:
        return Rows(
            self.visitor_id[index], self.time_ms[index], self.kind[index], self.item_id[index], self.batch[index]
        )


Lookup = Callable[[Span], Rows]
"""Every event of every stored session that touches a span: session_start <= high and session_end >= low."""

Shared = Callable[["Int64Array"], "BoolArray"]
"""For distinct visitors in ascending order: which ones others write too."""


@dataclass(frozen=True, slots=True)
class Change:
    """What one batch does to the store."""

    events: EventColumns
    """Events to insert, in primary-key order; none of them is stored yet."""
    removed: SessionColumns
    """Stored sessions that grew or were joined, to delete first."""
    sessions: SessionColumns
    """Sessions to insert."""
    late: int
    """Events whose surroundings were looked up."""


def no_rows() -> Rows:
    """Rows without rows."""
    none = np.empty(0, np.int64)
    return Rows(none, none, np.empty(0, np.int8), none, none)


class Window:
    """The open sessions of one partition, and the merge of batches into them."""

    def __init__(self, timeout_ms: int, mark: int = NOTHING_STORED, rows: Rows | None = None) -> None:
        """Start with `rows`: complete, all sessions that end at or after `mark` (default: nothing is stored)."""
        self.timeout_ms = timeout_ms
        self.mark = mark
        self.rows = no_rows() if rows is None else rows
        self.newest = int(self.rows.time_ms.max()) if len(self.rows) else NOTHING_STORED
        self._next_eviction = SOFT_LIMIT

    def merge(
        self, batch: EventColumns, number: int, committed: int, lookup: Lookup, shared: Shared | None = None
    ) -> Change:
        """Take a batch in and say what it changes in the store.

        Args:
            batch: events in any order, repeats included.
            number: the batch's number; it grows from batch to batch.
            committed: the number of the last batch whose changes are in the store that `lookup` reads.
            lookup: finds stored sessions, with their events.
            shared: tells the visitors that others write too (default: none).
        """
        if len(self.rows) > self._next_eviction:
            self._evict(committed)
        batch = distinct(batch)
        first = np.ones(len(batch), np.bool_)
        first[1:] = batch.visitor_id[1:] != batch.visitor_id[:-1]
        visitors = batch.visitor_id[first]
        late = batch.time_ms - self.timeout_ms < self.mark
        if shared and (doubted := shared(visitors)).any():
            late |= doubted[np.cumsum(first) - 1]
        spans = self.spans(batch.visitor_id[late], batch.time_ms[late])
        cached = self._rows_of(visitors)
        stored = _concat(cached, lookup(spans)) if len(spans.visitor_id) else cached
        merged, source = _merge_rows(stored, batch, number)
        starts = self._starts(merged)
        run = np.cumsum(starts) - 1
        changed_runs = np.zeros(np.count_nonzero(starts), np.bool_)
        changed_runs[run[source >= len(stored)]] = True
        changed = changed_runs[run]
        rows, starts, source = merged.take(changed), starts[changed], source[changed]
        self._insert(rows.take(source >= len(cached)))
        self.newest = max(self.newest, int(batch.time_ms.max(initial=self.newest)))
        regrouped = rows.take(source < len(stored))
        return Change(
            events=batch.take(source[source >= len(stored)] - len(stored)),
            removed=_summary(regrouped, self._starts(regrouped)),
            sessions=_summary(rows, starts),
            late=int(np.count_nonzero(late)),
        )

    def active_sessions(self) -> int:
        """Sessions that an event as new as the newest one could still extend."""
        recent = self.rows.take(self.rows.time_ms >= self.newest - self.timeout_ms)
        ordered = recent.take(identity_order(recent.visitor_id, recent.time_ms, recent.kind, recent.item_id))
        return int(np.count_nonzero(self._starts(ordered)))

    def _starts(self, rows: Rows) -> BoolArray:
        """For rows in identity order: which ones open a session."""
        starts = np.ones(len(rows), np.bool_)
        starts[1:] = (rows.visitor_id[1:] != rows.visitor_id[:-1]) | (
            rows.time_ms[1:] - rows.time_ms[:-1] > self.timeout_ms
        )
        return starts

    def spans(self, visitor_id: Int64Array, time_ms: Int64Array) -> Span:
        """The surroundings of these events, which are in identity order; neighbours share one."""
        opens = np.ones(len(visitor_id), np.bool_)
        opens[1:] = (visitor_id[1:] != visitor_id[:-1]) | (time_ms[1:] - time_ms[:-1] > 2 * self.timeout_ms)
        closes = np.append(opens[1:], True)[: len(opens)]
        return Span(visitor_id[opens], time_ms[opens] - self.timeout_ms, time_ms[closes] + self.timeout_ms)

    def _rows_of(self, visitors: Int64Array) -> Rows:
        """What the window holds of these visitors (ascending, distinct)."""
        if len(visitors) == 0 or len(self.rows) == 0:
            return no_rows()
        low = np.searchsorted(self.rows.visitor_id, visitors, side="left")
        count = np.searchsorted(self.rows.visitor_id, visitors, side="right") - low
        first = np.cumsum(count) - count
        return self.rows.take(np.repeat(low - first, count) + np.arange(int(count.sum())))

    def _insert(self, added: Rows) -> None:
        """Add rows (ascending by visitor), keeping the window ordered by visitor."""
        rows = self.rows
        at = np.searchsorted(rows.visitor_id, added.visitor_id, side="right") + np.arange(len(added))
        kept = np.ones(len(rows) + len(added), np.bool_)
        kept[at] = False
        merged = []
        for name in ("visitor_id", "time_ms", "kind", "item_id", "batch"):
            before, new = getattr(rows, name), getattr(added, name)
            column = np.empty(len(kept), before.dtype)
            column[kept], column[at] = before, new
            merged.append(column)
        self.rows = Rows(*merged)

    def _evict(self, committed: int) -> None:
        """Raise the mark and let go of sessions that ended before it.

        A session with a row that is not committed yet stays whatever its age: PostgreSQL cannot give it back. The
        mark stays two timeouts behind the newest event, so that events in order never count as late, until HARD_LIMIT.
        """
        rows = self.rows
        rows = rows.take(identity_order(rows.visitor_id, rows.time_ms, rows.kind, rows.item_id))
        starts = self._starts(rows)
        first = np.flatnonzero(starts)
        size = np.diff(np.append(first, len(rows)))
        end = rows.time_ms[first + size - 1]
        by_end = np.argsort(end)
        surplus = np.searchsorted(np.cumsum(size[by_end]), len(rows) - SOFT_LIMIT // 2)
        mark = int(end[by_end[min(int(surplus), len(end) - 1)]])
        if len(rows) <= HARD_LIMIT:
            mark = min(mark, self.newest - 2 * self.timeout_ms)
        self.mark = max(self.mark, mark)
        kept = (end >= self.mark) | (np.maximum.reduceat(rows.batch, first) > committed)
        self.rows = rows.take(np.repeat(kept, size))
        self._next_eviction = max(SOFT_LIMIT, 2 * len(self.rows))


def _merge_rows(stored: Rows, batch: EventColumns, number: int) -> tuple[Rows, Int64Array]:
    """Stored and new rows in identity order without repeats, and where each came from.

    The second array holds positions in `stored` followed by `batch`; of repeats the one that stands first stays, so
    that a new event that is stored already is dropped here.
    """
    new = Rows(batch.visitor_id, batch.time_ms, batch.kind, batch.item_id, np.full(len(batch), number, dtype=np.int64))
    rows = _concat(stored, new)
    source = identity_order(rows.visitor_id, rows.time_ms, rows.kind, rows.item_id)
    rows = rows.take(source)
    repeats = repeats_previous(rows.visitor_id, rows.time_ms, rows.kind, rows.item_id)
    return (rows.take(~repeats), source[~repeats]) if repeats.any() else (rows, source)


def _summary(rows: Rows, starts: BoolArray) -> SessionColumns:
    return summarize(rows.visitor_id, rows.time_ms, rows.kind, rows.item_id, starts)


def _concat(first: Rows, second: Rows) -> Rows:
    return Rows(
        np.concatenate((first.visitor_id, second.visitor_id)),
        np.concatenate((first.time_ms, second.time_ms)),
        np.concatenate((first.kind, second.kind)),
        np.concatenate((first.item_id, second.item_id)),
        np.concatenate((first.batch, second.batch)),
    )


def summarize(
    visitor_id: Int64Array, time_ms: Int64Array, kind: Int8Array, item_id: Int64Array, starts: BoolArray
) -> SessionColumns:
    """One session for each row that `starts` marks, over that row and those after it.

    Args:
        visitor_id: distinct events in identity order: their visitors,
        time_ms: their times,
        kind: their kinds,
        item_id: and their items.
        starts: which rows open a session; the first one must, if there is any.
    """
    first = np.flatnonzero(starts)
    last = np.append(first[1:], len(starts))[: len(first)] - 1
    group = (np.cumsum(starts) - 1) * len(KINDS) + kind
    shape = (len(first), len(KINDS))
    items, item_groups = _distinct_items(group, item_id)
    return SessionColumns(
        visitor_id=visitor_id[first],
        start_ms=time_ms[first],
        end_ms=time_ms[last],
        kind_counts=np.bincount(group, minlength=shape[0] * shape[1]).reshape(shape),
        items=items,
        item_counts=np.bincount(item_groups, minlength=shape[0] * shape[1]).reshape(shape),
    )


def _distinct_items(group: Int64Array, item_id: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Distinct (group, item) pairs in ascending order, as two arrays: items, groups."""
    if len(group) == 0:
        return item_id, group
    lowest = int(item_id.min())
    item_bits = (int(item_id.max()) - lowest).bit_length()
    if int(group[-1]).bit_length() + 2 + item_bits <= _PACKED_BITS:
        packed = np.sort((group << item_bits) | (item_id - lowest))
        packed = packed[np.append(True, packed[1:] != packed[:-1])]
        return (packed & ((1 << item_bits) - 1)) + lowest, packed >> item_bits
    order = np.lexsort((item_id, group))
    group, item_id = group[order], item_id[order]
    new = np.append(True, (group[1:] != group[:-1]) | (item_id[1:] != item_id[:-1]))
    return item_id[new], group[new]
