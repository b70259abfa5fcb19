"""Merging batches of events into sessions: in order, in any order, and with every session looked up."""

from __future__ import annotations

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from clickstream.domain.events import EventColumns
from clickstream.pipeline.events.columns import identity_order
from clickstream.pipeline.events.generator import SESSION_TIMEOUT_MS
from clickstream.pipeline.sessions.window import NOTHING_STORED, Rows, Span, Window, no_rows

BATCH = 5_000

EVERYTHING_IS_LATE = 2**62


class Stored:
    """The events of the batches before, found by visitor: in PostgreSQL's place, and next to free."""

    def __init__(self, events: EventColumns) -> None:
        order = identity_order(events.visitor_id, events.time_ms, events.kind, events.item_id)
        batch = np.full(len(events), -1, np.int64)
        self._rows = Rows(events.visitor_id, events.time_ms, events.kind, events.item_id, batch).take(order)
        self._came = order
        self.until = 0
        """Events that are stored, of those that there will be."""

    def lookup(self, span: Span) -> Rows:
        own = np.isin(self._rows.visitor_id, span.visitor_id) & (self._came < self.until)
        return self._rows.take(own)


def merged(events: EventColumns, mark: int, stored: Stored | None) -> int:
    """All batches through a new window; the sessions that were written, those that grew counted again."""
    window = Window(SESSION_TIMEOUT_MS, mark=mark)
    written = 0
    for number, start in enumerate(range(0, len(events), BATCH)):
        if stored is not None:
            stored.until = start
        lookup = stored.lookup if stored is not None else (lambda _: no_rows())
        written += len(window.merge(events.take(slice(start, start + BATCH)), number, number - 1, lookup).sessions)
    return written


@pytest.fixture(scope="session")
def shuffled(events: EventColumns) -> EventColumns:
    return events.take(np.random.default_rng(42).permutation(len(events)))


def test_merge_in_order(benchmark: BenchmarkFixture, events: EventColumns) -> None:
    assert benchmark(merged, events, NOTHING_STORED, None) > 0


def test_merge_in_random_order(benchmark: BenchmarkFixture, shuffled: EventColumns) -> None:
    assert benchmark(merged, shuffled, NOTHING_STORED, None) > 0


def test_merge_in_random_order_with_all_looked_up(benchmark: BenchmarkFixture, shuffled: EventColumns) -> None:
    assert benchmark(merged, shuffled, EVERYTHING_IS_LATE, Stored(shuffled)) > 0
