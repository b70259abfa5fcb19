"""What the session algebra is tested against: events by hypothesis, and a store that behaves as PostgreSQL does."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from clickstream.domain.events import EventColumns
from clickstream.domain.sessions import SessionColumns
from clickstream.pipeline.sessions.window import NOTHING_STORED, Change, Rows, Span, no_rows
from tests.oracle import Event, SessionRow

TIMEOUT = 10

events = st.builds(
    Event,
    visitor_id=st.one_of(st.integers(0, 4), st.just(2**63 - 1)),
    time_ms=st.integers(0, 120),
    kind=st.integers(0, 2),
    item_id=st.one_of(st.integers(0, 3), st.just(2**62)),
)
batches = st.lists(st.lists(events, max_size=12), max_size=14)


class MemoryStore:
    """What PostgreSQL does with changes: primary keys are enforced, a session to remove must be there."""

    def __init__(self) -> None:
        self.events: set[Event] = set()
        self.sessions: dict[tuple[int, int], SessionRow] = {}

    def apply(self, change: Change) -> None:
        for event in as_events(change.events):
            assert event not in self.events, "stored twice"
            self.events.add(event)
        for session in as_sessions(change.removed):
            assert self.sessions.pop((session.visitor_id, session.start_ms)) == session, "not what is stored"
        for session in as_sessions(change.sessions):
            key = session.visitor_id, session.start_ms
            assert key not in self.sessions, "session stored twice"
            self.sessions[key] = session

    def lookup(self, span: Span) -> Rows:
        found = set()
        for visitor, low, high in zip(span.visitor_id, span.low_ms, span.high_ms, strict=True):
            for session in self.sessions.values():
                if session.visitor_id == visitor and session.start_ms <= high and session.end_ms >= low:
                    found |= {
                        event
                        for event in self.events
                        if event.visitor_id == visitor and session.start_ms <= event.time_ms <= session.end_ms
                    }
        if not found:
            return no_rows()
        columns = [np.array(column) for column in zip(*sorted(found), strict=True)]
        return Rows(
            columns[0].astype(np.int64),
            columns[1].astype(np.int64),
            columns[2].astype(np.int8),
            columns[3].astype(np.int64),
            np.full(len(found), -1),
        )

    def newest(self) -> int:
        return max((event.time_ms for event in self.events), default=NOTHING_STORED)


def as_columns(batch: list[Event]) -> EventColumns:
    visitor, time, kind, item = (np.array([event[i] for event in batch], np.int64) for i in range(4))
    return EventColumns(time, visitor, kind.astype(np.int8), item, np.full(len(batch), -1, np.int64))


def as_events(columns: EventColumns) -> list[Event]:
    names = (columns.visitor_id, columns.time_ms, columns.kind, columns.item_id)
    return [Event(*row) for row in zip(*(column.tolist() for column in names), strict=True)]


def as_sessions(columns: SessionColumns) -> list[SessionRow]:
    rows, items = [], iter(columns.items.tolist())
    for i in range(len(columns)):
        lists = [tuple(next(items) for _ in range(count)) for count in columns.item_counts[i]]
        rows.append(
            SessionRow(
                int(columns.visitor_id[i]),
                int(columns.start_ms[i]),
                int(columns.end_ms[i]),
                *columns.kind_counts[i].tolist(),
                *lists,
            )
        )
    return rows
