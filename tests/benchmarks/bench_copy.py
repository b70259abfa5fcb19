"""Rows of events and of sessions for PostgreSQL's binary COPY."""

from __future__ import annotations

from pytest_benchmark.fixture import BenchmarkFixture

from clickstream.domain.events import EventColumns
from clickstream.domain.sessions import SessionColumns
from clickstream.pipeline.events.generator import SESSION_TIMEOUT_MS
from clickstream.pipeline.sessions.window import Window, no_rows
from clickstream.services.postgres.copy import event_stream, session_stream


def sessions_of(events: EventColumns) -> SessionColumns:
    return Window(SESSION_TIMEOUT_MS).merge(events, 0, -1, lambda _: no_rows()).sessions


def test_encode_events(benchmark: BenchmarkFixture, events: EventColumns) -> None:
    assert benchmark(event_stream, events).startswith(b"PGCOPY")


def test_encode_sessions(benchmark: BenchmarkFixture, events: EventColumns) -> None:
    assert benchmark(session_stream, sessions_of(events)).startswith(b"PGCOPY")
